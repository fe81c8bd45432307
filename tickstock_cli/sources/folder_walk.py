"""Finds the files below a folder, through links to folders, and loses none in silence."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from tickstock_cli.errors import DataError


def files_below(folder: str) -> Iterator[str]:
    """Yield the files below a folder, also links that lead to none, but nothing whose name begins with ``.`` or ``_``.

    Links to folders are followed unless they lead to a folder around them, whose files are found already. Pipes,
    sockets and devices are left out: reading one would wait for a writer.

    Raises
    ------
    DataError
        A folder cannot be listed or entered.
    """

    def fail(error: OSError) -> None:
        raise DataError(f"cannot read the folder {error.filename}: {_reason(error)}") from error

    for parent, folders, names in os.walk(folder, onerror=fail, followlinks=True):
        folders[:] = [name for name in folders if not (_is_hidden(name) or _links_to_parent(parent, name))]
        paths = [os.path.join(parent, name) for name in names if not _is_hidden(name)]
        if (paths or folders) and not os.access(parent, os.X_OK):  # listed, but nothing in it can be opened
            raise DataError(f"cannot read the folder {parent}: permission denied")
        yield from (path for path in paths if not is_special(path))


def is_special(path: str) -> bool:
    """Return whether a path is a pipe, a socket or a device."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def unreachable(path: str) -> str | None:
    """Return why nothing is reached at a path, as a sentence; None if nothing is there, or something is."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return f"{path} is a link to {os.readlink(path)}, which is not there" if os.path.islink(path) else None
    except PermissionError:
        return f"cannot read {path}: permission denied"
    except OSError as error:
        return f"cannot read {path}: {_reason(error)}"
    return None


def _reason(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "its links lead in a circle"
    return (error.strerror or str(error)).lower()


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "_"))


def _links_to_parent(parent: str, name: str) -> bool:
    """Return whether a folder is a link to one of its parents, whose files are found already."""
    path = os.path.join(parent, name)
    if not os.path.islink(path):
        return False
    inside, real = os.path.realpath(parent), os.path.realpath(path)
    return os.path.commonpath([inside, real]) == real

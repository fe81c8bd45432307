"""The output folder of a market: all files appear at once, or none."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tickstock_cli.errors import OutputError, UsageError
from tickstock_cli.storage.names import check_local


class OutputFolder:
    """Files that are written to a temporary folder and moved to the target when all are complete.

    A new target appears by one rename. Into an existing target (``force``) the files are moved one by one; files of
    ``names`` that were not written again are removed, and all other files stay.

    Parameters
    ----------
    target
        The folder to be made.
    names
        All file names of a market.
    force
        Whether the folder may contain files.

    Raises
    ------
    UsageError
        The folder is not empty and ``force`` is not set.
    OutputError
        The folder cannot be written.
    """

    def __init__(self, target: Path, names: Sequence[str], *, force: bool) -> None:
        check_local(target, "the folder of a market")
        self._names = names
        with writing(target):
            # Resolved, so that a symbolic link stays a link.
            self._target = Path(os.path.realpath(target))
            if not self._target.name or (self._target.exists() and not self._target.is_dir()):
                raise OutputError(f"cannot write {target}: it is no folder that can be made; name another")
            if not force and self._target.is_dir() and any(self._target.iterdir()):
                raise UsageError(f"{target} is not empty; add --force to replace the market in it, or name another")
            self._temporary = self._target.with_name(f".{self._target.name}.{os.getpid()}.part")
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._temporary.mkdir()

    def path(self, name: str) -> Path:
        """Return the temporary path of the file ``name``."""
        return self._temporary / name

    def commit(self) -> None:
        """Move the files to the folder. Raises OutputError."""
        with writing(self._target):
            made = sorted(path.name for path in self._temporary.iterdir())
            for name in made:
                _sync(self._temporary / name)
            if not self._target.exists():
                os.rename(self._temporary, self._target)
            else:
                for name in self._names:
                    if name not in made:
                        (self._target / name).unlink(missing_ok=True)
                for name in made:
                    os.replace(self._temporary / name, self._target / name)
                self._temporary.rmdir()
            _sync(self._target)
            _sync(self._target.parent)

    def abort(self) -> None:
        """Remove the temporary files. Never raises; the folder stays as it was."""
        with suppress(OSError):
            shutil.rmtree(self._temporary)


def _sync(path: Path) -> None:
    """Flush a file or folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_REASONS = {
    errno.ENOSPC: "the disk is full; free some space or name another place",
    errno.EDQUOT: "the disk quota is used up; free some space or name another place",
    errno.EFBIG: "a file would be larger than this system or shell (ulimit -f) allows; ask for fewer rows",
    errno.EEXIST: "part of its path is a file, not a folder; name another place",
    errno.ENOTDIR: "part of its path is a file, not a folder; name another place",
}


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Raise an OutputError with a hint for every OSError of writing ``target``."""
    try:
        yield
    except OSError as error:
        # The error's own text can be pyarrow's, which names internals.
        said = os.strerror(error.errno).lower() if error.errno else str(error)
        reason = _REASONS.get(error.errno or 0, f"{said}; name another place")
        raise OutputError(f"cannot write {target}: {reason}") from error

"""The folder a market is written to: all of it appears at once, or nothing does."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tickstock_cli.errors import OutputError, UsageError


class OutputFolder:
    """Files that are written beside their folder and moved into it when all are whole.

    A new folder appears by one rename. Into a folder that exists (``force``) the files are moved one by one;
    files of ``names`` that were not made again are removed, and everything else in it is left alone.

    Parameters
    ----------
    target
        The folder to be made.
    names
        Every file name that belongs to a market.
    force
        Allow a folder that has something in it.

    Raises
    ------
    UsageError
        The folder has something in it and ``force`` is not set.
    OutputError
        The place cannot be written.
    """

    def __init__(self, target: Path, names: Sequence[str], *, force: bool) -> None:
        self._names = names
        with writing(target):
            # A link keeps pointing where it did.
            self._target = Path(os.path.realpath(target))
            if not self._target.name or (self._target.exists() and not self._target.is_dir()):
                raise OutputError(f"cannot write {target}: it is no folder that can be made; name another")
            if not force and self._target.is_dir() and any(self._target.iterdir()):
                raise UsageError(f"{target} is not empty; add --force to replace the market in it, or name another")
            self._temporary = self._target.with_name(f".{self._target.name}.{os.getpid()}.part")
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._temporary.mkdir()

    def path(self, name: str) -> Path:
        """Tell where to write the file ``name``."""
        return self._temporary / name

    def commit(self) -> None:
        """Let the files appear in the folder. Raises OutputError."""
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
        """Drop what was written. Never raises; the folder is untouched."""
        with suppress(OSError):
            shutil.rmtree(self._temporary)


def _sync(path: Path) -> None:
    """Put a file or a folder's names on disk."""
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
    """Turn what the system says against writing ``target`` into one OutputError with the way out."""
    try:
        yield
    except OSError as error:
        # Not its own text: pyarrow's speaks of its insides.
        said = os.strerror(error.errno).lower() if error.errno else str(error)
        reason = _REASONS.get(error.errno or 0, f"{said}; name another place")
        raise OutputError(f"cannot write {target}: {reason}") from error

"""Temporary folders that do not outlive their process for long: a later run removes those of killed ones.

A folder is locked as long as it is in use, and the system releases the lock of a process that is killed.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from types import TracebackType

from tickstock_cli.core.folder_lock import FolderLock

PREFIX = "tickstock-"
SUFFIX = ".locked"
"""Ends the names of folders that are locked while they are in use; others are left alone."""

_NAME = re.compile(rf"{re.escape(PREFIX)}[a-z]+-\w+{re.escape(SUFFIX)}")


class LockedFolder:
    """A temporary folder, removed by ``close`` or at the end of the process; use as a context.

    Parameters
    ----------
    purpose
        Part of its name: lower-case letters.
    parent
        Folder to create it in; None is the system's folder for temporary files.

    Raises
    ------
    OSError
        The folder cannot be created.
    """

    def __init__(self, purpose: str, parent: Path | None = None) -> None:
        remove_abandoned(Path(gettempdir()) if parent is None else parent)
        self._directory, self._lock = _created(purpose, parent)

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self._directory.name)

    def close(self) -> None:
        """Remove the folder with its files. Idempotent."""
        self._directory.cleanup()
        self._lock.close()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def remove_abandoned(parent: Path) -> None:
    """Remove the folders of processes that were killed. Never raises."""
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                _remove_unless_locked(Path(entry.path))


def _remove_unless_locked(folder: Path) -> None:
    with suppress(OSError):  # it is in use, gone, or another user's
        lock = FolderLock(folder)
        try:
            if lock.is_held:
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            lock.close()


def _created(purpose: str, parent: Path | None) -> tuple[TemporaryDirectory[str], FolderLock]:
    """Create and lock a folder; again if another process takes it for an abandoned one in between."""
    while True:
        directory = TemporaryDirectory(
            prefix=f"{PREFIX}{purpose}-", suffix=SUFFIX, dir=parent, ignore_cleanup_errors=True
        )
        with suppress(BlockingIOError, FileNotFoundError):
            lock = FolderLock(Path(directory.name))
            if os.path.isdir(directory.name):
                return directory, lock
            lock.close()
        directory.cleanup()

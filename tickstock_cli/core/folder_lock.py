"""A lock on a folder: it lasts as long as the process that holds it, and leaves no file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FolderLock:
    """An exclusive lock on a folder, until ``close`` or the end of the process.

    On a file system that cannot lock folders there is no lock.

    Raises
    ------
    BlockingIOError
        Another process, or another lock of this one, holds it.
    OSError
        The folder cannot be opened.
    """

    def __init__(self, folder: Path) -> None:
        self.is_held = True
        """Whether there is a lock."""
        self._file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise
        except OSError:  # such as a network file system
            self.is_held = False

    def close(self) -> None:
        """Release the lock. Idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

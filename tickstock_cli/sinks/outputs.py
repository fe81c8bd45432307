"""Outputs: byte streams that are complete under their name, or not there at all.

A file is written under a temporary name beside its target, ``.<name>.<process id>.part``, and takes the target's
name only when it is whole and on disk. The temporary is locked while it is written, so that two sinks of one
target are found out, and temporaries that killed processes left behind are taken over or removed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO, Protocol

from tickstock_cli.core.os_errors import REMEDIES, os_error_hint
from tickstock_cli.errors import OutputError

STDOUT = "-"
"""The target that stands for standard output."""


class Output(Protocol):
    """A stream of bytes that ends in exactly one of ``commit`` and ``abort``, after ``finish`` or without."""

    stream: BinaryIO

    def finish(self) -> None:
        """Make the bytes durable. Idempotent. Raises OutputError."""

    def commit(self) -> None:
        """Finish, and let the bytes take the target's name. Raises OutputError."""

    def abort(self) -> None:
        """Drop the bytes. Idempotent; never raises."""


def open_output(target: str) -> Output:
    """Open ``target``: a path, or ``-`` for standard output.

    Raises
    ------
    OutputError
        The target cannot be written; it is untouched.
    """
    return StandardOutput() if target == STDOUT else FileOutput(target)


@contextmanager
def writing(target: str) -> Iterator[None]:
    """Turn what the system says against writing ``target`` into one OutputError with the way out."""
    try:
        yield
    except OSError as error:
        name = "standard output" if target == STDOUT else target
        raise OutputError(f"cannot write {name}: {os_error_hint(error)}") from error


class FileOutput:
    """A file that appears under its name only when it is whole."""

    def __init__(self, target: str) -> None:
        self._target = target
        # A link keeps pointing where it did: what it points to is replaced.
        self._path = Path(os.path.realpath(target))
        if target.endswith("/") or self._path.is_dir():
            raise OutputError(f"cannot write {target}: {REMEDIES[errno.EISDIR]}")
        self._temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.part")
        if self._path.exists() and not self._path.is_file():
            raise OutputError(f"cannot write {target}: it is a device or a pipe; name a file, or - for standard output")
        with writing(target):
            self.stream: BinaryIO = open(self._temporary, "ab")  # noqa: SIM115 - open until commit or abort
            self._lock()
        self._remove_left_behind()

    def _lock(self) -> None:
        try:
            fcntl.flock(self.stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.stream.close()
            raise OutputError(f"cannot write {self._target}: it is named as an output twice") from error
        self.stream.truncate(0)

    def _remove_left_behind(self) -> None:
        """Remove the temporaries of this target whose processes were killed: the next run is the one to tidy up."""
        with suppress(OSError), os.scandir(self._path.parent) as entries:
            for entry in entries:
                process = _process_of(entry.name, self._path.name)
                if process is not None and not _is_running(process):
                    _remove_unless_locked(entry.path)

    def finish(self) -> None:
        with writing(self._target):
            self.stream.flush()
            os.fsync(self.stream.fileno())

    def commit(self) -> None:
        self.finish()
        with writing(self._target):
            os.replace(self._temporary, self._path)
            self._sync_folder()
            self.stream.close()

    def _sync_folder(self) -> None:
        """Make the new name durable too."""
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def abort(self) -> None:
        """See ``Output.abort``; after a commit there is nothing left to drop."""
        if self.stream.closed:
            return
        with suppress(OSError):
            os.unlink(self._temporary)
        with suppress(OSError):  # closing writes what is buffered, which may fail as the last write did
            self.stream.close()


def _process_of(name: str, target: str) -> int | None:
    """Return the process that a temporary of ``target`` belongs to; None if ``name`` is none of one."""
    match = re.fullmatch(rf"\.{re.escape(target)}\.(\d{{1,9}})\.part", name, re.ASCII)
    return int(match[1]) if match is not None else None


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _remove_unless_locked(path: str) -> None:
    """Remove a temporary that no process holds: one of another machine or container has its own process ids."""
    with suppress(OSError), open(path, "rb") as left:
        fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)


class StandardOutput:
    """Standard output: what is written is gone at once and cannot be taken back."""

    def __init__(self) -> None:
        if sys.stdout is None:
            raise OutputError("cannot write standard output: it is closed")
        stream = sys.stdout.buffer
        # Unbuffered (python -u, PYTHONUNBUFFERED), one write may take only part of what it is given and say so.
        raw = isinstance(stream, RawIOBase)
        self.stream: BinaryIO = open(stream.fileno(), "wb", closefd=False) if raw else stream  # noqa: SIM115

    def finish(self) -> None:
        with writing(STDOUT):
            self.stream.flush()

    def commit(self) -> None:
        self.finish()

    def abort(self) -> None:
        """See ``Output.abort``: whole lines that were written stay written."""
        with suppress(OSError):
            self.stream.flush()

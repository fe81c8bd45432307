"""Outputs: byte streams that appear under their name only when they are complete.

A file is written under a temporary name beside its target, ``.<name>.<process id>.part``, and renamed once it is
complete and on disk. A lock on the temporary file detects two sinks of one target. Temporary files that killed
processes left are reused or removed. An object of a store is written to a temporary file, and uploaded once complete.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import RawIOBase
from pathlib import Path
from tempfile import mkdtemp
from typing import BinaryIO, Protocol

from tickstock_cli.core.os_errors import REMEDIES, os_error_hint
from tickstock_cli.core.temporary_folder import LockedFolder
from tickstock_cli.errors import OutputError
from tickstock_cli.storage.names import ObjectName, is_object, object_name
from tickstock_cli.storage.uploading import check_writable, upload

STDOUT = "-"
"""The target for standard output."""


class Output(Protocol):
    """A byte stream that ends with either ``commit`` or ``abort``; ``finish`` before them is optional."""

    stream: BinaryIO

    def finish(self) -> None:
        """Make the bytes durable. Idempotent. Raises OutputError."""

    def commit(self) -> None:
        """Finish, and give the bytes the target's name. Raises OutputError."""

    def commit_partial(self) -> str:
        """Finish, and give the bytes the target's name with ``.partial``; return that name. Raises OutputError."""

    def abort(self) -> None:
        """Discard the bytes. Idempotent; never raises."""


def open_output(target: str) -> Output:
    """Open ``target``: a path, or ``-`` for standard output.

    Raises
    ------
    OutputError
        The target cannot be written; it stays unchanged.
    """
    return StandardOutput() if target == STDOUT else open_file(target)


def open_file(target: str) -> Output:
    """Open a file or an object.

    Raises
    ------
    OutputError
        The target cannot be written; it stays unchanged.
    """
    return ObjectOutput(target) if is_object(target) else FileOutput(target)


@contextmanager
def writing(target: str) -> Iterator[None]:
    """Translate an OSError of writing ``target`` into an OutputError with a remedy."""
    try:
        yield
    except OSError as error:
        name = "standard output" if target == STDOUT else target
        raise OutputError(f"cannot write {name}: {os_error_hint(error)}") from error


class FileOutput:
    """A file that appears under its name only when it is complete."""

    def __init__(self, target: str) -> None:
        self._target = target
        # A link stays a link: its target is replaced.
        self._path = Path(os.path.realpath(target))
        with writing(target):
            if target.endswith("/") or self._path.is_dir():
                raise OutputError(f"cannot write {target}: {REMEDIES[errno.EISDIR]}")
            if self._path.exists() and not self._path.is_file():
                raise OutputError(
                    f"cannot write {target}: it is a device or a pipe; name a file, or - for standard output"
                )
            self._temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.part")
            self.stream: BinaryIO = open(self._temporary, "ab")  # noqa: SIM115 - open until commit or abort
            self._lock()
        self._remove_leftovers()

    def _lock(self) -> None:
        try:
            fcntl.flock(self.stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.stream.close()
            raise OutputError(f"cannot write {self._target}: it is named as an output twice") from error
        self.stream.truncate(0)

    def _remove_leftovers(self) -> None:
        """Remove temporary files of this target whose processes were killed."""
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
        self._commit(self._path)

    def commit_partial(self) -> str:
        partial = self._path.with_name(f"{self._path.name}.partial")
        self._commit(partial)
        return str(partial) if os.path.islink(self._target) else f"{self._target}.partial"

    def _commit(self, path: Path) -> None:
        self.finish()
        with writing(self._target):
            os.replace(self._temporary, path)
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
        if self.stream.closed:  # after a commit
            return
        with suppress(OSError):
            os.unlink(self._temporary)
        with suppress(OSError):  # closing writes the buffer, which can fail like the last write
            self.stream.close()


class ObjectOutput:
    """An object of a store: written to a temporary file, uploaded by the commit.

    A file that could not be uploaded is kept: its rows may have taken hours.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._name = object_name(target)
        if not self._name.key or target.endswith("/"):
            raise OutputError(f"cannot write {target}: it names a folder; name an object inside it")
        check_writable(self._name)
        with writing(target):
            self._folder = LockedFolder("upload")
            self._path = self._folder.path / self._name.key.rpartition("/")[2]
            self.stream: BinaryIO = self._path.open("wb")

    def finish(self) -> None:
        if self.stream.closed:
            return
        with writing(self._target):
            self.stream.flush()

    def commit(self) -> None:
        self._commit(self._name)

    def commit_partial(self) -> str:
        partial = self._name.at(f"{self._name.place}.partial")
        self._commit(partial)
        return str(partial)

    def _commit(self, name: ObjectName) -> None:
        with writing(self._target):
            self.stream.close()
        try:
            upload(self._path, name)
        except OutputError as error:
            raise OutputError(f"{error}; {self._kept()}") from error
        self._folder.close()

    def _kept(self) -> str:
        """Move the file to where it stays, and return the words for it."""
        try:
            folder = Path(mkdtemp(prefix="tickstock-kept-"))
            kept = shutil.move(self._path, folder / self._path.name)
        except OSError as error:
            return f"its content is lost: {os_error_hint(error)}"
        return f"its content is in {kept}"

    def abort(self) -> None:
        with suppress(OSError):  # closing writes the buffer, which can fail like the last write
            self.stream.close()
        self._folder.close()


def _process_of(name: str, target: str) -> int | None:
    """Return the process of a temporary file of ``target``; None if ``name`` is not such a file."""
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
    """Remove a temporary file that no process has locked: processes of other machines and containers have other ids."""
    with suppress(OSError), open(path, "rb") as left:
        fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)


class StandardOutput:
    """Standard output: written bytes cannot be taken back."""

    def __init__(self) -> None:
        if sys.stdout is None:
            raise OutputError("cannot write standard output: it is closed")
        stream = sys.stdout.buffer
        # An unbuffered stream (python -u, PYTHONUNBUFFERED) can write only part of the data.
        raw = isinstance(stream, RawIOBase)
        self.stream: BinaryIO = open(stream.fileno(), "wb", closefd=False) if raw else stream  # noqa: SIM115

    def finish(self) -> None:
        with writing(STDOUT):
            self.stream.flush()

    def commit(self) -> None:
        self.finish()

    def commit_partial(self) -> str:
        self.finish()
        return STDOUT

    def abort(self) -> None:
        with suppress(OSError):
            self.stream.flush()

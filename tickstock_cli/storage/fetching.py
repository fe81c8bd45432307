"""Fetches objects to local files: each whole or not at all, several at once, and once in a process.

An object is read in parts, each at its place of the file. Before the first part and after the last one the store is
asked for the object's version: one that was replaced in between is an error, never a mixture of both.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from threading import Event
from typing import Any

from tickstock_cli.core.batch_file import TemporaryFolder
from tickstock_cli.errors import DataError, OutputError
from tickstock_cli.storage.listing import StoredObject, objects_at
from tickstock_cli.storage.names import ObjectName, is_object, object_name
from tickstock_cli.storage.progress import Progress, shown
from tickstock_cli.storage.reading import opened, replaced, version_of
from tickstock_cli.storage.stores import asking

_PART_BYTES = 16 << 20
_AT_ONCE = 8
"""Parts that are read at the same time: memory holds as many."""
_WAKE_SECONDS = 0.2
_ORIGINALS: dict[Path, ObjectName] = {}
"""The objects of all copies of this process."""


def fetched(objects: Sequence[StoredObject], parent: Path | None) -> list[Path]:
    """Return local copies of objects, which last until the end of the process; those of an earlier call are used again.

    Parameters
    ----------
    parent
        Folder for temporary files; None is the system's.

    Raises
    ------
    DataError
        An object cannot be read, or was replaced while it was.
    OutputError
        The disk has no room for the copies.
    """
    copies = _copies(parent)
    copies.add([stored for stored in dict.fromkeys(objects) if stored not in copies.paths])
    return [copies.paths[stored] for stored in objects]


def local_copy(path: Path) -> Path:
    """Return a file itself; of an object its local copy, which lasts until the end of the process.

    Raises
    ------
    DataError
        There is no such object, it is a prefix, or it cannot be read.
    OutputError
        The disk has no room for the copy.
    """
    if not is_object(path):
        return path
    name = object_name(path)
    found = objects_at(str(name), ("",))
    if found[0].name != name:
        raise DataError(f"cannot read {name}: it is a prefix; name an object")
    return fetched(found, None)[0]


def original_name(path: Path) -> ObjectName | None:
    """Return the name of the object that a path is a local copy of; None if it is none."""
    return _ORIGINALS.get(path)


@cache
def _copies(parent: Path | None) -> _Copies:
    return _Copies(parent)


class _Copies:
    """The copies in one temporary folder."""

    def __init__(self, parent: Path | None) -> None:
        self.paths: dict[StoredObject, Path] = {}
        self._parent = parent
        self._folder = TemporaryFolder(parent)

    def add(self, objects: Sequence[StoredObject]) -> None:
        if not objects:
            return
        whole = sum(stored.size for stored in objects)
        self._check_room(whole)
        with self._folder.writing():
            copies = [_Copy(stored, self._new_path(stored.name)) for stored in objects]
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tickstock-fetch")
        stop = Event()
        try:
            parts = [pool.submit(copy.fetch, start, stop) for copy in copies for start in copy.starts]
            with shown(len(objects), whole) as progress, self._folder.writing():
                _await(parts, whole, progress)
            list(pool.map(_Copy.check, copies))
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
        for copy in copies:
            self.paths[copy.stored] = copy.path
            _ORIGINALS[copy.path] = copy.stored.name

    def _new_path(self, name: ObjectName) -> Path:
        """Return the path of a new file in a folder of its own, under the object's last name."""
        folder = self._folder.new_path("")
        folder.mkdir()
        return folder / name.key.rpartition("/")[2]

    def _check_room(self, needed: int) -> None:
        place = self._parent or Path(gettempdir())
        with self._folder.writing():
            free = shutil.disk_usage(place).free
        if needed > free:
            raise OutputError(
                f"{place} has {_gigabytes(free)} free, but the objects to be read have {_gigabytes(needed)}: name "
                "fewer, free space there, or set another folder in the environment variable TMPDIR"
            )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"


def _await(parts: Sequence[Future[int]], whole: int, progress: Progress) -> None:
    """Wait for all parts, or raise the error of one. The wait is woken, so that Ctrl-C ends it."""
    waiting = set(parts)
    done = 0
    while waiting:
        ended, waiting = wait(waiting, _WAKE_SECONDS, FIRST_EXCEPTION)
        done += sum(part.result() for part in ended)
        progress(done, whole)


class _Copy:
    """One object on its way to a file."""

    def __init__(self, stored: StoredObject, path: Path) -> None:
        self.stored = stored
        self.path = path
        self._versions: list[dict[str, Any]] = []
        with path.open("wb") as file:
            file.truncate(stored.size)

    @property
    def starts(self) -> Iterator[int]:
        """The first byte of each part."""
        return iter(range(0, max(self.stored.size, 1), _PART_BYTES))

    def fetch(self, start: int, stop: Event) -> int:
        """Read a part into its place, unless asked to stop; return its bytes. Raises OSError of the disk."""
        if stop.is_set():
            return 0
        name = self.stored.name
        wanted = min(_PART_BYTES, self.stored.size - start)
        with asking(name), opened(name) as source:
            self._versions.append(version_of(source))
            content = source.read_at(wanted, start)
        if len(content) != wanted:
            raise replaced(name)
        return self._write(content, start)

    def _write(self, content: bytes, start: int) -> int:
        file = os.open(self.path, os.O_WRONLY)
        try:
            view = memoryview(content)
            while view:
                count = os.pwrite(file, view, start)
                view, start = view[count:], start + count
        finally:
            os.close(file)
        return len(content)

    def check(self) -> None:
        """Raise DataError unless all parts are of the version that is there now."""
        name = self.stored.name
        with asking(name), opened(name) as source:
            now = version_of(source)
        if now["size"] != self.stored.size or any(version != now for version in self._versions):
            raise replaced(name)

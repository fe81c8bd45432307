"""Reads one object from its first byte to its last, some parts ahead, without a copy on the disk."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from tickstock_cli.errors import DataError
from tickstock_cli.storage.names import ObjectName
from tickstock_cli.storage.stores import asking, has_bucket, no_bucket, store_of

_PART_BYTES = 8 << 20
_AHEAD = 3
"""Parts that are read while one is used: memory holds as many."""
_VERSION = ("ETag", "Last-Modified", "VersionId", "generation")
"""What stores tell of an object that another content changes."""


def opened(name: ObjectName) -> Any:
    """Return an object as a file that is read at any place. Raises what `asking` translates."""
    return store_of(name.scheme, name.bucket).open_input_file(name.place)


def version_of(source: Any) -> dict[str, Any]:
    """Return what another content of an opened object would change."""
    told = source.metadata()
    return {"size": source.size(), **{key: told[key] for key in _VERSION if key in told}}


def object_version(name: ObjectName) -> str:
    """Return a text that another content of an object changes.

    Raises
    ------
    DataError
        There is no such object, or the store cannot be asked.
    """
    with asking(name), opened(name) as source:
        return _text(version_of(source))


def object_size(name: ObjectName) -> int:
    """Return the bytes of an object. Raises DataError as `object_version`."""
    with asking(name), opened(name) as source:
        return int(source.size())


class ObjectReader:
    """Reads an object once."""

    def __init__(self, name: ObjectName) -> None:
        self._name = name
        self.version: str | None = None
        """What `object_version` returned when the first piece was read; None before."""

    def pieces(self) -> Generator[bytes, None, None]:
        """Yield the content in pieces.

        Raises
        ------
        DataError
            There is no such object, it cannot be read, or was replaced while it was; a FileNotFoundError is the cause
            where there is none.
        """
        pool = ThreadPoolExecutor(_AHEAD, thread_name_prefix="tickstock-read")
        try:
            with asking(self._name):
                source, begun = self._opened()
            self.version = _text(begun)
            yield from self._parts(pool, source, begun["size"])
            with asking(self._name), opened(self._name) as now:
                if version_of(now) != begun:
                    raise replaced(self._name)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _opened(self) -> tuple[Any, dict[str, Any]]:
        """Return the opened object and its version. Raises DataError without a bucket, and what `asking` translates."""
        try:
            source = opened(self._name)
            return source, version_of(source)
        except FileNotFoundError:
            if not has_bucket(store_of(self._name.scheme, self._name.bucket), self._name.bucket):
                raise DataError(no_bucket(self._name)) from None
            raise

    def _parts(self, pool: ThreadPoolExecutor, source: Any, size: int) -> Iterator[bytes]:
        waiting: deque[tuple[int, Future[bytes]]] = deque()
        for start in range(0, size, _PART_BYTES):
            wanted = min(_PART_BYTES, size - start)
            waiting.append((wanted, pool.submit(source.read_at, wanted, start)))
            if len(waiting) > _AHEAD:
                yield self._content(*waiting.popleft())
        while waiting:
            yield self._content(*waiting.popleft())

    def _content(self, wanted: int, part: Future[bytes]) -> bytes:
        with asking(self._name):
            content = part.result()
        if len(content) != wanted:
            raise replaced(self._name)
        return content


def replaced(name: ObjectName) -> DataError:
    """Return the error of an object that got another content while it was read."""
    return DataError(f"{name} was replaced while it was fetched: run the command again")


def _text(version: dict[str, Any]) -> str:
    return json.dumps(version, sort_keys=True, default=bytes.decode)

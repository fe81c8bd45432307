"""The content of a file to import: decompressed in blocks, hashed on the way, and said what is wrong with it.

A download can fail in ways that leave a file: nothing was published yet (no file, an empty one, or the server's page
of an error instead), or the transfer was cut. Each has an error of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import IO

from tickstock_cli.core.batch_file import TemporaryFolder
from tickstock_cli.core.counted import counted
from tickstock_cli.core.first_bytes import PARQUET, is_error_page, is_zip
from tickstock_cli.errors import DataError, NotPublishedError, SourceFileError
from tickstock_cli.importing.decompressing import (
    CutShortError,
    DamagedDataError,
    NotOneFileError,
    decompressed,
    unzipped,
)
from tickstock_cli.recording.manifest import sha256_of
from tickstock_cli.sources.folder_walk import is_special
from tickstock_cli.sources.other_formats import is_json, other_content
from tickstock_cli.storage.names import is_object, object_name
from tickstock_cli.storage.reading import ObjectReader, object_size, object_version

BLOCK_BYTES = 8 << 20
_PIECE_BYTES = 256 << 10
_ERROR_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,60})</Code>")


class SourceContent:
    """The content of one file.

    Parameters
    ----------
    path
        The file, compressed or plain: its first bytes decide. Or an object of a store, which is read from there.
    progress
        Called with each number of bytes that were read from the disk or the store.
    block_bytes
        Least size of a block but the last.
    is_awaited
        Whether a vendor publishes such files day by day: one that is not there may come.
    """

    def __init__(
        self,
        path: Path,
        progress: Callable[[int], object] = lambda size: None,  # noqa: ARG005 - nobody watches
        block_bytes: int = BLOCK_BYTES,
        *,
        is_awaited: bool = False,
    ) -> None:
        self.path = path
        self._progress = progress
        self.block_bytes = block_bytes
        self._is_awaited = is_awaited
        self._hash = sha256()
        self._object = ObjectReader(object_name(path)) if is_object(path) else None
        self.size = 0
        """Bytes read from the disk or the store so far."""
        self.entry: str | None = None
        """Name of the file in a zip file, once a block is read; None for others."""

    @property
    def digest(self) -> str:
        """The sha256 of the bytes read so far: of the file, after the last block."""
        return self._hash.hexdigest()

    @property
    def version(self) -> str | None:
        """A text that another content of an object changes; None for a file."""
        return None if self._object is None else self._object.version

    def blocks(self) -> Iterator[bytes]:
        """Yield the decompressed content.

        Raises
        ------
        NotPublishedError
            The file is awaited, and is missing or empty, or holds a server's page of an error.
        SourceFileError
            The file is missing, empty, cut short or damaged, or cannot be read.
        """
        with self._naming_errors(), closing(self._decompressed()) as pieces:
            first = True
            for block in _gathered(pieces, self.block_bytes):
                if first:
                    self._check_first(block)
                first = False
                yield block
            if first:
                raise self._absent("is empty")

    @contextmanager
    def _naming_errors(self) -> Iterator[None]:
        """Raise what went wrong as an error that names the file."""
        try:
            yield
        except FileNotFoundError as error:
            is_link = self.path.is_symlink()
            raise self._absent("is a link that leads to no file" if is_link else "there is no such file") from error
        except OSError as error:
            raise SourceFileError(f"{self.path}: cannot be read: {error.strerror or error}", "unreadable") from error
        except CutShortError as error:
            raise SourceFileError(
                f"{self.path}: is cut short: the {error} data end too early, after {counted(self.size, 'byte')}; "
                "download it again",
                "truncated",
            ) from error
        except DamagedDataError as error:
            raise SourceFileError(f"{self.path}: is damaged ({error}); download it again", "damaged") from error
        except NotOneFileError as error:
            raise SourceFileError(f"{self.path}: {error}", "wrong_data") from error

    def _absent(self, why: str, hint: str = "") -> SourceFileError:
        if self._is_awaited:
            return NotPublishedError(f"{self.path}: {why}; it may not be published yet{hint}")
        return SourceFileError(f"{self.path}: {why}{hint}", "missing")

    def _check_first(self, block: bytes) -> None:
        """Raise SourceFileError if the content begins as that of no text."""
        if is_error_page(block):
            code = _ERROR_CODE.search(block)
            said = f" ({code[1].decode()})" if code else ""
            hint = "; the download may also have had no access: download it again"
            raise self._absent(f"holds a server's error page{said}, no data", hint)
        if self._is_awaited and is_json(block):
            raise self._absent("holds JSON, such as a server's answer, no data", "; or download it again")
        if block.startswith(PARQUET):
            raise SourceFileError(
                f"{self.path}: is a Parquet file, which tickstock replay and inspect read as it is", "wrong_data"
            )
        other = other_content(block)
        if other is not None:
            raise SourceFileError(f"{self.path}: is {other}", "wrong_data")

    def _decompressed(self) -> Generator[bytes, None, None]:
        with closing(self._pieces()) as pieces:
            head = next(pieces, b"")
            if not is_zip(head):
                yield from decompressed(head, pieces)
                return
            with self._seekable(head, pieces) as file:
                yield from unzipped(file, self._found)

    def _found(self, name: str) -> None:
        self.entry = name

    @contextmanager
    def _seekable(self, head: bytes, pieces: Iterator[bytes]) -> Iterator[IO[bytes]]:
        """Return the whole file, open at its beginning; that of an object is a copy in the folder for such."""
        if self._object is None:
            for _ in pieces:
                pass
            with self.path.open("rb") as whole:
                yield whole
            return
        with closing(TemporaryFolder()) as folder:
            with folder.writing():
                file = folder.new_path(".zip").open("w+b")
            with file:
                for piece in chain([head], pieces):
                    with folder.writing():
                        file.write(piece)
                file.seek(0)
                yield file

    def _pieces(self) -> Generator[bytes, None, None]:
        """Yield the bytes of the file, counted and hashed."""
        with closing(self._on_disk() if self._object is None else self._stored(self._object)) as pieces:
            for piece in pieces:
                self._hash.update(piece)
                self.size += len(piece)
                self._progress(len(piece))
                yield piece

    def _on_disk(self) -> Generator[bytes, None, None]:
        if is_special(str(self.path)):
            raise SourceFileError(
                f"{self.path}: is a pipe or a device, not a file, and an import reads files twice: write it to a file",
                "unreadable",
            )
        with self.path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece

    def _stored(self, stored: ObjectReader) -> Generator[bytes, None, None]:
        """Yield the bytes of an object."""
        try:
            with closing(stored.pieces()) as parts:
                for part in parts:
                    for start in range(0, len(part), _PIECE_BYTES):
                        yield part[start : start + _PIECE_BYTES]
        except DataError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise self._absent("there is no such object") from error
            raise SourceFileError(str(error), "unreadable") from error


def size_of(path: Path) -> int:
    """Return the bytes of a file or an object; 0 where they cannot be found out."""
    try:
        return object_size(object_name(path)) if is_object(path) else path.stat().st_size
    except (OSError, DataError):
        return 0


def digest_of(path: Path) -> str:
    """Return the sha256 of a file or an object. Raises OSError or DataError."""
    if not is_object(path):
        return sha256_of(path)
    digest = sha256()
    for piece in ObjectReader(object_name(path)).pieces():
        digest.update(piece)
    return digest.hexdigest()


def version_of(path: Path) -> str | None:
    """Return a text that another content of an object changes; None for a file. Raises DataError."""
    return object_version(object_name(path)) if is_object(path) else None


def _gathered(pieces: Iterator[bytes], least: int) -> Iterator[bytes]:
    """Yield pieces in blocks of at least ``least`` bytes, but the last."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= least:
            yield b"".join(waiting)
            waiting, size = [], 0
    if size:
        yield b"".join(waiting)

"""The content of a file to import: decompressed in blocks, hashed on the way, and said what is wrong with it.

A download can fail in ways that leave a file: nothing was published yet (no file, an empty one, or the server's page
of an error instead), or the transfer was cut. Each has an error of its own.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from tickstock_cli.errors import NotPublishedError, SourceFileError

BLOCK_BYTES = 8 << 20
_PIECE_BYTES = 256 << 10
_PARQUET = b"PAR1"
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ERROR_PAGE = re.compile(rb"\s*<(?:\?xml|!doctype|html|error)", re.IGNORECASE)
_ERROR_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,60})</Code>")


class SourceContent:
    """The content of one file.

    Parameters
    ----------
    path
        The file, compressed by gzip or zstd, or plain: its first bytes decide.
    progress
        Called with each number of bytes that were read from the disk.
    block_bytes
        Least size of a block but the last.
    """

    def __init__(
        self,
        path: Path,
        progress: Callable[[int], object] = lambda size: None,  # noqa: ARG005 - nobody watches
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self.path = path
        self._progress = progress
        self.block_bytes = block_bytes
        self._hash = sha256()
        self.size = 0
        """Bytes read from the disk so far."""

    @property
    def digest(self) -> str:
        """The sha256 of the bytes read so far: of the file, after the last block."""
        return self._hash.hexdigest()

    def blocks(self) -> Iterator[bytes]:
        """Yield the decompressed content.

        Raises
        ------
        NotPublishedError
            The file is missing or empty, or holds a server's page of an error.
        SourceFileError
            The file is cut short or damaged, or cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                yield from self._checked(file)
        except FileNotFoundError as error:
            raise NotPublishedError(f"{self.path}: there is no such file; it may not be published yet") from error
        except OSError as error:
            raise SourceFileError(f"{self.path}: cannot be read: {error.strerror or error}", "unreadable") from error

    def whole(self) -> bytes:
        """Return the content in one piece; raises as ``blocks``."""
        return b"".join(self.blocks())

    def _checked(self, file: IO[bytes]) -> Iterator[bytes]:
        first = True
        for block in _gathered(self._decompressed(file), self.block_bytes):
            if first and _ERROR_PAGE.match(block):
                code = _ERROR_CODE.search(block)
                said = f" ({code[1].decode()})" if code else ""
                raise NotPublishedError(
                    f"{self.path}: holds a server's error page{said}, no data; it may not be published yet, "
                    "or the download had no access: download it again"
                )
            if first and block.startswith(_PARQUET):
                raise SourceFileError(
                    f"{self.path}: is a Parquet file, which tickstock replay and inspect read as it is", "wrong_data"
                )
            first = False
            yield block
        if first:
            raise NotPublishedError(f"{self.path}: is empty; it may not be published yet")

    def _decompressed(self, file: IO[bytes]) -> Iterator[bytes]:
        pieces = self._pieces(file)
        head = next(pieces, b"")
        if head.startswith(_GZIP):
            yield from self._gunzipped(head, pieces)
        elif head.startswith(_ZSTD):
            yield from self._unzstd(head, pieces)
        else:
            yield head
            yield from pieces

    def _pieces(self, file: IO[bytes]) -> Iterator[bytes]:
        while piece := file.read(_PIECE_BYTES):
            self._hash.update(piece)
            self.size += len(piece)
            self._progress(len(piece))
            yield piece

    def _gunzipped(self, head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
        member = zlib.decompressobj(wbits=31)
        piece: bytes | None = head
        try:
            while piece is not None:
                yield member.decompress(piece)
                piece = member.unused_data or next(pieces, None)
                if member.eof and piece is not None:
                    piece = piece.lstrip(b"\0") or next(pieces, None)  # padding
                    member = zlib.decompressobj(wbits=31) if piece is not None else member
        except zlib.error as error:
            raise self._damaged(str(error)) from error
        if not member.eof:
            raise self._cut_short("gzip")

    def _unzstd(self, head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
        rest: Any = _Rest(head, pieces)
        stream = pa.CompressedInputStream(pa.PythonFile(rest, mode="r"), "zstd")
        try:
            while block := stream.read(self.block_bytes):
                yield block
        except OSError as error:
            if "trunc" in str(error).lower():
                raise self._cut_short("zstd") from error
            raise self._damaged(str(error)) from error

    def _cut_short(self, what: str) -> SourceFileError:
        return SourceFileError(
            f"{self.path}: is cut short: the {what} data end too early, after {self.size:,} bytes; download it again",
            "truncated",
        )

    def _damaged(self, why: str) -> SourceFileError:
        return SourceFileError(f"{self.path}: is damaged ({why}); download it again", "damaged")


class _Rest:
    """A readable file of pieces."""

    closed = False

    def __init__(self, head: bytes, pieces: Iterator[bytes]) -> None:
        self._waiting = head
        self._pieces = pieces

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        if not self._waiting:
            self._waiting = next(self._pieces, b"")
        taken = self._waiting if size < 0 else self._waiting[:size]
        self._waiting = self._waiting[len(taken) :]
        return taken

    def close(self) -> None:
        """Do nothing: the owner closes the file."""


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

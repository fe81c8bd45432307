"""Decompresses the files of an import: gzip, bzip2, xz and zstd as they come, a zip file by its directory.

What a file is shows in its first bytes, whatever its name.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any
from zipfile import BadZipFile, ZipFile, ZipInfo

import pyarrow as pa

from tickstock_cli.core.counted import counted
from tickstock_cli.core.first_bytes import BZIP2, GZIP, XZ, ZSTD

ENDINGS = ("", ".gz", ".zst", ".bz2", ".xz")
"""Ends of the names of compressed files, behind those of their content; none is for plain ones."""
ZIP_ENDING = ".zip"

_TEXTS = (".csv", ".txt", ".tsv")
_READ_BYTES = 256 << 10


class CutShortError(Exception):
    """Compressed data end too early; the text names their form."""


class DamagedDataError(Exception):
    """Compressed data are wrong; the text says what is."""


class NotOneFileError(Exception):
    """A zip file has no file in it, or several; the text says which."""


@dataclass(frozen=True, slots=True)
class _Form:
    """A form of compressed data that is read piece by piece.

    Parameters
    ----------
    begins
        The first bytes of such data.
    member
        Makes a decompressor, of those with ``decompress``, ``eof`` and ``unused_data``.
    """

    name: str
    begins: bytes
    member: Callable[[], Any]
    errors: tuple[type[Exception], ...]


_FORMS = (
    _Form("gzip", GZIP, lambda: zlib.decompressobj(wbits=31), (zlib.error,)),
    _Form("bzip2", BZIP2, bz2.BZ2Decompressor, (OSError, ValueError)),
    _Form("xz", XZ, lzma.LZMADecompressor, (lzma.LZMAError,)),
)


def decompressed(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the content of data that are not a zip file.

    Parameters
    ----------
    head
        The first piece.
    pieces
        The others.

    Raises
    ------
    CutShortError, DamagedDataError
        The data end too early, or are damaged.
    """
    form = next((form for form in _FORMS if head.startswith(form.begins)), None)
    if form is not None:
        yield from _members(form, head, pieces)
    elif head.startswith(ZSTD):
        yield from _unzstd(head, pieces)
    else:
        yield head
        yield from pieces


def unzipped(file: IO[bytes], found: Callable[[str], object] = lambda name: None) -> Iterator[bytes]:  # noqa: ARG005
    """Yield the content of the one file in a zip file.

    Parameters
    ----------
    found
        Called with the name of the file in it, before its content.

    Raises
    ------
    NotOneFileError
        It has none, or several.
    CutShortError, DamagedDataError
        It has no directory at its end, or is damaged.
    """
    try:
        archive = ZipFile(file)
    except BadZipFile as error:
        raise CutShortError("zip") from error
    try:
        info = _only_file(archive.infolist())
        found(info.filename)
        with archive, archive.open(info) as stream:
            while piece := stream.read(_READ_BYTES):
                yield piece
    except (BadZipFile, zlib.error, EOFError, lzma.LZMAError) as error:
        raise DamagedDataError(str(error)) from error
    except NotImplementedError as error:  # a method that Python does not know
        raise NotOneFileError(f"cannot be unpacked: {error}") from error
    except RuntimeError as error:
        raise NotOneFileError("is locked by a password: pack it anew without one") from error


def _only_file(infos: list[ZipInfo]) -> ZipInfo:
    files = [info for info in infos if not info.is_dir() and not _is_hidden(info.filename)]
    texts = [info for info in files if info.filename.lower().endswith(_TEXTS)]
    for found in (files, texts):
        if len(found) == 1:
            return found[0]
    names = ", ".join(info.filename for info in files[:3]) + (", …" if len(files) > 3 else "")
    has = f"has {counted(len(files), 'file')} ({names})" if files else "has no file in it"
    raise NotOneFileError(f"{has}, but one is wanted: put each into a file of its own")


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in PurePosixPath(name).parts)


def _members(form: _Form, head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the content of data that are several compressed files in a row, as some programs write them."""
    member = form.member()
    piece: bytes | None = head
    while piece is not None:
        try:
            block = member.decompress(piece)
        except form.errors as error:
            raise DamagedDataError(str(error)) from error
        yield block
        piece = member.unused_data or next(pieces, None)
        if member.eof and piece is not None:
            piece = piece.lstrip(b"\0") or next(pieces, None)  # padding
            member = form.member() if piece is not None else member
    if not member.eof:
        raise CutShortError(form.name)


def _unzstd(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest: Any = _Rest(head, pieces)
    stream = pa.CompressedInputStream(pa.PythonFile(rest, mode="r"), "zstd")
    try:
        while block := stream.read(_READ_BYTES):
            yield block
    except OSError as error:
        if "trunc" in str(error).lower():
            raise CutShortError("zstd") from error
        raise DamagedDataError(str(error)) from error


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

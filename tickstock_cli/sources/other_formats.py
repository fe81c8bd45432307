"""Tells what a file is that is named like a Parquet file and is none, and what to do with it."""

from __future__ import annotations

import lzma
import re
from pathlib import Path
from typing import Any

import pyarrow as pa

from tickstock_cli.core.first_bytes import ARROW_FILE, BZIP2, GZIP, PARQUET, XZ, ZSTD, is_error_page, is_zip

_HEAD_BYTES = 4 << 10
_TO_PARQUET = "write its rows to Parquet"
_TO_PARQUET_OR_CSV = f"{_TO_PARQUET}, or to CSV for tickstock import csv"
_IMPORT = "make a recording of it with tickstock import csv"
_BINARY = {
    ARROW_FILE: f"an Arrow file (Feather, IPC): {_TO_PARQUET}",
    b"FEA1": f"a Feather file: {_TO_PARQUET}",
    b"ORC": f"an ORC file: {_TO_PARQUET}",
    b"Obj\x01": f"an Avro file: {_TO_PARQUET}",
    b"SQLite format 3\0": f"an SQLite database: {_TO_PARQUET_OR_CSV}",
    b"\x89HDF\r\n\x1a\n": f"an HDF5 file: {_TO_PARQUET_OR_CSV}",
}
"""First bytes of files -> what they are, and what to do."""
_ARROW_STREAM = b"\xff\xff\xff\xff"
_GIT_POINTER = b"version https://git-lfs"
_POINTER = "a pointer of Git LFS to a file: fetch that with git lfs pull"
_TAR, _TAR_AT = b"ustar", 257
_PACKED = {GZIP: "gzip", BZIP2: "bzip2", XZ: "xz", ZSTD: "zstd"}
"""First bytes of compressed files -> the program that compresses and unpacks them."""
_JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\d\]-])")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_UTF_32 = b"\x00\x00\xfe\xff"
_NO_TEXT = re.compile(rb"[\x00\x02-\x08\x0e-\x19]")
"""Bytes of binary data; some programs have others, such as 1 and 28 to 31, between fields."""
_MISTAKES = 3
"""So many different ones are taken for mistakes in a text."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


def other_format(path: Path) -> str | None:
    """Return what a file of another format is and what to do with it, as the end of "it is …".

    None is for a file that begins as a Parquet file does, for one that is not recognised, and for one that cannot be
    opened.

    Parameters
    ----------
    path
        A file on the disk.
    """
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError):
        return None
    if not head or head.startswith(PARQUET) or PARQUET.startswith(head):
        return None
    packed = next((program for begins, program in _PACKED.items() if head.startswith(begins)), None)
    return _known(path, head) if packed is None else _unpacking(path, packed)


def other_content(head: bytes) -> str | None:
    """Return what content that is no text is and what to do with it, as the end of "is …"; None for text.

    Parameters
    ----------
    head
        The first bytes, unpacked.
    """
    for begins, program in _PACKED.items():
        if head.startswith(begins):
            return f"packed twice: unpack it once with {program} -dc"
    if is_zip(head):
        return "a zip file that is packed once more: unpack it once"
    if head[_TAR_AT:].startswith(_TAR):
        return "a tar archive: unpack it, and import the files in it"
    if head.startswith(_GIT_POINTER):
        return _POINTER
    known = next((told for begins, told in _BINARY.items() if head.startswith(begins)), None)
    return known or ("binary data, no text" if _is_binary(head) else None)


def is_json(head: bytes) -> bool:
    """Return whether data begin as a JSON object or list does."""
    text = _text(head[:_HEAD_BYTES])
    return text is not None and _JSON.match(text) is not None


def _is_binary(head: bytes) -> bool:
    """Return whether data begin with bytes that no text has, be it of one, two or four bytes a character.

    One of them can be a mistake in a text, and zeros at its end what a machine left that lost its power.
    """
    line = head[:_HEAD_BYTES].partition(b"\n")[0]
    has_wide_characters = head.startswith(_UTF_16) or (head[:1] == b"\0") != (head[1:2] == b"\0")
    is_utf_32 = head[:3] == bytes(3) != head[1:4] or head.startswith(_UTF_32)
    if has_wide_characters or is_utf_32:
        return False
    has_only_zeros = line != b"" and not line.strip(b"\0")
    return has_only_zeros or len({*_NO_TEXT.findall(head[:_HEAD_BYTES])}) > _MISTAKES


def _known(path: Path, head: bytes) -> str | None:
    if (known := next((told for begins, told in _BINARY.items() if head.startswith(begins)), None)) is not None:
        return known
    if head.startswith(_ARROW_STREAM):
        return f"an Arrow stream: read it from the disk with tickstock replay arrow:{path.name}"
    if is_zip(head):
        return f"a zip file: unzip the Parquet files in it; of a CSV file in it, {_IMPORT}"
    if head.startswith(_GIT_POINTER):
        return _POINTER
    if is_error_page(head):
        return "a page that a server sent, such as an error, with no data: download it again"
    text = _text(head)
    if text is None:
        return None
    return f"JSON: {_TO_PARQUET_OR_CSV}" if _JSON.match(text) else f"text, such as CSV: {_IMPORT}"


def _text(head: bytes) -> str | None:
    """Return the text of first bytes, the last character perhaps cut off; None for what is no text."""
    if head.startswith(_UTF_16):
        text = head.decode("utf-16", "replace")
    else:
        try:
            text = head.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if error.start < len(head) - 3:
                return None
            text = head[: error.start].decode("utf-8-sig")
    return None if _CONTROL.search(text) else text


def _unpacking(path: Path, program: str) -> str:
    """Return what a compressed file is, by the first bytes of its content."""
    content = _unpacked_head(path, program)
    unpack = f"unpack it with {program} -dc"
    if content.startswith(PARQUET):
        return f"a Parquet file that {program} has packed: {unpack}"
    text = _text(content) if content else None
    if text is not None and not _JSON.match(text) and not is_error_page(content):
        return f"text, such as CSV, that {program} has packed: {_IMPORT}"
    return f"a file that {program} has packed: {unpack}, and look at what is in it"


def _unpacked_head(path: Path, program: str) -> bytes:
    """Return the first bytes of the content of a compressed file; none if it is damaged."""
    try:
        if program == "xz":
            with lzma.open(path) as content:
                return content.read(_HEAD_BYTES)
        codec: Any = "bz2" if program == "bzip2" else program
        with pa.OSFile(str(path), "rb") as file, pa.CompressedInputStream(file, codec) as stream:
            return bytes(stream.read(_HEAD_BYTES))
    except (OSError, EOFError, ValueError, lzma.LZMAError, pa.ArrowException):
        return b""

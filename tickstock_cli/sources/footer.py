"""Opens Parquet files and reads their footers: schema, row groups, bounds of columns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.core.arrow_arrays import values
from tickstock_cli.core.memory_errors import raise_if_short
from tickstock_cli.errors import DataError
from tickstock_cli.sources.folder_walk import unreachable
from tickstock_cli.sources.other_formats import other_format
from tickstock_cli.storage.fetching import original_name
from tickstock_cli.storage.names import ObjectName

_MAGIC_BYTES = 8
"""Bytes behind a footer: its length, 4 bytes, and the magic number."""
SMALL_BYTES = 4 << 20
"""Most bytes of a file that is read at once, if all of it is wanted."""
TINY_BYTES = 1 << 16
"""Of such a file the footer alone is not read quicker than all of it."""
TAIL_BYTES = 1 << 13
"""Most footers are shorter."""
_SIGNATURE_BYTES = 28
"""Nonce and tag that follow the plain footer of a file with encrypted columns."""


TEXT_SUFFIXES = (
    *(f"{name}{packed}" for name in (".csv", ".tsv", ".txt") for packed in ("", ".gz", ".zst", ".bz2", ".xz")),
    ".zip",
)
"""Endings of files that `tickstock import` reads."""
IMPORT_ADVICE = "tickstock import makes recordings of CSV and zip files, see tickstock import --help"


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Translate every error of reading a Parquet file into a DataError of one line; an object is shown by its name."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError, EOFError) as error:
        raise DataError(_message(Path(path), original_name(Path(path)) or path, error)) from error


def _message(path: Path, name: str | Path | ObjectName, error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(name, ObjectName):
        why = unreachable(str(name))
        if why is not None:
            return why
    if isinstance(error, FileNotFoundError):
        return f"no such file: {name}"
    if isinstance(error, PermissionError):
        return f"cannot read {name}: permission denied"
    raise_if_short(error)
    if isinstance(error, pa.ArrowNotImplementedError) or "Not yet implemented" in str(error):
        return f"cannot read {name}: Arrow does not decode it ({_first_line(error)}); write it anew"
    if "decrypt" in str(error):
        return _encrypted(name)
    if str(name).lower().endswith(TEXT_SUFFIXES):
        return f"cannot read {name}: it is not a Parquet file; {IMPORT_ADVICE}"
    if (other := other_format(path)) is not None:
        return f"cannot read {name}: it is not a Parquet file, but {other}"
    return f"cannot read {name}: it is damaged, cut off or not a Parquet file ({_first_line(error)})"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def open_parquet(
    path: str | Path,
    *,
    text: Sequence[str] = (),
    buffer_size: int = 1 << 18,
    at_once: int = 0,
) -> OpenParquet:
    """Open a file so that memory does not grow with the size of its row groups.

    Parameters
    ----------
    text
        Columns to decode as dictionaries: they take fewer bytes, and tickers are mapped to codes once per dictionary.
    buffer_size
        Bytes to read ahead per column. Without a buffer, whole column chunks are loaded.
    at_once
        A file of at most so many bytes is read whole: each call of the system has its cost.
    """
    with reading(path):
        # Names that look like a URI, or are no UTF-8, reach the system as they are.
        content = content_of(path, at_once) if at_once else None
        source: Any = pa.OSFile(os.fsencode(path), "rb") if content is None else pa.BufferReader(content)  # type: ignore[arg-type]  # bytes are a path, too
        return OpenParquet(source, content, read_dictionary=list(text), buffer_size=buffer_size)


def read_tail(path: str | Path, room: bytearray) -> tuple[memoryview, int]:
    """Read the last bytes of a file into the beginning of ``room``; return them, and the size of the file."""
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size > len(room):
            file.seek(-len(room), os.SEEK_END)
        return memoryview(room)[: file.readinto(room)], size


def content_of(path: str | Path, most_bytes: int) -> bytes | None:
    """Return the content of a file; None for a larger one."""
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        return file.read(size) if size <= most_bytes else None


class OpenParquet(pq.ParquetFile):
    """A Parquet file that closes its source, too, and refuses what Arrow decodes without a look at it.

    Parameters
    ----------
    content
        All bytes of the file, if they are in memory.
    """

    def __init__(self, source: Any, content: bytes | None, **options: Any) -> None:
        super().__init__(source, pre_buffer=False, page_checksum_verification=True, **options)
        self.content = content
        self._source = source

    def footer_bytes(self) -> int:
        """Return the length of the footer, as the end of the file says it."""
        if self.content is not None:
            return int.from_bytes(self.content[-_MAGIC_BYTES:][:4], "little")
        return int.from_bytes(self._source.read_at(4, self._source.size() - _MAGIC_BYTES), "little")

    def iter_batches(self, *choices: Any, **named: Any) -> Iterator[pa.RecordBatch]:
        """Yield batches of rows, as `pyarrow.parquet.ParquetFile` does.

        Raises
        ------
        pyarrow.ArrowInvalid
            A dictionary lacks a value that a row names: the file is damaged. Looking it up would read foreign memory.
        """
        for rows in super().iter_batches(*choices, **named):
            for column in rows.columns:
                if isinstance(column, pa.DictionaryArray):
                    _check_places(column)
            yield rows

    def close(self, force: bool = True) -> None:
        """Close the file; what is in memory has nothing to close, and waiting for others meanwhile has its cost."""
        if self.content is None:
            super().close(force)


def _check_places(column: Any) -> None:
    places = column.indices
    if places.null_count == len(places):
        return
    unsigned = np.dtype(f"u{places.type.bit_width // 8}").type  # those below 0 are the largest
    if int(values(places, unsigned, 0).max()) >= len(column.dictionary):
        raise pa.ArrowInvalid("an index is not in its dictionary")


def check_decrypted(path: str | Path, file: OpenParquet) -> None:
    """Raise DataError if a file has encrypted columns: reading one, or its metadata, would end the process."""
    length = file.footer_bytes()
    if length - file.metadata.serialized_size == _SIGNATURE_BYTES:
        raise DataError(_encrypted(original_name(Path(path)) or path))


def _encrypted(path: str | Path | ObjectName) -> str:
    return f"cannot read {path}: its columns are encrypted; decrypt it first, and name the decrypted file"

"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa


def replace_file(path: Path, data: bytes | pa.Buffer, *, durable: bool = False) -> None:
    """Replace the content of ``path`` atomically. Raises OSError; no temporary file is left then.

    Only a ``durable`` write is sure to survive a power failure. It costs milliseconds or, on a busy disk, seconds.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_bytes(data)
        if durable:
            sync(temporary)
        os.replace(temporary, path)
        if durable:
            sync(path.parent)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def sync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, durable. Raises OSError."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def shown_path(path: str | Path) -> str:
    r"""Return a path as text of a file: bytes that are no UTF-8 become escapes.

    Examples
    --------
    >>> shown_path(os.fsdecode(b"caf\xe9.parquet"))
    'caf\\xe9.parquet'
    """
    return os.fsencode(path).decode(errors="backslashreplace")


@contextmanager
def for_libraries(path: Path) -> Iterator[Path | BinaryIO]:
    """Yield what pyarrow and polars open as this file: an open file where they would misread its name.

    Names that are no UTF-8 are an error for them, and pyarrow takes names with a colon for a URI. Raises OSError.
    """
    if ":" not in str(path) and os.fsencode(path) == str(path).encode(errors="replace"):
        yield path
    else:
        with path.open("rb") as file:
            yield file

"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

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

"""Uploads local files to objects, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from tickstock_cli.errors import OutputError
from tickstock_cli.storage.names import ObjectName
from tickstock_cli.storage.stores import asking, is_denied, store_of


def check_writable(name: ObjectName) -> None:
    """Raise OutputError if the store or the bucket of an object is not there, so that no run is in vain.

    Whether the account may write shows at the upload: one that may only write is refused every question.
    """
    with asking(name, "write", OutputError):
        store = store_of(name.scheme, name.bucket)
        try:
            known = store.get_file_info([name.place, name.bucket])
        except OSError as error:
            if is_denied(error):
                return
            raise
    if all(info.type.name == "NotFound" for info in known):
        raise OutputError(f"cannot write {name}: there is no bucket {name.bucket}")


def upload(path: Path, name: ObjectName) -> None:
    """Write an object with the content of a file; what stood under its name stays until the new content is complete.

    Raises
    ------
    OutputError
        It cannot be written; nothing of it is visible.
    """
    with asking(name, "write", OutputError):
        store = store_of(name.scheme, name.bucket)
        # One write of the mapped file: closing a stream after only some of several would complete a part of the object.
        whole = path.stat().st_size
        with store.open_output_stream(name.place, compression=None) as stream:
            if whole:  # an empty file cannot be mapped
                with pa.memory_map(str(path)) as source:
                    stream.write(source.read_buffer())
        size = store.get_file_info(name.place).size
    if size != whole:
        raise OutputError(f"cannot write {name}: {whole:,} bytes were sent, but it has {size:,}; run it again")

"""Marks in the metadata of Parquet files of tickstock: outputs, so that none is read as a recording, and own flags."""

from __future__ import annotations

from enum import StrEnum

import pyarrow as pa

from tickstock_cli.core import declarations

KEY = "tickstock"
"""Metadata key of the mark."""

_FLAGS_KEY = b"tickstock.flags"


class OutputMark(StrEnum):
    """Content of an output."""

    EVENTS = "events"
    REJECTS = "rejects"
    BACKTEST = "backtest"


def marked(schema: pa.Schema, mark: OutputMark) -> pa.Schema:
    """Return a schema with a mark, with what it holds of declared kinds, and no other metadata."""
    declared = (schema.metadata or {}).get(declarations.KEY)
    own = {} if declared is None else {declarations.KEY: declared}
    return schema.with_metadata({KEY.encode(): mark.value.encode(), **own})


def own_metadata(schema: pa.Schema) -> dict[bytes, bytes]:
    """Return the metadata that tickstock writes; that of others decides nothing."""
    metadata: dict[bytes, bytes] = schema.metadata or {}
    return {key: value for key, value in metadata.items() if key.startswith(KEY.encode())}


def mark_of(schema: pa.Schema) -> str | None:
    """Return the mark of a file's schema; None if the file is not an output of tickstock."""
    mark = (schema.metadata or {}).get(KEY.encode())
    return mark.decode(errors="replace") if mark is not None else None


def with_own_flags(schema: pa.Schema) -> pa.Schema:
    """Return the schema of a recording whose flags follow from conditions of trades by our rule, which it says."""
    return schema.with_metadata({_FLAGS_KEY: b"conditions"})


def has_own_flags(schema: pa.Schema) -> bool:
    """Return whether the schema of a recording says that its flags follow from conditions by our rule."""
    return _FLAGS_KEY in (schema.metadata or {})

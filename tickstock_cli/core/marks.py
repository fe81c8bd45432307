"""The mark that our Parquet outputs bear, so that none of them is taken for a recording."""

from __future__ import annotations

from enum import StrEnum

import pyarrow as pa

KEY = "tickstock"
"""Key of the mark among a file's metadata."""


class Mark(StrEnum):
    """What an output holds."""

    EVENTS = "events"
    REJECTS = "rejects"


def marked(schema: pa.Schema, mark: Mark) -> pa.Schema:
    """Return a schema whose files bear a mark, and no other metadata."""
    return schema.with_metadata({KEY: mark.value})


def mark_of(schema: pa.Schema) -> str | None:
    """Return the mark of a file's schema; None if it is none of our outputs."""
    mark = (schema.metadata or {}).get(KEY.encode())
    return mark.decode(errors="replace") if mark is not None else None

"""The lowest and highest price of a file of ticks, as its footer states them."""

from __future__ import annotations

from tickstock_cli.errors import DataError
from tickstock_cli.sources.footer import open_parquet
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.row_groups import ArrowFooter


def price_span(file: RecordingFile) -> tuple[float, float] | None:
    """Return the lowest and the highest price; None if the footer does not state them, or they are no prices."""
    theirs = file.layout.columns.get("price")
    if theirs is None:
        return None
    try:
        with open_parquet(file.read_from) as parquet:
            found = ArrowFooter(parquet.metadata).extremes(theirs)
    except DataError:  # gone since it was read
        return None
    if found is None:
        return None
    low, high = (float(value) * file.reader.factor("price") for value in found)
    return (low, high) if 0 < low <= high else None

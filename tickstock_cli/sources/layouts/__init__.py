"""Layouts of vendors and programs that are read without a mapping. A new one is a file here and a line below.

A layout recognises itself by the names of columns. It says which of them are ours, and with which settings they are
read; what the user maps or sets wins. `docs/recordings.md` lists them.
"""

from __future__ import annotations

from tickstock_cli.sources.layouts import alpaca, binance, databento, frames, metatrader, polygon
from tickstock_cli.sources.layouts.known import FileColumns, KnownLayout, Reading, Understood
from tickstock_cli.sources.layouts.wide import understand_wide
from tickstock_cli.sources.records import RECORD_TYPES

__all__ = ["LAYOUTS", "FileColumns", "KnownLayout", "Reading", "Understood", "understand"]

LAYOUTS: tuple[KnownLayout, ...] = (
    databento.TRADES,
    databento.BARS,
    polygon.FLAT_TRADES,
    polygon.FLAT_BARS,
    polygon.STREAMED_BARS,
    polygon.SHORT_BARS,
    binance.KLINES,
    binance.TRADES,
    binance.SHORT_TRADES,
    polygon.FINNHUB_TRADES,
    polygon.SHORT_TRADES,
    metatrader.RATES,
    metatrader.EXPORTED,
    metatrader.PRICE_CHANGES,
    metatrader.TICKS,
    alpaca.TRADES,
    alpaca.BARS,
    *frames.SPLIT,
    *frames.INDEXED,
    frames.BARS,
    frames.TICKS,
)
"""The first one that fits is taken: those that fewer names tell come last."""

_REQUIRED = {record.name: tuple(record.required) for record in RECORD_TYPES}


def understand(columns: FileColumns) -> Understood | None:
    """Return how a file of a known layout is read; None for one of no known layout."""
    if (wide := understand_wide(columns)) is not None:
        return wide
    for layout in LAYOUTS:
        theirs = layout.found(columns, _REQUIRED[layout.record])
        if theirs is not None:
            reading = layout.reading(columns, theirs)
            return Understood(layout.name, layout.record, theirs, reading, bool(layout.tells))
    return None

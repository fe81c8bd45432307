"""A column `flags` with the bits of somebody else, or whose bits hide rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.core.marks import has_own_flags
from tickstock_cli.errors import DataError
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck, Watcher, row_error
from tickstock_cli.sources.flag_bits import OURS, bits
from tickstock_cli.sources.plain_numbers import Bools

_REMEDY = (
    "but the bits of flags are 1 (not the last price), 2 (no volume) and 4 (not a high or low): leave the column out "
    "with --map flags= (an empty name), or name its origin with --set recordings.flags=databento or mt5"
)
_TOLD = "flags keep {} of {} {tick|ticks} from the last price, {} from volumes and {} from highs and lows"
_ADVICE = "; if the column flags has another meaning, leave it out with --map flags= (an empty name)"
_BITS = (1, 2, 4)
_USUAL_SHARE = 20
"""One tick in so many is usual under our own layout: late and odd lots, derived prices."""


def _look(facts: Facts) -> Iterable[Oddity]:
    """Stop before a row is read, if the file states the extremes of the column."""
    theirs = None if facts.options.where else facts.layout.columns.get("flags")
    extremes = None if theirs is None else facts.extremes(theirs)
    if theirs is None or extremes is None or 0 <= extremes.low <= extremes.high <= OURS:
        return ()
    if (watch := _watch(facts)) is not None:
        watcher, first = watch(), 0
        for rows in facts.scan(theirs):
            watcher.see(rows, None, first)
            first += rows.num_rows
    return ()


def _watch(facts: Facts) -> Callable[[], Watcher] | None:
    theirs = facts.layout.columns.get("flags")
    if theirs is None or facts.options.flags not in ("auto", "tickstock"):
        return None
    extremes = facts.extremes(theirs)
    if extremes is not None and extremes.low == extremes.high == 0:
        return None
    if pt.is_null(facts.schema.field(theirs).type) or has_own_flags(facts.schema):
        return None
    is_ours = facts.options.flags == "tickstock" or _is_own_layout(facts)
    return partial(_FlagsWatcher, facts.path, theirs, is_ours)


def _is_own_layout(facts: Facts) -> bool:
    """Return whether a file has the columns of `tickstock synth`, and no others."""
    columns = {"ticker": "ticker", "timestamp": "timestamp", "price": "price", "size": "size", "flags": "flags"}
    return (
        dict(facts.layout.columns) == columns
        and len(facts.schema) == len(columns)
        and pt.is_uint8(facts.schema.field("flags").type)
    )


class _FlagsWatcher:
    """Raises at a bit that is not ours, and counts the rows that ours hide."""

    def __init__(self, path: str, column: str, is_ours: bool) -> None:
        self._path = path
        self._column = column
        self._is_ours = is_ours
        self._hidden = [0] * len(_BITS)
        self._rows = 0

    def see(self, rows: pa.RecordBatch, chosen: Bools | None, first: int) -> None:
        column = rows.column(rows.schema.get_field_index(self._column))
        flags = bits(column)
        if chosen is not None:
            flags = np.where(chosen, flags, 0)
        found = int(np.bitwise_or.reduce(flags, initial=0))
        if found & ~OURS:
            raise self._error(rows, int(((flags < 0) | (flags > OURS)).argmax()), first)
        self._rows += len(flags) if chosen is None else int(np.count_nonzero(chosen))
        for place, bit in enumerate(_BITS):
            if found & bit:
                self._hidden[place] += int(np.count_nonzero(flags & np.uint8(bit)))

    def _error(self, rows: pa.RecordBatch, place: int, first: int) -> DataError:
        value = rows.column(rows.schema.get_field_index(self._column))[place].as_py()
        return row_error(self._path, first + place, f"{self._column} is {value}, {_REMEDY}")

    def oddities(self) -> Iterator[Oddity]:
        most = max(self._hidden)
        if not most or (self._is_ours and most * _USUAL_SHARE <= self._rows):
            return
        last, volume, extremes = self._hidden
        text = _TOLD if self._is_ours else _TOLD + _ADVICE
        yield Oddity(text, (last, self._rows, volume, extremes))


CHECK = RecordingCheck("flags", ("tick",), _look, _watch)

"""A column `flags` with the bits of somebody else, or whose bits hide rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.core.marks import has_own_flags
from tickstock_cli.errors import DataError
from tickstock_cli.kernels.normalise import count_flags
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck, Watcher, row_error
from tickstock_cli.sources.checks.pieces import FilePieces
from tickstock_cli.sources.checks.stated import StatedFacts
from tickstock_cli.sources.flag_bits import OURS, bits
from tickstock_cli.sources.plain_numbers import Bools, frozen

_REMEDY = (
    "but the bits of flags are 1 (not the last price), 2 (no volume) and 4 (not a high or low): leave the column out "
    "with --map flags= (an empty name), or name its origin with --set recordings.flags=databento or mt5"
)
_TOLD = "flags keep {} of {} {tick|ticks} from the last price, {} from volumes and {} from highs and lows"
_ADVICE = "; if the column flags has another meaning, leave it out with --map flags= (an empty name)"
_USUAL_SHARE = 20
"""One tick in so many is usual under our own layout: late and odd lots, derived prices."""


def _look(facts: Facts) -> Iterable[Oddity]:
    """Stop before a row is read, if the file states the extremes of the column."""
    theirs = _stated(facts)
    extremes = None if theirs is None else facts.extremes(theirs)
    if theirs is None or extremes is None or _have_our_bits(*extremes):
        return ()
    if (watch := _watch(facts)) is not None:
        watcher, first = watch(), 0
        for rows in facts.scan(theirs):
            watcher.see(rows, None, first)
            first += rows.num_rows
    return ()


def _screen(files: StatedFacts) -> bool:
    theirs = _stated(files.shared)
    extremes = None if theirs is None else files.extremes(theirs)
    return theirs is None or (extremes is not None and all(map(_have_our_bits, *extremes)))


def _stated(facts: Facts) -> str | None:
    """Return the column of flags, if its extremes are those of rows that are read."""
    return None if facts.options.where else facts.layout.columns.get("flags")


def _have_our_bits(low: Any, high: Any) -> bool:
    return bool(0 <= low <= high <= OURS)


def _watch(facts: Facts) -> Callable[[], Watcher] | None:
    theirs = facts.once(_watched)
    if theirs is None:
        return None
    extremes = facts.extremes(theirs)
    if extremes is not None and extremes.low == extremes.high == 0:
        return None
    return partial(_FlagsWatcher, facts.path, theirs, facts.once(_are_ours))


def _watched(facts: Facts) -> str | None:
    """Return the column of flags, if its bits are ours or nobody says whose they are."""
    theirs = facts.layout.columns.get("flags")
    if theirs is None or facts.options.flags not in ("auto", "tickstock"):
        return None
    is_known = pt.is_null(facts.schema.field(theirs).type) or has_own_flags(facts.schema)
    return None if is_known else theirs


def _are_ours(facts: Facts) -> bool:
    """Return whether the user says so, or a file has the columns of `tickstock synth`, and no others."""
    columns = {"ticker": "ticker", "timestamp": "timestamp", "price": "price", "size": "size", "flags": "flags"}
    return facts.options.flags == "tickstock" or (
        dict(facts.layout.columns) == columns
        and len(facts.schema) == len(columns)
        and pt.is_uint8(facts.schema.field("flags").type)
    )


class _FlagsWatcher:
    """Raises at a bit that is not ours, and counts the rows that ours hide."""

    def __init__(self, path: str, column: str, is_ours: bool) -> None:
        self.path = path
        self.column = column
        self.is_ours = is_ours
        self.hidden = (0, 0, 0)
        self.rows = 0

    def see(self, rows: pa.RecordBatch, chosen: Bools | None, first: int) -> None:
        bounds = (frozen(np.array([bound])) for bound in (0, rows.num_rows, first))
        self.see_pieces([self], FilePieces(rows, chosen, *bounds))

    @classmethod
    def see_pieces(cls, watchers: Sequence[Self], pieces: FilePieces) -> None:
        """Count the flags of pieces of files, whose columns have one name; raise at a bit that is not ours."""
        column = pieces.rows.column(pieces.rows.schema.get_field_index(watchers[0].column))
        flags, chosen = bits(column), pieces.chosen
        counts = pieces.ends - pieces.starts
        if chosen is not None:
            flags = frozen(np.where(chosen, flags, 0))
            behind = np.append(0, np.cumsum(chosen))
            counts = behind[pieces.ends] - behind[pieces.starts]
        found = np.zeros(len(counts), np.int64)
        hidden = np.zeros((len(counts), 3), np.int64)
        count_flags(flags, pieces.starts, pieces.ends, found, hidden)
        for place in np.flatnonzero(found & ~OURS).tolist():
            start = int(pieces.starts[place])
            mine = flags[start : pieces.ends[place]]
            row = int(((mine < 0) | (mine > OURS)).argmax())
            raise watchers[place].error(int(pieces.firsts[place]) + row, column[start + row].as_py())
        for watcher, count, (last, volume, extremes) in zip(watchers, counts.tolist(), hidden.tolist(), strict=True):
            before = watcher.hidden
            watcher.hidden = before[0] + last, before[1] + volume, before[2] + extremes
            watcher.rows += count

    def error(self, row: int, value: Any) -> DataError:
        """Return the error of a value in a row of the file, counted from 0."""
        return row_error(self.path, row, f"{self.column} is {value}, {_REMEDY}")

    def oddities(self) -> Iterator[Oddity]:
        most = max(self.hidden)
        if not most or (self.is_ours and most * _USUAL_SHARE <= self.rows):
            return
        last, volume, extremes = self.hidden
        text = _TOLD if self.is_ours else _TOLD + _ADVICE
        yield Oddity(text, (last, self.rows, volume, extremes))


CHECK = RecordingCheck("flags", ("tick",), _look, _watch, _screen)

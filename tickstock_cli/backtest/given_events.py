"""Reads the events of a file that a backtest judges instead of detecting its own: ours, or anyone's.

1. Columns are taken by name (``COLUMNS``): ticker, time and direction at least.
2. ``given_columns`` turns each into the values of ours and refuses what it cannot read.
3. Tickers, kinds and sources get their codes; the events are sorted as every output of ours is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.backtest.given_columns import GivenColumn
from tickstock_cli.core.calendar import PHASE_MASK
from tickstock_cli.core.events import EVENT, PHASES, SOURCES, EventRows, ids_by_names
from tickstock_cli.core.row_order import stable_order
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.core.whole_rows import take_rows
from tickstock_cli.errors import DataError, SchemaError
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.sources.event_tables import GivenTable, read_event_table

TICKERS = ("ticker", "symbol")
TIMES = ("emitted_at", "available_at", "time", "timestamp")
"""Columns of the ticker and of the time; the first that a file has counts."""

DEFAULT_KIND, DEFAULT_SOURCE = "event", "given"
MOST_NAMES = 127
"""Most kinds, and most sources: their codes are int8."""

_NUMBERS = ("score", "rel_volume", "percent_change", "price")
COLUMNS: dict[str, pa.DataType] = {
    **dict.fromkeys(TIMES, pa.int64()),
    "event_id": pa.uint64(),
    **dict.fromkeys((*TICKERS, "kind", "source", "phase"), pa.string()),
    **dict.fromkeys(("direction", "strength", *_NUMBERS), pa.float64()),
}
"""Columns that are read, and the type of each if it holds numbers."""


@dataclass(frozen=True, slots=True)
class GivenEvents:
    """Events of a file, sorted by (emitted_at, kind, ticker, source), those equal in all four in the file's order.

    Parameters
    ----------
    rows
        ``emitted_at`` is the event's time; ``timestamp`` is the file's, else that time. ``code``, ``kind``, ``source``
        and ``order`` are positions in ``tickers``, ``kinds``, ``sources`` and ``event_ids``. ``score``,
        ``rel_volume``, ``percent_change`` and ``price`` are NaN, ``strength`` is 0 where the file has none; the fields
        that no backtest reads are NaN or 0.
    event_ids
        In the order of the rows. Several events may have one id; each is judged.
    tickers
        Ascending.
    kinds, sources
        Ours first, in the order of outputs; then the others, by name.
    """

    rows: EventRows
    event_ids: NDArray[np.uint64]
    tickers: tuple[str, ...]
    kinds: tuple[str, ...]
    sources: tuple[str, ...]


def read_given_events(path: Path, calendar: MarketCalendar, kinds: Sequence[str]) -> GivenEvents:
    """Read the events of a Parquet, JSON lines or CSV file.

    A direction is 1, -1, 0, nothing (0), or a word of ``given_columns.DIRECTIONS``. Without a phase an event has that
    of its time, without an id the hash of ticker, kind, source and time that our own events have. A file without a row
    is no error.

    Parameters
    ----------
    calendar
        For the phase of a time.
    kinds
        Names of the run's own kinds, in the order of outputs.

    Raises
    ------
    UsageError
        The file name has no known suffix.
    SchemaError
        A column that is needed is missing, or a column's type cannot be meant.
    DataError
        The file is missing or unreadable, a value cannot be read, or there are too many kinds or sources.
    """
    table = read_event_table(path, COLUMNS)
    reader = _GivenColumns(path, table)
    ticker = reader.needed(TICKERS, "name the instrument of each event").names(None)
    time = reader.needed(TIMES, "give each event its time")
    direction = reader.needed(("direction",), "give each event 1, -1 or 0, or a word such as up or down")
    tickers, codes = _codes(path, ticker, (), None)
    kind_names, kind_codes = _codes(path, reader.names("kind", DEFAULT_KIND), kinds, "kinds")
    source_names, source_codes = _codes(path, reader.names("source", DEFAULT_SOURCE), SOURCES, "sources")

    rows = _empty_rows(len(ticker))
    rows["code"], rows["kind"], rows["source"] = codes, kind_codes, source_codes
    rows["emitted_at"] = time.times()
    rows["available_at"] = rows["emitted_at"]
    rows["timestamp"] = reader.times("timestamp", rows["emitted_at"])
    rows["direction"] = direction.directions()
    rows["phase"] = reader.phases(TradingDays(calendar, ()).segments(rows["emitted_at"]) & PHASE_MASK)
    for name in _NUMBERS:
        rows[name] = reader.numbers(name)
    rows["strength"] = reader.strengths()
    ids = reader.ids(ids_by_names(rows, kind_names, source_names, SymbolTable(tickers).hashes()))
    order = stable_order([rows[name] for name in ("emitted_at", "kind", "code", "source")])
    rows = take_rows(rows, order)
    rows["order"] = np.arange(len(rows))
    return GivenEvents(rows, ids[order], tickers, kind_names, source_names)


def given_table(given: GivenEvents) -> pl.DataFrame:
    """Return kind, ticker, direction, timestamp and emitted_at (int64 ns UTC) of events, as scoring reads them."""
    rows = given.rows
    return pl.DataFrame(
        {
            "kind": pl.Series(given.kinds, dtype=pl.String)[rows["kind"].astype(np.uint32)],
            "ticker": pl.Series(given.tickers, dtype=pl.String)[rows["code"].astype(np.uint32)],
            **{name: rows[name].astype(np.int64) for name in ("direction", "timestamp", "emitted_at")},
        }
    )


@dataclass(frozen=True, slots=True)
class _GivenColumns:
    """The columns of a file by our names, with what stands for those that it lacks."""

    path: Path
    table: GivenTable

    def column(self, name: str) -> GivenColumn | None:
        """Return a column; None if the file lacks it."""
        return GivenColumn(self.path, self.table.rows[name]) if name in self.table.rows.columns else None

    def needed(self, names: Sequence[str], remedy: str) -> GivenColumn:
        """Return the first column of ``names`` that the file has."""
        found = next(filter(None, map(self.column, names)), None)
        if found is None:
            has = ", ".join(self.table.names)
            raise SchemaError(f"{self.path} has no column {' or '.join(names)}; it has {has}: {remedy}")
        return found

    def names(self, name: str, default: str) -> pl.Series:
        """Return a column of names."""
        column = self.column(name)
        return pl.repeat(default, self.table.rows.height, eager=True) if column is None else column.names(default)

    def times(self, name: str, default: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a column of times, int64 ns UTC."""
        column = self.column(name)
        return default if column is None else column.times()

    def numbers(self, name: str) -> NDArray[np.float64] | float:
        """Return a column of numbers, NaN where there is none."""
        column = self.column(name)
        return np.nan if column is None else column.numbers()

    def strengths(self) -> NDArray[np.int64] | int:
        """Return the strengths, 0 where there is none."""
        column = self.column("strength")
        return 0 if column is None else column.whole(np.iinfo(np.int8).max)

    def phases(self, default: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the phases, as positions in ``PHASES``."""
        column = self.column("phase")
        if column is None:
            return default
        found = column.positions(PHASES)
        return np.where(found < 0, default, found)

    def ids(self, default: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the ids."""
        column = self.column("event_id")
        if column is None:
            return default
        ids: NDArray[np.uint64] = column.ids().fill_null(pl.Series(default)).to_numpy()
        return ids


def _empty_rows(count: int) -> EventRows:
    rows = np.zeros(count, dtype=EVENT)
    for name in EVENT.names or ():
        if EVENT[name].kind == "f":
            rows[name] = np.nan
    return rows


def _codes(
    path: Path, values: pl.Series, first: Sequence[str], noun: str | None
) -> tuple[tuple[str, ...], NDArray[np.uint32]]:
    """Return the names of values, those of ``first`` before the others, and the position of each value among them."""
    others = sorted(set(values.unique().to_list()).difference(first))
    names = (*first, *others)
    if noun is not None and len(names) > MOST_NAMES:
        raise DataError(
            f"{path} has {len(others)} {noun} beside our {len(first)}, but {MOST_NAMES} in all is the most; "
            "give several of them one name"
        )
    return names, values.cast(pl.Enum(names)).to_physical().to_numpy()

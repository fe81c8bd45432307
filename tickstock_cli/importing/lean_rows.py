"""Rows of LEAN's files as rows of recordings.

Prices are in 1/10,000 dollar and times in milliseconds on the clocks of New York. Conditions are bits; each has the
vendor's id of `vendors.polygon.conditions` that means the same, and flags follow from these by the same rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tickstock_cli.core.batch import Float64s, Int64s
from tickstock_cli.core.calendar import NEW_YORK
from tickstock_cli.core.times import NS_PER_DAY, NS_PER_SECOND
from tickstock_cli.errors import DataError
from tickstock_cli.importing.format import ImportChunk
from tickstock_cli.importing.lean_names import SECONDS, TICK, TRADE, LeanFile
from tickstock_cli.importing.mids import CROSSED, ONE_SIDED, UNCHANGED
from tickstock_cli.importing.tables import filled, one_batch
from tickstock_cli.importing.typed_rows import BAD_ROWS_REMEDY, TEXT, UNREADABLE, TypedRows
from tickstock_cli.kernels.admission import HIDES_EXTREMES, HIDES_LAST, HIDES_VOLUME
from tickstock_cli.sources.text_times import TimeForm, in_steps
from tickstock_cli.sources.zones import in_utc
from tickstock_cli.vendors.polygon.conditions import UNREADABLE as UNREADABLE_CONDITION
from tickstock_cli.vendors.polygon.conditions import RegularHours, trade_flags

SUSPICIOUS = "suspicious"
"""Reason of dropped quotes, and word for trades, that LEAN leaves out of its bars."""

_PRICE_SCALE = 10_000
_NS_PER_MS = 1_000_000

_TRADE_TICK: dict[str, pa.DataType] = {
    "time": pa.string(),
    "price": pa.float64(),
    "size": pa.float64(),
    "exchange": TEXT,
    "conditions": TEXT,
    "suspicious": pa.int8(),
}
_QUOTE_TICK: dict[str, pa.DataType] = {
    "time": pa.string(),
    "bid": pa.float64(),
    "bid_size": pa.float64(),
    "ask": pa.float64(),
    "ask_size": pa.float64(),
    "exchange": TEXT,
    "conditions": TEXT,
    "suspicious": pa.int8(),
}
_PRICES: dict[str, pa.DataType] = dict.fromkeys(("open", "high", "low", "close"), pa.float64())
_TRADE_BAR: dict[str, pa.DataType] = {"time": pa.string(), **_PRICES, "volume": pa.float64()}
_SIDE: dict[str, pa.DataType] = {**_PRICES, "size": pa.float64()}
_QUOTE_BAR: dict[str, pa.DataType] = {
    "time": pa.string(),
    **{f"{side}_{name}": type_ for side in ("bid", "ask") for name, type_ in _SIDE.items()},
}

_EXCHANGES = dict(
    zip("ABCDIJKMNPTQSVWXYZ", (1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 12, 13, 15, 16, 17, 18, 19), strict=True)
)
"""The vendor's ids of exchanges, by their letters on the tape."""
_CONDITIONS = (
    0, 7, 20, 29, 36, 14, 25, 8, 28, 10, 12, 30, 27, 12, 32, 34,
    1, 4, 35, 11, 2, 9, 21, 23, 15, 22, 16, 6, 3, 41, -1, 37,
)  # fmt: skip
"""The vendor's id for each bit of a sale condition, the lowest first; -1 is the bit that nobody documents."""
_REGULAR = 0


def columns_of_file(file: LeanFile) -> dict[str, pa.DataType]:
    """Return the columns of a file, in its order, with their types."""
    if file.resolution == TICK:
        return _TRADE_TICK if file.kind == TRADE else _QUOTE_TICK
    return _TRADE_BAR if file.kind == TRADE else _QUOTE_BAR


@dataclass(frozen=True, slots=True)
class _Timed:
    """Rows of a block.

    Parameters
    ----------
    times
        Their times in ns UTC, 0 where they have none.
    read, dropped
        How many lines they are from, and which of these were dropped.
    """

    rows: pa.RecordBatch
    times: Int64s
    read: int
    dropped: Counter[str]


class LeanRows:
    """Converts the rows of one file.

    Parameters
    ----------
    path
        The file, for messages.
    hours
        The regular hours of the exchanges.
    drops
        Whether rows with a time that cannot be read are dropped; otherwise the first one is an error.
    """

    def __init__(self, path: Path, file: LeanFile, hours: RegularHours, *, drops: bool) -> None:
        self._path = path
        self._file = file
        self._hours = hours
        self._drops = drops
        self._bid = self._ask = self._mid = 0.0
        self._convert: Callable[[_Timed], ImportChunk]
        if file.kind == TRADE:
            self._convert = self._trades if file.resolution == TICK else self._bars
        else:
            self._convert = self._quotes if file.resolution == TICK else self._quote_bars

    def chunk(self, typed: TypedRows, first: int) -> ImportChunk:
        """Return rows with the columns of `columns_of_file` as ours.

        Parameters
        ----------
        first
            Number of the first row's line.

        Raises
        ------
        DataError
            A time cannot be read, and such rows are not to be dropped.
        """
        batch = one_batch(typed.rows)
        texts: Any = batch.column("time")
        times = self._times(texts)
        wrong = (times == 0) & (filled(pc.utf8_length(texts), 0) > 0)
        dropped = Counter(typed.dropped)
        if wrong.any():
            if not self._drops:
                place = int(wrong.argmax())
                raise DataError(
                    f"{self._path}: line {first + place:,}: the time is {texts[place].as_py()!r}, but {self._wanted} "
                    f"is wanted; {BAD_ROWS_REMEDY}"
                )
            dropped[UNREADABLE] += int(wrong.sum())
            batch, times = batch.filter(pa.array(~wrong)), times[~wrong]
        return self._convert(_Timed(batch, times, typed.read, dropped))

    @property
    def _wanted(self) -> str:
        if self._file.day is None:
            return "a date such as 20131008 00:00"
        return f"a number of ms since midnight, below {NS_PER_DAY // _NS_PER_MS:,},"

    def _trades(self, typed: _Timed) -> ImportChunk:
        batch, times = typed.rows, typed.times
        conditions = _condition_lists(batch.column("conditions"))
        made = trade_flags(
            conditions.values.to_numpy(), conditions.offsets.to_numpy(), times, np.zeros_like(times), self._hours
        )
        suspicious = filled(batch.column("suspicious"), 0) != 0
        flags = made.flags.copy()
        flags[suspicious] |= HIDES_LAST | HIDES_EXTREMES | HIDES_VOLUME
        columns = {
            **self._first(times),
            "price": pa.array(_dollars(batch.column("price"))),
            "size": batch.column("size"),
            "flags": pa.array(flags),
            "conditions": conditions,
            "exchange": _exchange_ids(batch.column("exchange")),
        }
        unknown = conditions.values.to_numpy() == UNREADABLE_CONDITION
        counts = {SUSPICIOUS: int(suspicious.sum()), "unknown condition": int(unknown.sum())}
        noted = {word: count for word, count in counts.items() if count}
        return ImportChunk("tick", pa.RecordBatch.from_pydict(columns), typed.read, typed.dropped, noted)

    def _bars(self, typed: _Timed) -> ImportChunk:
        batch = typed.rows
        columns = {
            **self._first(typed.times),
            **{name: pa.array(_dollars(batch.column(name))) for name in _PRICES},
            "volume": batch.column("volume"),
            "interval": pa.array(np.full(batch.num_rows, SECONDS[self._file.resolution])),
        }
        return ImportChunk("ohlcv", pa.RecordBatch.from_pydict(columns), typed.read, typed.dropped)

    def _quotes(self, typed: _Timed) -> ImportChunk:
        """Return mids of the last bid and the last ask: a quote has one of them, and 0 for the other."""
        batch = typed.rows
        suspicious = filled(batch.column("suspicious"), 0) != 0
        bids, asks = (np.where(suspicious, 0.0, _dollars(batch.column(name))) for name in ("bid", "ask"))
        bids, self._bid = _carried(bids, self._bid)
        asks, self._ask = _carried(asks, self._ask)
        return self._mids(typed, typed.times, bids, asks, suspicious)

    def _quote_bars(self, typed: _Timed) -> ImportChunk:
        """Return the mids at the ends of bars."""
        batch, times = typed.rows, typed.times
        ends = times + round(SECONDS[self._file.resolution] * NS_PER_SECOND)
        bids, asks = (np.nan_to_num(_dollars(batch.column(name))) for name in ("bid_close", "ask_close"))
        return self._mids(typed, np.where(times > 0, ends, 0), bids, asks, np.zeros(len(times), dtype=np.bool_))

    def _mids(
        self, typed: _Timed, times: Int64s, bids: Float64s, asks: Float64s, suspicious: NDArray[np.bool_]
    ) -> ImportChunk:
        two_sided = (bids > 0) & (asks > 0)
        good = ~suspicious & two_sided & (bids <= asks)
        mids = (bids[good] + asks[good]) / 2
        moved = mids != np.append(self._mid, mids[:-1])
        self._mid = float(mids[-1]) if len(mids) else self._mid
        dropped = Counter(typed.dropped)
        reasons = {
            SUSPICIOUS: suspicious,
            ONE_SIDED: ~suspicious & ~two_sided,
            CROSSED: ~suspicious & two_sided & (bids > asks),
            UNCHANGED: ~moved,
        }
        dropped.update({reason: int(rows.sum()) for reason, rows in reasons.items() if rows.any()})
        columns = {**self._first(times[good][moved]), "fmv": pa.array(mids[moved])}
        return ImportChunk("fmv", pa.RecordBatch.from_pydict(columns), typed.read, dropped)

    def _first(self, times: Int64s) -> dict[str, Any]:
        return {"ticker": pa.array([self._file.ticker] * len(times), TEXT), "timestamp": pa.array(times)}

    def _times(self, texts: Any) -> Int64s:
        """Return times in ns UTC; 0 where a text is none."""
        if self._file.day is None:
            return TimeForm("%Y%m%d %H:%M", NEW_YORK).read(texts)
        midnight = (self._file.day.toordinal() - _EPOCH_DAY) * NS_PER_DAY
        since = in_steps(pl.Series(pl.from_arrow(texts)).str.strip_chars(), _NS_PER_MS, other=-1)
        is_of_day = (since >= 0) & (since < NS_PER_DAY)
        local = np.where(np.asarray(texts.is_valid()) & is_of_day, midnight + since, 0)
        return in_utc(local, ZoneInfo(NEW_YORK))


_EPOCH_DAY = 719_163
"""``date.toordinal`` of 1 January 1970."""


def _dollars(column: Any) -> Float64s:
    """Return prices in dollars: the double nearest to each. LEAN writes whole numbers, and reads others, too."""
    prices: Float64s = filled(column, np.nan)
    dollars = prices / _PRICE_SCALE  # of whole numbers the nearest: both numbers of the division are exact
    for place in np.flatnonzero(np.isfinite(prices) & (prices != np.rint(prices))).tolist():
        dollars[place] = float(Decimal(repr(float(prices[place]))) / _PRICE_SCALE)
    return dollars


def _carried(values: Float64s, before: float) -> tuple[Float64s, float]:
    """Return values, 0 and NaN replaced by the last usable one, and that; ``before`` is the one of earlier rows."""
    known = values > 0
    places = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    carried = np.where(places >= 0, values[places], before)
    return carried, float(carried[-1]) if len(carried) else before


def _condition_lists(texts: Any) -> Any:
    """Return the vendor's ids of conditions, written as bits in hexadecimal; each different text is read once."""
    known = [_ids(text) for text in texts.dictionary.to_pylist()]
    lists = pa.array([*known, []], pa.list_(pa.int16()))
    return lists.take(pa.array(filled(texts.indices, len(known))))


def _ids(text: str | None) -> list[int]:
    try:
        bits = int(text or "0", 16)
    except ValueError:
        return [UNREADABLE_CONDITION]
    if bits >> len(_CONDITIONS):  # below 0, too
        return [UNREADABLE_CONDITION]
    found = [number for place, number in enumerate(_CONDITIONS) if bits >> place & 1]
    return sorted({number for number in found if number != _REGULAR})


def _exchange_ids(letters: Any) -> Any:
    known = [_EXCHANGES.get(text) for text in letters.dictionary.to_pylist()]
    return pa.array([*known, None], pa.int16()).take(pa.array(filled(letters.indices, len(known))))

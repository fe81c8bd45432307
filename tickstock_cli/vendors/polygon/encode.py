"""Columns of recorded rows to events of the wire, one JSON object each: the reverse of `wire`.

Columns that a recording lacks get the values that most trades have: tape 3, exchange 4, and sequence numbers and trade
ids counted per ticker. A value that is null or not finite is absent from its event.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Struct

from tickstock_cli.core.batch import Int32s, Int64s
from tickstock_cli.vendors.polygon.columns import Columns

PREFIXES = {"tick": "T", "fmv": "FMV"}
BAR_PREFIXES = {60.0: "AM", 1.0: "A"}
"""Prefix of the bars of each length in seconds that the vendor has."""
DEFAULT_INTERVAL_SECONDS = 60
DEFAULT_TAPE = 3
DEFAULT_EXCHANGE = 4

SIZE_DECIMALS = 6
_LARGEST_WHOLE = 2.0**63


class _TradeEvent(
    Struct,
    tag_field="ev",
    tag="T",
    omit_defaults=True,
    gc=False,
    rename={
        "ticker": "sym",
        "exchange": "x",
        "trade_id": "i",
        "tape": "z",
        "price": "p",
        "size": "s",
        "exact_size": "ds",
        "conditions": "c",
        "time": "t",
        "participant_time": "pt",
        "sequence": "q",
        "trf_id": "trfi",
    },
):
    ticker: str
    exchange: int | None = None
    trade_id: str | None = None
    tape: int | None = None
    price: float | None = None
    size: int | None = None
    exact_size: str | None = None
    conditions: list[int | None] | None = None
    time: int | None = None
    participant_time: int | None = None
    sequence: int | None = None
    trf_id: int | None = None


class _BarEvent(
    Struct,
    omit_defaults=True,
    gc=False,
    rename={
        "prefix": "ev",
        "ticker": "sym",
        "volume": "v",
        "exact_volume": "dv",
        "vwap": "vw",
        "open": "o",
        "close": "c",
        "high": "h",
        "low": "l",
        "start": "s",
        "end": "e",
    },
):
    prefix: str
    ticker: str
    volume: int | None = None
    exact_volume: str | None = None
    vwap: float | None = None
    open: float | None = None
    close: float | None = None
    high: float | None = None
    low: float | None = None
    start: int | None = None
    end: int | None = None


class _FmvEvent(Struct, tag_field="ev", tag="FMV", omit_defaults=True, gc=False, rename={"ticker": "sym", "time": "t"}):
    ticker: str
    fmv: float | None = None
    time: int | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """Events of rows.

    Parameters
    ----------
    events
        One JSON object per event, in the order of their rows. A frame is ``b"[" + b",".join(events) + b"]"``.
    rows
        The row of each event.
    items
        The subscription items that the events are of, such as ``T.AAPL``, each once.
    item_codes
        The item of each event: its place in ``items``.
    unsent
        Rows that the wire has no event for, by reason: ``interval`` (a bar neither of a minute nor of a second),
        ``ticker`` (null or empty).
    """

    events: Sequence[bytes]
    rows: Int64s
    items: Sequence[str]
    item_codes: Int32s
    unsent: Counter[str]


class WireEncoder:
    """Encodes the rows of a recording as events, batch by batch in their order.

    Parameters
    ----------
    interval_seconds
        Length of bars whose rows tell none.
    """

    def __init__(self, interval_seconds: float = DEFAULT_INTERVAL_SECONDS) -> None:
        self._interval_seconds = interval_seconds
        self._sequences: dict[str, int] = {}
        self._encode = msgspec.json.Encoder().encode

    def encode(self, record: str, rows: pa.RecordBatch) -> Encoded:
        """Return rows as events.

        Parameters
        ----------
        record
            The record type: ``tick``, ``ohlcv`` or ``fmv``.
        rows
            Columns named as in `core.recording_schema`, of any type that holds their values: text, numbers, lists of
            integers, and times as int64 ns UTC or timestamps. All but ``ticker`` can be absent; others are ignored.
        """
        tickers: list[Any] = rows["ticker"].to_pylist()
        prefixes: list[Any] = [PREFIXES.get(record)] * rows.num_rows
        if record == "ohlcv":
            prefixes = bar_prefixes(Columns(rows), self._interval_seconds)
        sent = [row for row, (ticker, prefix) in enumerate(zip(tickers, prefixes, strict=True)) if ticker and prefix]
        unsent: Counter[str] = Counter()
        if len(sent) < len(tickers):
            unsent["ticker"] = sum(not ticker for ticker in tickers)
            unsent["interval"] = len(tickers) - len(sent) - unsent["ticker"]
            rows = rows.take(pa.array(sent, pa.int64()))
            tickers, prefixes = [tickers[row] for row in sent], [prefixes[row] for row in sent]
        columns = Columns(rows)
        events: Iterable[Any]
        if record == "tick":
            events = map(_TradeEvent, *self._trades(columns, tickers))
        elif record == "ohlcv":
            events = map(_BarEvent, prefixes, tickers, *self._bars(columns))
        else:
            events = map(_FmvEvent, tickers, columns.reals("fmv"), columns.milliseconds("timestamp"))
        keys = list(zip(prefixes, tickers, strict=True))
        codes = {key: code for code, key in enumerate(dict.fromkeys(keys))}
        return Encoded(
            list(map(self._encode, events)),
            np.array(sent, dtype=np.int64),
            [f"{prefix}.{ticker}" for prefix, ticker in codes],
            np.array([codes[key] for key in keys], dtype=np.int32),
            +unsent,
        )

    def _trades(self, columns: Columns, tickers: list[str]) -> tuple[list[Any], ...]:
        """Return the fields of trades, in the order of `_TradeEvent`."""
        sequences = columns.wholes("sequence") if columns.has("sequence") else self._counted(tickers)
        if columns.has("trade_id"):
            trade_ids = columns.texts("trade_id")
        else:
            trade_ids = [None if sequence is None else str(sequence) for sequence in sequences]
        sizes = columns.reals("size")
        return (
            tickers,
            columns.wholes("exchange", absent=DEFAULT_EXCHANGE),
            trade_ids,
            columns.wholes("tape", absent=DEFAULT_TAPE),
            columns.reals("price"),
            list(map(_floor, sizes)),
            list(map(_decimal, sizes)),
            columns.lists("conditions"),
            columns.milliseconds("timestamp"),
            columns.milliseconds("participant_timestamp"),
            sequences,
            columns.wholes("trf_id"),
        )

    def _bars(self, columns: Columns) -> tuple[list[Any], ...]:
        """Return the fields of bars, in the order of `_BarEvent`."""
        volumes = columns.reals("volume")
        starts = columns.milliseconds("timestamp")
        ends = [
            None if start is None else start + round(seconds * 1_000)
            for start, seconds in zip(starts, bar_intervals(columns, self._interval_seconds), strict=True)
        ]
        prices = (columns.reals(name) for name in ("vwap", "open", "close", "high", "low"))
        return (list(map(_floor, volumes)), list(map(_decimal, volumes)), *prices, starts, ends)

    def _counted(self, tickers: list[str]) -> list[int | None]:
        """Return the next sequence number of each row's ticker, from 1."""
        numbers: list[int | None] = []
        for ticker in tickers:
            number = self._sequences.get(ticker, 0) + 1
            self._sequences[ticker] = number
            numbers.append(number)
        return numbers


def bar_intervals(columns: Columns, usual: float) -> list[float]:
    """Return the lengths of bars in seconds, ``usual`` for those that tell none."""
    return [usual if seconds is None else seconds for seconds in columns.reals("interval")]


def bar_prefixes(columns: Columns, usual: float) -> list[str | None]:
    """Return the prefix of each bar's event; None for a bar that the vendor does not have."""
    return [BAR_PREFIXES.get(seconds) for seconds in bar_intervals(columns, usual)]


@lru_cache(maxsize=2**16)
def _floor(size: float | None) -> int | None:
    """Return a size without its fraction; None beyond an int64, which clients read it as."""
    return None if size is None or abs(size) >= _LARGEST_WHOLE else math.floor(size)


@lru_cache(maxsize=2**16)
def _decimal(size: float | None) -> str | None:
    """Return a size as the vendor writes it: ``"4989.0"``, with at most six decimals."""
    if size is None:
        return None
    digits = f"{size:.{SIZE_DECIMALS}f}".rstrip("0")
    return f"{digits}0" if digits.endswith(".") else digits

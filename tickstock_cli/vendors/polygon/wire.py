"""Frames of the wire to columns of recorded rows (`core.recording_schema`).

1. Read frames of plain trades alone straight into columns (`scan`).
2. Read other frames as messages: quickly, or with patience if one is odd (`messages`). Build the columns of all
   messages of a record type at once; rows keep the order of their messages.
3. Read the flags of trades from their conditions (`conditions`).

No socket, no clock: the time at which each frame was received comes with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import Float64s, Int64s
from tickstock_cli.core.calendar import XNYS
from tickstock_cli.core.feed import WIRE_ERROR_CHARACTERS, WireError
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.core.times import MAX_NS, NS_PER_DAY, NS_PER_SECOND, NS_PER_UNIT
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.sources.plain_numbers import Bools, valid, values
from tickstock_cli.vendors.polygon import scan
from tickstock_cli.vendors.polygon.conditions import LATE_PRINT_SECONDS, UNREADABLE, RegularHours, trade_flags
from tickstock_cli.vendors.polygon.messages import (
    BarMessage,
    FmvMessage,
    FrameError,
    MinuteBarMessage,
    SecondBarMessage,
    StatusMessage,
    TradeMessage,
    plain_text,
    read_frame,
    read_odd_frame,
)
from tickstock_cli.vendors.polygon.scan import PlainTrades, scan_trades

Frame = tuple[bytes | str, int]
"""A frame as it came, and the time at which it was received (int64 ns UTC)."""

_STATUS = "status"
_RECORDS: Mapping[type[Any], str] = {
    TradeMessage: "tick",
    MinuteBarMessage: "ohlcv",
    SecondBarMessage: "ohlcv",
    FmvMessage: "fmv",
    StatusMessage: _STATUS,
}
_FIRST_MS, _FIRST_US, _FIRST_NS = 10**11, 10**14, 10**17
"""Magnitudes from which times are in these units; times below are in seconds."""
_LAST_MS = MAX_NS // NS_PER_UNIT["ms"]

_COLUMN_TYPES = {record: schema.types for record, schema in RECORDED.items()}
_EXAMPLE = (
    b'[{"ev":"T","sym":"MSFT","x":4,"i":"12345","z":3,"p":114.125,"s":100,"c":[12],"t":1790352000000,"q":3681328}]'
)

_MOST_NOTICES = 1_000


@dataclass(frozen=True, slots=True)
class Decoded:
    """What frames hold.

    Parameters
    ----------
    rows
        The rows of each record type that has any, in the merge order of types.
    statuses
        Status messages, in their order.
    errors
        Frames and messages that cannot be read.
    counts
        What the ledger counts: ``wire.frames``, ``wire.events``, ``wire.status``, ``wire.bad_frame``,
        ``wire.bad_event``, ``wire.unknown_event``, ``wire.late_print``. Events are the rows and those of status,
        bad_event and unknown_event.
    notices
        Lines for the user: unknown condition ids and types of messages, each once per decoder.
    """

    rows: Mapping[str, pa.RecordBatch]
    statuses: Sequence[StatusMessage]
    errors: Sequence[WireError]
    counts: Counter[str]
    notices: Sequence[str]


class Decoder:
    """Decodes frames.

    Parameters
    ----------
    late_print_seconds
        A trade is a late print if the SIP's time is more than this behind its exchange's: neither last price nor high
        or low. 0 = no trade is.
    calendar
        Trades of extended hours change prices outside its regular hours only.

    Notes
    -----
    Frames that come together are best decoded together: the cost per call is that of a few hundred trades.
    """

    def __init__(self, late_print_seconds: float = LATE_PRINT_SECONDS, calendar: MarketCalendar = XNYS) -> None:
        self._late_print_seconds = late_print_seconds
        self._hours = RegularHours(calendar)
        self._noticed: set[str] = set()
        self.decode([(_EXAMPLE, 0)])  # what libraries import on first use would delay the first frame of a feed

    def decode(self, frames: Sequence[Frame]) -> Decoded:
        """Return what frames hold; nothing in a frame raises an error."""
        call = _Call(len(frames))
        plain = scan_trades([data for data, _ in frames])
        if plain is not None:
            call.counts["wire.events"] += int(plain.lengths.sum())
            received = np.repeat(np.array([received_at for _, received_at in frames], dtype=np.int64), plain.lengths)
            rows = {"tick": self._ticks(_of_plain(plain), received, call)}
            return Decoded(rows, [], call.errors, call.counts, self._new(call.notices))
        return self._decode_messages(frames, call)

    def _decode_messages(self, frames: Sequence[Frame], call: _Call) -> Decoded:
        lengths = [call.read(data, received_at) for data, received_at in frames]
        received = np.repeat(np.array([received_at for _, received_at in frames], dtype=np.int64), lengths)
        rows = {}
        statuses: list[Any] = []
        for record, messages, their_received in _by_record(call.messages, received):
            if record == _STATUS:
                statuses = messages
            elif record == "tick":
                rows[record] = self._ticks(_of_messages(messages), their_received, call)
            else:
                rows[record] = _BUILDERS[record](messages, their_received)
        call.counts["wire.status"] = len(statuses)
        return Decoded(rows, statuses, call.errors, call.counts, self._new(call.notices))

    def _ticks(self, trades: _Trades, received_at: Int64s, call: _Call) -> pa.RecordBatch:
        """Return trades as rows; count late prints, and note unknown conditions."""
        timestamp, sip_times = _times(*trades.time)
        participant_timestamp, exchange_times = _times(*trades.participant_time)
        ids = values(trades.conditions.values, np.int16, UNREADABLE)
        offsets = values(trades.conditions.offsets, np.int32, 0)
        result = trade_flags(ids, offsets, timestamp, participant_timestamp, self._hours, self._late_print_seconds)
        call.counts["wire.late_print"] += result.late
        call.notices += [f"condition {id_} is unknown: its trades count as volume only" for id_ in result.unknown]
        return _batch(
            "tick",
            trades.ticker,
            sip_times,
            trades.price,
            trades.size,
            result.flags,
            trades.conditions,
            trades.exchange,
            trades.sequence,
            trades.trade_id,
            trades.tape,
            exchange_times,
            trades.trf_id,
            received_at,
        )

    def _new(self, notices: list[str]) -> list[str]:
        """Return the notices that are new, and remember them."""
        new = [notice for notice in dict.fromkeys(notices) if notice not in self._noticed]
        new = new[: max(0, _MOST_NOTICES - len(self._noticed))]
        self._noticed.update(new)
        return new


class _Call:
    """What one call has read so far."""

    def __init__(self, frames: int) -> None:
        self.messages: list[Any] = []
        self.errors: list[WireError] = []
        self.notices: list[str] = []
        self.counts: Counter[str] = Counter({"wire.frames": frames})

    def read(self, data: bytes | str, received_at: int) -> int:
        """Read the messages of a frame; return how many it holds."""
        messages = read_frame(data)
        if messages is None:
            messages = self._read_odd(data, received_at)
        else:
            self.counts["wire.events"] += len(messages)
        self.messages += messages
        return len(messages)

    def _read_odd(self, data: bytes | str, received_at: int) -> list[Any]:
        try:
            frame = read_odd_frame(data)
        except FrameError as error:
            start = data[: 4 * WIRE_ERROR_CHARACTERS]
            text = plain_text(start) if isinstance(start, str) else start.decode(errors="replace")
            self._add_error("wire.bad_frame", received_at, str(error), text)
            return []
        for reason, text in frame.bad:
            self._add_error("wire.bad_event", received_at, reason, text)
        self.counts["wire.unknown_event"] += len(frame.unknown)
        self.counts["wire.events"] += len(frame.messages) + len(frame.bad) + len(frame.unknown)
        self.notices += [f"messages of type {type_[:40]!r} are not read" for type_ in frame.unknown]
        return frame.messages

    def _add_error(self, counter: str, received_at: int, reason: str, text: str) -> None:
        self.counts[counter] += 1
        self.errors.append(WireError(received_at, counter, reason, text[:WIRE_ERROR_CHARACTERS]))


@dataclass(frozen=True, slots=True)
class _Trades:
    """Columns of trades: lists of Python values or Arrow arrays; times as steps and where they are known."""

    ticker: Any
    time: tuple[Int64s, Bools | None]
    participant_time: tuple[Int64s, Bools | None]
    price: pa.Array[Any]
    size: pa.Array[Any]
    conditions: Any
    exchange: Any
    sequence: Any
    trade_id: Any
    tape: Any
    trf_id: Any


def _of_messages(trades: list[TradeMessage]) -> _Trades:
    return _Trades(
        [trade.ticker for trade in trades],
        _integers([trade.time for trade in trades]),
        _integers([trade.participant_time for trade in trades]),
        _reals([trade.price for trade in trades]),
        _exact([trade.exact_size for trade in trades], lambda: [trade.size for trade in trades]),
        pa.array([trade.conditions or () for trade in trades], pa.list_(pa.int16())),
        [trade.exchange for trade in trades],
        [trade.sequence for trade in trades],
        [trade.trade_id for trade in trades],
        [trade.tape for trade in trades],
        [trade.trf_id for trade in trades],
    )


def _of_plain(trades: PlainTrades) -> _Trades:
    return _Trades(
        trades.ticker,
        (trades.whole(scan.TIME), trades.known(scan.TIME)),
        (trades.whole(scan.PARTICIPANT_TIME), trades.known(scan.PARTICIPANT_TIME)),
        trades.reals(scan.PRICE),
        trades.reals(scan.EXACT_SIZE, scan.SIZE),
        trades.conditions,
        trades.wholes(scan.EXCHANGE, np.int16),
        trades.wholes(scan.SEQUENCE, np.int64),
        trades.trade_id,
        trades.wholes(scan.TAPE, np.int8),
        trades.wholes(scan.TRF_ID, np.int16),
    )


def _by_record(messages: list[Any], received_at: Int64s) -> Iterator[tuple[str, list[Any], Int64s]]:
    """Yield the messages of each record type, and of the statuses, with the times at which they were received."""
    types = list(map(type, messages))
    found = {_RECORDS[type_] for type_ in set(types)}
    for record in (*RECORDED, _STATUS):
        if found == {record}:
            yield record, messages, received_at
        elif record in found:
            places = [place for place, type_ in enumerate(types) if _RECORDS[type_] == record]
            yield record, [messages[place] for place in places], received_at[places]


def _bars(bars: list[BarMessage], received_at: Int64s) -> pa.RecordBatch:
    start, start_times = _times(*_integers([bar.start for bar in bars]))
    end, _ = _times(*_integers([bar.end for bar in bars]))
    # A bar that does not end behind its start, or days later, tells no length; readers take the usual one for null.
    told = (start > 0) & (end > start) & (end - start <= NS_PER_DAY)
    return _batch(
        "ohlcv",
        [bar.ticker for bar in bars],
        start_times,
        _reals([bar.open for bar in bars]),
        _reals([bar.high for bar in bars]),
        _reals([bar.low for bar in bars]),
        _reals([bar.close for bar in bars]),
        _exact([bar.exact_volume for bar in bars], lambda: [bar.volume for bar in bars]),
        _reals([bar.vwap for bar in bars]),
        pa.array((end - start) / NS_PER_SECOND, mask=~told),
        received_at,
    )


def _fmvs(messages: list[FmvMessage], received_at: Int64s) -> pa.RecordBatch:
    _, times = _times(*_integers([message.time for message in messages]))
    return _batch(
        "fmv",
        [message.ticker for message in messages],
        times,
        _reals([message.fmv for message in messages]),
        received_at,
    )


_BUILDERS: Mapping[str, Callable[[list[Any], Int64s], pa.RecordBatch]] = {"ohlcv": _bars, "fmv": _fmvs}


def _batch(record: str, *columns: Any) -> pa.RecordBatch:
    """Return a batch from its columns: Arrow arrays, numpy arrays, or lists of Python values."""
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, type_)
        for column, type_ in zip(columns, _COLUMN_TYPES[record], strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=RECORDED[record])


def _times(steps: Int64s, known: Bools | None) -> tuple[Int64s, pa.Array[Any]]:
    """Return times of the wire in ns, 0 where unknown, and as a column with null there.

    The unit of each follows from its magnitude, as in `core.times.epoch_unit`.
    """
    if known is None and len(steps) and steps.min() >= _FIRST_MS and steps.max() <= _LAST_MS:
        ns = steps * NS_PER_UNIT["ms"]
        return ns, pa.array(ns)
    if known is not None and not known.any():
        return np.zeros(len(steps), dtype=np.int64), pa.nulls(len(steps), pa.int64())
    size = np.abs(steps)
    per_step = np.full(len(steps), NS_PER_UNIT["ms"])
    per_step[size < _FIRST_MS] = NS_PER_UNIT["s"]
    per_step[size >= _FIRST_US] = NS_PER_UNIT["us"]
    per_step[size >= _FIRST_NS] = NS_PER_UNIT["ns"]
    held = size <= MAX_NS // per_step
    known = held if known is None else known & held
    ns = np.where(known, steps, 0) * per_step
    return ns, pa.array(ns, mask=~known)


def _integers(numbers: list[int | None]) -> tuple[Int64s, Bools | None]:
    """Return integers, 0 where None, and where they are known; None if all are."""
    try:
        return np.array(numbers, dtype=np.int64), None
    except TypeError:
        array = pa.array(numbers, pa.int64())
        return values(array, np.int64, 0), valid(array)


def _reals(numbers: list[float | None]) -> pa.Array[Any]:
    """Return numbers as a column; null for what is not finite."""
    return _finite(np.array(numbers, dtype=np.float64))  # None becomes NaN


def _exact(exact: list[float | None], truncated: Callable[[], list[float | None]]) -> pa.Array[Any]:
    """Return exact numbers as a column, and the truncated one where there is no exact one."""
    numbers = np.array(exact, dtype=np.float64)
    known = np.isfinite(numbers)
    if not known.all():
        numbers = np.where(known, numbers, np.array(truncated(), dtype=np.float64))
    return _finite(numbers)


def _finite(numbers: Float64s) -> pa.Array[Any]:
    finite = np.isfinite(numbers)
    return pa.array(numbers, mask=None if finite.all() else ~finite)

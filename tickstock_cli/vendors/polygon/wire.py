"""Frames of the wire to columns of recorded rows (`core.recording_schema`).

1. Read frames of plain trades alone straight into columns (`scan`).
2. Read the other frames as messages: quickly, or with patience if one is odd (`messages`). Build the columns of all
   messages of a record type at once. Rows keep the order of their messages, whichever way they were read.
3. Read the flags of trades from their conditions (`conditions`).

No socket, no clock: the time at which each frame was received comes with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.calendar import XNYS
from tickstock_cli.core.feed import WIRE_ERROR_CHARACTERS, WireError
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.sources.plain_numbers import values
from tickstock_cli.vendors.polygon.conditions import LATE_PRINT_SECONDS, UNREADABLE, RegularHours, trade_flags
from tickstock_cli.vendors.polygon.messages import (
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
from tickstock_cli.vendors.polygon.rows import (
    ROWS_OF,
    TradeColumns,
    as_rows,
    times_of,
    trades_of_messages,
    trades_of_plain,
)
from tickstock_cli.vendors.polygon.scan import TradeScanner

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
        self._scanner = TradeScanner()
        self.decode([(_EXAMPLE, 0)])  # what libraries import on first use would delay the first frame of a feed

    def decode(self, frames: Sequence[Frame]) -> Decoded:
        """Return what frames hold; nothing in a frame raises an error."""
        call = _Call(frames)
        plain = self._scanner.scan([data for data, _ in frames])
        call.read_all(np.flatnonzero(plain.lengths < 0).tolist())
        ticks = []
        if len(plain):
            call.counts["wire.events"] += len(plain)
            numbers = np.repeat(np.arange(len(frames)), np.maximum(plain.lengths, 0))
            ticks.append((self._ticks(trades_of_plain(plain), call.received_at[numbers], call), numbers))
        rows = {}
        statuses: list[Any] = []
        for record, messages, numbers in call.by_record():
            if record == _STATUS:
                statuses = messages
            elif record == "tick":
                ticks.append((self._ticks(trades_of_messages(messages), call.received_at[numbers], call), numbers))
            else:
                rows[record] = ROWS_OF[record](messages, call.received_at[numbers])
        if ticks:
            rows = {"tick": _in_order(ticks), **rows}
        call.counts["wire.status"] = len(statuses)
        return Decoded(rows, statuses, call.errors, call.counts, self._new(call.notices))

    def _ticks(self, trades: TradeColumns, received_at: Int64s, call: _Call) -> pa.RecordBatch:
        """Return trades as rows; count late prints, and note unknown conditions."""
        timestamp, sip_times = times_of(*trades.time)
        participant_timestamp, exchange_times = times_of(*trades.participant_time)
        ids = values(trades.conditions.values, np.int16, UNREADABLE)
        offsets = values(trades.conditions.offsets, np.int32, 0)
        result = trade_flags(ids, offsets, timestamp, participant_timestamp, self._hours, self._late_print_seconds)
        call.counts["wire.late_print"] += result.late
        call.notices += [f"condition {id_} is unknown: its trades count as volume only" for id_ in result.unknown]
        return as_rows(
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
    """What one call has read so far, of frames that are not plain."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.received_at = np.fromiter((received_at for _, received_at in frames), np.int64, len(frames))
        self.errors: list[WireError] = []
        self.notices: list[str] = []
        self.counts: Counter[str] = Counter({"wire.frames": len(frames)})
        self._frames = frames
        self._messages: list[Any] = []
        self._numbers: Int64s = np.empty(0, dtype=np.int64)

    def read_all(self, numbers: Sequence[int]) -> None:
        """Read the messages of frames, by their numbers."""
        if numbers:
            self._numbers = np.repeat(numbers, [self._read(*self._frames[number]) for number in numbers])

    def by_record(self) -> Iterator[tuple[str, list[Any], Int64s]]:
        """Yield the messages of each record type, and of the statuses, with the numbers of their frames."""
        types = list(map(type, self._messages))
        found = {_RECORDS[type_] for type_ in set(types)}
        for record in (*RECORDED, _STATUS):
            if found == {record}:
                yield record, self._messages, self._numbers
            elif record in found:
                places = [place for place, type_ in enumerate(types) if _RECORDS[type_] == record]
                yield record, [self._messages[place] for place in places], self._numbers[places]

    def _read(self, data: bytes | str, received_at: int) -> int:
        """Read the messages of a frame; return how many it holds."""
        messages = read_frame(data)
        if messages is None:
            messages = self._read_odd(data, received_at)
        else:
            self.counts["wire.events"] += len(messages)
        self._messages += messages
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


def _in_order(parts: Sequence[tuple[pa.RecordBatch, Int64s]]) -> pa.RecordBatch:
    """Return rows, each part in order, in the order of the numbers of their frames."""
    if len(parts) == 1:
        return parts[0][0]
    order = np.argsort(np.concatenate([numbers for _, numbers in parts]), kind="stable")
    return pa.Table.from_batches([rows for rows, _ in parts]).combine_chunks().to_batches()[0].take(order)

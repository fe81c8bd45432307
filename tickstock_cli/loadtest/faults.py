"""Faults of the feed, decided by the seed, and counts of the rows that the rules reject because of them.

Faults apply in this order, whatever their order in the scenario:

1. *drop*: rows are not sent;
2. *skew*: the clock of a ticker's exchange is wrong;
3. *reorder*: rows are sent late;
4. *duplicate*: a copy of a row is sent later;
5. *stall*, *disconnect*: rows of a silence are sent at its end.

The rules must reject every copy. They recognise a repeated bar by its time, but a repeated tick or fair value only if
it is older than the ticker's last row. So such a copy waits for a newer row of its ticker and follows it directly. A
copy without a newer row is not sent, and a ticker has at most one waiting copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.loadtest.rows import Rows, join, no_rows
from tickstock_cli.loadtest.scenario import RECORDS, Fault, FaultKind, RecordName, Scenario
from tickstock_cli.synth.arriving import REASONS, arrive
from tickstock_cli.synth.rng import draws

_NS_PER_MS = 1_000_000
_CHANCE_BITS = 53


@dataclass(frozen=True, slots=True)
class Sent:
    """Rows in the order in which they are sent; counts by slot, as in `workload.Slot`."""

    rows: Rows
    counts: dict[str, NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class _Planned:
    """A fault with the times (int64 ns) of its stages, and the name of its random stream."""

    fault: Fault
    purpose: str
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]

    def is_on(self, times: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which times (int64 ns) lie in its stages."""
        stage = np.searchsorted(self.begins, times, side="right") - 1
        return (stage >= 0) & (times < self.ends[np.maximum(stage, 0)])

    @property
    def ns(self) -> int:
        """The fault's ``ms`` in ns."""
        return round(self.fault.ms * _NS_PER_MS)


class FaultInjector:
    """Applies a scenario's faults to the rows of a workload, block by block."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._end = scenario.start_ns + scenario.seconds * NS_PER_SECOND
        planned = [_plan(scenario, number, fault) for number, fault in enumerate(scenario.faults)]
        self._silences = sorted(_silences(planned), key=lambda silence: silence.begin)
        self._lines = {
            record: _TypeFaults(record, scenario, [one for one in planned if record in one.fault.types], self._silences)
            for record in RECORDS
        }

    def send(self, record: RecordName, rows: Rows, first: int, last: int) -> Sent:
        """Return the rows of a type that are sent in the seconds ``[first, last)``; ``rows`` are those due in them."""
        begin, end = (self._scenario.start_ns + second * NS_PER_SECOND for second in (first, last))
        return self._lines[record].send(rows, begin, end, end == self._end)

    def disconnect_in(self, begin: int, end: int) -> int:
        """Return the length (ns) of the disconnect that begins in ``[begin, end)`` (int64 ns); 0 without one."""
        lengths = (
            silence.end - silence.begin for silence in self._silences if silence.breaks and begin <= silence.begin < end
        )
        return max(lengths, default=0)


@dataclass(frozen=True, slots=True)
class _Silence:
    """The feed is silent in ``[begin, end)`` (int64 ns); ``breaks``: the connection breaks, too."""

    begin: int
    end: int
    breaks: bool


def _plan(scenario: Scenario, number: int, fault: Fault) -> _Planned:
    ends = scenario.start_ns + np.cumsum([stage.seconds for stage in scenario.stages]) * NS_PER_SECOND
    begins = np.concatenate([[scenario.start_ns], ends[:-1]])
    chosen = np.array([not fault.stages or stage.name in fault.stages for stage in scenario.stages])
    return _Planned(fault, f"fault {number} {fault.kind}", begins[chosen], ends[chosen])


def _silences(planned: list[_Planned]) -> Iterator[_Silence]:
    for one in planned:
        if not one.fault.interrupts:
            continue
        every = one.fault.every_seconds * NS_PER_SECOND
        for begin, end in zip(one.begins.tolist(), one.ends.tolist(), strict=True):
            for at in range(begin + every, end, every):
                yield _Silence(at, min(at + one.ns, end), one.fault.kind == "disconnect")


@dataclass(frozen=True, slots=True)
class _RowsInFlight:
    """Rows before they are sent: their number in the schedule, and whether each is a copy, and held by a silence."""

    rows: Rows
    number: NDArray[np.int64]
    is_copy: NDArray[np.bool_]
    is_held: NDArray[np.bool_]

    def take(self, chosen: Any) -> _RowsInFlight:
        return _RowsInFlight(self.rows.take(chosen), self.number[chosen], self.is_copy[chosen], self.is_held[chosen])

    def sent_at(self, send: Any) -> _RowsInFlight:
        """Return the rows with other send times (int64 ns): one for all, or one each."""
        rows = self.rows
        times = np.broadcast_to(np.asarray(send, dtype=np.int64), rows.send.shape)
        return replace(self, rows=Rows(rows.symbol, rows.timestamp, times, rows.values))


def _in_flight(rows: Rows, number: NDArray[np.int64], *, copy: bool) -> _RowsInFlight:
    no = np.zeros(len(rows), dtype=np.bool_)
    return _RowsInFlight(rows, number, no | copy, no)


def _concatenated(parts: Sequence[_RowsInFlight]) -> _RowsInFlight:
    return _RowsInFlight(
        join([in_flight.rows for in_flight in parts]),
        np.concatenate([in_flight.number for in_flight in parts]),
        np.concatenate([in_flight.is_copy for in_flight in parts]),
        np.concatenate([in_flight.is_held for in_flight in parts]),
    )


class _TypeFaults:
    """The faults of one record type."""

    def __init__(
        self, record: RecordName, scenario: Scenario, planned: list[_Planned], silences: list[_Silence]
    ) -> None:
        self._record = record
        self._slot_ns = scenario.slot_ns
        self._seed = scenario.seed
        self._planned = planned
        self._silences = silences
        self._made = 0
        self._late = _in_flight(no_rows(record), np.empty(0, dtype=np.int64), copy=False)
        self._last = np.zeros(scenario.symbols.count, dtype=np.int64)
        self._waiting = np.full(scenario.symbols.count, -1, dtype=np.int64)

    def send(self, rows: Rows, begin: int, end: int, is_last: bool) -> Sent:
        """Return the rows sent before ``end`` (int64 ns), of ``rows`` and of rows held back earlier."""
        counts = _Counts(self._record, begin, end, self._slot_ns)
        counts.add("asked", rows.send)
        if not self._planned:
            counts.add("sent", rows.send)
            return Sent(rows, counts.by_name)
        in_flight = _concatenated([self._late, *(self._held(fresh, begin) for fresh in self._distort(rows, counts))])
        if is_last:
            in_flight = in_flight.sent_at(np.minimum(in_flight.rows.send, end - 1))
        # Sorted by number, too, so that the order at a silence's end does not depend on the cuts between blocks.
        in_flight = in_flight.take(np.lexsort((in_flight.is_copy, in_flight.number, in_flight.rows.send)))
        due = int(np.searchsorted(in_flight.rows.send, end))
        return self._arrive(in_flight.take(slice(due)), in_flight.take(slice(due, None)), counts)

    def _distort(self, rows: Rows, counts: _Counts) -> list[_RowsInFlight]:
        """Apply the faults of single rows, and return the rows, and their copies."""
        first, self._made = self._made, self._made + len(rows)
        number = np.arange(first, self._made)
        for one in self._of("drop"):
            hit = self._hits(one, rows, first, number)
            counts.add("dropped", rows.send[hit])
            rows, number = rows.take(~hit), number[~hit]
        timestamp, send = rows.timestamp.copy(), rows.send.copy()
        for one in self._of("skew"):
            exchange = draws(self._seed, one.purpose, len(self._last))
            hit = _below(exchange, one.fault.share)[rows.symbol] & one.is_on(rows.send)
            timestamp[hit] += one.ns
            counts.add("skewed", rows.send[hit])
        for one in self._of("reorder"):
            hit = self._hits(one, rows, first, number)
            delay = self._draws(f"{one.purpose} delay", first)[number[hit] - first] >> np.uint64(64 - _CHANCE_BITS)
            send[hit] += (delay.astype(np.float64) / (1 << _CHANCE_BITS) * one.ns).astype(np.int64)
            counts.add("reordered", rows.send[hit])
        parts = [_in_flight(Rows(rows.symbol, timestamp, send, rows.values), number, copy=False)]
        for one in self._of("duplicate"):
            hit = self._hits(one, rows, first, number)
            copy = _in_flight(parts[0].rows.take(hit), number[hit], copy=True)
            parts.append(copy.sent_at(copy.rows.send + one.ns))
        return parts

    def _of(self, kind: FaultKind) -> Iterator[_Planned]:
        return (one for one in self._planned if one.fault.kind == kind)

    def _hits(self, one: _Planned, rows: Rows, first: int, number: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which rows a fault hits. A row's number selects its draw, so dropped rows change no other row."""
        drawn = self._draws(one.purpose, first)[number - first]
        return _below(drawn, one.fault.share) & one.is_on(rows.send)

    def _draws(self, purpose: str, first: int) -> NDArray[np.uint64]:
        return draws(self._seed, f"{purpose} {self._record}", self._made - first, first)

    def _held(self, in_flight: _RowsInFlight, begin: int) -> _RowsInFlight:
        """Return the rows with those of a silence moved to its end."""
        held = in_flight.rows.send.copy()
        for silence in self._silences:
            if silence.end > begin:
                held[(held >= silence.begin) & (held < silence.end)] = silence.end
        return replace(in_flight.sent_at(held), is_held=held != in_flight.rows.send)

    def _arrive(self, due: _RowsInFlight, later: _RowsInFlight, counts: _Counts) -> Sent:
        """Return the rows that are due, keep the later ones, and count those that the rules reject."""
        room = len(due.rows)
        place, send = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
        reason, kept = np.empty(room, dtype=np.int8), np.zeros(room, dtype=np.bool_)
        self._waiting[:] = -1
        sent = arrive(
            due.rows.symbol,
            due.rows.timestamp,
            due.rows.send,
            due.is_copy,
            self._record == "ohlcv",
            counts.begin,
            self._slot_ns,
            self._last,
            self._waiting,
            place,
            send,
            reason,
            kept,
        )
        gone, reason = due.take(place[:sent]).sent_at(send[:sent]), reason[:sent]
        # One ns before the next block, which checks a waiting copy again.
        self._late = _concatenated([due.take(kept).sent_at(counts.end - 1), later])
        counts.add("sent", gone.rows.send)
        counts.add("duplicated", gone.rows.send[gone.is_copy])
        counts.add("held", gone.rows.send[gone.is_held])
        for code, name in enumerate(REASONS, 1):
            counts.add(f"rejected.{name}", gone.rows.send[reason == code])
        return Sent(gone.rows, counts.by_name)


class _Counts:
    """Counts of a block's rows by slot."""

    def __init__(self, record: RecordName, begin: int, end: int, slot_ns: int) -> None:
        self._record = record
        self.begin, self.end = begin, end
        self._slot_ns = slot_ns
        self.by_name: dict[str, NDArray[np.int64]] = {}

    def add(self, name: str, times: NDArray[np.int64]) -> None:
        """Add times (int64 ns) of the block to the counts of their slots."""
        if len(times):
            slots = (self.end - self.begin) // self._slot_ns
            counted = np.bincount((times - self.begin) // self._slot_ns, minlength=slots)
            key = f"{self._record}.{name}"
            self.by_name[key] = self.by_name.get(key, 0) + counted


def _below(drawn: NDArray[np.uint64], share: float) -> NDArray[np.bool_]:
    chosen: NDArray[np.bool_] = (drawn >> np.uint64(64 - _CHANCE_BITS)) < np.uint64(round(share * (1 << _CHANCE_BITS)))
    return chosen

"""What goes wrong between a feed and the system, decided by the seed; and what the rules will reject of it.

Rows go through a scenario's faults in this order, whatever their order there:

1. *drop*: they are not sent;
2. *skew*: the clock of their ticker's exchange is off;
3. *reorder*: they are sent late;
4. *duplicate*: a copy is sent later;
5. *stall*, *disconnect*: what would be sent in a silence is sent at its end.

A copy must be one that the rules reject: a finished bar is known again by its time, but a tick or a fair value only if
it is older than the ticker's last. So a copy of those waits until the ticker had a newer row, and comes right behind
it. One that never could is not sent, and no ticker has two copies waiting.
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
    """A fault with the times (int64 ns) of its stages, and the name of its stream of draws."""

    fault: Fault
    purpose: str
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]

    def is_on(self, times: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which of some times lie in its stages."""
        stage = np.searchsorted(self.begins, times, side="right") - 1
        return (stage >= 0) & (times < self.ends[np.maximum(stage, 0)])

    @property
    def ns(self) -> int:
        """Its length in ns."""
        return round(self.fault.ms * _NS_PER_MS)


class FaultInjector:
    """Sends the rows of a load, block after block."""

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
        """Return what is sent of a type in the seconds ``[first, last)``, of the rows due in them and before."""
        begin, end = (self._scenario.start_ns + second * NS_PER_SECOND for second in (first, last))
        return self._lines[record].send(rows, begin, end, end == self._end)

    def disconnect_in(self, begin: int, end: int) -> int:
        """Return how long (ns) a connection stays broken that breaks in ``[begin, end)``; 0 = none does."""
        lengths = (
            silence.end - silence.begin for silence in self._silences if silence.breaks and begin <= silence.begin < end
        )
        return max(lengths, default=0)


@dataclass(frozen=True, slots=True)
class _Silence:
    """Nothing is sent in ``[begin, end)`` (int64 ns); ``breaks``: the connection breaks."""

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
    """Rows on their way, with their number in the schedule, and whether each is a copy, and was held by a silence."""

    rows: Rows
    number: NDArray[np.int64]
    is_copy: NDArray[np.bool_]
    is_held: NDArray[np.bool_]

    def take(self, chosen: Any) -> _RowsInFlight:
        return _RowsInFlight(self.rows.take(chosen), self.number[chosen], self.is_copy[chosen], self.is_held[chosen])

    def sent_at(self, send: Any) -> _RowsInFlight:
        """Return them sent at other times (int64 ns): one for all, or one each."""
        rows = self.rows
        times = np.broadcast_to(np.asarray(send, dtype=np.int64), rows.send.shape)
        return replace(self, rows=Rows(rows.symbol, rows.timestamp, times, rows.values))


def _begin(rows: Rows, number: NDArray[np.int64], *, copy: bool) -> _RowsInFlight:
    no = np.zeros(len(rows), dtype=np.bool_)
    return _RowsInFlight(rows, number, no | copy, no)


def _together(ways: Sequence[_RowsInFlight]) -> _RowsInFlight:
    return _RowsInFlight(
        join([way.rows for way in ways]),
        np.concatenate([way.number for way in ways]),
        np.concatenate([way.is_copy for way in ways]),
        np.concatenate([way.is_held for way in ways]),
    )


class _TypeFaults:
    """The way of one type's rows."""

    def __init__(
        self, record: RecordName, scenario: Scenario, planned: list[_Planned], silences: list[_Silence]
    ) -> None:
        self._record = record
        self._slot_ns = scenario.slot_ns
        self._seed = scenario.seed
        self._planned = planned
        self._silences = silences
        self._made = 0
        self._late = _begin(no_rows(record), np.empty(0, dtype=np.int64), copy=False)
        self._last = np.zeros(scenario.symbols.count, dtype=np.int64)
        self._waiting = np.full(scenario.symbols.count, -1, dtype=np.int64)

    def send(self, rows: Rows, begin: int, end: int, is_last: bool) -> Sent:
        """Send what is due before ``end`` (int64 ns) of rows whose faults are still to come, and of those held back."""
        counts = _Counts(self._record, begin, end, self._slot_ns)
        counts.add("asked", rows.send)
        if not self._planned:
            counts.add("sent", rows.send)
            return Sent(rows, counts.by_name)
        way = _together([self._late, *(self._held(fresh, begin) for fresh in self._distort(rows, counts))])
        if is_last:
            way = way.sent_at(np.minimum(way.rows.send, end - 1))
        # By number where silences end: what is sent then must not depend on which rows were made together.
        way = way.take(np.lexsort((way.is_copy, way.number, way.rows.send)))
        due = int(np.searchsorted(way.rows.send, end))
        return self._arrive(way.take(slice(due)), way.take(slice(due, None)), counts)

    def _distort(self, rows: Rows, counts: _Counts) -> list[_RowsInFlight]:
        """Apply what happens to single rows, and return the rows, and their copies."""
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
        ways = [_begin(Rows(rows.symbol, timestamp, send, rows.values), number, copy=False)]
        for one in self._of("duplicate"):
            hit = self._hits(one, rows, first, number)
            copy = _begin(ways[0].rows.take(hit), number[hit], copy=True)
            ways.append(copy.sent_at(copy.rows.send + one.ns))
        return ways

    def _of(self, kind: FaultKind) -> Iterator[_Planned]:
        return (one for one in self._planned if one.fault.kind == kind)

    def _hits(self, one: _Planned, rows: Rows, first: int, number: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which rows a fault hits. Draws are counted by the row's number, whatever was dropped before."""
        drawn = self._draws(one.purpose, first)[number - first]
        return _below(drawn, one.fault.share) & one.is_on(rows.send)

    def _draws(self, purpose: str, first: int) -> NDArray[np.uint64]:
        return draws(self._seed, f"{purpose} {self._record}", self._made - first, first)

    def _held(self, way: _RowsInFlight, begin: int) -> _RowsInFlight:
        """Hold what would be sent in a silence until it ends."""
        held = way.rows.send.copy()
        for silence in self._silences:
            if silence.end > begin:
                held[(held >= silence.begin) & (held < silence.end)] = silence.end
        return replace(way.sent_at(held), is_held=held != way.rows.send)

    def _arrive(self, due: _RowsInFlight, later: _RowsInFlight, counts: _Counts) -> Sent:
        """Send the rows that are due, keep the later ones, and count what the rules will make of them."""
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
        # Before everything of the next block, where a copy that waits is looked at again.
        self._late = _together([due.take(kept).sent_at(counts.end - 1), later])
        counts.add("sent", gone.rows.send)
        counts.add("duplicated", gone.rows.send[gone.is_copy])
        counts.add("held", gone.rows.send[gone.is_held])
        for code, name in enumerate(REASONS, 1):
            counts.add(f"rejected.{name}", gone.rows.send[reason == code])
        return Sent(gone.rows, counts.by_name)


class _Counts:
    """Counts of a block by slot."""

    def __init__(self, record: RecordName, begin: int, end: int, slot_ns: int) -> None:
        self._record = record
        self.begin, self.end = begin, end
        self._slot_ns = slot_ns
        self.by_name: dict[str, NDArray[np.int64]] = {}

    def add(self, name: str, times: NDArray[np.int64]) -> None:
        """Count each of some times (int64 ns) of the block in its slot."""
        if len(times):
            slots = (self.end - self.begin) // self._slot_ns
            counted = np.bincount((times - self.begin) // self._slot_ns, minlength=slots)
            key = f"{self._record}.{name}"
            self.by_name[key] = self.by_name.get(key, 0) + counted


def _below(drawn: NDArray[np.uint64], share: float) -> NDArray[np.bool_]:
    chosen: NDArray[np.bool_] = (drawn >> np.uint64(64 - _CHANCE_BITS)) < np.uint64(round(share * (1 << _CHANCE_BITS)))
    return chosen

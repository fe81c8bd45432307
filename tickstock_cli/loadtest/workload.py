"""A workload: the rows of a scenario, slot by slot, a function of the scenario and its seed alone.

1. The plan gives the number of rows of each second; the market simulator makes them, block by block (`synth`).
2. Bars are made round by round, from the ticks made so far (`bars`).
3. Faults drop, copy, delay and distort rows (`faults`).
4. Rows sent within a slot become available at its end.

No row depends on the cuts between blocks, or on speed, transport or wall time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.loadtest.bars import BarRounds
from tickstock_cli.loadtest.faults import FaultInjector, Sent
from tickstock_cli.loadtest.rows import Encoder, Rows, fmv_rows, join, no_rows, tick_rows
from tickstock_cli.loadtest.scenario import RecordName, Scenario
from tickstock_cli.loadtest.workload_plan import plan_workload
from tickstock_cli.synth.market import PORTION_ROWS
from tickstock_cli.synth.market_simulator import MINUTE_SECONDS, MarketSimulator
from tickstock_cli.synth.rng import stream_key


@dataclass(frozen=True, slots=True)
class Slot:
    """Rows that become available together.

    Attributes
    ----------
    number
        Counts from 0, slots without rows included.
    due
        Market time (int64 ns) of its end: when its rows are due, and their `received_at`.
    stage
        Index of its stage.
    parts
        Record batches of one row at least, by type, in merge order. Columns are those of our own recordings.
    counts
        What it holds, without zeros. Names are dotted like the ledger's: ``tick.asked`` (rows of the schedule),
        ``tick.dropped`` (rows never sent), ``tick.duplicated`` (rows sent again), ``tick.sent`` (asked - dropped +
        duplicated), ``tick.reordered``, ``tick.skewed`` and ``tick.held`` (rows sent late, with a wrong time, after a
        silence), and ``tick.rejected.late``, ``.duplicate`` and ``.future`` (rows that the rules reject).
    disconnect_ns
        Above 0: the connection breaks when this slot is due, for this long in market time. Its rows and those of the
        following slots are sent after that. Transports without a connection ignore it.
    """

    number: int
    due: int
    stage: int
    parts: Mapping[RecordName, pa.RecordBatch]
    counts: Mapping[str, int] = field(default_factory=dict)
    disconnect_ns: int = 0


class Workload:
    """The workload of a scenario.

    Attributes
    ----------
    start
        Market time of the first slot's beginning, int64 ns UTC.
    seconds
        Length in market time.
    tickers
        All tickers, the busiest first.
    rows
        Rows of the schedule, by type.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.start = scenario.start_ns
        self.seconds = scenario.seconds
        self._plan = plan_workload(scenario)
        self.tickers = tuple(self._plan.market.universe.tickers[: scenario.symbols.count])
        self.rows = {record: int(due[-1]) for record, due in self._plan.due.items()}
        self.slot_count = self.seconds * NS_PER_SECOND // scenario.slot_ns

    def slots(self, most_rows: int = PORTION_ROWS) -> Iterator[Slot]:
        """Yield all slots, in order.

        Parameters
        ----------
        most_rows
            Limit of the ticks made at once, unless one second has more. No row depends on it.
        """
        faults = FaultInjector(self.scenario)
        encoder = Encoder(self.tickers)
        for block in self._blocks(most_rows):
            sent = {record: faults.send(record, rows, block.first, block.last) for record, rows in block.rows.items()}
            yield from self._cut(block, sent, encoder, faults)

    def _blocks(self, most_rows: int) -> Iterator[_RowBlock]:
        """Run the market simulator from one stop to the next: minutes, rounds of bars, and portions."""
        simulator = MarketSimulator(self._plan.market)
        rounds = BarRounds(self.scenario, self._plan.due["ohlcv"])
        key = stream_key(self.scenario.seed, "quotes")
        traded = self.scenario.symbols.range_of("tick")
        simulator.begin_day(0)
        simulator.quote_untraded(0, 0, traded, np.zeros(len(self.tickers), dtype=np.int64), key)
        simulator.close_bars()
        waiting = no_rows("ohlcv")
        next_round = 0
        for first, last in self._spans(rounds.ends, most_rows):
            if next_round < len(rounds.ends) and rounds.ends[next_round] == first:
                usual = rounds.usual_volume(next_round)
                simulator.quote_untraded(rounds.begin_of(next_round), first, traded, usual, key)
                waiting = join([waiting, rounds.rows(next_round, simulator.close_bars())])
                next_round += 1
            if first % MINUTE_SECONDS == 0:
                simulator.begin_minute(first)
            ticks, fmvs = simulator.run_seconds(first, last)
            due = int(np.searchsorted(waiting.send, self.start + last * NS_PER_SECOND))
            bars, waiting = waiting.take(slice(due)), waiting.take(slice(due, None))
            yield _RowBlock(first, last, {"tick": tick_rows(ticks), "ohlcv": bars, "fmv": fmv_rows(fmvs)})

    def _spans(self, rounds: list[int], most_rows: int) -> Iterator[tuple[int, int]]:
        stops = {*rounds, *range(0, self.seconds, MINUTE_SECONDS), self.seconds}
        due = self._plan.due["tick"]
        first = 0
        for stop in sorted(stops - {0}):
            while first < stop:
                fits = int(np.searchsorted(due, due[first] + most_rows, side="right")) - 1
                last = min(max(fits, first + 1), stop)
                yield first, last
                first = last

    def _cut(
        self, block: _RowBlock, sent: Mapping[RecordName, Sent], encoder: Encoder, faults: FaultInjector
    ) -> Iterator[Slot]:
        """Yield the slots of a block."""
        length = self.scenario.slot_ns
        first, last = (self._slot_at(second) for second in (block.first, block.last))
        edges = self.start + np.arange(first, last + 1, dtype=np.int64) * length
        parts: dict[RecordName, tuple[pa.RecordBatch, list[int]]] = {}
        for record, one in sent.items():
            if len(one.rows):
                received = edges[0] + ((one.rows.send - edges[0]) // length + 1) * length
                cuts = np.searchsorted(one.rows.send, edges).tolist()
                parts[record] = (encoder.encode(record, one.rows, received), cuts)
        counts = [(name, column.tolist()) for one in sent.values() for name, column in one.counts.items()]
        dues = edges[1:].tolist()
        stages = self._stages(block, last - first)
        for place, due in enumerate(dues):
            yield Slot(
                first + place,
                due,
                stages[place],
                {
                    record: batch.slice(cuts[place], cuts[place + 1] - cuts[place])
                    for record, (batch, cuts) in parts.items()
                    if cuts[place + 1] > cuts[place]
                },
                {name: column[place] for name, column in counts if column[place]},
                faults.disconnect_in(due - length, due),
            )

    def _slot_at(self, second: int) -> int:
        return second * NS_PER_SECOND // self.scenario.slot_ns

    def _stages(self, block: _RowBlock, slots: int) -> list[int]:
        """Return the stage index of every slot of a block."""
        ends = np.cumsum([stage.seconds for stage in self.scenario.stages])
        a_second = slots // (block.last - block.first)
        stages: NDArray[np.int64] = np.searchsorted(ends, np.arange(block.first, block.last), side="right")
        return np.repeat(stages, a_second).tolist()


@dataclass(frozen=True, slots=True)
class _RowBlock:
    """Rows made at once: those due in the seconds ``[first, last)``."""

    first: int
    last: int
    rows: Mapping[RecordName, Rows]

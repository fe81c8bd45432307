"""A load: the rows of a scenario, slot by slot, a function of the scenario and its seed alone.

1. The plan says how many rows each second has; the market makes them, block by block (`synth`).
2. Bars are made round by round, of the ticks made so far (`bars`).
3. Faults drop, copy, delay and distort rows on their way (`faults`).
4. What is sent within a slot becomes available at its end.

No row depends on where blocks are cut, nor on speed, transport or wall time.
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
from tickstock_cli.loadtest.scenario import RECORDS, RecordName, Scenario
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
        From 0 on; slots without rows count too.
    due
        Market time (int64 ns) of its end: when its rows are due, and their `received_at`.
    stage
        Place of its stage.
    parts
        Record batches of one row at least, by type, in merge order. Columns are those of our own recordings.
    counts
        What it holds, see `PlantedCounts`.
    disconnect_ns
        Above 0: when this slot is due, the connection breaks and stays broken for so long, in market time; its rows
        and those of the following slots come after that. Transports without a connection take no notice.
    """

    number: int
    due: int
    stage: int
    parts: Mapping[RecordName, pa.RecordBatch]
    counts: Mapping[str, int] = field(default_factory=dict)
    disconnect_ns: int = 0


class Workload:
    """The load of a scenario.

    Attributes
    ----------
    start
        Market time of its beginning, int64 ns UTC.
    seconds
        Its length in market time.
    tickers
        All tickers, the busiest first.
    rows
        By type: rows of the schedule, exactly.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.start = scenario.start_ns
        self.seconds = scenario.seconds
        self._plan = plan_workload(scenario)
        self.tickers = tuple(self._plan.market.universe.tickers[: scenario.symbols.count])
        self.rows = {record: int(due[-1]) for record, due in self._plan.due.items()}
        self.slot_count = self.seconds * NS_PER_SECOND // scenario.slot_ns

    def rate_at(self, market: int) -> dict[RecordName, float]:
        """Return the rates asked at a market time (int64 ns): rows a second by type; 0 outside the load."""
        passed = (market - self.start) / NS_PER_SECOND
        if passed >= 0:
            for stage in self.scenario.stages:
                if passed < stage.seconds:
                    return {record: stage.rate(record).at(passed, stage.seconds) for record in RECORDS}
                passed -= stage.seconds
        return dict.fromkeys(RECORDS, 0.0)

    def scaled(self, factor: float) -> Workload:
        """Return the load with all rates ``factor`` times as high; see ``Scenario.scaled``."""
        return Workload(self.scenario.scaled(factor))

    def slots(self, most_rows: int = PORTION_ROWS) -> Iterator[Slot]:
        """Make all slots, in order.

        Parameters
        ----------
        most_rows
            Ticks made at once, unless one second has more; no row depends on it.
        """
        faults = FaultInjector(self.scenario)
        encoder = Encoder(self.tickers)
        for block in self._blocks(most_rows):
            sent = {record: faults.send(record, rows, block.first, block.last) for record, rows in block.rows.items()}
            yield from self._cut(block, sent, encoder, faults)

    def _blocks(self, most_rows: int) -> Iterator[_RowBlock]:
        """Run the market, from one minute, round of bars or rest of a portion to the next."""
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
        """Cut a block into slots."""
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
        """Return the stage of every slot of a block."""
        ends = np.cumsum([stage.seconds for stage in self.scenario.stages])
        a_second = slots // (block.last - block.first)
        stages: NDArray[np.int64] = np.searchsorted(ends, np.arange(block.first, block.last), side="right")
        return np.repeat(stages, a_second).tolist()


@dataclass(frozen=True, slots=True)
class _RowBlock:
    """Rows made at once: those that are due in the seconds ``[first, last)``."""

    first: int
    last: int
    rows: Mapping[RecordName, Rows]

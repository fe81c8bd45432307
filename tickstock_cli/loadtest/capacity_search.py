"""The search for the highest rate that can be kept: doubling, then halving the distance, in fresh processes each time.

A probe holds the scenario's busiest stage at a factor of its rates, after a few seconds to settle. It is sustained if
the generator kept its schedule, no backlog grew, and every threshold that so short a run can tell was met. The winner
then runs once more, with its events checked; if it fails now, the next lower rate has its turn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Event

from tickstock_cli.errors import InterruptedRunError
from tickstock_cli.loadtest.observation import Capacity, Observation, SearchTrial, Second, StageSpan
from tickstock_cli.loadtest.orchestrator import (
    INTERRUPTED,
    LoadTestOptions,
    LoadTestProgress,
    Orchestrator,
    SilentProgress,
)
from tickstock_cli.loadtest.rate_curve import MAX_RATE
from tickstock_cli.loadtest.result import judged
from tickstock_cli.loadtest.scenario import RECORDS, Scenario, Stage
from tickstock_cli.measurement.histogram import Histogram

SETTLE_SECONDS = 3
HOLD_SECONDS = 8
"""Wall seconds of a probe."""
CLOSE_ENOUGH = 1.15
"""Factors that are no further apart than this are one answer: the machine's noise is as large."""
LOWEST = 1 / 64
MOST_PROBES = 20
GONE_SECONDS = 2.0
"""A backlog of the rows of so many seconds: nothing will catch up with it, so the probe ends."""
GROWTH_SECONDS = 0.1
"""A backlog that grew by more than the rows of so much time while rates were constant is growing."""

NOT_TOLD = frozenset(
    {"dedup_percent", "surge_p95_ms", "recovery_seconds", "ohlcv_symbols_per_minute", "completed_percent"}
)
"""Thresholds that a probe does not decide by."""


def trial_scenario(scenario: Scenario, factor: float, speed: float) -> Scenario:
    """Return the scenario of a probe: the busiest stage that is judged, at constant rates ``factor`` times as high."""
    judged_stages = [stage for stage in scenario.stages if not stage.warm_up] or list(scenario.stages)
    busiest = max(judged_stages, key=lambda stage: sum(stage.rate(record).most for record in RECORDS))
    rates = {record: busiest.rate(record).most for record in RECORDS}
    settle, hold = (
        Stage.model_validate({"name": name, "seconds": max(1, round(seconds * speed)), "warm_up": warm, **rates})
        for name, seconds, warm in (("settle", SETTLE_SECONDS, True), ("hold", HOLD_SECONDS, False))
    )
    held = scenario.model_copy(update={"stages": (settle, hold), "faults": ()})
    return held.scaled(factor)


def rows_per_second(scenario: Scenario, speed: float) -> float:
    """Return the rows of all types that a probe's scenario asks for in a wall second."""
    return speed * sum(scenario.stages[-1].rate(record).most for record in RECORDS)


@dataclass(slots=True)
class CapacitySearch:
    """A search. Use ``run`` once; ``stop`` from any thread ends it.

    Parameters
    ----------
    tell
        Told of every probe that is over.
    """

    order: LoadTestOptions
    watch: LoadTestProgress = field(default_factory=SilentProgress)
    tell: Callable[[SearchTrial], None] = lambda _: None
    probes: list[SearchTrial] = field(default_factory=list)
    stopped: Event = field(default_factory=Event)
    _running: Orchestrator | None = None
    _latest: Observation | None = None

    def stop(self) -> None:
        """End the probe under way, and the search."""
        self.stopped.set()
        if self._running is not None:
            self._running.stop()

    def run(self) -> Observation:
        """Search, and return the last run at the rate that was found, with the search in its ``capacity``.

        Without such a rate, it is the run of the lowest that was tried.
        """
        try:
            low, high = self._bracket()
            while low is not None and high is not None and high / low > CLOSE_ENOUGH and self._may_go_on():
                middle = (low * high) ** 0.5
                if self._kept(middle):
                    low = middle
                else:
                    high = middle
            return self._confirm(low)
        except InterruptedRunError:  # between two probes, or while one prepared
            if self._latest is None:
                raise
            return self._found(max((probe.factor for probe in self.probes if probe.sustained), default=None))

    def _bracket(self) -> tuple[float | None, float | None]:
        """Return a factor that is sustained and one that is not; None where there is none within the bounds."""
        low, high, factor = None, None, 1.0
        while self._may_go_on() and (low is None or high is None) and LOWEST <= factor <= self._highest():
            if self._kept(factor):
                low, factor = factor, factor * 2
            else:
                high, factor = factor, factor / 2
        return low, high

    def _kept(self, factor: float, check: bool = False) -> bool:
        """Return whether a factor is sustained: what a backlog does not speak against gets a second chance.

        One bad moment of the machine makes a latency miss its threshold; two in a row are the rate's own.
        """
        probe, seen = self._try(factor, check)
        if not probe.sustained and not overload(seen) and self._may_go_on():
            probe, _ = self._try(factor, check)
        return probe.sustained

    def _highest(self) -> float:
        """Return the factor beyond which the plan of a scenario holds no more rows a second."""
        scenario = trial_scenario(self.order.scenario, 1.0, self.order.speed)
        return MAX_RATE / max(scenario.stages[-1].rate(record).most for record in RECORDS)

    def _may_go_on(self) -> bool:
        return not self.stopped.is_set() and len(self.probes) < MOST_PROBES

    def _confirm(self, low: float | None) -> Observation:
        """Run the winner again, with its events checked."""
        factor = low if low is not None else min((probe.factor for probe in self.probes), default=1.0)
        while not self._kept(factor, check=True):
            if low is None or not self._may_go_on() or factor / CLOSE_ENOUGH < LOWEST:
                return self._found(None)
            factor /= CLOSE_ENOUGH
        return self._found(factor)

    def _found(self, factor: float | None) -> Observation:
        """Return the latest run with what was found."""
        assert self._latest is not None  # every way here leads over a probe
        seen = replace(self._latest, aborted=INTERRUPTED) if self.stopped.is_set() else self._latest
        rate = None
        if factor is not None:
            rate = rows_per_second(trial_scenario(self.order.scenario, factor, self.order.speed), self.order.speed)
        bounded = any(not probe.sustained for probe in self.probes)
        return replace(seen, capacity=Capacity(factor, rate, bounded, tuple(self.probes)))

    def _try(self, factor: float, check: bool) -> tuple[SearchTrial, Observation]:
        """Run one probe."""
        scenario = trial_scenario(self.order.scenario, factor, self.order.speed)
        asked = rows_per_second(scenario, self.order.speed)
        watch = _Overload(self.watch, asked)
        self._running = orchestrator = Orchestrator(replace(self.order, scenario=scenario, check=check), watch)
        watch.orchestrator = orchestrator
        if self.stopped.is_set():
            orchestrator.stop()
        self.watch.phase(f"probe {len(self.probes) + 1}: {asked:,.0f} rows/s, {factor:.3g} times the scenario's")
        seen = orchestrator.run()
        if orchestrator.stopped.is_set() and seen.aborted == INTERRUPTED:
            self.stopped.set()
        probe = judge_trial(seen, factor, asked)
        self.probes.append(probe)
        self._latest = seen
        self.tell(probe)
        return probe, seen


@dataclass(slots=True)
class _Overload:
    """Ends a probe that nothing will catch up with."""

    watch: LoadTestProgress
    asked: float
    orchestrator: Orchestrator | None = None

    def begun(self, spans: tuple[StageSpan, ...]) -> None:
        self.watch.begun(spans)

    def second(self, second: Second) -> None:
        self.watch.second(second)
        if second.backlog > GONE_SECONDS * self.asked and self.orchestrator is not None:
            self.orchestrator.stop(f"{second.backlog:,} rows were due and not processed")

    def phase(self, words: str) -> None:
        """See ``LoadTestProgress``: what each probe does in between is not worth a word."""


def judge_trial(seen: Observation, factor: float, asked: float) -> SearchTrial:
    """Judge one probe."""
    held = [second for second in seen.seconds if second.stage == "hold"]
    processed = sum(sum(second.processed.values()) for second in held) / len(held) if held else 0.0
    why = overload(seen) or _missed(seen)
    return SearchTrial(
        factor,
        asked,
        processed,
        _p99(seen, "tick"),
        _p99(seen, "client") if seen.clients is not None else _p99(seen, "event"),
        not why,
        why,
    )


def overload(seen: Observation) -> str:
    """Say what shows beyond doubt that a rate is not kept: an early end, or a backlog that grows; empty if nothing."""
    if seen.aborted is not None:
        return seen.aborted
    if seen.slow_side == "system":
        return seen.slow_why
    held = [second for second in seen.seconds if second.stage == "hold"]
    third = max(1, len(held) // 3)
    before, after = (sum(second.backlog for second in part) / third for part in (held[:third], held[-third:]))
    asked = sum(sum(second.asked.values()) for second in held) / max(1, len(held))
    if after - before > GROWTH_SECONDS * asked:
        return f"the backlog grew from {before:,.0f} to {after:,.0f} rows"
    return ""


def _missed(seen: Observation) -> str:
    """Say what was missed in so short a run; empty if nothing was."""
    if seen.slow_side is not None:
        return seen.slow_why
    failed = [verdict for verdict in judged(seen).failures if verdict.name not in NOT_TOLD]
    return ", ".join(
        f"{verdict.title} was not measured"
        if verdict.measured is None
        else f"{verdict.title} was {verdict.measured:,.4g} {verdict.unit}".rstrip()
        for verdict in failed
    )


def _p99(seen: Observation, name: str) -> float | None:
    return Histogram.decode(seen.whole[name]).summary().p99_ms if name in seen.whole else None

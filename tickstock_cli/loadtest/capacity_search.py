"""The search for the highest sustainable rate: it doubles the rate, then bisects; each trial has fresh processes.

A trial holds the scenario's busiest stage at a multiple of its rates, after a few seconds to settle. A rate is
sustained if the generator kept its schedule, no backlog grew, and every threshold that a short run can judge was met.
The highest sustained rate runs once more with its events checked; if that fails, the next lower rate is tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Event

from tickstock_cli.core.counted import worded
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
"""Wall seconds of a trial: to settle, and to measure."""
CLOSE_ENOUGH = 1.15
"""The search ends once its bounds differ by less than this factor: the machine's noise is as large."""
LOWEST = 1 / 64
MOST_TRIALS = 20
HOPELESS_SECONDS = 2.0
"""A backlog of the rows of this many seconds ends a trial: the system will not catch up."""
GROWTH_SECONDS = 0.1
"""At constant rates, a backlog counts as growing when it grew by more than the rows of this many seconds."""

NOT_JUDGED = frozenset(
    {"dedup_percent", "surge_p95_ms", "recovery_seconds", "ohlcv_symbols_per_minute", "completed_percent"}
)
"""Targets that a trial is too short to judge."""


def trial_scenario(scenario: Scenario, factor: float, speed: float) -> Scenario:
    """Return the scenario of a trial: the busiest judged stage, at constant rates ``factor`` times as high."""
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
    """Return the rows of all types that a trial's scenario schedules in a wall second."""
    return speed * sum(scenario.stages[-1].rate(record).most for record in RECORDS)


@dataclass(slots=True)
class CapacitySearch:
    """A search. ``run`` is called once; ``stop`` from any thread ends it.

    Parameters
    ----------
    tell
        Called with every trial when it is over.
    """

    options: LoadTestOptions
    progress: LoadTestProgress = field(default_factory=SilentProgress)
    tell: Callable[[SearchTrial], None] = lambda _: None
    trials: list[SearchTrial] = field(default_factory=list)
    stopped: Event = field(default_factory=Event)
    _running: Orchestrator | None = None
    _latest: Observation | None = None

    def stop(self) -> None:
        """End the trial under way, and the search."""
        self.stopped.set()
        if self._running is not None:
            self._running.stop()

    def run(self) -> Observation:
        """Search, and return the last run at the highest sustained rate, with the search in its ``capacity``.

        If no rate was sustained, the run is that of the lowest rate tried.
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
        except InterruptedRunError:  # between two trials, or while one prepares
            if self._latest is None:
                raise
            return self._found(max((trial.factor for trial in self.trials if trial.sustained), default=None))

    def _bracket(self) -> tuple[float | None, float | None]:
        """Return a sustained and an unsustained factor; None for one that does not exist within the bounds."""
        low, high, factor = None, None, 1.0
        while self._may_go_on() and (low is None or high is None) and LOWEST <= factor <= self._highest():
            if self._kept(factor):
                low, factor = factor, factor * 2
            else:
                high, factor = factor, factor / 2
        return low, high

    def _kept(self, factor: float, check: bool = False) -> bool:
        """Return whether a factor is sustained; a trial that failed without an overload is repeated once.

        One pause of the machine can make a latency miss its threshold. Two failures in a row are due to the rate.
        """
        trial, seen = self._try(factor, check)
        if not trial.sustained and not overload(seen) and self._may_go_on():
            trial, _ = self._try(factor, check)
        return trial.sustained

    def _highest(self) -> float:
        """Return the factor at which a rate reaches the limit of scenarios, ``MAX_RATE``."""
        scenario = trial_scenario(self.options.scenario, 1.0, self.options.speed)
        return MAX_RATE / max(scenario.stages[-1].rate(record).most for record in RECORDS)

    def _may_go_on(self) -> bool:
        return not self.stopped.is_set() and len(self.trials) < MOST_TRIALS

    def _confirm(self, low: float | None) -> Observation:
        """Run the highest sustained rate again with its events checked; lower it until a run passes."""
        factor = low if low is not None else min((trial.factor for trial in self.trials), default=1.0)
        while not self._kept(factor, check=True):
            if low is None or not self._may_go_on() or factor / CLOSE_ENOUGH < LOWEST:
                return self._found(None)
            factor /= CLOSE_ENOUGH
        return self._found(factor)

    def _found(self, factor: float | None) -> Observation:
        """Return the latest run with the result of the search."""
        assert self._latest is not None  # at least one trial ran
        seen = replace(self._latest, aborted=INTERRUPTED) if self.stopped.is_set() else self._latest
        rate = None
        if factor is not None:
            rate = rows_per_second(
                trial_scenario(self.options.scenario, factor, self.options.speed), self.options.speed
            )
        bounded = any(not trial.sustained for trial in self.trials)
        return replace(seen, capacity=Capacity(factor, rate, bounded, tuple(self.trials)))

    def _try(self, factor: float, check: bool) -> tuple[SearchTrial, Observation]:
        """Run one trial, and return it with its observation."""
        scenario = trial_scenario(self.options.scenario, factor, self.options.speed)
        asked = rows_per_second(scenario, self.options.speed)
        progress = _OverloadStop(self.progress, asked)
        self._running = orchestrator = Orchestrator(replace(self.options, scenario=scenario, check=check), progress)
        progress.orchestrator = orchestrator
        if self.stopped.is_set():
            orchestrator.stop()
        self.progress.phase(f"trial {len(self.trials) + 1}: {asked:,.0f} rows/s, {factor:.3g} times the scenario's")
        seen = orchestrator.run()
        if orchestrator.stopped.is_set() and seen.aborted == INTERRUPTED:
            self.stopped.set()
        trial = judge_trial(seen, factor, asked)
        self.trials.append(trial)
        self._latest = seen
        self.tell(trial)
        return trial, seen


@dataclass(slots=True)
class _OverloadStop:
    """Passes progress on, and ends a trial whose backlog the system cannot process."""

    progress: LoadTestProgress
    asked: float
    orchestrator: Orchestrator | None = None

    def begun(self, spans: tuple[StageSpan, ...]) -> None:
        self.progress.begun(spans)

    def second(self, second: Second) -> None:
        self.progress.second(second)
        if second.backlog > HOPELESS_SECONDS * self.asked and self.orchestrator is not None:
            self.orchestrator.stop(worded("{} {row was|rows were} due and not processed", second.backlog))

    def phase(self, words: str) -> None:
        """Ignore the steps of a single trial."""


def judge_trial(seen: Observation, factor: float, asked: float) -> SearchTrial:
    """Return the trial that a run was: its rates, its latencies, and whether it was sustained."""
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
    """Return the sign of an overload: an early end or a growing backlog; empty without one."""
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
    """Return the targets that a trial missed, in words; empty if it met all."""
    if seen.slow_side is not None:
        return seen.slow_why
    failed = [verdict for verdict in judged(seen).failures if verdict.name not in NOT_JUDGED]
    return ", ".join(
        f"{verdict.title} was not measured"
        if verdict.measured is None
        else f"{verdict.title} was {verdict.measured:,.4g} {verdict.unit}".rstrip()
        for verdict in failed
    )


def _p99(seen: Observation, name: str) -> float | None:
    return Histogram.decode(seen.whole[name]).summary().p99_ms if name in seen.whole else None

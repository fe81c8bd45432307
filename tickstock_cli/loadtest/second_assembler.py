"""Assembles each second of a run from the reports of its processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tickstock_cli.loadtest.observation import OTHERS, Second, StageSpan
from tickstock_cli.loadtest.scenario import RECORDS, Scenario

SIDES = ("generator", "system", "clients")


def spans_of(scenario: Scenario, speed: float) -> tuple[StageSpan, ...]:
    """Return the time of each stage, in wall seconds since the anchor."""
    spans, begins = [], 0.0
    for stage in scenario.stages:
        ends = begins + stage.seconds / speed
        spans.append(StageSpan(stage.name, begins, ends, stage.warm_up, stage.surge))
        begins = ends
    return tuple(spans)


def rows_due(scenario: Scenario, passed: float) -> dict[str, int]:
    """Return the rows due in the first ``passed`` seconds of market time, by type; faults are left out."""
    due: dict[str, int] = dict.fromkeys(RECORDS, 0)
    for stage in scenario.stages:
        within = min(passed, stage.seconds)
        for record in RECORDS:
            due[record] += round(stage.rate(record).rows(within, stage.seconds))
        passed -= stage.seconds
        if passed <= 0:
            break
    return due


class SecondAssembler:
    """Joins the reports of the processes; counts in reports are totals since the start.

    Parameters
    ----------
    sides
        The processes that report.
    """

    def __init__(self, scenario: Scenario, speed: float, sides: Sequence[str]) -> None:
        self._scenario = scenario
        self._speed = speed
        self._spans = spans_of(scenario, speed)
        self._open = set(sides)
        self._reports: dict[int, dict[str, Mapping[str, Any]]] = {}
        self._latest: dict[str, Mapping[str, Any]] = {}
        self._before: dict[str, dict[str, int]] = {}
        self._gc_before = 0
        self.complete: list[Second] = []

    def begin(self, gc_collections: int) -> None:
        """Set the garbage collections that the system counted before the start."""
        self._gc_before = gc_collections

    def add(self, side: str, report: Mapping[str, Any]) -> list[Second]:
        """Add a process's report of a second, and return the seconds that it completes."""
        self._reports.setdefault(report["number"], {})[side] = report
        return self._complete()

    def finish(self, side: str, report: Mapping[str, Any]) -> list[Second]:
        """End a process's seconds, and return the seconds that this completes; ``report`` has its totals."""
        self._open.discard(side)
        self._latest[side] = report
        return self._complete()

    def _complete(self) -> list[Second]:
        done: list[Second] = []
        while True:
            number = len(self.complete)
            reports = self._reports.get(number, {})
            if not reports or self._open - reports.keys():
                return done
            done.append(self._second(number, self._reports.pop(number)))
            self.complete.append(done[-1])

    def rest(self) -> list[Second]:
        """Return the remaining seconds after the last report; reports of ended processes may be missing in them."""
        self._open.clear()
        return self._complete()

    def _second(self, number: int, reports: Mapping[str, Mapping[str, Any]]) -> Second:
        latest = {side: reports.get(side, self._latest.get(side, {})) for side in SIDES}
        generator, system = latest["generator"], latest["system"]
        due = self._due(number, generator)
        collections = int(system.get("gc_collections", self._gc_before))
        second = Second(
            at=float(number),
            stage=self._stage_at(number),
            asked=self._step("due", due),
            sent=self._step("sent", generator.get("sent", {})),
            processed=self._step("done", system.get("done", {})),
            backlog=max(0, sum(due.values()) - sum(system.get("done", {}).values())),
            queues=dict(system.get("queues", {})),
            latency={
                name: text
                for side in ("system", "clients")
                if side in reports
                for name, text in reports[side].get("latency", {}).items()
            },
            memory_bytes=int(system.get("memory_bytes", 0)),
            cpu_seconds=_cpu_seconds(reports),
            gc_collections=max(0, collections - self._gc_before),
            alerts=int(system.get("alerts", 0)),
            breakers_open=int(system.get("breakers_open", 0)),
        )
        self._gc_before = collections
        return second

    def _due(self, number: int, generator: Mapping[str, Any]) -> dict[str, int]:
        """Return the rows due by a second's end; from the scenario where the generator has not made them yet."""
        made: dict[str, int] = {record: int(generator.get("due", {}).get(record, 0)) for record in RECORDS}
        if generator.get("made", True):
            return made
        planned = rows_due(self._scenario, (number + 1) * self._speed)
        return {record: max(made[record], planned[record]) for record in RECORDS}

    def _step(self, name: str, sums: Mapping[str, int]) -> dict[str, int]:
        before = self._before.get(name, {})
        now: dict[str, int] = {record: max(int(sums.get(record, 0)), before.get(record, 0)) for record in RECORDS}
        self._before[name] = now
        return {record: now[record] - before.get(record, 0) for record in RECORDS}

    def _stage_at(self, number: int) -> str:
        return next((span.name for span in self._spans if span.begins <= number < span.ends), "")


def _cpu_seconds(reports: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return the CPU time of each process that reports it, and of all other processes where the system measures it."""
    used = {side: report.get("cpu", 0.0) for side, report in reports.items()}
    machine = reports.get("system", {}).get("machine_cpu")
    if machine is not None:
        used[OTHERS] = max(0.0, machine - sum(used.values()))
    return {side: round(seconds, 3) for side, seconds in used.items()}

"""The orchestrator of a load test: it starts the processes, picks the moment, watches, ends everything, and tells all.

1. generator, system and clients prepare, each in a process of its own, and say that they are ready;
2. all get one anchor: the machine's monotonic clock is the same for all of them;
3. every second each reports what it measured; a figure that stays beyond its threshold, or Ctrl-C, ends the run early;
4. once the generator has sent all, the system ends, then the clients, and each tells its sums;
5. the same load flat out through the direct pipeline tells what the events should have been.

It computes next to nothing while the load runs: it shares the machine with what it measures.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any, Protocol

from tickstock_cli.core.clock import wall_minus_monotonic
from tickstock_cli.errors import InterruptedRunError, TickstockError
from tickstock_cli.loadtest.child_process import ChildProcess, Inbox
from tickstock_cli.loadtest.early_abort import EarlyAbort
from tickstock_cli.loadtest.observation import Observation, Second, StageSpan
from tickstock_cli.loadtest.observation_builder import ProcessReports, build_observation
from tickstock_cli.loadtest.scenario import Scenario
from tickstock_cli.loadtest.second_assembler import SecondAssembler, spans_of
from tickstock_cli.loadtest.settings import system_settings
from tickstock_cli.measurement.machine import identity

NS = 1_000_000_000
LEAD_NS = NS // 2
"""From the order to start to the anchor: nobody begins late."""
READY_SECONDS = 180.0
"""How long processes may take to prepare; a machine that compiles the kernels takes the longest."""
CATCH_UP_SECONDS = 60.0
"""How long the system may take after the schedule's end to process what is left."""
STOP_SECONDS = 15.0
"""How long processes may take to end once they are told to."""
REFERENCE_SECONDS_PER_MARKET_SECOND = 10.0
"""How long the truth may take to compute, beside what preparing may: a bound for a process that hangs, no more."""
LOOK_SECONDS = 0.1

INTERRUPTED = "interrupted by the user"


class CrashError(TickstockError):
    """A process of the load test ended on its own."""


class LoadTestProgress(Protocol):
    """Who watches a load test. Must be quick, and must not fail."""

    def begun(self, spans: tuple[StageSpan, ...]) -> None:
        """Hear that the schedule begins now."""

    def second(self, second: Second) -> None:
        """Hear of the second that has just been."""

    def phase(self, words: str) -> None:
        """Hear what is being done, in a few words."""


class SilentProgress:
    """Nobody watches."""

    def begun(self, spans: tuple[StageSpan, ...]) -> None:
        """Do nothing."""

    def second(self, second: Second) -> None:
        """Do nothing."""

    def phase(self, words: str) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class LoadTestOptions:
    """What to run.

    Parameters
    ----------
    name
        Of the scenario.
    speed
        Market seconds in a wall second.
    transport
        A name in ``transport.PARTS``.
    command
        As the user typed it.
    check
        Whether to compute the truth at the end.
    """

    scenario: Scenario
    name: str
    speed: float = 1.0
    transport: str = "pipe"
    command: str = ""
    check: bool = True


@dataclass(slots=True)
class Orchestrator:
    """One load test. Use ``run`` once; ``stop`` from any thread ends it early.

    Parameters
    ----------
    stopped
        Set by whoever wants an early end; the run then ends cleanly, and tells what was seen.
    """

    order: LoadTestOptions
    watch: LoadTestProgress = field(default_factory=SilentProgress)
    stopped: Event = field(default_factory=Event)
    pids: dict[str, int] = field(default_factory=dict)
    """Processes of the run, by name."""
    crash: str | None = None
    """Which process ended on its own, and how, if one did."""
    _why_stopped: str = INTERRUPTED
    _inbox: Inbox = field(default_factory=Inbox)
    _children: dict[str, ChildProcess] = field(default_factory=dict)
    _reports: ProcessReports = field(default_factory=ProcessReports)

    def run(self) -> Observation:
        """Run the load test to its end, or to an early one.

        Raises
        ------
        UsageError
            The scenario cannot be run: settings or thresholds of it are wrong.
        CrashError
            A process could not prepare.
        InterruptedRunError
            It was stopped before its schedule began.
        """
        order = self.order
        settings = system_settings(order.scenario)
        spans = spans_of(order.scenario, order.speed)
        abort = EarlyAbort(order.scenario, spans)
        machine = identity()
        with ExitStack() as stack:
            folder = stack.enter_context(TemporaryDirectory(prefix="tickstock-load-", ignore_cleanup_errors=True))
            stack.callback(self._end_all)
            job = self._job(folder, settings.model_dump(mode="json"))
            seconds = self._prepare(job)
            aborted, anchor = self._conduct(seconds, spans, abort)
            self._check(job, aborted)
        started = datetime.fromtimestamp((anchor + wall_minus_monotonic()) / NS, UTC)
        self.crash = next(iter(self._reports.crashed.values()), None) and aborted
        return build_observation(
            order.scenario, self._reports, name=order.name, speed=order.speed, transport=order.transport,
            command=order.command, started=started.isoformat(), machine=machine, stages=spans,
            seconds=tuple(seconds.whole), aborted=aborted,
        )  # fmt: skip

    def stop(self, why: str = INTERRUPTED) -> None:
        """End the run early; from any thread."""
        self._why_stopped = why
        self.stopped.set()

    def _job(self, folder: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        scenario = self.order.scenario
        ends, end = [], scenario.start_ns
        for stage in scenario.stages:
            end += stage.seconds * NS
            ends.append(end)
        return {
            "folder": folder,
            "title": scenario.title,
            "scenario": scenario.model_dump(mode="json", by_alias=True),
            "settings": settings,
            "transport": self.order.transport,
            "speed": self.order.speed,
            "start": scenario.start_ns,
            "ends": ends,
            "clients": scenario.clients.count,
            "stalled": scenario.clients.stalled_count,
            "kinds": list(scenario.clients.kinds),
        }

    def _prepare(self, job: dict[str, Any]) -> SecondAssembler:
        """Start all processes, and wait until each is ready."""
        self.watch.phase("preparing the load")
        self._start("generator", job)
        address = self._await("generator", "listening")["address"]
        self.watch.phase("starting the system")
        self._start("system", {**job, "address": address})
        ready = self._await("system", "ready")
        sides = ["generator", "system"]
        if job["clients"]:
            self.watch.phase(f"connecting {job['clients']:,} clients")
            self._start("clients", {**job, "url": ready["url"]})
            self._await("clients", "ready")
            sides.append("clients")
        self._await("generator", "ready")
        seconds = SecondAssembler(self.order.scenario, self.order.speed, sides)
        seconds.begin(ready["gc_collections"])
        return seconds

    def _start(self, name: str, job: dict[str, Any]) -> None:
        self._children[name] = ChildProcess(name, job, self._inbox)
        self.pids[name] = self._children[name].pid

    def _await(self, name: str, kind: str) -> dict[str, Any]:
        """Wait for a report; others that come meanwhile are kept."""
        until = time.monotonic() + READY_SECONDS
        while (name, kind) not in self._reports.kept:
            if self.stopped.is_set():
                raise InterruptedRunError("interrupted before the schedule began; nothing was measured")
            if time.monotonic() > until:
                raise CrashError(f"the {name} of the load test was not ready within {READY_SECONDS:g} s")
            for side, report in self._news():
                self._reports.kept[side, report["kind"]] = report
                if report["kind"] in ("failed", "exit"):
                    raise CrashError(self._why(side))
        return self._reports.kept[name, kind]

    def _news(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what has come, waiting a moment for it."""
        found: list[tuple[str, dict[str, Any]]] = []
        try:
            found.append(self._inbox.get(timeout=LOOK_SECONDS))
            while True:
                found.append(self._inbox.get_nowait())
        except Empty:
            return found

    def _conduct(
        self, seconds: SecondAssembler, spans: tuple[StageSpan, ...], abort: EarlyAbort
    ) -> tuple[str | None, int]:
        """Run the schedule, and return why it ended early, if it did, and the anchor."""
        anchor = time.monotonic_ns() + LEAD_NS
        for member in self._children.values():
            member.order("start", anchor=anchor)
        self.watch.begun(spans)
        latest = anchor + int((spans[-1].ends + CATCH_UP_SECONDS) * NS)
        reason: str | None = None
        while self._reports.missing(self._children):
            for side, report in self._news():
                for second in self._take(side, report, seconds):
                    self.watch.second(second)
                    reason = reason or abort.reason(second)
            reason = reason or self._early_end(latest)
            if reason is not None:
                self._stop_all(seconds)
                break
            if self._reports.has("system"):
                self._tell("clients", "stop")
        seconds.rest()
        return reason, anchor

    def _take(self, side: str, report: dict[str, Any], seconds: SecondAssembler) -> list[Second]:
        """Note one report, and return the seconds that are whole with it."""
        match report["kind"]:
            case "second" if not self._reports.has(side):
                return seconds.add(side, report)
            case "done":
                self._reports.done[side] = report
                return seconds.finished(side, report)
            case "failed" | "exit" if not self._reports.has(side):
                self._reports.kept[side, report["kind"]] = report
                self._reports.crashed.setdefault(side, self._why(side) if report["kind"] == "exit" else report["why"])
        return []

    def _early_end(self, latest: int) -> str | None:
        """Return why the run cannot go on, if it cannot."""
        if self.stopped.is_set():
            return self._why_stopped
        for side in self._reports.crashed:
            return self._why(side)
        if time.monotonic_ns() > latest:
            return f"the system had not caught up {CATCH_UP_SECONDS:g} s after the schedule's end"
        return None

    def _stop_all(self, seconds: SecondAssembler) -> None:
        """Tell every process to end, and take what it still has to tell."""
        self.watch.phase("stopping")
        self._tell("generator", "stop")
        self._tell("system", "stop")
        until = time.monotonic() + STOP_SECONDS
        while self._reports.missing(self._children) and time.monotonic() < until:
            for side, report in self._news():
                self._take(side, report, seconds)
            if self._reports.has("system") or "system" in self._reports.crashed:
                self._tell("clients", "stop")

    def _tell(self, name: str, word: str) -> None:
        if name in self._children and (name, word) not in self._reports.told:
            self._reports.told.add((name, word))
            self._children[name].order(word)

    def _why(self, side: str) -> str:
        """Say what became of a process that should still be there."""
        failed = self._reports.kept.get((side, "failed"))
        if failed is not None:
            return f"the {side} of the load test failed: {failed['why']}"
        member = self._children[side]
        words = member.last_words()
        return f"the {side} of the load test is gone: {member.how_it_ended()}{f' ({words})' if words else ''}"

    def _check(self, job: dict[str, Any], aborted: str | None) -> None:
        """Compute what the events should have been; the other processes are gone by then."""
        self._end_all()
        if aborted is not None or not self.order.check:
            self._reports.no_reference = aborted or "it was not asked for"
            return
        self.watch.phase("computing what the events should be")
        self._start("reference", job)
        self._children["reference"].order("start", anchor=0)
        market_seconds = sum(stage.seconds for stage in self.order.scenario.stages)
        longest = READY_SECONDS + REFERENCE_SECONDS_PER_MARKET_SECOND * market_seconds
        until = time.monotonic() + longest
        while "reference" not in self._reports.done:
            for side, report in self._news():
                if side == "reference" and report["kind"] == "done":
                    self._reports.done[side] = report
                elif side == "reference" and report["kind"] in ("failed", "exit") and side not in self._reports.done:
                    self._reports.kept[side, report["kind"]] = report
                    self._reports.no_reference = self._why(side)
                    return
            if self.stopped.is_set():
                self._reports.no_reference = INTERRUPTED
                return
            if time.monotonic() > until:
                self._reports.no_reference = f"it was not computed within {longest:,.0f} s"
                return

    def _end_all(self) -> None:
        """End every process. Idempotent."""
        members, self._children = self._children, {}
        for member in members.values():
            member.end()

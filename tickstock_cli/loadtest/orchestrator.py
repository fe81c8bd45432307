"""The orchestrator of a load test: it starts the processes, starts the schedule, collects reports and ends everything.

1. Generator, system and clients prepare, each in a process of its own, and report "ready".
2. All get one anchor, a time of the monotonic clock, which is the same in all processes of a machine.
3. Each process reports every second. A figure that stays beyond its threshold, or Ctrl-C, ends the run early.
4. Once the generator has sent all rows, the system ends, then the clients; each reports its totals.
5. A reference run of the same workload, flat out through the direct pipeline, gives the expected events.

The orchestrator computes little while the load runs, because it shares the machine with the system under test.
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

from tickstock_cli.config.settings import Settings
from tickstock_cli.core.clock import wall_minus_monotonic
from tickstock_cli.core.counted import counted
from tickstock_cli.core.registry import Plugin
from tickstock_cli.detectors import DETECTORS
from tickstock_cli.errors import InterruptedRunError, TickstockError
from tickstock_cli.loadtest.child_process import ChildProcess, Inbox
from tickstock_cli.loadtest.early_abort import EarlyAbort
from tickstock_cli.loadtest.observation import Observation, Second, StageSpan
from tickstock_cli.loadtest.observation_builder import ProcessReports, build_observation
from tickstock_cli.loadtest.scenario import Scenario
from tickstock_cli.loadtest.second_assembler import SecondAssembler, spans_of
from tickstock_cli.loadtest.settings import system_settings
from tickstock_cli.loadtest.transport import TRANSPORTS
from tickstock_cli.measurement.machine import identity

NS = 1_000_000_000
LEAD_NS = NS // 2
"""From the command to start to the anchor, so that no process begins late."""
READY_SECONDS = 180.0
"""Limit for a process to prepare; compiling the kernels takes the longest."""
CATCH_UP_SECONDS = 60.0
"""Limit for the system to process the remaining rows after the schedule's end."""
STOP_SECONDS = 15.0
"""Limit for processes to end after the command to stop."""
REFERENCE_SECONDS_PER_MARKET_SECOND = 10.0
"""Limit for the reference run, added to ``READY_SECONDS``; it only stops a process that hangs."""
LOOK_SECONDS = 0.1

INTERRUPTED = "interrupted by the user"


def plugins_of(settings: Settings, transport: str) -> tuple[Plugin, ...]:
    """Return the plugins that have a part in a load test: detectors, and what carries the rows."""
    return (*DETECTORS.plugins_among(settings.detectors.enabled), *TRANSPORTS.plugins_among([transport]))


class CrashError(TickstockError):
    """A process of the load test ended unexpectedly."""


class LoadTestProgress(Protocol):
    """Receives the progress of a load test. Its methods return quickly and never raise."""

    def begun(self, spans: tuple[StageSpan, ...]) -> None:
        """Receive the stages when the schedule begins."""

    def second(self, second: Second) -> None:
        """Receive a second when it is complete."""

    def phase(self, words: str) -> None:
        """Receive the name of the step under way, a few words."""


class SilentProgress:
    """Ignores all progress."""

    def begun(self, spans: tuple[StageSpan, ...]) -> None: ...

    def second(self, second: Second) -> None: ...

    def phase(self, words: str) -> None: ...


@dataclass(frozen=True, slots=True)
class LoadTestOptions:
    """Options of a load test.

    Parameters
    ----------
    name
        Name of the scenario.
    speed
        Market seconds in a wall second.
    transport
        A name in ``transport.TRANSPORTS``.
    command
        The command line, for the report.
    check
        Whether a reference run computes the expected events at the end.
    """

    scenario: Scenario
    name: str
    speed: float = 1.0
    transport: str = "pipe"
    command: str = ""
    check: bool = True


@dataclass(slots=True)
class Orchestrator:
    """One load test. ``run`` is called once; ``stop`` from any thread ends it early.

    Parameters
    ----------
    stopped
        Once set, the run ends early and cleanly, and returns what it observed.
    """

    options: LoadTestOptions
    progress: LoadTestProgress = field(default_factory=SilentProgress)
    stopped: Event = field(default_factory=Event)
    pids: dict[str, int] = field(default_factory=dict)
    """Process ids by name."""
    crash: str | None = None
    """Which process ended unexpectedly, and how; None if none did."""
    _why_stopped: str = INTERRUPTED
    _inbox: Inbox = field(default_factory=Inbox)
    _children: dict[str, ChildProcess] = field(default_factory=dict)
    _reports: ProcessReports = field(default_factory=ProcessReports)

    def run(self) -> Observation:
        """Run the load test to its end, or to an early end, and return the observation.

        Raises
        ------
        UsageError
            Settings or thresholds of the scenario are wrong.
        CrashError
            A process failed to prepare.
        InterruptedRunError
            The run was stopped before its schedule began.
        """
        options = self.options
        settings = system_settings(options.scenario)
        plugins = tuple(plugin.as_dict() for plugin in plugins_of(settings, options.transport))
        spans = spans_of(options.scenario, options.speed)
        abort = EarlyAbort(options.scenario, spans)
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
            options.scenario, self._reports, name=options.name, speed=options.speed, transport=options.transport,
            command=options.command, started=started.isoformat(), machine=machine, stages=spans,
            seconds=tuple(seconds.complete), aborted=aborted, plugins=plugins,
        )  # fmt: skip

    def stop(self, why: str = INTERRUPTED) -> None:
        """End the run early. Any thread may call it."""
        self._why_stopped = why
        self.stopped.set()

    def _job(self, folder: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        scenario = self.options.scenario
        ends, end = [], scenario.start_ns
        for stage in scenario.stages:
            end += stage.seconds * NS
            ends.append(end)
        return {
            "folder": folder,
            "title": scenario.title,
            "scenario": scenario.model_dump(mode="json", by_alias=True),
            "settings": settings,
            "transport": self.options.transport,
            "speed": self.options.speed,
            "start": scenario.start_ns,
            "ends": ends,
            "clients": scenario.clients.count,
            "stalled": scenario.clients.stalled_count,
            "kinds": list(scenario.clients.kinds),
        }

    def _prepare(self, job: dict[str, Any]) -> SecondAssembler:
        """Start all processes and wait until each is ready."""
        self.progress.phase("preparing the load")
        self._start("generator", job)
        address = self._await("generator", "listening")["address"]
        self.progress.phase("starting the system")
        self._start("system", {**job, "address": address})
        ready = self._await("system", "ready")
        sides = ["generator", "system"]
        if job["clients"]:
            self.progress.phase(f"connecting {counted(job['clients'], 'client')}")
            self._start("clients", {**job, "url": ready["url"]})
            self._await("clients", "ready")
            sides.append("clients")
        self._await("generator", "ready")
        seconds = SecondAssembler(self.options.scenario, self.options.speed, sides)
        seconds.begin(ready["gc_collections"])
        return seconds

    def _start(self, name: str, job: dict[str, Any]) -> None:
        self._children[name] = ChildProcess(name, job, self._inbox)
        self.pids[name] = self._children[name].pid

    def _await(self, name: str, kind: str) -> dict[str, Any]:
        """Return the report of this kind once it arrives; keep other reports that arrive first."""
        until = time.monotonic() + READY_SECONDS
        while (name, kind) not in self._reports.kept:
            if self.stopped.is_set():
                raise InterruptedRunError("interrupted before the schedule began; nothing was measured")
            if time.monotonic() > until:
                raise CrashError(f"the {name} of the load test was not ready within {READY_SECONDS:g} s")
            for side, report in self._new_reports():
                self._reports.kept[side, report["kind"]] = report
                if report["kind"] in ("failed", "exit"):
                    raise CrashError(self._why(side))
        return self._reports.kept[name, kind]

    def _new_reports(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the reports that have arrived; wait up to ``LOOK_SECONDS`` for the first."""
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
        """Run the schedule; return the reason for an early end, None without one, and the anchor."""
        anchor = time.monotonic_ns() + LEAD_NS
        for child in self._children.values():
            child.send("start", anchor=anchor)
        self.progress.begun(spans)
        latest = anchor + int((spans[-1].ends + CATCH_UP_SECONDS) * NS)
        reason: str | None = None
        while self._reports.missing(self._children):
            for side, report in self._new_reports():
                for second in self._take(side, report, seconds):
                    self.progress.second(second)
                    reason = reason or abort.reason(second)
            reason = reason or self._early_end(latest)
            if reason is not None:
                self._stop_all(seconds)
                break
            if self._reports.has("system"):
                self._send_once("clients", "stop")
        seconds.rest()
        return reason, anchor

    def _take(self, side: str, report: dict[str, Any], seconds: SecondAssembler) -> list[Second]:
        """Record one report, and return the seconds that it completes."""
        match report["kind"]:
            case "second" if not self._reports.has(side):
                return seconds.add(side, report)
            case "done":
                self._reports.done[side] = report
                return seconds.finish(side, report)
            case "failed" | "exit" if not self._reports.has(side):
                self._reports.kept[side, report["kind"]] = report
                self._reports.crashed.setdefault(side, self._why(side) if report["kind"] == "exit" else report["why"])
        return []

    def _early_end(self, latest: int) -> str | None:
        """Return the reason why the run must end now; None if it goes on."""
        if self.stopped.is_set():
            return self._why_stopped
        for side in self._reports.crashed:
            return self._why(side)
        if time.monotonic_ns() > latest:
            return f"the system had not caught up {CATCH_UP_SECONDS:g} s after the schedule's end"
        return None

    def _stop_all(self, seconds: SecondAssembler) -> None:
        """Send every process the command to stop, and collect the remaining reports."""
        self.progress.phase("stopping")
        self._send_once("generator", "stop")
        self._send_once("system", "stop")
        until = time.monotonic() + STOP_SECONDS
        while self._reports.missing(self._children) and time.monotonic() < until:
            for side, report in self._new_reports():
                self._take(side, report, seconds)
            if self._reports.has("system") or "system" in self._reports.crashed:
                self._send_once("clients", "stop")

    def _send_once(self, name: str, word: str) -> None:
        if name in self._children and (name, word) not in self._reports.commands_sent:
            self._reports.commands_sent.add((name, word))
            self._children[name].send(word)

    def _why(self, side: str) -> str:
        """Return how a process ended that should still run."""
        failed = self._reports.kept.get((side, "failed"))
        if failed is not None:
            return f"the {side} of the load test failed: {failed['why']}"
        child = self._children[side]
        words = child.last_error_line()
        return f"the {side} of the load test ended unexpectedly: {child.how_it_ended()}{f' ({words})' if words else ''}"

    def _check(self, job: dict[str, Any], aborted: str | None) -> None:
        """Compute the expected events in a reference run, once the other processes have ended."""
        self._end_all()
        if aborted is not None or not self.options.check:
            self._reports.no_reference = aborted or "no check was requested"
            return
        self.progress.phase("computing the expected events")
        self._start("reference", job)
        self._children["reference"].send("start", anchor=0)
        market_seconds = sum(stage.seconds for stage in self.options.scenario.stages)
        longest = READY_SECONDS + REFERENCE_SECONDS_PER_MARKET_SECOND * market_seconds
        until = time.monotonic() + longest
        while "reference" not in self._reports.done:
            for side, report in self._new_reports():
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
                self._reports.no_reference = f"the reference run did not end within {longest:,.0f} s"
                return

    def _end_all(self) -> None:
        """End every process. Idempotent."""
        children, self._children = self._children, {}
        for child in children.values():
            child.end()

"""Builds the observation from the reports of a load test's processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tickstock_cli.core.counted import counted, worded
from tickstock_cli.loadtest.observation import (
    ClientFigures,
    ExpectedResults,
    Observation,
    RouterFigures,
    Second,
    Side,
    StageSpan,
)
from tickstock_cli.loadtest.scenario import RECORDS, Scenario
from tickstock_cli.measurement.histogram import Histogram
from tickstock_cli.measurement.machine import Machine

LATE_GENERATOR_MS = 50.0
"""A generator with a lateness (p99) above this did not keep its schedule."""
LEAST_BACKLOG = 1_000
"""A smaller number of rows is no backlog, whatever the rate."""


@dataclass(slots=True)
class ProcessReports:
    """Reports received from the processes.

    Attributes
    ----------
    kept
        Reports before the start, and reports of failures, by process and kind.
    done
        Final reports, by process.
    crashed
        Processes that ended unexpectedly, and why.
    commands_sent
        Commands sent, as (process, command).
    no_reference
        Why there was no reference run; empty if there was one.
    """

    kept: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    crashed: dict[str, str] = field(default_factory=dict)
    commands_sent: set[tuple[str, str]] = field(default_factory=set)
    no_reference: str = ""

    def has(self, side: str) -> bool:
        """Return whether a process has sent its final report."""
        return side in self.done

    def missing(self, sides: Iterable[str]) -> bool:
        """Return whether the final report of one of these processes is still to come."""
        return any(side not in self.done and side not in self.crashed for side in sides)


def build_observation(
    scenario: Scenario,
    reports: ProcessReports,
    *,
    name: str,
    speed: float,
    transport: str,
    command: str,
    started: str,
    machine: Machine,
    stages: tuple[StageSpan, ...],
    seconds: tuple[Second, ...],
    aborted: str | None,
    plugins: tuple[Mapping[str, str], ...] = (),
) -> Observation:
    """Return the observation of a run."""
    generator, system = reports.done.get("generator", {}), reports.done.get("system", {})
    by_stage = _by_stage(stages, reports)
    side, why = _slow_side(seconds, stages, reports)
    router = system.get("router", {})
    return Observation(
        name=name,
        scenario=scenario.model_dump(mode="json", by_alias=True),
        speed=speed,
        transport=transport,
        command=command,
        started=started,
        machine=machine,
        stages=stages,
        seconds=seconds,
        whole=_whole(stages, by_stage),
        by_stage=by_stage,
        sent=_sent(generator, seconds),
        ledger=system.get("ledger", {}),
        events=system.get("published", 0),
        foreign_events=system.get("foreign_events", 0),
        failed_rows=system.get("failed_rows", 0),
        truth=_expected(generator, seconds, reports),
        digest=system.get("digest"),
        lateness=generator.get("lateness"),
        router=RouterFigures(router["decisions"], router["mean_us"]) if router.get("mean_us") is not None else None,
        clients=_clients(scenario, reports),
        alerts=tuple(system.get("alert_history", ())),
        breakers=tuple(system.get("breaker_history", ())),
        slow_side=side,
        slow_why=why,
        aborted=aborted,
        plugins=plugins,
        notes=_notes(scenario, reports),
    )


def _by_stage(stages: tuple[StageSpan, ...], reports: ProcessReports) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {span.name: {} for span in stages}
    for side in ("system", "clients"):
        by_stage = reports.done.get(side, {}).get("by_stage", [{} for _ in stages])
        for span, histograms in zip(stages, by_stage, strict=True):
            found[span.name] |= histograms
    return found


def _whole(stages: tuple[StageSpan, ...], by_stage: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the histograms over the judged stages, by name."""
    whole: dict[str, Histogram] = {}
    for span in stages:
        if not span.warm_up:
            for name, text in by_stage[span.name].items():
                whole.setdefault(name, Histogram()).add(Histogram.decode(text))
    return {name: histogram.encode() for name, histogram in whole.items()}


def _sent(generator: Mapping[str, Any], seconds: tuple[Second, ...]) -> dict[str, int]:
    sent = generator.get("sent")
    if sent is None:  # it crashed: only its seconds are known
        return {record: sum(second.sent[record] for second in seconds) for record in RECORDS}
    return {record: int(sent.get(record, 0)) for record in RECORDS}


def _expected(generator: Mapping[str, Any], seconds: tuple[Second, ...], reports: ProcessReports) -> ExpectedResults:
    counts = generator.get("planted", {})
    due = generator.get("due")
    rows: dict[str, int] = {
        record: int(due.get(record, 0)) if due is not None else sum(second.asked[record] for second in seconds)
        for record in RECORDS
    }
    faults = {
        kind: sum(counts.get(f"{record}.{kind}", 0) for record in RECORDS)
        for kind in ("dropped", "reordered", "skewed", "held")
    }
    faults["disconnects"] = int(generator.get("breaks", 0))
    reference = reports.done.get("reference", {})
    return ExpectedResults(
        rows=rows,
        duplicates={record: counts.get(f"{record}.duplicated", 0) for record in RECORDS},
        faults={kind: count for kind, count in faults.items() if count},
        rejected={name: count for name, count in sorted(counts.items()) if ".rejected." in name},
        events=reference.get("events"),
        digest=reference.get("digest"),
        ledger=reference.get("ledger"),
        reason=reports.no_reference,
    )


def _clients(scenario: Scenario, reports: ProcessReports) -> ClientFigures | None:
    clients = reports.done.get("clients")
    if clients is None:
        return None
    by_kind = reports.done.get("system", {}).get("kinds", {})
    wanted = scenario.clients.kinds
    expected = sum(count for kind, count in by_kind.items() if not wanted or kind in wanted)
    missing = sum(max(0, expected - delivered) for delivered in clients["by_client"])
    return ClientFigures(
        count=clients["count"],
        stalled=clients["stalled"],
        delivered=sum(clients["by_client"]),
        repeats=clients["repeats"],
        gaps=max(missing, clients["gaps"]),
        disconnected=clients["disconnected"],
    )


def _slow_side(
    seconds: tuple[Second, ...], stages: tuple[StageSpan, ...], reports: ProcessReports
) -> tuple[Side | None, str]:
    generator = reports.done.get("generator", {})
    if generator.get("late"):
        return "generator", "the generator did not make rows in time; the machine is too slow for this load"
    if "lateness" in generator:
        late = Histogram.decode(generator["lateness"]).summary().p99_ms
        if late is not None and late > LATE_GENERATOR_MS:
            return "generator", f"the generator's own lateness was {late:,.1f} ms (p99)"
    scheduled = [second for second in seconds if second.at + 1 <= stages[-1].ends]
    if scheduled:
        last = scheduled[-1]
        if last.backlog > max(LEAST_BACKLOG, sum(last.asked.values())):
            text = "{} {row was|rows were} due and not processed when the schedule ended"
            return "system", worded(text, last.backlog)
    clients = reports.done.get("clients", {})
    if clients.get("unfinished"):
        why = f": {clients['lost']}" if clients.get("lost") else ""
        return "clients", f"{counted(clients['unfinished'], 'client')} had not received every event at the end{why}"
    return None, ""


def _notes(scenario: Scenario, reports: ProcessReports) -> tuple[str, ...]:
    notes = []
    system = reports.done.get("system", {})
    if scenario.clients.stalled_count:
        notes.append(f"The server cut off {counted(system.get('cut_off', 0), 'client')} that had stopped reading.")
    if system.get("breaks"):
        often = "once" if system["breaks"] == 1 else f"{system['breaks']:,} times"
        notes.append(f"The system's connection to the generator broke {often} and was restored.")
    return tuple(notes)

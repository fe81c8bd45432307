"""The facts observed in a load test, from which verdicts, tables, charts and `result.json` are made.

`observation_builder` makes them from the reports of the processes. Times are wall seconds since the anchor, the moment
at which the first slot of the workload begins. A fact that was not observed is None or absent, never 0.

Histograms are encoded (`measurement.histogram.Histogram.encode`). Their names:

===========  =====================================================================
tick         from a tick's due time to the end of its processing; ohlcv and fmv likewise
event        from an event's due time to its publication in the event log
client       from an event's due time to its arrival at a WebSocket client that reads
===========  =====================================================================

A row is due at its scheduled time, even if it cannot be sent then: the load is an open model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from tickstock_cli.loadtest.scenario import RECORDS
from tickstock_cli.measurement.documents import DOCUMENT
from tickstock_cli.measurement.machine import Machine

LATENCIES = (*RECORDS, "event", "client")

OTHERS = "other processes"
"""Key of the CPU time that processes outside the load test used."""

Side = Literal["generator", "system", "clients"]
"""A process of the run besides the orchestrator."""


@dataclass(frozen=True, slots=True)
class StageSpan:
    """The time ``[begins, ends)`` of a stage of the scenario, in wall seconds."""

    __pydantic_config__: ClassVar = DOCUMENT

    name: str
    begins: float
    ends: float
    warm_up: bool = False
    """Reports show its seconds; verdicts do not count them."""
    surge: bool = False


@dataclass(frozen=True, slots=True)
class Second:
    """One wall second: ``[at, at + 1)``; the schedule may end within the last one."""

    __pydantic_config__: ClassVar = DOCUMENT

    at: float
    stage: str
    """The stage at its beginning; empty after the last stage, while the system catches up."""
    asked: Mapping[str, int]
    """Rows due in it, by type."""
    sent: Mapping[str, int]
    """Rows that the generator sent in it, by type."""
    processed: Mapping[str, int]
    """Rows whose processing ended in it, by type."""
    backlog: int
    """Rows that were due and not processed at its end, in the generator, on the way or in queues."""
    queues: Mapping[str, int]
    """By channel instance: the most rows that its queue held in it."""
    latency: Mapping[str, str]
    """Encoded histograms of the rows and events that ended in it; a name without records is absent."""
    memory_bytes: int
    """Resident memory of the system's process at its end."""
    cpu_seconds: Mapping[str, float]
    """CPU time that each process used in it: system, generator, clients; and other processes, where measured."""
    gc_collections: int
    """Collections of the system's garbage collector in it, of all generations."""
    alerts: int
    """Alerts active at its end."""
    breakers_open: int
    """Channel instances whose breaker was not closed at its end."""


@dataclass(frozen=True, slots=True)
class RouterFigures:
    """The time that routing takes."""

    __pydantic_config__: ClassVar = DOCUMENT

    decisions: int
    mean_us: float
    """Mean time of a decision: a batch's rows are assigned to channel instances."""


@dataclass(frozen=True, slots=True)
class ClientFigures:
    """Counts of the WebSocket clients; all but the first two leave stalled clients out."""

    __pydantic_config__: ClassVar = DOCUMENT

    count: int
    stalled: int
    delivered: int
    """Events received."""
    repeats: int
    """Events received a second time by the same client."""
    gaps: int
    """Events that a client should have received and did not."""
    disconnected: int = 0
    """Clients that lost their connection before the end of the run; they do not reconnect."""


@dataclass(frozen=True, slots=True)
class ExpectedResults:
    """The expected counts of the workload, and the events of a reference run of it."""

    __pydantic_config__: ClassVar = DOCUMENT

    rows: Mapping[str, int]
    """Rows due, by type; with planted duplicates, without planted drops."""
    duplicates: Mapping[str, int]
    """Planted duplicates among them, by type."""
    faults: Mapping[str, int]
    """Other planted faults, by kind: dropped, reordered, skewed, held, disconnects."""
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Rows that the rules must reject, planted duplicates among them, by the ledger's names."""
    events: int | None = None
    """Events of the reference run: the same workload, flat out through the direct pipeline."""
    digest: str | None = None
    ledger: Mapping[str, int] | None = None
    reason: str = ""
    """Why there was no reference run, if events, digest and ledger are None."""


@dataclass(frozen=True, slots=True)
class SearchTrial:
    """One trial of the search for the highest sustainable rate."""

    __pydantic_config__: ClassVar = DOCUMENT

    factor: float
    """Multiple of the scenario's rates."""
    asked_per_second: float
    """Rows of all types due in a wall second."""
    processed_per_second: float
    tick_p99_ms: float | None
    end_to_end_p99_ms: float | None
    sustained: bool
    why: str = ""
    """Why it was not sustained; empty if it was."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """The result of the search for the highest sustainable rate."""

    __pydantic_config__: ClassVar = DOCUMENT

    factor: float | None
    """The highest sustained factor; None if no trial was sustained."""
    rows_per_second: float | None
    bounded: bool
    """Whether a trial failed; if none did, the limit lies above the rates tried."""
    probes: tuple[SearchTrial, ...]
    """In the order in which they ran."""


@dataclass(frozen=True, slots=True)
class Observation:
    """All facts of one load test."""

    __pydantic_config__: ClassVar = DOCUMENT

    name: str
    """Name of the scenario's file without its suffix."""
    scenario: Mapping[str, Any]
    """The scenario as JSON with defaults and ``--set``; with the package's version it gives the same workload again."""
    speed: float
    """Market seconds in a wall second; the scenario's rates are multiplied by it."""
    transport: str
    command: str
    started: str
    """Wall time of the anchor, ISO 8601 in UTC."""
    machine: Machine
    stages: tuple[StageSpan, ...]
    seconds: tuple[Second, ...]
    whole: Mapping[str, str]
    """Encoded histograms over the judged stages; a name without records is absent."""
    by_stage: Mapping[str, Mapping[str, str]]
    sent: Mapping[str, int]
    """Rows sent in the whole run, by type."""
    ledger: Mapping[str, int]
    """The system's ledger; empty if the system did not report it."""
    events: int
    """Events published in the event log."""
    foreign_events: int
    """Events that a channel of another record type published."""
    failed_rows: int
    """Rows whose processing raised an error."""
    truth: ExpectedResults
    digest: str | None = None
    lateness: str | None = None
    """Encoded histogram of the generator's own lateness: from due time to the hand-over to the transport."""
    router: RouterFigures | None = None
    clients: ClientFigures | None = None
    """None if the scenario has no clients."""
    alerts: tuple[Mapping[str, Any], ...] = ()
    """Alerts as in the dashboard document, each with ``at``: when it was raised, in seconds since the anchor."""
    breakers: tuple[Mapping[str, Any], ...] = ()
    """State changes of breakers: ``at`` (seconds since the anchor), ``channel``, ``before``, ``after``, ``reason``."""
    slow_side: Side | None = None
    """The process that did not keep up with the schedule, if any; ``slow_why`` is the evidence."""
    slow_why: str = ""
    aborted: str | None = None
    """Why the run ended before its scenario: a threshold's early abort, Ctrl-C, or a crashed process."""
    capacity: Capacity | None = None
    """Result of ``--find-max``."""
    plugins: tuple[Mapping[str, str], ...] = ()
    """Family, name, distribution and version of each plugin that had a part in the run."""
    notes: tuple[str, ...] = ()
    """Facts that a reader needs to judge the figures; one line each."""

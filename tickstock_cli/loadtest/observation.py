"""What was seen of a load test: plain facts, from which verdicts, tables, charts and `result.json` are made.

The orchestrator fills it in. All times of the run are seconds since the anchor, the wall time at which the load's first
slot began; stages and seconds before it do not exist. What was not seen is None or absent, never 0.

A histogram stands here encoded (`measurement.histogram.Histogram.encode`). Their names:

===========  =====================================================================
tick         a tick's due time to the end of its processing; ohlcv and fmv likewise
event        the time at which an event was due to its publication in the event log
client       the same to its arrival at a WebSocket client that is not stalled
===========  =====================================================================

A row is due when the schedule says so, whether or not it could be sent then: the load is an open model.
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
"""Everything on the machine that is no part of the load test, beside the processes that are."""

Side = Literal["generator", "system", "clients"]
"""A process of the run besides the orchestrator."""


@dataclass(frozen=True, slots=True)
class StageSpan:
    """When a stage of the scenario was on, in wall seconds; it holds its first instant, not its last."""

    __pydantic_config__: ClassVar = DOCUMENT

    name: str
    begins: float
    ends: float
    warm_up: bool = False
    """Its seconds are shown and not judged."""
    surge: bool = False


@dataclass(frozen=True, slots=True)
class Second:
    """One wall second: ``[at, at + 1)``; the last one may be shorter in the load and is not in time."""

    __pydantic_config__: ClassVar = DOCUMENT

    at: float
    stage: str
    """The stage at its begin; empty after the last one, while the system catches up."""
    asked: Mapping[str, int]
    """Rows that the schedule had in it, by type."""
    sent: Mapping[str, int]
    """Rows that the generator got rid of in it, by type."""
    processed: Mapping[str, int]
    """Rows that the system had done with in it, by type."""
    backlog: int
    """Rows that were due and not processed at its end, wherever they stood."""
    queues: Mapping[str, int]
    """By channel instance: the most rows that its queue held in it."""
    latency: Mapping[str, str]
    """Encoded histograms of what ended in it; a name without any is absent."""
    memory_bytes: int
    """Resident memory of the system's process at its end."""
    cpu_seconds: Mapping[str, float]
    """CPU time that each process used in it: system, generator, clients; and other processes, where that is known."""
    gc_collections: int
    """Collections of the system's garbage collector in it, of any generation."""
    alerts: int
    """Alerts active at its end."""
    breakers_open: int
    """Channel instances whose breaker was not closed at its end."""


@dataclass(frozen=True, slots=True)
class RouterFigures:
    """What routing cost."""

    __pydantic_config__: ClassVar = DOCUMENT

    decisions: int
    mean_us: float
    """Of a decision: a batch's rows told apart and handed to channel instances."""


@dataclass(frozen=True, slots=True)
class ClientFigures:
    """What WebSocket clients saw, summed over all of them but the stalled."""

    __pydantic_config__: ClassVar = DOCUMENT

    count: int
    stalled: int
    delivered: int
    """Events received."""
    repeats: int
    """Events received a second time by the same client."""
    gaps: int
    """Events that a client should have received and never did."""
    disconnected: int = 0
    """Clients that lost their connection before the end of the run; they do not reconnect."""


@dataclass(frozen=True, slots=True)
class ExpectedResults:
    """What the load holds, from the generator, and what the same load gives flat out through the direct pipeline."""

    __pydantic_config__: ClassVar = DOCUMENT

    rows: Mapping[str, int]
    """Rows that were to be sent, by type; planted duplicates included, planted drops not."""
    duplicates: Mapping[str, int]
    """Planted exact re-sends among them, by type."""
    faults: Mapping[str, int]
    """Other planted faults, by kind: dropped, reordered, skewed, stalls, disconnects."""
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Rows that the rules must reject for it, planted duplicates among them, by the ledger's names."""
    events: int | None = None
    digest: str | None = None
    ledger: Mapping[str, int] | None = None
    reason: str = ""
    """Why the last three are None."""


@dataclass(frozen=True, slots=True)
class SearchTrial:
    """One run of the search for the highest sustainable rate."""

    __pydantic_config__: ClassVar = DOCUMENT

    factor: float
    """Of all rates of the scenario."""
    asked_per_second: float
    """Rows of all types, at the stage that asks for most."""
    processed_per_second: float
    tick_p99_ms: float | None
    end_to_end_p99_ms: float | None
    sustained: bool
    why: str = ""
    """What gave way; empty if it was sustained."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the search found."""

    __pydantic_config__: ClassVar = DOCUMENT

    factor: float | None
    """The greatest one that was sustained; None if none was."""
    rows_per_second: float | None
    bounded: bool
    """Whether a greater one failed: if not, the limit lies beyond what was tried."""
    probes: tuple[SearchTrial, ...]
    """In the order in which they ran."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A load test, as it went."""

    __pydantic_config__: ClassVar = DOCUMENT

    name: str
    """The scenario's file without its ending."""
    scenario: Mapping[str, Any]
    """The whole scenario as JSON has it, defaults and ``--set`` included: with the package's version, the same load."""
    speed: float
    """Market seconds in a wall second: the rates of the scenario were asked times as fast."""
    transport: str
    command: str
    started: str
    """Wall time of the anchor, ISO 8601 in UTC."""
    machine: Machine
    stages: tuple[StageSpan, ...]
    seconds: tuple[Second, ...]
    whole: Mapping[str, str]
    """Encoded histograms over the stages that are judged; a name without any record is absent."""
    by_stage: Mapping[str, Mapping[str, str]]
    sent: Mapping[str, int]
    """Rows by type over the whole run."""
    ledger: Mapping[str, int]
    """Of the system; empty if it never told."""
    events: int
    """Published in the event log."""
    foreign_events: int
    """Published by a channel of another type than their source."""
    failed_rows: int
    """Rows whose processing raised an error."""
    truth: ExpectedResults
    digest: str | None = None
    lateness: str | None = None
    """Encoded histogram of how late the generator itself was: due time to the hand-over to the transport."""
    router: RouterFigures | None = None
    clients: ClientFigures | None = None
    """None if the scenario has none."""
    alerts: tuple[Mapping[str, Any], ...] = ()
    """As the dashboard document has them, each with ``at``: seconds since the anchor when it was raised."""
    breakers: tuple[Mapping[str, Any], ...] = ()
    """Changes of breakers: ``at`` (seconds since the anchor), ``channel``, ``before``, ``after``, ``reason``."""
    slow_side: Side | None = None
    """Which side did not keep up with the schedule, if one did not; ``slow_why`` says how that was told."""
    slow_why: str = ""
    aborted: str | None = None
    """Why the run ended before its scenario did: a threshold's early abort, Ctrl-C, a process that crashed."""
    capacity: Capacity | None = None
    """With ``--find-max``."""
    notes: tuple[str, ...] = ()
    """What a reader must know to judge the figures; one line each."""

"""Sections 6 and 7: which events are told, when, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.oracle.extremes import least_change
from tests.oracle.records import KINDS, PRIORITIES, SOURCES, Event, reaches
from tests.oracle.sessions import calendar_of, segment_of
from tests.oracle.settings import Settings
from tests.oracle.tick_state import TickState

COLUMNS = (
    "timestamp",
    "available_at",
    "ticker",
    "kind",
    "direction",
    "price",
    "source",
    "phase",
    "confidence",
    "percent_change",
    "previous",
    "volume",
    "rel_volume",
    "score",
    "strength",
    "trigger",
)
"""Columns that an event brings along; the coordinator adds emitted_at, priority and merged."""


def is_redundant(event: Event, bar_start: int, state: TickState | None, settings: Settings) -> bool:
    """Return whether ticks have told the high or low of a bar already; ``state`` is that of the ticker's ticks."""
    if not settings["coordinator.dedupe_extremes"] or event.kind not in ("high", "low"):
        return False
    if state is None or state.sides is None:
        return False
    if state.segment != segment_of(bar_start, calendar_of(settings)):
        return False
    highs, lows = state.sides
    side = highs if event.kind == "high" else lows
    if side.told_price is None:
        return False
    return not reaches(side.sign * (event.price - side.told_price), least_change(side.told_price, settings))


def coordinate(events: Sequence[Event], settings: Settings, ledger: Counter[str]) -> list[dict[str, Any]]:
    """Let events, given in merge order, compete, and return the rows of the output in output order."""
    window_ns = settings["coordinator.window_ms"] * 1_000_000
    rivals: dict[tuple[Any, ...], list[Event]] = {}
    for event in events:
        kind = event.kind if settings["coordinator.key"] == "kind" else None
        rivals.setdefault((event.ticker, kind, event.available_at // window_ns), []).append(event)

    emitted = []
    for (_, _, window), group in rivals.items():
        winner, merged, emitted_at = _decide(group, (window + 1) * window_ns, settings)
        emitted.append(_output_row(winner, merged, emitted_at, settings))
        ledger["coordinator.emitted"] += 1
        ledger["coordinator.superseded"] += len(group) - 1
    return sorted(emitted, key=_output_order)


def _decide(group: Sequence[Event], window_end: int, settings: Settings) -> tuple[Event, int, int]:
    """Return the winner, how many events had competed when it won, and when it is told."""
    if not settings["coordinator.hold_top_source"]:
        for place, event in enumerate(group):
            if event.source == "tick":
                return event, place + 1, event.available_at
    return min(group, key=_rank), len(group), window_end  # of equals, min takes the first


def _rank(event: Event) -> tuple[float, ...]:
    return (
        SOURCES.index(event.source),
        -event.available_at,
        -event.confidence,
        KINDS.index(event.kind),
        -event.measure,
    )


def _output_row(event: Event, merged: int, emitted_at: int, settings: Settings) -> dict[str, Any]:
    core = settings["priority.core_universe"]
    outside = bool(core) and event.ticker not in core
    row = {name: getattr(event, name) for name in COLUMNS}
    row["emitted_at"] = emitted_at
    row["priority"] = PRIORITIES[event.kind] + (4 if outside else 0)
    row["merged"] = merged
    return row


def _output_order(row: dict[str, Any]) -> tuple[int, int, str, int]:
    return row["emitted_at"], KINDS.index(row["kind"]), row["ticker"], SOURCES.index(row["source"])

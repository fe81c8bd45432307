"""The outcome of an event in the coordinator: emitted, superseded in its window, or redundant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from tickstock_cli.core.events import OWN_FIELDS, PHASES, SOURCES, EventRows
from tickstock_cli.core.kinds import Kind, trigger_words
from tickstock_cli.detectors.base import plain
from tickstock_cli.kernels.coordination import CoordinationRules, is_redundant
from tickstock_cli.review.examiner import difference

OPTIONAL = ("percent_change", "previous", "volume", "rel_volume", "score")

COORDINATED = ("emitted_at", "merged")
"""Fields of an event that the coordinator sets."""


class Outcome(StrEnum):
    """The outcome of an event in the coordinator."""

    EMITTED = "emitted"
    SUPERSEDED = "superseded"
    REDUNDANT = "redundant"


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """The outcome of one event.

    Parameters
    ----------
    event
        Its columns, by name.
    winner
        The event of its window that was emitted instead; None if the event itself or none was.
    tick_extreme
        Price of the extreme that ticks had reported before it; None if they had not.
    """

    outcome: Outcome
    event: dict[str, Any]
    winner: dict[str, Any] | None = None
    tick_extreme: float | None = None


def read_event_outcomes(
    events: EventRows, emitted: EventRows, rules: CoordinationRules, kinds: Sequence[Kind]
) -> list[EventOutcome]:
    """Return the outcomes of the events of one row.

    Parameters
    ----------
    emitted
        Every event that the run emitted for the windows of ``events``, or more.
    kinds
        By code.

    Raises
    ------
    TickstockError
        The run did not emit exactly one event for the window of an event, or emitted it otherwise: always a bug.
    """
    return [_event_outcome(events[place : place + 1], emitted, rules, kinds) for place in range(len(events))]


def _event_outcome(
    event: EventRows, emitted: EventRows, rules: CoordinationRules, kinds: Sequence[Kind]
) -> EventOutcome:
    shown = show_event(event[0], kinds)
    tick_extreme = plain(event["tick_extreme"][0])
    if is_redundant(event[0], rules):
        return EventOutcome(
            Outcome.REDUNDANT, shown, tick_extreme=float(tick_extreme) if tick_extreme is not None else None
        )
    same = (emitted["code"] == event["code"]) & (
        emitted["available_at"] // rules.window == event["available_at"] // rules.window
    )
    if not rules.by_ticker:
        same &= emitted["kind"] == event["kind"]
    winners = emitted[same]
    if len(winners) != 1:
        raise difference(f"{len(winners)} events were emitted for {shown}")
    winner = show_event(winners[0], kinds)
    if winners["order"][0] == event["order"][0] and winners["kind"][0] == event["kind"][0]:
        if {**winner, **{name: shown[name] for name in COORDINATED}} != shown:
            raise difference(f"{shown} was emitted as {winner}")
        return EventOutcome(Outcome.EMITTED, winner)
    return EventOutcome(Outcome.SUPERSEDED, shown, winner)


def show_event(event: Any, kinds: Sequence[Kind]) -> dict[str, Any]:
    """Return an internal event as the columns of the output, without ticker and priority; null ones are None.

    Of the columns of kinds it has those of its own.
    """
    kind = kinds[event["kind"]]
    whole = ("emitted_at", "timestamp", "available_at", "direction", "merged", "price", "confidence")
    return {
        "kind": kind.name,
        "source": SOURCES[event["source"]],
        "phase": PHASES[event["phase"]],
        **{name: plain(event[name]) for name in (*whole, *OPTIONAL)},
        "strength": int(event["strength"]) or None,
        "trigger": trigger_words(kinds)[event["trigger"]],
        **{column.name: plain(event[field]) for column, field in zip(kind.columns, OWN_FIELDS, strict=False)},
    }


def in_windows(events: EventRows, windows: frozenset[int], rules: CoordinationRules) -> EventRows:
    """Return the events that competed in one of ``windows``."""
    return events[np.isin(events["available_at"] // rules.window, list(windows))]

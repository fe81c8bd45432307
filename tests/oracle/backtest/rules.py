"""Section 3: which rule an event belongs to, and the side it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

from tests.oracle.backtest.days import Days
from tests.oracle.backtest.inputs import Event
from tests.oracle.records import reaches

LISTS = {"kinds": "kind", "directions": "direction", "sources": "source", "phases": "phase", "tickers": "ticker"}
MINIMA = {"min_score": "score", "min_strength": "strength", "min_rel_volume": "rel_volume"}


def rule_of(event: Event, decision: int, rules: Sequence[Mapping[str, Any]], days: Days) -> int | None:
    """Return the place of the first rule all of whose filters hold."""
    for place, rule in enumerate(rules):
        if _holds(event, decision, rule, days):
            return place
    return None


def side_of(event: Event, rule: Mapping[str, Any]) -> int:
    """Return the side that a rule takes on an event."""
    direction = int(event["direction"])
    return {"follow": direction, "fade": -direction, "long": 1, "short": -1}[rule.get("side", "follow")]


def _holds(event: Event, decision: int, rule: Mapping[str, Any], days: Days) -> bool:
    for name, column in LISTS.items():
        if rule.get(name) and event[column] not in rule[name]:
            return False
    for name, column in MINIMA.items():
        if rule.get(name) is not None and not _reaches(event[column], rule[name]):
            return False
    least = rule.get("min_abs_percent_change")
    change = event["percent_change"]
    if least is not None and not _reaches(None if change is None else abs(change), least):
        return False
    if rule.get("between"):
        begin, end = (time.fromisoformat(clock) for clock in rule["between"])
        return begin <= days.clock(decision) < end
    return True


def _reaches(value: float | None, least: float) -> bool:
    return value is not None and reaches(value, least)

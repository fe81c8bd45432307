"""Puts the evidence for a reason into words."""

from __future__ import annotations

from typing import Any

import polars as pl

from tickstock_cli.core.times import format_duration, format_time
from tickstock_cli.review.reasons import ABSENT, BEATEN, BELOW, CLOSE, COOLING, LEAST, TOLD, Rules
from tickstock_cli.sources.event_files import SCHEMA

TIMES = ("emitted_at", "timestamp", "available_at")
FOLLOWS = ("event_id",)
"""Columns that differ only because others do."""

Event = dict[str, Any]
"""Column -> value of one event."""


def changed_columns(a: Event, b: Event) -> dict[str, tuple[Any, Any]]:
    """Return the columns in which two events differ, with both values."""
    return {name: (a[name], b[name]) for name in SCHEMA if a[name] != b[name] and name not in FOLLOWS}


def changes(columns: dict[str, tuple[Any, Any]]) -> str:
    """Say how the columns of an event changed."""
    return ", ".join(_change(name, *values) for name, values in columns.items()) or "event_id alone differs"


def why(found: dict[str, Any], event: Event, other: str, rules: Rules) -> str:
    """Say in a few words what speaks for the reason of a difference; nothing if nothing does.

    Parameters
    ----------
    found
        What `find_reasons` gave of the event.
    other, rules
        What to call the file that lacks it, and what that was made by.
    """
    evidence = found["evidence"]
    if evidence == BELOW:
        return _margin(found["by_limit"], event, rules)
    if evidence == BEATEN:
        told = f"the {found['by_window_kind']} of {found['by_window_source']} at {format_time(found['by_window_time'])}"
        return f"in the same window, {other} told {told} instead"
    if evidence == COOLING:
        since = format_duration(event["timestamp"] - found["by_last_time"])
        return f"{other} had told one {since} before; {found['by_setting']} is {format_duration(found['by_cooldown'])}"
    if evidence == TOLD:
        distance = abs(event["price"] - found["by_last_price"])
        told = f"{found['by_last_price']:.10g} from {found['by_last_source']} at {format_time(found['by_last_time'])}"
        return f"{other} had told {told}, only ${distance:.6g} away; highlow.min_percent_change asks for more"
    if evidence == LEAST:
        text = _margin(found["by_relative_limit"], event, rules)
        return f"{text}; each {event['kind']} of {event['source']} in {other}, {found['by_others']:,}, reaches more"
    if evidence == ABSENT:
        return _absent(found["by_absent"], event, other)
    if evidence == CLOSE:
        return f"{_margin(found['by_limit'], event, rules)}, close to it"
    return ""


def _margin(place: int, event: Event, rules: Rules) -> str:
    limit = rules.limits[place]
    value, least = pl.DataFrame([event], schema=SCHEMA).select(limit.value.alias("a"), limit.least.alias("b")).row(0)
    against = f"{value:.6g} {limit.unit}".rstrip() + f" against {least:.6g} {limit.unit}".rstrip()
    return f"{limit.setting}: {against}"


def _absent(what: str, event: Event, other: str) -> str:
    if what == "kind":
        return f"{other} has no {event['kind']} of {event['source']} at all"
    if what == "ticker":
        return f"{other} has no event of {event['ticker']} at all"
    return f"{other} has no event {what} this time"


def _change(name: str, a: Any, b: Any) -> str:
    if name in TIMES:
        return f"{name} {format_time(a)} → {format_time(b)}"
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return f"{name} {a!r} → {b!r} ({b - a:+.6g})"
    return f"{name} {a} → {b}"

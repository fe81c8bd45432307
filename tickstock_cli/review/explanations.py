"""Words for the evidence of a reason."""

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
"""Columns of one event, by name."""


def changed_columns(a: Event, b: Event) -> dict[str, tuple[Any, Any]]:
    """Return the columns in which two events differ, with both values; of columns that both files have."""
    both = [name for name in a if name in b and name not in FOLLOWS]
    return {name: (a[name], b[name]) for name in both if a[name] != b[name]}


def changes(columns: dict[str, tuple[Any, Any]]) -> str:
    """Return the words for how the columns of an event changed."""
    return ", ".join(_change(name, *values) for name, values in columns.items()) or "event_id alone differs"


def why(found: dict[str, Any], event: Event, other: str, rules: Rules) -> str:
    """Return a few words of evidence for the reason of a difference; an empty string without evidence.

    Parameters
    ----------
    found
        The row of `find_reasons` for the event.
    other, rules
        Name of the file that lacks it, and the settings of its run.
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
        setting = rules.extremes[event["kind"]].least_setting
        return f"{other} had told {told}, only ${distance:.6g} away; {setting} asks for more"
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
    value, least = limit.measure(pl.DataFrame([event], schema_overrides=SCHEMA))
    unit = limit.declared.unit
    against = f"{value:.6g} {unit}".rstrip() + f" against {least:.6g} {unit}".rstrip()
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

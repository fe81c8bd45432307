"""Puts the evidence behind a reason into words."""

from __future__ import annotations

from typing import Any

import polars as pl

from tickstock_cli.core.times import format_duration, format_time
from tickstock_cli.review.event_files import SCHEMA
from tickstock_cli.review.reasons import COOLDOWN, MISSING_DATA, THRESHOLD, VALUE, WINDOW, Rules

TIMES = ("emitted_at", "timestamp", "available_at")
FOLLOWS = ("event_id",)
"""Columns that differ only because others do."""


def changed_columns(a: dict[str, Any] | None, b: dict[str, Any] | None) -> dict[str, tuple[Any, Any]]:
    """Give the columns in which two events differ, with both values; none if one of them is missing."""
    if a is None or b is None:
        return {}
    return {name: (a[name], b[name]) for name in SCHEMA if a[name] != b[name] and name not in FOLLOWS}


def why(
    row: dict[str, Any],
    a: dict[str, Any] | None,
    b: dict[str, Any] | None,
    columns: dict[str, tuple[Any, Any]],
    rules: Rules,
) -> str:
    """Say in a few words what speaks for the reason of a difference.

    Parameters
    ----------
    row
        A row of differences with its evidence.
    a, b
        The event in each file.
    """
    # Of an event that moved, the earlier one was explained.
    explained_a = b is None or (a is not None and a["timestamp"] <= b["timestamp"])
    event, other = (a, "B") if explained_a else (b, "A")
    assert event is not None  # a difference has at least one event
    if row["reason"] == VALUE:
        return ", ".join(_change(name, *values) for name, values in columns.items()) or "event_id alone differs"
    if row["reason"] == THRESHOLD:
        return _threshold(row, event, other, rules)
    if row["reason"] == WINDOW:
        time = format_time(row["by_window_time"])
        told = f"{row['by_window_kind']} of {row['by_window_source']} at {time}, of {row['by_window_merged']}"
        return f"{other} told another event of the same window: {told}"
    if row["reason"] == COOLDOWN:
        since = format_duration(event["timestamp"] - row["by_last_time"])
        return f"{other} had told one {since} before; {row['cooldown_setting']} is {format_duration(row['cooldown'])}"
    if row["reason"] == MISSING_DATA:
        return _missing(row, event, other)
    return ""


def _threshold(row: dict[str, Any], event: dict[str, Any], other: str, rules: Rules) -> str:
    below = row["by_relative"] is not None and row["by_relative"] < 1
    if row["by_nearer"] and not below:
        distance = abs(event["price"] - row["by_last_price"])
        return (
            f"{other} had told {row['by_last_price']:g} at {format_time(row['by_last_time'])}, "
            f"only ${distance:.6g} from this; highlow.min_percent_change asks for more"
        )
    limit = rules.limits[row["by_limit"] if below else row["by_near_limit"]]
    value, least = pl.DataFrame([event], schema=SCHEMA).select(limit.value.alias("a"), limit.least.alias("b")).row(0)
    text = f"{limit.setting}: {value:.6g} {limit.unit}".rstrip() + f" against {least:.6g} {limit.unit}".rstrip()
    if not below:
        return f"{text}, close to it"
    if row["by_others"] is None:
        return text
    return (
        f"{text}; less than any of the {row['by_others']:,} of kind {event['kind']} from {event['source']} in {other}"
    )


def _missing(row: dict[str, Any], event: dict[str, Any], other: str) -> str:
    if row["by_missing"] == "kind":
        return f"{other} has no {event['kind']} of {event['source']} at all"
    if row["by_missing"] == "ticker":
        return f"{other} has no event of {event['ticker']} at all"
    return f"{other} has no event {row['by_missing']} this time" if row["by_missing"] else ""


def _change(name: str, a: Any, b: Any) -> str:
    if name in TIMES:
        return f"{name} {format_time(a)} → {format_time(b)}"
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return f"{name} {a!r} → {b!r} ({b - a:+.6g})"
    return f"{name} {a} → {b}"

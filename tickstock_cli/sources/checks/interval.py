"""A column `interval` in another unit than seconds, or that the distance of bars denies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tickstock_cli.core.recording_schema import is_recorded
from tickstock_cli.core.times import NS_PER_SECOND, format_duration
from tickstock_cli.sources.checks.bar_spacing import Spacing, bar_spacing
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.intervals import UNITS
from tickstock_cli.sources.plain_values import known_values
from tickstock_cli.sources.records import is_number

_ENOUGH = 2
"""Distances that prove a unit: one alone can be a gap."""
_EVIDENT = 5
"""Distances that prove a common divisor."""
_MOST_OVERLAPS = 0.02
_FEWEST_MULTIPLES = 0.9
"""Days are an hour shorter or longer when clocks change."""


def _look(facts: Facts) -> Iterator[Oddity]:
    if not facts.has("interval") or is_recorded(facts.schema):  # a live run records seconds
        return
    is_open = facts.options.interval_unit == "auto" and _is_number(facts)
    spacing = bar_spacing(facts, read_more=True)
    if not len(spacing.apart):
        if is_open and facts.head.num_rows:
            yield Oddity(
                "numbers in interval are read as seconds, and no ticker has two bars to hold them against; if they "
                "have another unit, set it, as in --set recordings.interval_unit=min"
            )
        return
    if _agrees(spacing, 1.0):
        return
    ns = {name: unit / NS_PER_SECOND for name, unit in UNITS.items() if name != "s"}
    other = next((name for name, factor in ns.items() if _agrees(spacing, factor)), None) if is_open else None
    apart, length = _usual(spacing)
    told = f"interval says that bars are {format_duration(length)} long, but they are {format_duration(apart)} apart"
    if other is None:
        if _contradicts(spacing):
            yield Oddity(f"{told}; {_advice(facts, apart)}")
    elif len(spacing.apart) >= _ENOUGH or apart < length:
        raise facts.stop(
            f"{told}: its numbers are in another unit than seconds, and bars would be read as known at the wrong time; "
            f"say which, as in --set recordings.interval_unit={other} (s confirms seconds)"
        )
    else:
        yield Oddity(f"{told}; if its numbers are in another unit, set --set recordings.interval_unit={other}")


def _is_number(facts: Facts) -> bool:
    """Return whether lengths are numbers without a unit, also as texts."""
    theirs = facts.layout.columns.get("interval")
    if theirs is None:
        return _is_digits(facts.layout.constants["interval"] or "")
    if is_number(facts.schema.field(theirs).type):
        return True
    texts = _known(facts)
    return bool(texts) and all(_is_digits(text) for text in texts)


def _known(facts: Facts) -> list[str]:
    """Return the different lengths among the first rows, as texts."""
    column = facts.column("interval")
    return [] if column is None else list(dict.fromkeys(map(str, known_values(column))))


def _is_digits(text: str) -> bool:
    return text.strip().replace(".", "", 1).isdigit()


def _advice(facts: Facts, apart: int) -> str:
    """Return the advice for lengths that no unit explains."""
    if facts.layout.columns.get("interval") is not None and set(_known(facts)) <= {"nan"}:
        return f"it has no value, so set the length of bars, as in --set recordings.interval_seconds={_seconds(apart)}"
    if _is_number(facts):
        return "recordings.interval_unit sets the unit of its numbers"
    return (
        "if that is wrong, leave it out and set the length of bars, as in --map interval= "
        f"--set recordings.interval_seconds={_seconds(apart)}"
    )


def _seconds(length: int) -> int:
    return max(1, length // NS_PER_SECOND)


def _agrees(spacing: Spacing, factor: float) -> bool:
    """Return whether bars of ``factor`` times the length follow one another, with gaps that are multiples of it."""
    scaled = np.rint(spacing.length * factor)
    if (scaled < 1).any() or (scaled > 2**62).any():
        return False
    length = scaled.astype(np.int64)
    multiples = np.mean(spacing.apart % length == 0) >= _FEWEST_MULTIPLES
    return bool(np.mean(spacing.apart < length) <= _MOST_OVERLAPS and multiples and (spacing.apart == length).any())


def _contradicts(spacing: Spacing) -> bool:
    """Return whether bars overlap, or have a common distance above their length."""
    if np.mean(spacing.apart < spacing.length) > _MOST_OVERLAPS:
        return True
    return len(spacing.apart) >= _EVIDENT and bool(np.gcd.reduce(spacing.apart) > spacing.length.max())


def _usual(spacing: Spacing) -> tuple[int, int]:
    """Return the most frequent distance of bars, and the length of such a bar."""
    values, counts = np.unique(spacing.apart, return_counts=True)
    apart = int(values[counts.argmax()])
    return apart, int(spacing.length[(spacing.apart == apart).argmax()])


CHECK = RecordingCheck("interval", ("ohlcv",), _look)

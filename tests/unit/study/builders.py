"""Small studies, written row by row."""

from __future__ import annotations

import numpy as np

from tickstock_cli.study.horizon_rows import HorizonRows, StudyEvents

KINDS, SOURCES = ("high", "low", "surge"), ("tick", "ohlcv")
MINUTE = 60_000_000_000

Event = tuple[int, int, int, int, int]
"""Kind, direction, source, code, day."""


def events_of(rows: list[Event]) -> StudyEvents:
    """Return events as a study's record has them: small integers."""
    kind, direction, source, code, day = np.array(rows, np.int32).reshape(-1, 5).T
    return StudyEvents(kind.astype(np.int8), source.astype(np.int8), direction.astype(np.int8), code, day)


def horizon_of(
    returns: list[float | None],
    placebo: list[list[float]] | None = None,
    minutes: list[int] | None = None,
    name: str = "5m",
) -> HorizonRows:
    """Return the rows of a horizon of five minutes; ``minutes`` are entry times, rows without a return unobserved."""
    observed = np.array([value is not None for value in returns], bool)
    values = np.array([np.nan if value is None else value for value in returns], np.float64)
    times = np.zeros(len(values), np.int64) if minutes is None else np.array(minutes, np.int64) * MINUTE
    shape = np.full((len(values), 2), np.nan) if placebo is None else np.array(placebo, np.float64)
    return HorizonRows(name, 5 * MINUTE, observed, times, values, np.abs(values), -np.abs(values), shape)

"""What goes into the oracle and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Record = Literal["tick", "ohlcv", "fmv"]

SECOND = 1_000_000_000
"""Nanoseconds."""

MICROS = 1_000_000
"""Volumes are added up in units of 1e-6 shares."""

SOURCES = ("tick", "websocket", "ohlcv", "fmv", "channel")
"""In the order of their priority, which is also the order of the merge."""

KINDS = ("high", "low", "surge", "trend", "fmv")
PRIORITIES = {"high": 1, "low": 1, "surge": 2, "trend": 3, "fmv": 4}


@dataclass(frozen=True)
class Row:
    """One row of a recording, raw.

    ``values`` holds the columns as recorded: None = null, key absent = the file has no such column. Times are
    int nanoseconds since the epoch, UTC; ``interval`` is in seconds.
    """

    record: Record
    file: int
    row: int
    values: dict[str, Any]


@dataclass
class Event:
    """A detection. ``measure`` decides between equals of one kind and source: more wins."""

    kind: str
    source: str
    ticker: str
    timestamp: int
    available_at: int
    phase: str
    direction: int
    price: float
    measure: float
    confidence: float = 1.0
    percent_change: float | None = None
    previous: float | None = None
    volume: float | None = None
    rel_volume: float | None = None
    score: float | None = None
    strength: int | None = None
    trigger: str | None = None


@dataclass
class Result:
    """What a run gives.

    Attributes
    ----------
    events
        Rows of the output in output order, without ``event_id``; None = null.
    ledger
        Dotted name to count, zeros left out.
    rejects
        (file, row, reason) in merge order.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    ledger: dict[str, int] = field(default_factory=dict)
    rejects: list[tuple[int, int, str]] = field(default_factory=list)


def reaches(value: float, bound: float) -> bool:
    """Return whether ``value`` is at least ``bound``, forgiving a relative error of 1e-9."""
    return value >= bound - abs(bound) * 1e-9


def within(time: int, last: int | None, seconds: float) -> bool:
    """Return whether ``time`` lies within a cooldown of the last event, which may never have been."""
    return last is not None and 0 <= time - last < nanoseconds(seconds)


def nanoseconds(seconds: float) -> int:
    """Return a setting in seconds as nanoseconds."""
    return round(seconds * SECOND)


def sign(value: float) -> int:
    """Return -1, 0 or +1."""
    return (value > 0) - (value < 0)


def micro_shares(shares: float) -> int:
    """Return a size in units of 1e-6 shares, rounded half to even."""
    if isinstance(shares, int):
        return shares * MICROS
    return round(shares * 1e6)

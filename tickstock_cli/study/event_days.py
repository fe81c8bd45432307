"""Events that wait for their placebo days, by the day of their decision, and the placebos of days that are not over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Int32s, Int64s

PLACEBO_REACH_DAYS = 14
"""A placebo day is at most so many calendar days after its event."""


@dataclass(slots=True)
class EventDay:
    """The events of a day, in their order: equally long arrays.

    Parameters
    ----------
    day
        Number of the day.
    side
        1 or −1; 0 for an event that is not studied.
    wall_time
        Time since local midnight, in ns; it does not fall.
    curve
        Numbers of their curves (``event_paths``), int64; none where nothing draws curves.
    placebo_days
        Numbers of the recorded days that have followed, rising, up to ``study.placebo_days``.
    written
        Number of the placebo days whose results have left.
    """

    day: int
    code: Int32s
    side: NDArray[np.int8]
    wall_time: Int64s
    curve: Int64s
    placebo_days: list[int] = field(default_factory=list)
    written: int = 0

    def has_no_more(self, over: int) -> bool:
        """Return whether no further day can be a placebo day, because the days up to ``over`` are over."""
        return self.day + PLACEBO_REACH_DAYS <= over


@dataclass(slots=True)
class PlaceboDay:
    """The placebos of the events of one day on a later one.

    Parameters
    ----------
    events
        The events.
    day
        The later day.
    midnight
        Its local midnight, int64 ns UTC.
    first
        Number of the first event's row of results; every event has one.
    is_inside
        By event: whether the placebo's decision is inside the day; None if all are.
    begun
        Number of the events whose decision on that day has come.
    """

    events: EventDay
    day: int
    midnight: int
    first: int
    is_inside: NDArray[np.bool_] | None
    begun: int = 0

    @property
    def behind(self) -> int:
        """Number of the row after the last event's."""
        return self.first + len(self.events.code)

    @property
    def studied(self) -> Int64s:
        """Places of the events that have a placebo."""
        return self._studied(0, len(self.events.code))

    def begin(self, until: int) -> Int64s:
        """Return the places of the placebos whose decision has come before a time (int64 ns UTC), each once."""
        first = self.begun
        self.begun = first + int(self.events.wall_time[first:].searchsorted(until - self.midnight))
        return self._studied(first, self.begun)

    def _studied(self, start: int, stop: int) -> Int64s:
        is_studied = self.events.side[start:stop] != 0
        if self.is_inside is not None:
            is_studied &= self.is_inside[start:stop]
        return start + np.flatnonzero(is_studied)


def packed(days: Iterable[EventDay]) -> dict[str, NDArray[Any]]:
    """Return days as arrays, by name."""
    days = list(days)
    placed = [(place, day) for place, found in enumerate(days) for day in found.placebo_days]
    return {
        "days": np.array([(found.day, len(found.code), found.written) for found in days], np.int64).reshape(-1, 3),
        "placed": np.array(placed, np.int64).reshape(-1, 2),
        "code": np.concatenate([np.empty(0, np.int32), *(found.code for found in days)]),
        "side": np.concatenate([np.empty(0, np.int8), *(found.side for found in days)]),
        "wall_time": np.concatenate([np.empty(0, np.int64), *(found.wall_time for found in days)]),
        "curve": np.concatenate([np.empty(0, np.int64), *(found.curve for found in days)]),
    }


def unpacked(arrays: Mapping[str, NDArray[Any]]) -> Iterator[EventDay]:
    """Yield the days of ``packed``."""
    first = 0
    for place, (day, events, written) in enumerate(arrays["days"].tolist()):
        own = slice(first, first + events)
        code, side, wall_time, curve = (arrays[name][own].copy() for name in ("code", "side", "wall_time", "curve"))
        placed = arrays["placed"][arrays["placed"][:, 0] == place, 1].tolist()
        yield EventDay(day, code, side, wall_time, curve, placed, written)
        first += events

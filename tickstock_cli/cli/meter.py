"""Progress of a run and its remaining time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from tqdm import tqdm

from tickstock_cli.core.counted import counted
from tickstock_cli.core.shown_times import ShownZone

LEAST_BAR = len("100% |") + 6 + len("| ")
"""Least columns of a bar with its percentage."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The expected extent of a run.

    Parameters
    ----------
    rows
        Of the whole recording.
    span
        First and last available time of the replayed rows (ns); None if unknown.
    whole
        Whether every row is replayed. If not, their number is unknown, and the share done is that of market time.
    """

    rows: int
    span: tuple[int, int] | None
    whole: bool

    def share(self, rows: int, market_time: int) -> float | None:
        """Return the share done, 0 to 1; None if unknown."""
        if self.whole:
            return min(1.0, rows / self.rows) if self.rows else 1.0
        if self.span is None:
            return None
        first, last = self.span
        return min(1.0, max(0.0, (market_time - first) / max(1, last - first)))


class ProgressMeter:
    """Measures a run from its first progress on, because earlier rows of a resumed run are no progress of this one.

    After a seek back it begins again.

    Parameters
    ----------
    speed
        Returns the speed, 0 in a pause. None is flat out: the remaining time then follows from the elapsed time.
    now
        Wall time in seconds.
    zone
        Zone of the market time.
    """

    def __init__(
        self,
        extent: Extent,
        speed: Callable[[], float | None] = lambda: None,
        now: Callable[[], float] = monotonic,
        *,
        zone: ShownZone,
    ) -> None:
        self._zone = zone
        self._extent = extent
        self._speed = speed
        self._now = now
        self._begun: tuple[float, int, float] | None = None
        self._rows = 0
        self._market_time = 0

    def advanced(self, rows: int, market_time: int) -> None:
        """Record rows done and market time (ns UTC)."""
        went_back = rows < self._rows
        self._rows, self._market_time = rows, market_time
        if self._begun is None or went_back:
            self._begun = (self._now(), rows, self.share or 0.0)

    @property
    def share(self) -> float | None:
        """The share done, 0 to 1; None if unknown."""
        return self._extent.share(self._rows, self._market_time) if self._market_time else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Wall time to the end; None if unknown."""
        if self._begun is None:
            return None
        speed = self._speed()
        if speed is not None:
            span = self._extent.span
            return None if span is None or not speed else max(0, span[1] - self._market_time) / 1e9 / speed
        begun, _, before = self._begun
        share = self.share
        if share is None or share <= before:
            return None
        return (self._now() - begun) * (1 - share) / (share - before)

    @property
    def rows_per_second(self) -> float | None:
        """Rows of this run over its wall time; None if unknown."""
        if self._begun is None or self._now() <= self._begun[0]:
            return None
        return (self._rows - self._begun[1]) / (self._now() - self._begun[0]) or None

    def line(self, width: int, events: int = 0, clock: bool = True) -> str:
        """Draw a bar, followed by as many figures as fit: first the remaining time and the rows."""
        rows = _short(self._rows)
        share, left, rate = self.share, self.seconds_left, self.rows_per_second
        figures = [
            (0, f"{rows}/{_short(self._extent.rows)} rows" if self._extent.whole else f"{rows} rows"),
            (3, "" if rate is None else f"{_short(rate)} rows/s"),
            (2, f"{self._zone.clock(self._market_time, 0)} {self._zone.name}" if clock and self._market_time else ""),
            (4, counted(events, "event") if events else ""),
            (1, "" if left is None else f"{tqdm.format_interval(int(left))} left"),
        ]
        words = fitting_words(figures, width - LEAST_BAR)
        if share is None:
            return words
        return tqdm.format_meter(
            share, 1.0, 1.0, ncols=width, prefix=words, bar_format="{percentage:3.0f}% |{bar}| {desc}"
        )


def fitting_words(words: Sequence[tuple[int, str]], room: int) -> str:
    """Join words, each with its rank; if there is no room, words of the highest rank are left out."""
    kept = [(rank, word) for rank, word in words if word]
    while len(text := "  ".join(word for _, word in kept)) > room and len(kept) > 1:
        kept.remove(max(kept))
    return text


def _short(count: float) -> str:
    return f"{count:.0f}" if count < 1000 else str(tqdm.format_sizeof(count))

"""How far a run is and how long it still takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from tqdm import tqdm

from tickstock_cli.core.times import format_clock

LEAST_BAR = len("100% |") + 6 + len("| ")
"""Columns that a bar takes at least, with its share."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a run is expected to replay.

    Parameters
    ----------
    rows
        Of the whole recording.
    span
        First and last available time of what is replayed (ns); None if nobody knows.
    whole
        Whether every row is replayed. If not, nobody knows how many are, and the share done is that of market time.
    """

    rows: int
    span: tuple[int, int] | None
    whole: bool

    def share(self, rows: int, market_time: int) -> float | None:
        """Return how much of it is done, 0 to 1; None if nobody knows."""
        if self.whole:
            return min(1.0, rows / self.rows) if self.rows else 1.0
        if self.span is None:
            return None
        first, last = self.span
        return min(1.0, max(0.0, (market_time - first) / max(1, last - first)))


class ProgressMeter:
    """Measures a run from the first time it hears of it: what a resumed run did before is no progress of this one.

    A run that goes back begins anew.

    Parameters
    ----------
    speed
        Gives times recorded time, 0 in a pause. None is flat out: the time left then follows from the time taken.
    now
        Wall time in seconds.
    """

    def __init__(
        self, extent: Extent, speed: Callable[[], float | None] = lambda: None, now: Callable[[], float] = monotonic
    ) -> None:
        self._extent = extent
        self._speed = speed
        self._now = now
        self._begun: tuple[float, int, float] | None = None
        self._rows = 0
        self._market_time = 0

    def advanced(self, rows: int, market_time: int) -> None:
        """Note rows done and market time (ns UTC)."""
        went_back = rows < self._rows
        self._rows, self._market_time = rows, market_time
        if self._begun is None or went_back:
            self._begun = (self._now(), rows, self.share or 0.0)

    @property
    def share(self) -> float | None:
        """How much is done, 0 to 1; None if nobody knows."""
        return self._extent.share(self._rows, self._market_time) if self._market_time else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Wall time to the end; None while nobody can tell."""
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
        """Rows of this run over its wall time; None while nobody can tell."""
        if self._begun is None or self._now() <= self._begun[0]:
            return None
        return (self._rows - self._begun[1]) / (self._now() - self._begun[0]) or None

    def line(self, width: int, events: int = 0, clock: bool = True) -> str:
        """Draw a bar with figures behind it, as many as fit: the time left and the rows first of all."""
        rows = _short(self._rows)
        share, left, rate = self.share, self.seconds_left, self.rows_per_second
        figures = [
            (0, f"{rows}/{_short(self._extent.rows)} rows" if self._extent.whole else f"{rows} rows"),
            (3, "" if rate is None else f"{_short(rate)} rows/s"),
            (2, format_clock(self._market_time, 0) if clock and self._market_time else ""),
            (4, f"{events:,} events" if events else ""),
            (1, "" if left is None else f"{tqdm.format_interval(int(left))} left"),
        ]
        words = fitting_words(figures, width - LEAST_BAR)
        if share is None:
            return words
        return tqdm.format_meter(
            share, 1.0, 1.0, ncols=width, prefix=words, bar_format="{percentage:3.0f}% |{bar}| {desc}"
        )


def fitting_words(words: Sequence[tuple[int, str]], room: int) -> str:
    """Join words, each with its rank, without those of the highest rank if there is no room for all."""
    kept = [(rank, word) for rank, word in words if word]
    while len(text := "  ".join(word for _, word in kept)) > room and len(kept) > 1:
        kept.remove(max(kept))
    return text


def _short(count: float) -> str:
    return f"{count:.0f}" if count < 1000 else str(tqdm.format_sizeof(count))

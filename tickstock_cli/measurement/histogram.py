"""Durations as an HDR histogram: 1 µs to 1 hour, to three digits, in 180 KiB for any number of records.

Each counter stands for a range of values at most 0.1 % wide. A percentile is the upper end of its range, so it is
never below the true one. Counters and percentiles are those of `HdrHistogram <https://hdrhistogram.org>`_, whose
Python port reads and writes the encoded form here. Our own code records, because it takes whole arrays and is quicker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hdrh.histogram import HdrHistogram

from tickstock_cli.errors import DataError

Counts = npt.NDArray[np.int64]

SHORTEST_US = 1
LONGEST_US = 3_600_000_000
DIGITS = 3

_HALF_BITS = 10
"""Three digits need 2 ** 11 counters for each power of two."""

TICKS_PER_HALF = 5
"""Lines of the percentile export for each halving of the distance to 100 %."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of a histogram; times in ms, None without records."""

    count: int
    mean_ms: float | None = None
    p50_ms: float | None = None
    p90_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    p999_ms: float | None = None
    max_ms: float | None = None


class Histogram:
    """Counts of durations. Not thread-safe: users in several threads hold a lock.

    Examples
    --------
    >>> histogram = Histogram()
    >>> histogram.record(np.array([800, 900, 1_000, 50_000]))
    >>> histogram.percentile_us(50), histogram.count
    (900, 4)
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: Counts = np.zeros(_SLOTS, np.int64)

    @property
    def count(self) -> int:
        """Return the number of records."""
        return int(self._counts.sum())

    def record(self, values_us: npt.NDArray[np.generic]) -> None:
        """Record durations.

        Parameters
        ----------
        values_us
            µs, of any numeric dtype and length. Below 1 µs counts as 1 µs, above one hour as one hour.
        """
        if values_us.size:
            np.add.at(self._counts, _indices(values_us), 1)  # few values must not cost a pass over all counters

    def record_value(self, value_us: int, count: int = 1) -> None:
        """Record one duration ``count`` times; for few values this is quicker than `record`."""
        value = min(max(value_us, SHORTEST_US), LONGEST_US)
        power = max(value.bit_length() - (_HALF_BITS + 1), 0)
        self._counts[(power << _HALF_BITS) + (value >> power)] += count

    def add(self, other: Histogram) -> None:
        """Add the records of another histogram."""
        self._counts += other._counts

    def percentile_us(self, percent: float) -> int:
        """Return the duration in µs that this percentage of the records does not exceed; 0 without records."""
        return int(self.percentiles_us(np.array([percent]))[0])

    def percentiles_us(self, percents: npt.NDArray[np.float64]) -> Counts:
        """Return several percentiles, in µs; zeros without records."""
        cumulated = np.cumsum(self._counts)
        total = int(cumulated[-1])
        if not total:
            return np.zeros(len(percents), np.int64)
        wanted = np.maximum(1, (percents * total / 100 + 0.5).astype(np.int64))
        return _HIGHEST[np.searchsorted(cumulated, np.minimum(wanted, total))]

    def mean_us(self) -> float:
        """Return the mean in µs; 0 without records."""
        total = self.count
        filled = np.flatnonzero(self._counts)  # a product of all counters would wake the threads of BLAS
        return float(self._counts[filled] @ _MIDDLE[filled]) / total if total else 0.0

    def max_us(self) -> int:
        """Return the longest duration in µs; 0 without records."""
        filled = np.flatnonzero(self._counts)
        return int(_HIGHEST[filled[-1]]) if len(filled) else 0

    def summary(self) -> Summary:
        """Return the figures in ms."""
        count = self.count
        if not count:
            return Summary(0)
        p50, p90, p95, p99, p999 = (self.percentiles_us(np.array([50, 90, 95, 99, 99.9])) / 1000).tolist()
        return Summary(count, self.mean_us() / 1000, p50, p90, p95, p99, p999, self.max_us() / 1000)

    def encode(self) -> str:
        """Return the compressed form (V2, base64) that HdrHistogram libraries of all languages read."""
        plain = HdrHistogram(SHORTEST_US, LONGEST_US, DIGITS)
        np.frombuffer(plain.counts, np.uint64)[:] = self._counts
        filled = np.flatnonzero(self._counts)
        if len(filled):
            plain.set_internal_tacking_values(int(filled[0]), int(filled[-1]), self.count)
        return str(plain.encode().decode("ascii"))

    @classmethod
    def decode(cls, text: str) -> Histogram:
        """Return the histogram that `encode` encoded.

        Raises
        ------
        DataError
            The text is no histogram of this range and precision.
        """
        try:
            plain = HdrHistogram.decode(text)
            counts = np.frombuffer(plain.counts, np.uint64)
        except Exception as error:  # the port raises many types for text that it cannot read
            raise DataError(
                f"this is no histogram: {error}; the file that holds it is damaged or was edited"
            ) from error
        if len(counts) != _SLOTS:
            raise DataError(f"this is a histogram of {len(counts):,} counters, not of {_SLOTS:,}")
        histogram = cls()
        histogram._counts += counts.astype(np.int64)
        return histogram

    def distribution(self) -> Iterator[tuple[int, float, int]]:
        """Yield (µs, share of the records up to it, their number), with finer steps towards 1.

        The steps are those of HdrHistogram's percentile export: five for each halving of the distance to 1.
        """
        cumulated = np.cumsum(self._counts)
        total = int(cumulated[-1])
        share, last = 0.0, -1
        while total:
            index = int(np.searchsorted(cumulated, max(1, int(share * total + 0.5))))
            if index != last:
                yield int(_HIGHEST[index]), share, int(cumulated[index])
                last = index
            if cumulated[index] == total:
                yield int(_HIGHEST[index]), 1.0, total
                return
            halvings = np.floor(np.log2(1 / (1 - share)))
            share += 0.5**halvings / 2 / TICKS_PER_HALF

    def export(self) -> str:
        """Return the percentile distribution in ms in the format of HdrHistogram's plotters (.hgrm)."""
        lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}", ""]
        for value, share, count in self.distribution():
            rest = f"{1 / (1 - share):>14.2f}" if share < 1 else f"{'inf':>14}"
            lines.append(f"{value / 1000:>12.3f} {share:>14.12f} {count:>10} {rest}")
        summary = self.summary()
        lines += [
            f"#[Mean    = {summary.mean_ms or 0:>12.3f}]",
            f"#[Max     = {summary.max_ms or 0:>12.3f}, Total count    = {summary.count:>12}]",
        ]
        return "\n".join(lines) + "\n"


def _indices(values_us: npt.NDArray[np.generic]) -> Counts:
    """Return the index of each value's counter."""
    values = np.clip(values_us, SHORTEST_US, LONGEST_US).astype(np.int64)
    _, length = np.frexp(values.astype(np.float64))  # exact: an hour has 32 bits
    power = np.maximum(length - (_HALF_BITS + 1), 0).astype(np.int64)
    indices: Counts = (power << _HALF_BITS) + (values >> power)
    return indices


def _ranges() -> tuple[Counts, Counts]:
    """Return the lowest and the highest value of each counter's range."""
    index = np.arange(HdrHistogram(SHORTEST_US, LONGEST_US, DIGITS).counts_len, dtype=np.int64)
    power = np.maximum((index >> _HALF_BITS) - 1, 0)
    lowest = (index - (power << _HALF_BITS)) << power
    return lowest, lowest + (np.int64(1) << power) - 1


_LOWEST, _HIGHEST = _ranges()
_SLOTS = len(_LOWEST)
_MIDDLE = np.where(_HIGHEST > _LOWEST, (_LOWEST + _HIGHEST + 1) / 2, _LOWEST)

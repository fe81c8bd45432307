"""Latencies by name and stage: one thread records them, another takes them every second."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.measurement.histogram import Histogram

Int64s = NDArray[np.int64]


class StageLatency:
    """Histograms of latencies in µs by name, for the current second and for every stage.

    A record belongs to the stage in which its row was due, even if it is processed later.

    Parameters
    ----------
    ends
        Market time (ns) at which each stage ends; a row due at that moment still belongs to it.
    """

    def __init__(self, ends: Sequence[int]) -> None:
        self._ends = np.array(ends, np.int64)
        self._lock = Lock()
        self._recent: dict[tuple[int, str], Histogram] = {}
        self._stages: dict[tuple[int, str], Histogram] = {}

    def record(self, name: str, market: Int64s, late_us: NDArray[np.generic]) -> None:
        """Record rows due at market times, each with its latency."""
        stages = np.searchsorted(self._ends[:-1], market)
        with self._lock:
            for stage in np.unique(stages).tolist():
                chosen = late_us if stages[0] == stages[-1] == stage else late_us[stages == stage]
                self._recent.setdefault((stage, name), Histogram()).record(chosen)

    def take_second(self) -> dict[str, str]:
        """Return the encoded histograms since the previous call, by name."""
        with self._lock:
            recent, self._recent = self._recent, {}
        named: dict[str, Histogram] = {}
        for (stage, name), histogram in recent.items():
            named.setdefault(name, Histogram()).add(histogram)
            self._stages.setdefault((stage, name), Histogram()).add(histogram)
        return {name: histogram.encode() for name, histogram in named.items()}

    def by_stage(self) -> list[dict[str, str]]:
        """Return the encoded histograms up to the last ``take_second``, by stage and name."""
        whole: list[dict[str, str]] = [{} for _ in self._ends]
        for (stage, name), histogram in self._stages.items():
            whole[stage][name] = histogram.encode()
        return whole

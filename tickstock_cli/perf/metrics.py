"""What is measured, and how much worse it may become: one line a metric."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Nature(StrEnum):
    """How a metric is judged: against noise, or exactly."""

    TIME = "time"
    """Seconds; noisy, compared pair by pair."""
    LATENCY = "latency"
    """ms of a percentile; noisier still."""
    MEMORY = "memory"
    """Bytes; nearly exact."""
    WORK = "work"
    """A counter: exact on one side, compared as such."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of a benchmark.

    Parameters
    ----------
    name
        For programs; the figure's key in documents.
    benchmark, key
        Which benchmark measures it, under which key.
    tolerance
        Relative growth that is let pass even where it is certain.
    floor
        Absolute growth, in ``unit``, below which nothing is a regression.
    """

    name: str
    title: str
    unit: str
    nature: Nature
    benchmark: str
    key: str
    tolerance: float
    floor: float = 0.0


METRICS: tuple[Metric, ...] = (
    Metric("startup_seconds", "tickstock --help", "s", Nature.TIME, "startup", "cpu_seconds", 0.10, 0.02),
    Metric("decode_seconds", "decode a recording", "s", Nature.TIME, "decode", "cpu_seconds", 0.10, 0.01),
    Metric("merge_seconds", "merge eight files", "s", Nature.TIME, "merge", "cpu_seconds", 0.10, 0.01),
    Metric("kernels_seconds", "a batch through the core", "s", Nature.TIME, "micro", "test_kernels", 0.10),
    Metric("coordinate_seconds", "a batch's events, coordinated", "s", Nature.TIME, "micro", "test_coordinate", 0.15),
    Metric("publish_seconds", "events into log and digest", "s", Nature.TIME, "micro", "test_publish", 0.15),
    Metric("replay_seconds", "replay, CPU time", "s", Nature.TIME, "replay", "cpu_seconds", 0.08, 0.01),
    Metric("replay_wall_seconds", "replay, wall time", "s", Nature.TIME, "replay", "seconds", 0.15, 0.02),
    Metric("paced_cpu_seconds", "paced replay, CPU time", "s", Nature.TIME, "paced", "cpu_seconds", 0.15, 0.05),
    Metric("paced_p50_ms", "row to event, p50", "ms", Nature.LATENCY, "paced", "p50_ms", 0.50, 3.0),
    Metric("paced_p99_ms", "row to event, p99", "ms", Nature.LATENCY, "paced", "p99_ms", 1.00, 15.0),
    Metric("replay_peak_bytes", "peak memory of a replay", "bytes", Nature.MEMORY, "replay", "peak_rss_bytes", 0.10),
    Metric("growth_bytes", "memory kept by a replay", "bytes", Nature.MEMORY, "memory", "growth_bytes", 0.0, 2**20),
    Metric("batches", "steps of the core", "", Nature.WORK, "count", "batches", 0.0),
    Metric("kernel_calls", "calls of kernels", "", Nature.WORK, "count", "kernel_calls", 0.02),
    Metric("python_calls", "calls of Python functions", "", Nature.WORK, "count", "python_calls", 0.10),
    Metric("arrow_allocations", "allocations of Arrow", "", Nature.WORK, "count", "arrow_allocations", 0.10),
    Metric("instructions", "instructions", "", Nature.WORK, "count", "instructions", 0.05),
)

RESULTS = ("rows", "events", "digest")
"""What the replay benchmark must give alike on both sides: a change of results is no question of speed."""

BENCHMARKS = tuple(dict.fromkeys(metric.benchmark for metric in METRICS))


@dataclass(frozen=True, slots=True)
class Way:
    """How a round measures a benchmark.

    Parameters
    ----------
    turns
        How often each side has its turn, one right after the other, in one process a side; of a figure the best turn
        counts, because whatever else the machine does can only make it worse.
    together
        Whether all sides may have their turn at once: nothing is timed.
    most_rounds
        Rounds that are enough, because the figure hardly varies.
    """

    turns: int = 1
    together: bool = False
    most_rounds: int | None = None


TIMED, EXACT = Way(turns=5), Way(together=True, most_rounds=3)
WAYS = {"startup": TIMED, "decode": TIMED, "merge": TIMED, "replay": TIMED, "memory": EXACT, "count": EXACT}
"""By benchmark; others have one turn a round."""

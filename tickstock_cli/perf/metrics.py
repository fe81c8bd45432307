"""The metrics and their tolerances, one line for each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Nature(StrEnum):
    """The way in which a metric is judged: with noise, or exactly."""

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
        The benchmark that measures it, and the key of the figure.
    tolerance
        Allowed relative growth, even if it is certain.
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
"""Results of the replay benchmark that must be equal on both sides."""

BENCHMARKS = tuple(dict.fromkeys(metric.benchmark for metric in METRICS))


@dataclass(frozen=True, slots=True)
class Way:
    """The way in which a round measures a benchmark.

    Parameters
    ----------
    turns
        Number of turns of each side, in one process for each; the best turn of a figure counts, because other work of
        the machine only makes it worse.
    together
        Whether all sides can run at once, because no time is measured.
    most_rounds
        Limit of rounds for a figure that hardly varies.
    """

    turns: int = 1
    together: bool = False
    most_rounds: int | None = None


TIMED, EXACT = Way(turns=5), Way(together=True, most_rounds=3)
WAYS = {"startup": TIMED, "decode": TIMED, "merge": TIMED, "replay": TIMED, "memory": EXACT, "count": EXACT}
"""By benchmark; others have one turn a round."""

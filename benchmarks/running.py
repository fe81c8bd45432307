"""The running system on a schedule: paced replay through real queues, against the same rows flat out.

Protects that the live path is fast enough and honest: latency counts from the scheduled time of a row, so that a
system that stalls cannot hide it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Figure, Section
from benchmarks.fresh import Sample, call
from benchmarks.rounds import Samples, column, interleave, ratios, timed
from benchmarks.workloads import WARM_UP, Market, cache_folder, prepare

if TYPE_CHECKING:
    from tickstock_cli.runtime.pipeline import MultiChannelPipeline

TICKS_PER_SECOND = 100_000
SECONDS, QUICK_SECONDS = 60, 10
TICK_SYMBOLS, BAR_SYMBOLS = 500, 8_000
START = 0.35
"""Where in the day the rows are taken from, as a share of its ticks: past the open, where the rate is even."""
P99_BAR_MS = 50.0
MEMORY_BAR_MIB = 2048.0
DECISION_BAR_US = 250.0
"""4,000 decisions a second."""
TIME_BAR = 1.02
"""Time taken over time scheduled, at most: more means that the rate was not reached."""
PACED, FLAT_OUT = "paced", "flat out"
MIB = 1 << 20


def markets(rows: int) -> tuple[Market, Market]:
    """Return the market whose ticks are used, and the one whose bars are."""
    return Market(rows, TICK_SYMBOLS, all_feeds=False), Market(rows, BAR_SYMBOLS)


def find_window(ticks: str, count: int, seconds: int) -> Sample:
    """Return the stretch of a recording that holds ``count`` ticks, and the speed that makes ``seconds`` of it."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    times = pq.read_table(ticks, columns=["timestamp"]).column(0)
    times = pc.cast(times, "int64")
    first = int(len(times) * START)
    if first + count >= len(times):
        raise SystemExit(f"error: {len(times):,} ticks are too few for {seconds} s; make more with --rows")
    start, end = times[first].as_py(), times[first + count].as_py()
    return {"start": start, "end": end, "speed": (end - start) / (seconds * 1e9)}


def replay(paths: Sequence[str], warm_up: str, out: str, start: int, end: int, speed: float | None) -> Sample:
    """Replay a stretch under default settings, paced through the running system or flat out; events to Parquet."""
    from benchmarks.per_second import PerSecond
    from tickstock_cli.replaying import Request
    from tickstock_cli.replaying import replay as run_replay

    run_replay(Request(paths=[Path(warm_up).parent], outs=[out], speed=1e9 if speed else None))
    running: list[MultiChannelPipeline] = []
    counts = PerSecond()
    request = Request(paths=paths, outs=[out], start=start, end=end, speed=speed)
    result, seconds, cpu_seconds = timed(
        lambda: run_replay(request, observe=lambda _: counts, attach=running.append),
    )
    return {
        "rows": result.rows,
        "events": result.tally.events,
        "digest": result.digest,
        "seconds": seconds,
        "fed_seconds": counts.seconds,
        "cpu_seconds": cpu_seconds,
        "slowest_second": counts.slowest(),
        **(_system_figures(running[0]) if running else {}),
    }


def _system_figures(pipeline: MultiChannelPipeline) -> dict[str, Any]:
    status = pipeline.last_status
    return {
        "latency_ms": status["event_latency_ms"],
        "decision_us": status["system_overview"]["router"]["decision_mean_us"],
        "queue_max": {name: channel["queue"]["max_depth"] for name, channel in status["channel_details"].items()},
    }


def measure(rows: int, rounds: int, seconds: int, announce: Callable[[str], None]) -> Samples:
    """Measure both in turn.

    Raises
    ------
    SystemExit
        They did not give the same events: what they took does not matter then.
    """
    ticks, bars = (prepare(market, announce) for market in markets(rows))
    paths = [str(ticks.ticks), str(bars.folder / "bars.parquet")]
    window = call(find_window, ticks=paths[0], count=TICKS_PER_SECOND * seconds, seconds=seconds)
    stretch = {"start": window["start"], "end": window["end"]}
    subjects: dict[str, Callable[[], Sample]] = {
        PACED: partial(_replay_fresh, paths, stretch, window["speed"]),
        FLAT_OUT: partial(_replay_fresh, paths, stretch, None),
    }
    samples = interleave(subjects, rounds, announce)
    digests = {sample["digest"] for runs in samples.values() for sample in runs}
    if len(digests) > 1:
        raise SystemExit(f"error: paced and flat out gave different events: digests {sorted(digests)}")
    return samples


def _replay_fresh(paths: Sequence[str], stretch: dict[str, int], speed: float | None) -> Sample:
    with TemporaryDirectory(dir=cache_folder()) as folder:
        out = str(Path(folder, "events.parquet"))
        return call(replay, paths=paths, warm_up=str(WARM_UP.ticks), out=out, **stretch, speed=speed)


def section(samples: Samples, seconds: int) -> Section:
    """Return what the paced run reached, and what pacing costs."""
    paced, flat = samples[PACED], samples[FLAT_OUT]
    events = paced[0]["events"]
    latency = [run["latency_ms"] for run in paced]
    scheduled = tuple(run["fed_seconds"] / seconds for run in paced)
    figures = [
        Figure("rows asked for", "rows/s", tuple(run["rows"] / seconds for run in paced), note="ticks and bars"),
        Figure("time taken / time scheduled", "×", scheduled, TIME_BAR, "more: the rate was not reached"),
        Figure("slowest second", "rows/s", column(paced, "slowest_second")),
        Figure("row to event, p50", "ms", column(latency, "p50"), note="from the row's scheduled time"),
        Figure("row to event, p99", "ms", column(latency, "p99"), P99_BAR_MS),
        Figure("row to event, p99.9", "ms", column(latency, "p99.9")),
        Figure("row to event, max", "ms", column(latency, "max")),
        Figure("router, a decision", "µs", column(paced, "decision_us"), DECISION_BAR_US, "mean; one decision a batch"),
        Figure("peak memory", "MiB", column(paced, "peak_rss_bytes", 1 / MIB), MEMORY_BAR_MIB),
        Figure("CPU, paced / flat out", "×", ratios(paced, flat, "cpu_seconds"), note="what queues and pacing cost"),
        Figure("time, paced / flat out", "×", ratios(paced, flat, "seconds"), note="the room that is left"),
    ]
    title = (
        f"running_system: {TICKS_PER_SECOND:,} ticks/s of {TICK_SYMBOLS} tickers and the bars of {BAR_SYMBOLS:,} "
        f"for {seconds} s, {events:,} events; digest equal to flat out"
    )
    return Section(title, "alerts come in time, and are those that a replay gives", figures)

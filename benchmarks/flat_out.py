"""Flat-out replay of one file of ticks, all detectors on, events to Parquet, against decoding the same file alone.

Protects the reason to have this tool at all: a day of the market in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, Section
from benchmarks.fresh import Sample, call
from benchmarks.rounds import Samples, column, interleave, ratios, timed
from benchmarks.workloads import ROWS, WARM_UP, Market, cache_folder

if TYPE_CHECKING:
    from tickstock_cli.engine.result import RunResult

DECODE = "decode alone"
REPLAYS = {1: "one worker", 2: "two workers"}
BARS = {1: 8.0, 2: 5.0}
"""By workers: at most so many times the wall time of decoding, from ``ROWS`` ticks on."""


def decode(path: str, warm_up: str) -> Sample:
    """Decode a file as pyarrow does it by default, and keep nothing."""
    import pyarrow.parquet as pq

    def read(file: str) -> int:
        return sum(batch.num_rows for batch in pq.ParquetFile(file).iter_batches())

    read(warm_up)
    rows, seconds, cpu_seconds = timed(lambda: read(path))
    return {"rows": rows, "seconds": seconds, "cpu_seconds": cpu_seconds}


def replay(path: str, warm_up: str, out: str, workers: int) -> Sample:
    """Replay a file flat out under default settings, from the first byte read to the output file closed.

    ``events`` are counted in the file written.
    """
    import pyarrow.parquet as pq

    from tickstock_cli.replaying import Request
    from tickstock_cli.replaying import replay as run_replay

    def run(recordings: Path) -> RunResult:
        return run_replay(Request(paths=[recordings], outs=[out], workers=workers))

    run(Path(warm_up).parent)  # with bars and fair values
    run(Path(warm_up))
    result, seconds, cpu_seconds = timed(lambda: run(Path(path)))
    return {
        "rows": result.rows,
        "events": pq.read_metadata(out).num_rows,
        "digest": result.digest,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
    }


def decode_fresh(market: Market) -> Sample:
    """Decode a prepared market's ticks in a fresh process."""
    return call(decode, path=str(market.ticks), warm_up=str(WARM_UP.ticks))


def replay_fresh(market: Market, workers: int) -> Sample:
    """Replay a prepared market's ticks in a fresh process; the event file is dropped."""
    with TemporaryDirectory(dir=cache_folder()) as folder:
        out = str(Path(folder, "events.parquet"))
        return call(replay, path=str(market.ticks), warm_up=str(WARM_UP.ticks), out=out, workers=workers)


def measure(market: Market, rounds: int, announce: Callable[[str], None]) -> Samples:
    """Measure decoding and both replays in turn."""
    subjects: dict[str, Callable[[], Sample]] = {DECODE: partial(decode_fresh, market)}
    for workers, name in REPLAYS.items():
        subjects[name] = partial(replay_fresh, market, workers)
    samples = interleave(subjects, rounds, announce)
    check_events(samples)
    return samples


def check_events(samples: Samples) -> None:
    """Make sure that all replays gave the same events: what they took does not matter otherwise.

    Raises
    ------
    SystemExit
        They did not.
    """
    digests = {sample["digest"] for name in REPLAYS.values() for sample in samples[name]}
    if len(digests) > 1:
        raise SystemExit(f"error: replays of the same ticks gave different events: digests {sorted(digests)}")


def section(market: Market, samples: Samples) -> Section:
    """Return the ratios, and what they are ratios of."""
    base = samples[DECODE]
    events = samples[REPLAYS[1]][0]["events"]
    figures = [Figure(DECODE, "s", column(base, "seconds"))]
    for workers, name in REPLAYS.items():
        runs = samples[name]
        bar = BARS[workers] if market.rows >= ROWS else None
        figures += [
            Figure(f"{name} / decode", "×", ratios(runs, base, "seconds"), bar, "wall time"),
            Figure(f"{name} / decode, CPU", "×", ratios(runs, base, "cpu_seconds"), note="CPU time of all threads"),
            Figure(name, "s", column(runs, "seconds"), note="first byte read to output closed"),
            Figure(f"{name}, rate", "M rows/s", tuple(run["rows"] / run["seconds"] / 1e6 for run in runs)),
        ]
    title = f"one_file_all_detectors: {market.rows:,} ticks of {market.symbols:,} tickers, {events:,} events to Parquet"
    return Section(title, "a day of the market in seconds: replay costs a few times what decoding alone costs", figures)

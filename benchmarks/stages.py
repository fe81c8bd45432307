"""The stages of a replay apart, one after the other in one thread: where the time goes.

Protects nothing by itself; it tells what to look at when `flat_out` gets worse. The parts are the real ones in
their real order, but not side by side as in a replay, where reading and writing have threads of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure, Section
from benchmarks.flat_out import decode, replay
from benchmarks.fresh import Sample, call
from benchmarks.rounds import Samples, interleave, timed
from benchmarks.stopwatch import Stopwatch
from benchmarks.workloads import PARTS, WARM_UP, Market, cache_folder, prepare_parts

PYARROW, ONE_FILE, PARTED = "pyarrow alone", "read one file", f"read the same rows from {PARTS} files"
TICKS, ALL_FEEDS = "stages, ticks alone", "stages, all feeds"

TICK_STAGES = (
    "decode",
    "normalise",
    "group ticks",
    "validate ticks",
    "highlow",
    "surge",
    "trend",
    "collect",
    "coordinate",
    "core besides",
    "encode",
    "digest and tally",
    "write",
)
"""In the order of the flow."""
BAR_STAGES = ("group bars", "validate bars", "ohlcv")
FMV_STAGES = ("group fair values", "validate fair values", "fmv")


def read(paths: Sequence[str], warm_up: str) -> Sample:
    """Read recordings into merged batches and drop them."""
    from tickstock_cli.replay import BATCH_ROWS
    from tickstock_cli.sources.recordings import Recordings

    def run(files: Sequence[str]) -> int:
        with Recordings.open(files) as recordings:
            return sum(len(batch) for batch in recordings.batches(BATCH_ROWS))

    run([warm_up])
    run([str(Path(warm_up).parent)])
    rows, seconds, cpu_seconds = timed(lambda: run(paths))
    return {"rows": rows, "seconds": seconds, "cpu_seconds": cpu_seconds}


def run_stages(paths: Sequence[str], warm_up: str, out: str) -> Sample:
    """Take recordings through all parts of a replay in this thread; give seconds by stage and what came through."""
    replay(warm_up, warm_up, out, workers=1)
    watch = Stopwatch()
    with watch.watching(_watched()):
        (rows, events), seconds, cpu_seconds = timed(lambda: _drive(paths, out, watch))
    return {"stages": watch.seconds, "seconds": seconds, "cpu_seconds": cpu_seconds, "rows": rows, "events": events}


def _drive(paths: Sequence[str], out: str, watch: Stopwatch) -> tuple[dict[str, int], int]:
    """Give rows by record type, and events."""
    from tickstock_cli.build import build_core, build_encoder, settings_model
    from tickstock_cli.core.digest import EventDigest
    from tickstock_cli.core.events import EventRows
    from tickstock_cli.engine.tally import Tally
    from tickstock_cli.replay import BATCH_ROWS
    from tickstock_cli.sinks.opening import open_sink
    from tickstock_cli.sources.recordings import Recordings

    settings = settings_model()()
    digest, tally, sink = EventDigest(), Tally(), open_sink(out)
    with Recordings.open(paths) as recordings:
        core = build_core(settings, recordings.symbols)
        encoder = build_encoder(settings, recordings.symbols)

        def put_out(released: EventRows) -> None:
            with watch.running("encode"):
                rows = encoder.to_arrow(released)
            with watch.running("digest and tally"):
                digest.update(rows)
                tally.update(rows)
            with watch.running("write"):
                sink.write(rows)

        for batch in watch.iterate(recordings.batches(BATCH_ROWS), "normalise"):
            with watch.running("core besides"):
                released = core.step(batch).events
            put_out(released)
        with watch.running("core besides"):
            released = core.finish()
        put_out(released)
        with watch.running("write"):
            sink.commit()
    return {name: core.ledger[f"{name}.read"] for name in ("tick", "ohlcv", "fmv")}, tally.events


def _watched() -> list[tuple[Any, str, str]]:
    """Give the parts inside reading and inside a core's step, and the stage each one is."""
    from tickstock_cli.build import detector_classes
    from tickstock_cli.channels import fmv, ohlcv, tick
    from tickstock_cli.engine.coordinator import Coordinator
    from tickstock_cli.sources.reading import RowReader

    return [
        (RowReader, "read", "decode"),
        (tick.TickChannel, "process", "collect"),
        (tick, "group", "group ticks"),
        (tick, "admit_ticks", "validate ticks"),
        (ohlcv.OhlcvChannel, "process", "collect bars"),
        (ohlcv, "group", "group bars"),
        (ohlcv, "admit_bars", "validate bars"),
        (fmv.FmvChannel, "process", "collect fair values"),
        (fmv, "group", "group fair values"),
        (fmv, "admit_fmvs", "validate fair values"),
        *((cls, "scan", name) for name, cls in detector_classes().items()),
        (Coordinator, "step", "coordinate"),
        (Coordinator, "finish", "coordinate"),
    ]


def measure(market: Market, rounds: int, announce: Callable[[str], None]) -> Samples:
    """Measure reading, merging, and all stages, in turn."""
    ticks, parts = str(market.ticks), str(prepare_parts(market, announce))
    warm_up = str(WARM_UP.ticks)

    def stages_of(path: str) -> Sample:
        with TemporaryDirectory(dir=cache_folder()) as folder:
            return call(run_stages, paths=[path], warm_up=warm_up, out=str(Path(folder, "events.parquet")))

    return interleave(
        {
            PYARROW: lambda: call(decode, path=ticks, warm_up=warm_up),
            ONE_FILE: lambda: call(read, paths=[ticks], warm_up=warm_up),
            PARTED: lambda: call(read, paths=[parts], warm_up=warm_up),
            TICKS: lambda: stages_of(ticks),
            ALL_FEEDS: lambda: stages_of(str(market.folder)),
        },
        rounds,
        announce,
    )


def sections(market: Market, samples: Samples) -> list[Section]:
    """Give the cost of reading and merging, and of every stage of each record type."""
    return [_reading(samples), _tick_stages(market, samples[TICKS]), _other_stages(samples[ALL_FEEDS])]


def _reading(samples: Samples) -> Section:
    per_row = {
        name: tuple(run["seconds"] / run["rows"] * 1e9 for run in samples[name]) for name in (PYARROW, ONE_FILE, PARTED)
    }
    merging = tuple(many - one for many, one in zip(per_row[PARTED], per_row[ONE_FILE], strict=True))
    figures = [
        Figure(PYARROW, "ns/row", per_row[PYARROW], note="strings, as it reads them by default"),
        Figure(ONE_FILE, "ns/row", per_row[ONE_FILE], note="decode and normalise"),
        Figure(PARTED, "ns/row", per_row[PARTED], note="their times overlap all day"),
        Figure("merge", "ns/row", merging, note="the difference"),
    ]
    return Section("reading: from the file to merged batches", "what comes before any rule is cheap", figures)


def _tick_stages(market: Market, runs: list[Sample]) -> Section:
    figures = [_stage(name, runs, "tick", share=True) for name in TICK_STAGES]
    together = tuple(run["seconds"] / run["rows"]["tick"] * 1e9 for run in runs)
    figures.append(Figure("all of them, one after the other", "ns/row", together))
    events = runs[0]["events"]
    figures += [
        Figure(name, "ns/event", tuple(run["stages"][name] / events * 1e9 for run in runs), note=f"{events:,} events")
        for name in ("coordinate", "encode", "digest and tally", "write")
        if events
    ]
    title = f"stages: {market.rows:,} ticks of {market.symbols:,} tickers, one thread"
    return Section(title, "where the time goes", figures)


def _other_stages(runs: list[Sample]) -> Section:
    rows = runs[0]["rows"]
    figures = [_stage(name, runs, "ohlcv") for name in BAR_STAGES] + [_stage(name, runs, "fmv") for name in FMV_STAGES]
    title = f"stages of the other feeds: {rows['ohlcv']:,} bars and {rows['fmv']:,} fair values among the ticks"
    return Section(title, "where the time goes", figures)


def _stage(name: str, runs: list[Sample], record: str, *, share: bool = False) -> Figure:
    """Give a stage's own time per row of a record type, and if wanted its share in all stages."""
    values = tuple(run["stages"].get(name, 0.0) / run["rows"][record] * 1e9 for run in runs)
    shares = [run["stages"].get(name, 0.0) / sum(run["stages"].values()) for run in runs]
    note = f"{sorted(shares)[len(shares) // 2]:.0%}" if share else ""
    return Figure(name, "ns/row", values, note=note)

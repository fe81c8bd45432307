"""The stages of a replay apart, one after the other: where the CPU time goes.

Protects nothing by itself; it tells what to look at when `flat_out` gets worse. The parts are the real ones in
their real order, but not side by side as in a replay, where reading and writing have threads of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, Section
from benchmarks.flat_out import decode, replay
from benchmarks.fresh import Sample, call
from benchmarks.rounds import Samples, interleave, timed
from benchmarks.stopwatch import Stopwatch, Watched
from benchmarks.workloads import PARTS, WARM_UP, Market, cache_folder, prepare_parts

PYARROW, ONE_FILE, PARTED = "pyarrow alone", "one file", f"the same rows in {PARTS} files"
TICKS, ALL_FEEDS = "stages, ticks alone", "stages, all feeds"

READING_STAGES = ("decode", "normalise", "merge")
EVENT_STAGES = ("coordinate", "encode", "digest and tally", "write")
TICK_STAGES = (
    *READING_STAGES,
    "group ticks",
    "validate ticks",
    "kernel highlow",
    "kernel surge",
    "kernel trend",
    "collect ticks",
    "core besides",
    *EVENT_STAGES,
)
"""In the order of the flow. ``collect`` is the channel around its kernels."""
BAR_STAGES = ("group bars", "validate bars", "kernel ohlcv", "collect bars")
FMV_STAGES = ("group fair values", "validate fair values", "kernel fmv", "collect fair values")


def read(path: str, warm_up: str) -> Sample:
    """Read a recording into merged batches and drop them; give seconds by stage."""
    from tickstock_cli.replaying import BATCH_ROWS
    from tickstock_cli.sources.recordings import Recordings

    def run(recording: str, watch: Stopwatch) -> int:
        with Recordings.open([recording]) as recordings:
            return sum(len(batch) for batch in watch.iterate(recordings.batches(BATCH_ROWS), "merge"))

    run(warm_up, Stopwatch())
    run(str(Path(warm_up).parent), Stopwatch())
    watch = Stopwatch()
    with watch.watching(_reading()):
        rows, _, cpu_seconds = timed(lambda: run(path, watch))
    return {"stages": watch.seconds, "cpu_seconds": cpu_seconds, "rows": rows}


def run_stages(path: str, warm_up: str, out: str) -> Sample:
    """Take a recording through all parts of a replay, one by one; give seconds by stage and what came through."""
    replay(warm_up, warm_up, out, workers=1)
    watch = Stopwatch()
    with watch.watching([*_reading(), *_core()]):
        (rows, events), _, cpu_seconds = timed(lambda: _drive(path, out, watch))
    return {"stages": watch.seconds, "cpu_seconds": cpu_seconds, "rows": rows, "events": events}


def _drive(path: str, out: str, watch: Stopwatch) -> tuple[dict[str, int], int]:
    """Return rows by record type, and events."""
    from tickstock_cli.build import build_core, build_encoder, settings_model
    from tickstock_cli.core.digest import EventDigest
    from tickstock_cli.core.events import EventRows
    from tickstock_cli.engine.tally import Tally
    from tickstock_cli.replaying import BATCH_ROWS
    from tickstock_cli.sinks.opening import open_sink
    from tickstock_cli.sources.recordings import Recordings

    settings = settings_model()()
    digest, tally, sink = EventDigest(), Tally(), open_sink(out)
    with Recordings.open([path]) as recordings:
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

        for batch in watch.iterate(recordings.batches(BATCH_ROWS), "merge"):
            with watch.running("core besides"):
                released = core.step(batch).events
            put_out(released)
        with watch.running("core besides"):
            released = core.finish()
        put_out(released)
        with watch.running("write"):
            sink.commit()
    return {name: core.ledger[f"{name}.read"] for name in ("tick", "ohlcv", "fmv")}, tally.events


def _reading() -> list[Watched]:
    """Return the parts inside reading, and the stage each one is. What is left of it is the merge."""
    from tickstock_cli.sources.reading import RowReader
    from tickstock_cli.sources.stream import FileStream

    return [(RowReader, "read", "decode"), (FileStream, "read", "normalise")]


def _core() -> list[Watched]:
    """Return the parts inside a core's step, and the stage each one is."""
    from tickstock_cli.build import detector_classes
    from tickstock_cli.channels import fmv, ohlcv, tick
    from tickstock_cli.engine.coordinator import Coordinator

    return [
        (tick.TickChannel, "process", "collect ticks"),
        (tick, "group", "group ticks"),
        (tick, "admit_ticks", "validate ticks"),
        (ohlcv.OhlcvChannel, "process", "collect bars"),
        (ohlcv, "group", "group bars"),
        (ohlcv, "admit_bars", "validate bars"),
        (fmv.FmvChannel, "process", "collect fair values"),
        (fmv, "group", "group fair values"),
        (fmv, "admit_fmvs", "validate fair values"),
        *((cls, "scan", f"kernel {name}") for name, cls in detector_classes().items()),
        (Coordinator, "step", "coordinate"),
        (Coordinator, "finish", "coordinate"),
    ]


def measure(market: Market, rounds: int, announce: Callable[[str], None]) -> Samples:
    """Measure reading, merging, and all stages, in turn."""
    ticks, parts = str(market.ticks), str(prepare_parts(market, announce))
    warm_up = str(WARM_UP.ticks)

    def stages_of(path: str) -> Sample:
        with TemporaryDirectory(dir=cache_folder()) as folder:
            return call(run_stages, path=path, warm_up=warm_up, out=str(Path(folder, "events.parquet")))

    return interleave(
        {
            PYARROW: lambda: call(decode, path=ticks, warm_up=warm_up),
            ONE_FILE: lambda: call(read, path=ticks, warm_up=warm_up),
            PARTED: lambda: call(read, path=parts, warm_up=warm_up),
            TICKS: lambda: stages_of(ticks),
            ALL_FEEDS: lambda: stages_of(str(market.folder)),
        },
        rounds,
        announce,
    )


def sections(market: Market, samples: Samples) -> list[Section]:
    """Return the cost of every stage: of reading, of a replay of ticks, of events, of the other feeds."""
    runs = samples[TICKS]
    return [
        _reading_section(samples),
        _tick_section(market, runs),
        _event_section(runs),
        _other_section(samples[ALL_FEEDS]),
    ]


def _reading_section(samples: Samples) -> Section:
    alone = tuple(run["cpu_seconds"] / run["rows"] * 1e9 for run in samples[PYARROW])
    figures = [Figure(PYARROW, "ns/row", alone, note="strings, by default")]
    for name in (ONE_FILE, PARTED):
        runs = samples[name]
        rows = [run["rows"] for run in runs]
        figures += [_stage(stage, runs, rows, f"{name}: ") for stage in READING_STAGES]
    title = "reading: from the file to merged batches, CPU time; the times of several files overlap all day"
    return Section(title, "what comes before any rule is cheap", figures)


def _tick_section(market: Market, runs: list[Sample]) -> Section:
    rows = [run["rows"]["tick"] for run in runs]
    figures = [_stage(name, runs, rows, share=True) for name in TICK_STAGES]
    together = tuple(run["cpu_seconds"] / run["rows"]["tick"] * 1e9 for run in runs)
    figures.append(Figure("all of them", "ns/row", together))
    title = f"stages: {market.rows:,} ticks of {market.symbols:,} tickers, CPU time, one after the other"
    return Section(title, "where the time goes", figures)


def _event_section(runs: list[Sample]) -> Section:
    events = [max(1, run["events"]) for run in runs]
    figures = [_stage(name, runs, events, unit="ns/event") for name in EVENT_STAGES]
    return Section(f"stages of the {runs[0]['events']:,} events among them", "where the time goes", figures)


def _other_section(runs: list[Sample]) -> Section:
    bars, fair_values = ([run["rows"][record] for run in runs] for record in ("ohlcv", "fmv"))
    figures = [_stage(name, runs, bars) for name in BAR_STAGES] + [
        _stage(name, runs, fair_values) for name in FMV_STAGES
    ]
    title = f"stages of the other feeds: {bars[0]:,} bars and {fair_values[0]:,} fair values among the ticks"
    return Section(title, "where the time goes", figures)


def _stage(
    name: str, runs: list[Sample], per: list[int], before: str = "", *, unit: str = "ns/row", share: bool = False
) -> Figure:
    """Return a stage's own time in every run by ``per`` (rows, events), and if wanted its share in all stages."""
    seconds = [run["stages"].get(name, 0.0) for run in runs]
    values = tuple(own / count * 1e9 for own, count in zip(seconds, per, strict=True))
    shares = [own / sum(run["stages"].values()) for own, run in zip(seconds, runs, strict=True)]
    return Figure(before + name, unit, values, note=f"{median(shares):.0%}" if share else "")

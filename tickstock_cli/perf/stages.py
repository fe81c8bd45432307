"""The stages of a replay, one after the other: where the CPU time goes.

The parts are the real ones in their real order, but not side by side as in a replay, where reading and writing have
threads of their own.
"""

from __future__ import annotations

from pathlib import Path

from tickstock_cli.build import build_core, build_encoder, detector_classes, settings_model
from tickstock_cli.channels import fmv, ohlcv, tick
from tickstock_cli.core.digest import EventDigest
from tickstock_cli.core.events import EventRows
from tickstock_cli.engine.channels import Channels
from tickstock_cli.engine.coordinator import Coordinator
from tickstock_cli.engine.tally import Tally
from tickstock_cli.perf.bar_recording import write_minute_bars
from tickstock_cli.perf.benchmarks import Sample, Turns
from tickstock_cli.perf.stopwatch import Stopwatch, Watched
from tickstock_cli.replaying import BATCH_ROWS, Request, replay
from tickstock_cli.sinks.opening import open_sink
from tickstock_cli.sources.reading import RowReader
from tickstock_cli.sources.recordings import Recordings
from tickstock_cli.sources.stream import FileStream

ROW_STAGES = ("decode", "normalise", "merge", "core besides")
EVENT_STAGES = ("coordinate", "encode", "digest and tally", "write")
RECORD_STAGES = {
    "tick": ("group ticks", "validate ticks", "kernel highlow", "kernel surge", "kernel trend", "collect ticks"),
    "ohlcv": ("group bars", "validate bars", "kernel ohlcv", "collect bars"),
    "fmv": ("group fair values", "validate fair values", "kernel fmv", "collect fair values"),
}
"""By record type, whose rows share the stage's time. ``collect`` is the channel around its kernels."""
SUMS = {
    "event": EVENT_STAGES,
    "bar": ("validate bars", "kernel ohlcv"),
    "tick": RECORD_STAGES["tick"],
}
"""Stages whose sum has a limit. Over ``decode``, a row's cost of the same run, it is a figure of any machine."""


def stages(job: Sample) -> Turns:
    """Take a recording through all parts of a replay; tell each stage's own CPU time, in ns a row or an event."""
    out = str(Path(job["folder"], "events.parquet"))
    replay(Request(paths=[job["recording"]], outs=[out], start=job["start"], end=job["end"]))
    yield {}
    yield _measured(job["recording"], out)


def stages_of_bars(job: Sample) -> Turns:
    """Take minute bars alone through all parts: so many that what a ticker's first rows cost does not count."""
    path, out = str(Path(job["folder"], "bars.parquet")), str(Path(job["folder"], "events.parquet"))
    write_minute_bars(path, job["minute_bars"])
    replay(Request(paths=[path], outs=[out]))
    yield {}
    yield _measured(path, out)


def _measured(recording: str, out: str) -> Sample:
    watch = Stopwatch()
    with watch.watching(_parts()):
        rows, events = _drive(recording, out, watch)
    shared = dict.fromkeys(ROW_STAGES, sum(rows.values())) | dict.fromkeys(EVENT_STAGES, events)
    for record, names in RECORD_STAGES.items():
        shared |= dict.fromkeys(names, rows[record])
    taken = {name: watch.seconds.get(name, 0.0) / max(count, 1) * 1e9 for name, count in shared.items()}
    sums = {name: sum(map(taken.__getitem__, parts)) for name, parts in SUMS.items()}
    return taken | sums | {f"{name} over decode": cost / taken["decode"] for name, cost in sums.items()}


def _drive(path: str, out: str, watch: Stopwatch) -> tuple[dict[str, int], int]:
    """Return rows by record type, and events."""
    settings = settings_model()()
    digest, sink = EventDigest(), open_sink(out)
    with Recordings.open([path]) as recordings:
        core = build_core(settings, recordings.symbols)
        encoder = build_encoder(settings, recordings.symbols)
        tally = Tally(encoder.kind_names, recordings.symbols)

        def put_out(released: EventRows) -> None:
            with watch.running("encode"):
                rows = encoder.to_arrow(released)
            with watch.running("digest and tally"):
                digest.update(rows)
                tally.update(released)
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
    return {name: core.ledger[f"{name}.read"] for name in RECORD_STAGES}, tally.events


def _parts() -> list[Watched]:
    """Return the parts of reading and of a core's step, and the stage each one is; what is left of reading is merge."""
    return [
        (RowReader, "read", "decode"),
        (FileStream, "read", "normalise"),
        (tick.TickChannel, "process", "collect ticks"),
        (Channels, "group_ticks", "group ticks"),
        (Channels, "group_bars", "group bars"),
        (Channels, "group_fmvs", "group fair values"),
        (tick, "admit_ticks", "validate ticks"),
        (ohlcv.OhlcvChannel, "process", "collect bars"),
        (ohlcv, "admit_bars", "validate bars"),
        (fmv.FmvChannel, "process", "collect fair values"),
        (fmv, "admit_fmvs", "validate fair values"),
        *((cls, "scan", f"kernel {name}") for name, cls in detector_classes().items()),
        (Coordinator, "step", "coordinate"),
        (Coordinator, "finish", "coordinate"),
    ]

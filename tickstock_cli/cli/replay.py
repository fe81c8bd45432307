"""`tickstock replay`: recordings in, exact events out, at any speed."""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tickstock_cli.cli.exits import INTERRUPTED
from tickstock_cli.cli.options import (
    MAX_BATCH_ROWS,
    BatchRows,
    ConfigFile,
    End,
    Json,
    Late,
    LateRows,
    MapColumns,
    Paths,
    Sets,
    Sort,
    Start,
    Symbols,
    Workers,
    load_settings,
    parse_symbols,
    unsorted_choice,
)
from tickstock_cli.errors import InterruptedRunError, OutputError, UsageError

if TYPE_CHECKING:
    from tickstock_cli.broadcast.broadcast import Broadcast
    from tickstock_cli.engine.control import Control
    from tickstock_cli.engine.observer import Observer
    from tickstock_cli.engine.run import RunResult
    from tickstock_cli.replay import Request
    from tickstock_cli.runtime.opening import PipelineName
    from tickstock_cli.runtime.pipeline import MultiChannelPipeline
    from tickstock_cli.sources.recordings import Recordings

TABLE_EVENTS = 30
MOST_NAMES = 20
"""Absent tickers told by name."""


def parse_speed(text: str) -> float:
    """Read ``--speed``: ``max`` is 0 here, or a number above 0.

    Raises
    ------
    UsageError
        It is neither.
    """
    if text == "max":
        return 0.0
    try:
        speed = float(text)
    except ValueError:
        speed = float("nan")
    if not 0 < speed < float("inf"):
        raise UsageError(f"--speed must be max or a number above 0, was {text}")
    return speed


class PipelineChoice(StrEnum):
    """Ways from a recording to its events, and both running ones beside each other."""

    DIRECT = "direct"
    MULTI = "multi"
    LINEAR = "linear"
    COMPARE = "compare"


def pipeline_name(choice: PipelineChoice | None) -> PipelineName | None:
    """Give the pipeline of a choice; that of a comparison is the running system."""
    from tickstock_cli.runtime.opening import PipelineName

    if choice is None:
        return None
    return PipelineName.MULTI if choice is PipelineChoice.COMPARE else PipelineName(choice.value)


def compare(request: Request, as_json: bool) -> None:
    """Replay on both paths, print what each costs, and fail with exit code 4 if their events differ."""
    import json

    from tickstock_cli.cli.compiling import say_if_compiling
    from tickstock_cli.cli.console import data_console
    from tickstock_cli.cli.render import print_to
    from tickstock_cli.cli.render_review import pipelines_view
    from tickstock_cli.review.pipelines import compare_pipelines

    say_if_compiling(request)
    comparison = compare_pipelines(request)
    if as_json:
        typer.echo(json.dumps(comparison.as_dict(), indent=2))
    else:
        print_to(data_console(), pipelines_view(comparison))
    comparison.check()


def replay(
    paths: Paths,
    speed: Annotated[
        str, typer.Option("--speed", metavar="max|N", help="Flat out, or N times recorded time; below 1 is slower.")
    ] = "max",
    start: Start = None,
    end: End = None,
    symbols: Symbols = None,
    config: ConfigFile = None,
    sets: Sets = None,
    maps: MapColumns = None,
    out: Annotated[
        list[str] | None,
        typer.Option(
            "--out",
            metavar="FILE",
            show_default=False,
            help="Write events to .parquet, .jsonl or .csv, or - for JSON lines on stdout. Repeatable.",
        ),
    ] = None,
    rejects: Annotated[
        str | None, typer.Option("--rejects", metavar="FILE", show_default=False, help="Write rejected rows (Parquet).")
    ] = None,
    table: Annotated[bool, typer.Option("--table", help="Show the events as a table, too.")] = False,
    workers: Workers = 1,
    batch_rows: BatchRows = MAX_BATCH_ROWS,
    as_json: Json = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first rejected row, with exit code 3.")] = False,
    sort: Sort = False,
    late: LateRows = Late.FAIL,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", metavar="DIR", show_default=False, help="Keep checkpoints here.")
    ] = None,
    checkpoint_seconds: Annotated[
        float, typer.Option("--checkpoint-seconds", min=0, help="Wall time between checkpoints.")
    ] = 10.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest checkpoint of --checkpoint.")] = False,
    pipeline: Annotated[
        PipelineChoice | None,
        typer.Option(
            "--pipeline",
            show_default=False,
            help="How rows reach the detectors; the events are the same. direct: in large batches (default flat out); "
            "multi: the running system with its channels (default when paced); linear: the old path, record by "
            "record; compare: multi and linear, and what each costs.",
        ),
    ] = None,
    serve: Annotated[
        str | None,
        typer.Option(
            "--serve",
            metavar="[HOST:PORT]",
            show_default=False,
            help="Serve events (WebSocket), status, control and a page while it runs; default 127.0.0.1:8765.",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token", envvar="TICKSTOCK_TOKEN", show_default=False, help="What clients of --serve must know."
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="DIR", show_default=False, help="Keep the event log of --serve in this folder."),
    ] = None,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Show the running system: channels, queues, latency, alerts.")
    ] = False,
    provenance: Annotated[
        bool,
        typer.Option("--provenance", help="Add columns: the channel that found an event, and when it was where."),
    ] = False,
) -> None:
    """Replay recordings through the pipeline and tell what it would have told.

    Ctrl-C ends the run cleanly: outputs are valid, the summary is printed, and --checkpoint/--resume go on from
    there. On a terminal, a paced replay takes keys: space, s, +, -, q.
    """
    from tickstock_cli.replay import Request

    outs = out or []
    if as_json and "-" in outs:
        raise UsageError("--json and --out - both write to stdout; write the events to a file")
    factor = parse_speed(speed)
    if not math.isfinite(checkpoint_seconds):
        raise UsageError(f"--checkpoint-seconds must be a number of 0 or more, was {checkpoint_seconds}")
    request = Request(
        paths=paths,
        settings=load_settings(config, sets, maps).settings,
        start=start,
        end=end,
        symbols=parse_symbols(symbols),
        unsorted=unsorted_choice(sort, late),
        outs=outs,
        rejects=rejects,
        speed=factor or None,
        workers=workers,
        batch_rows=batch_rows,
        strict=strict,
        checkpoint=checkpoint,
        resume=resume,
        checkpoint_every_ns=int(checkpoint_seconds * 1e9),
        pipeline=pipeline_name(PipelineChoice.MULTI if serve is not None and pipeline is None else pipeline),
        provenance=provenance,
    )
    if serve is not None and request.pipeline_name.value != "multi":
        raise UsageError("--serve shows the running system: leave --pipeline out, or say multi")
    if dashboard and request.pipeline_name.value != "multi":
        raise UsageError("--dashboard shows the running system: add --speed N or --pipeline multi")
    if pipeline is PipelineChoice.COMPARE:
        compare(request, as_json)
        return
    from tickstock_cli.cli.broadcasting import broadcasting, stay
    from tickstock_cli.engine.control import Control

    running: list[MultiChannelPipeline] = []
    control = Control(request.speed)
    with (
        quiet_if_reader_leaves(request),
        leave_at_once_if_insisted(),
        broadcasting(request, control, serve, token, log) as broadcast,
        stop_on_interrupt(control),
    ):
        result, shown = _run(request, control, table, running, dashboard, broadcast)
        _print(result, shown, as_json, "-" in outs, running[0].last_status if dashboard else None)
        if broadcast is not None and not result.interrupted:
            stay(broadcast, control)
    if result.interrupted:
        more = f"; go on with --checkpoint {checkpoint} --resume" if checkpoint is not None else ""
        raise InterruptedRunError(f"stopped after {result.rows:,} rows; outputs are whole up to there{more}")


def _run(
    request: Request,
    control: Control,
    table: bool,
    running: list[MultiChannelPipeline],
    dashboard: bool,
    broadcast: Broadcast | None,
) -> tuple[RunResult, EventSample | None]:
    from tickstock_cli.cli.compiling import say_if_compiling
    from tickstock_cli.replay import replay as run_replay
    from tickstock_cli.sinks.opening import open_all, sink_class

    sample = EventSample() if table else None
    opened: list[Recordings] = []
    with ExitStack() as stack:

        def observe(recordings: Recordings) -> Observer:
            opened.append(recordings)
            watcher = _watch(stack, recordings, control, sample, running if dashboard else None)
            return watcher if broadcast is None else broadcast.beside(watcher)

        def attach(pipeline: MultiChannelPipeline) -> None:
            running.append(pipeline)
            if broadcast is not None:
                broadcast.attach(pipeline)

        for target in request.outs:
            # Before our handlers: polars, which a sink may load, sets one of its own that lets the system go on
            # waiting after Ctrl-C (pola-rs/polars#21739).
            sink_class(target)
        say_if_compiling(request)
        open_sinks = open_all if broadcast is None else broadcast.open_sinks
        result = run_replay(request, control, observe, attach=attach, open_sinks=open_sinks)
    if broadcast is not None:
        broadcast.finish()
    if not result.interrupted:
        _note_absent(request, opened[0].symbols.tickers)
    return result, sample


def _note_absent(request: Request, met: Collection[str]) -> None:
    """Tell of tickers that were asked for and never came: a typo would look like a quiet market."""
    absent = sorted((request.symbols or frozenset()) - set(met))
    if absent:
        bounded = request.start is not None or request.end is not None
        more = [f"and {len(absent) - MOST_NAMES:,} more"] if absent[MOST_NAMES:] else []
        where = "in the recording between --start and --end" if bounded else "in the recording"
        print(f"note: not {where}: {', '.join([*absent[:MOST_NAMES], *more])}", file=sys.stderr)


def _watch(
    stack: ExitStack,
    recordings: Recordings,
    control: Control,
    sample: EventSample | None,
    dashboard: list[MultiChannelPipeline] | None,
) -> Observer:
    """Build who watches the run: a live view for a paced run on a terminal, else a progress bar."""
    from rich.console import Console

    watcher: Any
    if control.speed is not None and sys.stderr.isatty() and _has_keyboard():
        from tickstock_cli.cli.live import Keys, LiveView

        stack.enter_context(Keys(control))
        watcher = stack.enter_context(LiveView(recordings.rows, control, Console(stderr=True), dashboard))
    else:
        from tickstock_cli.cli.progress import ProgressBar

        watcher = ProgressBar(recordings.rows, sys.stderr.isatty())
        stack.callback(watcher.close)
    return watcher if sample is None else sample.beside(watcher)


def _has_keyboard() -> bool:
    """Tell whether keys reach this process: the system stops one in the background that reaches for the terminal."""
    return bool(sys.stdin) and sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()


class EventSample:
    """The first and the last events of a run, for the table."""

    def __init__(self) -> None:
        from collections import deque

        self.first: list[dict[str, Any]] = []
        self.last: deque[dict[str, Any]] = deque(maxlen=TABLE_EVENTS // 2)
        self.count = 0
        self._watcher: Any = None

    def beside(self, watcher: Any) -> EventSample:
        """Watch beside another watcher."""
        self._watcher = watcher
        return self

    def advanced(self, rows: int, market_time: int) -> None:
        """See ``Observer``."""
        self._watcher.advanced(rows, market_time)

    def released(self, events: Any) -> None:
        """Keep the first events and the last; see ``Observer``."""
        self.count += len(events)
        room = TABLE_EVENTS - TABLE_EVENTS // 2 - len(self.first)
        if room > 0:
            self.first.extend(events.slice(0, room).to_pylist())
            events = events.slice(room)
        self.last.extend(events.slice(max(0, len(events) - (TABLE_EVENTS // 2))).to_pylist())
        self._watcher.released(events)


@contextmanager
def quiet_if_reader_leaves(request: Request) -> Iterator[None]:
    """Let a run whose only output was a pipe end without a word when its reader has enough, as in ``| head -1``."""
    try:
        yield
    except OutputError as error:
        if isinstance(error.__cause__, BrokenPipeError) and request.outs == ["-"] and request.rejects is None:
            raise error.__cause__ from error
        raise


@contextmanager
def leave_at_once_if_insisted() -> Iterator[None]:
    """End the process after a second Ctrl-C: an orderly exit would wait for a pipe that nobody reads."""
    try:
        yield
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
        os._exit(INTERRUPTED)


@contextmanager
def stop_on_interrupt(control: Control) -> Iterator[None]:
    """Let the first Ctrl-C (or SIGTERM) stop the run cleanly, and a second one at once."""
    asked = Event()

    def stop(number: int, frame: Any) -> None:  # noqa: ARG001 - the signal module's signature
        if asked.is_set():
            signal.signal(number, signal.SIG_DFL)  # a third one ends the process even if cleaning up is stuck
            raise KeyboardInterrupt
        asked.set()
        # In a thread, because the one that the signal interrupts may hold the control's lock just now.
        Thread(target=control.stop, name="tickstock-stop").start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print(
    result: RunResult,
    sample: EventSample | None,
    as_json: bool,
    stdout_taken: bool,
    dashboard: dict[str, Any] | None,
) -> None:
    if as_json:
        import json

        extra = {} if dashboard is None else {"dashboard": dashboard}
        typer.echo(json.dumps({**result.as_dict(), **extra}, indent=2))
        return
    from tickstock_cli.cli.console import data_console
    from tickstock_cli.cli.render import print_to, summary
    from tickstock_cli.cli.render_events import EventTable

    console = data_console(stderr=stdout_taken)
    if sample is not None:
        shown = [*sample.first, *sample.last]
        print_to(console, EventTable(shown, sample.count - len(shown)))
    if dashboard is not None:
        from tickstock_cli.cli.render_dashboard import DashboardView

        print_to(console, DashboardView(dashboard))
    print_to(console, summary(result))

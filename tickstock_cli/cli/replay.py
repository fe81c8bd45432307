"""`tickstock replay`: recordings in, exact events out, at any speed."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickstock_cli.cli.access import LogFolder, Origins, Serve, SocketIo, Token, read_listen
from tickstock_cli.cli.as_polygon import (
    AsPolygon,
    ClientBuffer,
    EventsPerFrame,
    FaultFile,
    Key,
    Loop,
    Playing,
    StartOnSubscribe,
    play,
)
from tickstock_cli.cli.interrupting import (
    leave_at_once_if_insisted,
    load_sinks,
    quiet_if_reader_leaves,
    stop_on_interrupt,
)
from tickstock_cli.cli.options import (
    MAX_BATCH_ROWS,
    BatchRows,
    ConfigFile,
    End,
    Json,
    Late,
    LateRows,
    MapColumns,
    Outs,
    Paths,
    Sets,
    ShadowFile,
    Sort,
    Start,
    Symbols,
    TickerFromName,
    WhereValues,
    Workers,
    load_settings,
    load_shadow,
    parse_symbols,
    unsorted_choice,
)
from tickstock_cli.errors import InterruptedRunError, UsageError

if TYPE_CHECKING:
    from tickstock_cli.replaying import Request
    from tickstock_cli.runtime.opening import PipelineName
    from tickstock_cli.runtime.pipeline import MultiChannelPipeline


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
    """Choices of a pipeline; ``compare`` runs two of them."""

    DIRECT = "direct"
    MULTI = "multi"
    LINEAR = "linear"
    ROLLOUT = "rollout"
    COMPARE = "compare"


def pipeline_name(choice: PipelineChoice | None, served: bool) -> PipelineName | None:
    """Return the pipeline of a choice; comparisons and served replays use the running system."""
    from tickstock_cli.runtime.opening import PipelineName

    if choice is None and not served:
        return None
    return PipelineName.MULTI if choice in (None, PipelineChoice.COMPARE) else PipelineName(choice.value)


def _check_that_it_runs(request: Request, choice: PipelineChoice | None, served: bool, dashboard: bool) -> None:
    if served and choice not in (None, PipelineChoice.MULTI, PipelineChoice.ROLLOUT):
        raise UsageError("--serve shows the running system: leave --pipeline out, or say multi or rollout")
    if request.taps and choice is PipelineChoice.COMPARE:
        raise UsageError("--tap needs one run, and --pipeline compare makes two: leave one of them out")
    if request.shadow is not None and choice is PipelineChoice.COMPARE:
        raise UsageError("--shadow needs one run, and --pipeline compare makes two: leave one of them out")
    if dashboard and (not request.pipeline_name.is_running_system or choice is PipelineChoice.COMPARE):
        raise UsageError("--dashboard shows the running system: add --speed N or --pipeline multi")


def _check_interval(seconds: float | None, checkpoint: Path | None) -> None:
    if seconds is None:
        return
    if not math.isfinite(seconds):
        raise UsageError(f"--checkpoint-seconds must be a number of 0 or more, was {seconds}")
    if checkpoint is None:
        raise UsageError("--checkpoint-seconds needs --checkpoint DIR: the folder to keep checkpoints in")


def replay(
    paths: Paths,
    speed: Annotated[
        str | None,
        typer.Option(
            "--speed",
            metavar="max|N",
            show_default="max",
            help="Flat out, or N times recorded time; below 1 is slower.",
        ),
    ] = None,
    start: Start = None,
    end: End = None,
    symbols: Symbols = None,
    config: ConfigFile = None,
    sets: Sets = None,
    shadow: ShadowFile = None,
    maps: MapColumns = None,
    where: WhereValues = None,
    ticker_from: TickerFromName = None,
    out: Outs = None,
    rejects: Annotated[
        str | None, typer.Option("--rejects", metavar="FILE", show_default=False, help="Write rejected rows (Parquet).")
    ] = None,
    tap: Annotated[
        list[str] | None,
        typer.Option(
            "--tap",
            metavar="NAME[:TARGET]",
            show_default=False,
            help="Let a plugin's tap see the rows as judged, and the events. Repeatable.",
        ),
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
        float | None,
        typer.Option(
            "--checkpoint-seconds", min=0, show_default="10", help="Wall time between checkpoints of --checkpoint."
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on from the newest checkpoint of --checkpoint; without one, begin."),
    ] = False,
    keep_partial: Annotated[
        bool,
        typer.Option(
            "--keep-partial",
            help="Write the outputs of a run that is stopped early to NAME.partial. Without it they get NAME if there "
            "is no such file.",
        ),
    ] = False,
    pipeline: Annotated[
        PipelineChoice | None,
        typer.Option(
            "--pipeline",
            show_default=False,
            help="How rows reach the detectors; the events are the same. direct: in large batches (default flat out); "
            "multi: the running system with its channels (default when paced); linear: the old path, record by "
            "record; rollout: multi for pipeline.rollout_percent of the tickers, linear for the others; compare: multi "
            "and linear, and what each costs.",
        ),
    ] = None,
    serve: Serve = None,
    token: Token = None,
    origins: Origins = None,
    socketio: SocketIo = False,
    log: LogFolder = None,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Show the running system: channels, queues, latency, alerts.")
    ] = False,
    provenance: Annotated[
        bool,
        typer.Option("--provenance", help="Add columns: the channel that found an event, and when it was where."),
    ] = False,
    as_polygon: AsPolygon = None,
    key: Key = None,
    loop: Loop = False,
    start_on_subscribe: StartOnSubscribe = False,
    events_per_frame: EventsPerFrame = None,
    fault: FaultFile = None,
    client_buffer: ClientBuffer = None,
) -> None:
    """Replay recordings through the pipeline and tell what it would have told.

    Ctrl-C ends the run cleanly: outputs are valid, the summary is printed, and --checkpoint/--resume go on from
    there. On a terminal, a paced replay takes keys: space, s, +, -, q.
    """
    from tickstock_cli.engine.run import CHECKPOINT_EVERY_NS
    from tickstock_cli.replaying import Request

    outs = out or []
    if as_json and "-" in outs:
        raise UsageError("--json and --out - both write to stdout; write the events to a file")
    playing = Playing(as_polygon, key, loop, start_on_subscribe, events_per_frame, fault, client_buffer)
    playing.check(
        {
            "--out": outs,
            "--rejects": rejects,
            "--tap": tap,
            "--table": table,
            "--strict": strict,
            "--checkpoint": checkpoint,
            "--resume": resume,
            "--keep-partial": keep_partial,
            "--pipeline": pipeline,
            "--serve": serve,
            "--dashboard": dashboard,
            "--provenance": provenance,
            "--shadow": shadow,
        }
    )
    factor = parse_speed(speed or playing.usual_speed)
    _check_interval(checkpoint_seconds, checkpoint)
    settings = load_settings(config, sets, maps, where, ticker_from).settings
    request = Request(
        paths=paths,
        settings=settings,
        start=start,
        end=end,
        symbols=parse_symbols(symbols),
        unsorted=unsorted_choice(sort, late),
        outs=outs,
        rejects=rejects,
        taps=tap or (),
        speed=factor or None,
        workers=workers,
        batch_rows=batch_rows,
        strict=strict,
        checkpoint=checkpoint,
        resume=resume,
        checkpoint_every_ns=CHECKPOINT_EVERY_NS if checkpoint_seconds is None else int(checkpoint_seconds * 1e9),
        pipeline=pipeline_name(pipeline, serve is not None),
        provenance=provenance,
        keep_partial=keep_partial,
        shadow=load_shadow(shadow, settings),
        shadow_name="" if shadow is None else str(shadow),
    )
    if as_polygon is not None:
        play(request, playing, as_json)
        return
    address = read_listen(serve, token, origins, socketio, log)
    _check_that_it_runs(request, pipeline, serve is not None, dashboard)
    if pipeline is PipelineChoice.COMPARE:
        from tickstock_cli.cli.comparing import compare

        compare(request, as_json)
        return
    from tickstock_cli.cli.broadcasting import broadcasting, hand_over, stay
    from tickstock_cli.cli.replaying import print_drained, print_result, run_watched, stopped_words
    from tickstock_cli.core.shown_times import exchange_zone
    from tickstock_cli.engine.control import Control
    from tickstock_cli.replaying import check as check_request

    load_sinks(outs)
    if address is not None:
        check_request(request)
    running: list[MultiChannelPipeline] = []
    control = Control(request.speed)
    with (
        quiet_if_reader_leaves(request),
        leave_at_once_if_insisted(),
        broadcasting(request, control, address, log) as broadcast,
        stop_on_interrupt(control),
    ):
        result, shown, failed = run_watched(request, control, table, running, dashboard, broadcast)
        status, zone = running[0].last_status if dashboard else None, exchange_zone(settings.session.market_calendar)
        print_result(result, shown, as_json, "-" in outs, status, zone)
        print_drained(result)
        if broadcast is not None and result.interrupted:
            hand_over(broadcast, settings.system.drain_seconds)
        elif broadcast is not None:
            stay(broadcast, control, settings.system.drain_seconds)
    if failed is not None:
        raise failed
    if result.interrupted:
        raise InterruptedRunError(stopped_words(result, checkpoint))

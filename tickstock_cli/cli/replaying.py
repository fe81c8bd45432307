"""Replays for a command: with progress while they run, and figures and notes at their end."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

import typer

from tickstock_cli.cli.compiling import say_if_compiling
from tickstock_cli.cli.event_sample import EventSample
from tickstock_cli.cli.notes import print_checkpoint_note, print_input_notes, print_run_notes
from tickstock_cli.cli.watching import watch
from tickstock_cli.core.counted import counted
from tickstock_cli.errors import FailedOutputsError

if TYPE_CHECKING:
    from pathlib import Path

    from tickstock_cli.broadcast.broadcast import Broadcast
    from tickstock_cli.core.shown_times import ShownZone
    from tickstock_cli.core.stages import NamedSource
    from tickstock_cli.engine.control import Control
    from tickstock_cli.engine.observer import Observer
    from tickstock_cli.engine.result import RunResult
    from tickstock_cli.replaying import Request
    from tickstock_cli.runtime.pipeline import MultiChannelPipeline


def run_watched(
    request: Request,
    control: Control,
    table: bool,
    running: list[MultiChannelPipeline],
    dashboard: bool,
    broadcast: Broadcast | None,
) -> tuple[RunResult, EventSample | None, FailedOutputsError | None]:
    """Replay with progress; return the result, the events for the table, and the error of outputs that failed."""
    from tickstock_cli.build import event_kinds
    from tickstock_cli.cli.failure_notes import FailureNotes
    from tickstock_cli.engine.observer import Observers
    from tickstock_cli.replaying import replay as run_replay
    from tickstock_cli.sinks.opening import open_all

    sample = EventSample(event_kinds(request.settings)) if table else None
    opened: list[NamedSource] = []
    told: list[str] = []
    with ExitStack() as stack:

        def observe(source: NamedSource) -> Observer:
            opened.append(source)
            print_checkpoint_note(request)
            told.extend(print_input_notes(source))
            watcher = Observers(
                watch(stack, request, source, control, sample, running if dashboard else None), FailureNotes()
            )
            return watcher if broadcast is None else broadcast.beside(watcher, source)

        def attach(pipeline: MultiChannelPipeline) -> None:
            running.append(pipeline)
            if broadcast is not None:
                broadcast.attach(pipeline)

        say_if_compiling(request)
        open_sinks = open_all if broadcast is None else broadcast.open_sinks
        snapshots = None if broadcast is None else broadcast.snapshots
        taps = {} if broadcast is None else broadcast.taps
        failed = None
        try:
            result = run_replay(
                request, control, observe, attach=attach, open_sinks=open_sinks, snapshots=snapshots, taps=taps
            )
        except FailedOutputsError as error:
            failed, result = error, cast("RunResult", error.result)
    if broadcast is not None:
        broadcast.finish()
    print_input_notes(opened[0], told)  # the properties of a stream are known only once it is read
    if not result.interrupted:
        print_run_notes(request, opened[0], result.ledger)
    return result, sample, failed


def print_drained(result: RunResult) -> None:
    """Print the outcome of the rows that were queued when the running system was stopped."""
    if result.drained is None:
        return
    drained = result.drained
    left = f"; {drained.rows_dropped:,} were left, time was up (system.drain_seconds)" if drained.rows_dropped else ""
    rows = counted(drained.rows, "row")
    typer.echo(f"drained the queues: {rows} processed in {drained.seconds:.2f} s{left}", err=True)


def stopped_words(result: RunResult, checkpoint: Path | None) -> str:
    """Return in words how far a stopped run came, and how to continue it."""
    told = f"stopped after {counted(result.rows, 'row')}{_other_names(result)}; outputs "
    left = 0 if result.drained is None else result.drained.rows_dropped
    again = f"with --checkpoint {checkpoint} --resume"
    if not left:
        return f"{told}are whole up to there" + (f"; go on {again}" if checkpoint is not None else "")
    from tickstock_cli.engine.checkpoint import CheckpointStore

    # The state lacks rows, so the run wrote no checkpoint at its end.
    rows = None if checkpoint is None else CheckpointStore(checkpoint, {}).kept_rows()
    more = "" if rows is None else f"; go on from the checkpoint {counted(rows, 'row')} in {again}"
    return f"{told}lack what {left:,} of them would have told{more}"


def _other_names(result: RunResult) -> str:
    """Say which outputs have another name than the user gave, because an earlier file has it or --keep-partial."""
    moved = [report for report in result.outputs if report.stands_as not in (None, report.output)]
    return "".join(f"; the events of {report.output} are in {report.stands_as}" for report in moved)


def print_result(
    result: RunResult,
    sample: EventSample | None,
    as_json: bool,
    stdout_taken: bool,
    dashboard: dict[str, Any] | None,
    zone: ShownZone,
) -> None:
    """Print the result of a run: on standard error if ``stdout_taken``."""
    if as_json:
        extra = {} if dashboard is None else {"dashboard": dashboard}
        typer.echo(json.dumps({**result.as_dict(), **extra}, indent=2))
        return
    from tickstock_cli.cli.console import data_console
    from tickstock_cli.cli.render import summary
    from tickstock_cli.cli.render_events import EventTable
    from tickstock_cli.cli.render_phrases import KindPhrases

    console = data_console(stderr=stdout_taken)
    if sample is not None:
        shown = [*sample.first, *sample.last]
        console.print(EventTable(shown, zone, sample.count - len(shown), KindPhrases(sample.kinds)))
        console.print()
    if dashboard is not None:
        from tickstock_cli.cli.render_dashboard import DashboardView

        console.print(DashboardView(dashboard, zone=zone))
    console.print(summary(result))

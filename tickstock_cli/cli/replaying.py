"""A replay as a user sees it: watched while it runs, its figures printed at its end, with notes on what looks odd."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import typer

from tickstock_cli.cli.compiling import say_if_compiling
from tickstock_cli.cli.event_sample import EventSample
from tickstock_cli.cli.notes import print_checkpoint_note, print_input_notes, print_run_notes
from tickstock_cli.cli.watching import watch

if TYPE_CHECKING:
    from tickstock_cli.broadcast.broadcast import Broadcast
    from tickstock_cli.engine.control import Control
    from tickstock_cli.engine.observer import Observer
    from tickstock_cli.engine.run import RunResult
    from tickstock_cli.replay import Request
    from tickstock_cli.runtime.pipeline import MultiChannelPipeline
    from tickstock_cli.sources.recordings import Recordings


def run_watched(
    request: Request,
    control: Control,
    table: bool,
    running: list[MultiChannelPipeline],
    dashboard: bool,
    broadcast: Broadcast | None,
) -> tuple[RunResult, EventSample | None]:
    """Replay under the user's eyes; gives what it did, and the events for the table, if there is to be one."""
    from tickstock_cli.replay import replay as run_replay
    from tickstock_cli.sinks.opening import open_all

    sample = EventSample() if table else None
    opened: list[Recordings] = []
    with ExitStack() as stack:

        def observe(recordings: Recordings) -> Observer:
            opened.append(recordings)
            print_checkpoint_note(request)
            print_input_notes(recordings)
            watcher = watch(stack, request, recordings, control, sample, running if dashboard else None)
            return watcher if broadcast is None else broadcast.beside(watcher)

        def attach(pipeline: MultiChannelPipeline) -> None:
            running.append(pipeline)
            if broadcast is not None:
                broadcast.attach(pipeline)

        say_if_compiling(request)
        open_sinks = open_all if broadcast is None else broadcast.open_sinks
        result = run_replay(request, control, observe, attach=attach, open_sinks=open_sinks)
    if broadcast is not None:
        broadcast.finish()
    if not result.interrupted:
        print_run_notes(request, opened[0], result.ledger)
    return result, sample


def print_result(
    result: RunResult,
    sample: EventSample | None,
    as_json: bool,
    stdout_taken: bool,
    dashboard: dict[str, Any] | None,
) -> None:
    """Print what a run did: on standard error if ``stdout_taken``."""
    if as_json:
        extra = {} if dashboard is None else {"dashboard": dashboard}
        typer.echo(json.dumps({**result.as_dict(), **extra}, indent=2))
        return
    from tickstock_cli.cli.console import data_console
    from tickstock_cli.cli.render import print_to, summary
    from tickstock_cli.cli.render_events import EventTable

    console = data_console(stderr=stdout_taken)
    if sample is not None:
        shown = [*sample.first, *sample.last]
        print_to(console, EventTable(shown, sample.count - len(shown)), "")
    if dashboard is not None:
        from tickstock_cli.cli.render_dashboard import DashboardView

        print_to(console, DashboardView(dashboard))
    print_to(console, summary(result))

"""``--pipeline compare``: the running system and the linear path over the same rows."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from tickstock_cli.core.stages import NamedSource
    from tickstock_cli.engine.observer import Observer
    from tickstock_cli.replaying import Request
    from tickstock_cli.runtime.opening import PipelineName


def compare(request: Request, as_json: bool) -> None:
    """Replay with both pipelines, print the cost of each, and fail with exit code 4 if their events differ."""
    from tickstock_cli.cli.compiling import say_if_compiling
    from tickstock_cli.cli.console import data_console
    from tickstock_cli.cli.notes import print_input_notes, print_notes_of, print_run_notes
    from tickstock_cli.cli.render_review import pipelines_view
    from tickstock_cli.cli.watching import watch_progress
    from tickstock_cli.review.pipelines import compare_pipelines

    say_if_compiling(request)
    told = print_notes_of(request)
    opened: list[NamedSource] = []
    with ExitStack() as bars:

        def observe(path: PipelineName, source: NamedSource) -> Observer:
            opened.append(source)
            bars.close()  # the former run's
            return watch_progress(bars, request, source, f"{path.value}: ")

        comparison = compare_pipelines(request, observe)
    print_input_notes(opened[0], told)
    print_run_notes(request, opened[0], comparison.multi.ledger)
    if as_json:
        typer.echo(json.dumps(comparison.as_dict(), indent=2))
    else:
        data_console().print(pipelines_view(comparison))
    comparison.check()

"""`tickstock explain`: one moment of one ticker, detector by detector."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from tickstock_cli.cli.options import (
    ConfigFile,
    Json,
    Late,
    LateRows,
    MapColumns,
    Sets,
    Sort,
    Start,
    StoredPaths,
    TickerFromName,
    WhereValues,
    load_settings,
    unsorted_choice,
)
from tickstock_cli.core.time_input import TimeInput, parse_time_input


def explain(
    paths: StoredPaths,
    ticker: Annotated[str, typer.Option("--ticker", metavar="T", show_default=False, help="The ticker.")],
    at: Annotated[
        TimeInput,
        typer.Option(
            "--at",
            metavar="TIME",
            show_default=False,
            parser=parse_time_input,
            help="The moment: ISO 8601 (without a zone: of recordings.timezone), an integer since 1970, or a time of "
            "day in New York such as 10:31:05, if the recording has one date.",
        ),
    ],
    start: Start = None,
    config: ConfigFile = None,
    sets: Sets = None,
    maps: MapColumns = None,
    where: WhereValues = None,
    ticker_from: TickerFromName = None,
    sort: Sort = False,
    late: LateRows = Late.FAIL,
    as_json: Json = False,
) -> None:
    """Show why an event fired, or did not, at one moment of one ticker.

    The moment is the ticker's last tick, bar and fair value available by then. Each detector shows its values,
    thresholds, cooldown and verdict, followed by the coordinator's outcome of each event. The verdicts are checked
    against a run over the ticker's rows.
    """
    from tickstock_cli.cli.compiling import say_if_compiling
    from tickstock_cli.cli.notes import print_input_notes, print_notes_of
    from tickstock_cli.replaying import Request
    from tickstock_cli.review.explain import explain as run_explain

    settings = load_settings(config, sets, maps, where, ticker_from).settings
    request = Request(paths=paths, settings=settings, start=start, unsorted=unsorted_choice(sort, late))
    say_if_compiling(request)
    told = print_notes_of(request)
    explanation = run_explain(request, ticker, at, lambda source: print_input_notes(source, told))
    if as_json:
        typer.echo(json.dumps(explanation.as_dict(), indent=2, default=_as_text, allow_nan=False, ensure_ascii=False))
        return
    from tickstock_cli.cli.console import data_console
    from tickstock_cli.cli.render_explanation import explanation_view

    data_console().print(explanation_view(explanation))


def _as_text(value: Any) -> str:
    """Return a recorded value that JSON has no type for, such as a time or a decimal, as text."""
    return str(value)

"""`tickstock score`: compare detections with the truth of a synthetic market."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickstock_cli.cli.options import find_sample
from tickstock_cli.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from tickstock_cli.scoring.scoring import KindScore, Score


def score(
    events: Annotated[Path, typer.Argument(metavar="EVENTS", help="Events of a replay: .parquet, .jsonl or .csv.")],
    truth: Annotated[
        Path,
        typer.Argument(metavar="TRUTH", callback=find_sample, help="_truth.parquet of a market, or its folder."),
    ],
    grace: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=SECONDS",
            show_default="60, or what the kind declares",
            help="How long after a move's end an event may still tell of it. Repeatable.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Hold the events of a replay against what was injected: precision, recall and delay of each kind."""
    from tickstock_cli.scoring.scoring import default_grace
    from tickstock_cli.scoring.scoring import score as compute
    from tickstock_cli.sources.event_files import read_declarations

    graces = default_grace(read_declarations(events))
    result = compute(events, truth, {**graces, **read_grace(grace or [], list(graces))})
    if as_json:
        typer.echo(json.dumps(result.as_dict()))
        return
    from tickstock_cli.cli.console import data_console

    console = data_console()
    console.print(score_table(result))
    if result.unscored:
        console.print(unscored_words(result))


def read_grace(texts: Sequence[str], kinds: Sequence[str]) -> dict[str, float]:
    """Read every ``--grace KIND=SECONDS``.

    Parameters
    ----------
    kinds
        Kinds that have a grace: those that can be injected, and those that the events declare.

    Raises
    ------
    UsageError
        A text is not of this form, the kind is unknown or named twice, or the seconds are no number of 0 or more.
    """
    grace: dict[str, float] = {}
    for text in texts:
        kind, _, seconds = text.partition("=")
        try:
            number = float(seconds)
        except ValueError:
            number = -1.0
        if not (kind and 0 <= number < float("inf")):
            raise UsageError(f"--grace is {text!r}, but KIND=SECONDS, 0 or more, is wanted, as in surge=60")
        if kind not in kinds:
            near = get_close_matches(kind, kinds, n=1)
            hint = f"; did you mean {near[0]}={seconds}?" if near else f"; there are {', '.join(kinds)}"
            raise UsageError(f"--grace {text}: nothing of the kind {kind} is ever injected{hint}")
        if kind in grace:
            raise UsageError(f"--grace {text}: the grace of {kind} is given twice; give it once")
        grace[kind] = number
    return grace


def unscored_words(result: Score) -> str:
    """Return in words which kinds of events were not scored."""
    counts = ", ".join(f"{kind} {count:,}" for kind, count in result.unscored.items())
    return f"Not injected, so not scored: {counts}"


def score_table(result: Score) -> Table:
    """Return one column a kind: a row each would not fit a terminal of 80 columns."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    title = "detections against what was injected"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for one in result.kinds:
        table.add_column(one.kind, justify="right")
    for name, cell in _ROWS.items():
        table.add_row(name, *(cell(one) for one in result.kinds), end_section=name == "delay p95")
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _seconds(delay: float | None) -> str:
    return "-" if delay is None else f"{delay:.1f} s"


_ROWS: dict[str, Callable[[KindScore], str]] = {
    "injected": lambda one: f"{one.injected:,}",
    "found": lambda one: f"{one.found:,}",
    "recall": lambda one: _percent(one.recall),
    "delay median": lambda one: _seconds(one.delay_median),
    "delay p95": lambda one: _seconds(one.delay_p95),
    "events": lambda one: f"{one.events:,}",
    "matched": lambda one: f"{one.matched:,}",
    "unmatched": lambda one: f"{one.unmatched:,}",
    "of these after a halt": lambda one: f"{one.after_halt:,}",
    "precision": lambda one: _percent(one.precision),
}

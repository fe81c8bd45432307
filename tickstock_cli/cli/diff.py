"""`tickstock diff`: two files of events, event by event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tickstock_cli.cli.options import ConfigFile, Json, load_settings
from tickstock_cli.errors import ThresholdError

if TYPE_CHECKING:
    from tickstock_cli.review.diff import EventComparison


def diff(
    a: Annotated[Path, typer.Argument(metavar="A", show_default=False, help="Events: .parquet, .jsonl or .csv.")],
    b: Annotated[Path, typer.Argument(metavar="B", show_default=False, help="Events to compare with, likewise.")],
    limit: Annotated[int, typer.Option("--limit", min=0, help="Differences to show one by one.")] = 20,
    config: ConfigFile = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            show_default=False,
            help="A setting that B was replayed with and A was not, as in highlow.cooldown_seconds=0. Repeatable.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two event files event by event and say why they differ.

    Reasons are found from the thresholds, cooldowns and windows of both runs: those of the configuration, and for B
    also those of each --set. The exit code is 0 if the files hold the same events in the same order, and 4 if not.
    """
    from tickstock_cli.review.diff import compare_files

    of_a, of_b = load_settings(config, None).settings, load_settings(config, sets).settings
    comparison = compare_files(a, b, of_a, of_b, limit)
    if as_json:
        typer.echo(json.dumps(_as_object(comparison), indent=2, ensure_ascii=False))
    else:
        from tickstock_cli.cli.console import data_console
        from tickstock_cli.cli.render_review import comparison_view

        data_console().print(comparison_view(comparison, a, b))
    if not comparison.equal:
        raise ThresholdError(f"{a} and {b} differ: {_summary(comparison)}")


def _summary(comparison: EventComparison) -> str:
    if not comparison.total:
        return "the same events in another order"
    sums = [
        (sum(getattr(counts, name) for counts in comparison.kinds.values()), words)
        for name, words in (("only_a", "only in A"), ("only_b", "only in B"), ("changed", "changed"))
    ]
    return ", ".join(f"{count:,} {words}" for count, words in sums if count)


def _as_object(comparison: EventComparison) -> dict[str, Any]:
    from dataclasses import asdict

    from tickstock_cli.cli.render_review import difference_object

    return {
        "equal": comparison.equal,
        "rows": {"a": comparison.rows_a, "b": comparison.rows_b},
        "same_order": comparison.same_order,
        "kinds": {kind: asdict(counts) for kind, counts in comparison.kinds.items()},
        "reasons": comparison.reasons,
        "differences": [difference_object(difference) for difference in comparison.differences],
        "not_shown": comparison.total - len(comparison.differences),
    }

"""`tickstock parity`: the events that live runs told against a replay of what they recorded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tickstock_cli.cli.options import Json
from tickstock_cli.cli.recover import RecordedDir
from tickstock_cli.core.counted import counted
from tickstock_cli.errors import ThresholdError

if TYPE_CHECKING:
    from tickstock_cli.review.parity import Parity


def parity(
    folder: RecordedDir,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Differences of a start to show one by one.")] = 20,
    as_json: Json = False,
) -> None:
    """Prove that a replay of recorded live runs gives the events that they told.

    Each start is replayed under its own settings. Events that a killed run had not told yet are listed as untold;
    everything else must be equal, or the exit code is 4.
    """
    from tickstock_cli.review.parity import check_parity

    result = check_parity(folder, limit)
    if as_json:
        typer.echo(json.dumps(_as_object(result), indent=2, ensure_ascii=False))
    else:
        from tickstock_cli.cli.console import data_console
        from tickstock_cli.cli.render_parity import parity_view
        from tickstock_cli.core.shown_times import exchange_zone

        data_console().print(parity_view(result, exchange_zone("XNYS")))  # as the hours of the folder
    if not result.equal:
        raise ThresholdError(
            f"{folder}: {counted(result.total, 'difference')} between what was told and what the replay tells"
        )


def _as_object(result: Parity) -> dict[str, Any]:
    from tickstock_cli.cli.render_review import difference_object
    from tickstock_cli.core.times import format_time

    return {
        "equal": result.equal,
        "events": result.events,
        "untold": result.untold,
        "differences": [difference_object(difference) for difference in result.differences],
        "not_shown": result.total - len(result.differences),
        "starts": [
            {
                "number": start.start.number,
                "at_utc": format_time(start.start.at),
                "end": start.end.value,
                "equal": start.equal,
                "events": start.events,
                "untold": len(start.untold),
                "differences": start.total,
                "digest": start.digest,
                "replay_digest": start.replay_digest,
            }
            for start in result.starts
        ],
        "notes": list(result.notes),
    }

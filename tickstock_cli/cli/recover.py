"""`tickstock recover`: finishes the hours that a killed live run left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickstock_cli.cli.options import Json
from tickstock_cli.core.counted import counted

if TYPE_CHECKING:
    from tickstock_cli.recording.recover import Recovery

RecordedDir = Annotated[
    Path, typer.Argument(metavar="DIR", show_default=False, help="A folder that live --record wrote.")
]


def recover(folder: RecordedDir, as_json: Json = False) -> None:
    """Finish the hours that a killed live run left in a recorded folder.

    Rows and events of journals become Parquet files. Bytes at the end of a journal that the run was writing when it
    was killed are left out, and counted. Doing it again changes nothing.
    """
    from tickstock_cli.recording.folder import RecordedFolder
    from tickstock_cli.recording.recover import recover as run_recovery

    with RecordedFolder(folder).locked() as recorded:
        result = run_recovery(recorded)
    if as_json:
        typer.echo(json.dumps(_as_object(result), indent=2))
    else:
        typer.echo(_as_text(result))


def _as_object(result: Recovery) -> dict[str, object]:
    return {
        "files": [str(path) for path in result.files],
        "rows": result.rows,
        "events": result.events,
        "torn_bytes": result.torn_bytes,
    }


def _as_text(result: Recovery) -> str:
    lines = [f"finished {path}" for path in result.files]
    lines += [
        f"{journal}: left out {counted(size, 'byte')} of an unfinished write"
        for journal, size in result.torn_bytes.items()
    ]
    if not lines:
        return "nothing to do: every hour is finished"
    return "\n".join(
        [*lines, f"{counted(result.rows, 'row')} and {counted(result.events, 'event')} came from journals"]
    )

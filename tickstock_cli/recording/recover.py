"""Recovery: finishes the hours that a killed run left. Doing it again changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tickstock_cli.core.hour_files import EVENTS
from tickstock_cli.core.os_errors import os_error_hint
from tickstock_cli.errors import OutputError
from tickstock_cli.recording.finishing import finish_hour
from tickstock_cli.recording.folder import RecordedFolder


@dataclass(frozen=True, slots=True)
class Recovery:
    """The result of a recovery.

    Parameters
    ----------
    files
        Finished files that were written or completed.
    rows, events
        Rows and events that came from journals.
    torn_bytes
        By journal, bytes at its end that held no whole frame: what was being written when the run was killed.
    """

    files: tuple[Path, ...]
    rows: int
    events: int
    torn_bytes: dict[str, int]


def recover(folder: RecordedFolder, progress: Callable[[int, int], object] = lambda done, total: None) -> Recovery:  # noqa: ARG005 - shows nothing
    """Finish every hour of a locked folder that is not finished.

    Parameters
    ----------
    progress
        Called with the number of journals done, and of all.

    Raises
    ------
    OutputError
        A file cannot be written; what is finished stays so, and the journals of the others stay.
    """
    files: list[Path] = []
    rows = events = 0
    torn: dict[str, int] = {}
    try:
        _remove_parts(folder.path)
        journals = folder.journals()
        for done, hour in enumerate(journals):
            progress(done, len(journals))
            result = finish_hour(hour, folder.manifest)
            if result.path is not None:
                files.append(result.path)
            if hour.type == EVENTS:
                events += result.rows
            else:
                rows += result.rows
            if result.torn_bytes:
                torn[str(hour.journal.relative_to(folder.path))] = result.torn_bytes
    except (OSError, pa.ArrowException) as error:
        reason = os_error_hint(error) if isinstance(error, OSError) else str(error)
        raise OutputError(f"cannot finish the recording in {folder.path}: {reason}") from error
    return Recovery(tuple(files), rows, events, torn)


def _remove_parts(folder: Path) -> None:
    """Remove temporary files of a process that died."""
    for pattern in (".*.part", "*/.*.part"):
        for path in folder.glob(pattern):
            with suppress(FileNotFoundError):
                path.unlink()

"""What an inspection found, as plain values: one object for ``--json``, one source for what a terminal shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tickstock_cli.core.times import NS_PER_SECOND, format_time
from tickstock_cli.inspection.survey import Gap
from tickstock_cli.sources.order import Disorder
from tickstock_cli.sources.recordings import Guess

FOLDER_NAME = "folder name"
"""Where a column comes from that is in no file, but in the name of its folder."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file.

    Parameters
    ----------
    columns
        Our columns -> where they come from, with the type.
    ignored
        Columns that decide nothing.
    disorder
        The first row out of order; None if the file is in order.
    rejected
        Rows that a replay rejects, by reason, with ``--sort`` if any file is not in order.
    rejected_unsorted
        Likewise, with ``--late reject``.
    copies
        Rows that equal an earlier one in every column, but for its sequence number and its arrival.
    gaps
        The longest stretches without a row within a session's phase, longest first, by phase.
    first, last
        Times of the first and last accepted row, ns UTC.
    """

    path: str
    record: str
    rows: int
    row_groups: int
    size_bytes: int
    columns: Mapping[str, str]
    ignored: tuple[str, ...]
    guesses: tuple[Guess, ...]
    disorder: Disorder | None
    rejected: Mapping[str, int]
    rejected_unsorted: Mapping[str, int]
    copies: int
    first: int | None
    last: int | None
    tickers: int
    some_tickers: tuple[str, ...]
    gaps: tuple[Gap, ...]
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the object of ``--json``."""
        return {
            "path": self.path,
            "type": self.record,
            "rows": self.rows,
            "row_groups": self.row_groups,
            "bytes": self.size_bytes,
            "first": _moment(self.first),
            "last": _moment(self.last),
            "tickers": self.tickers,
            "some_tickers": list(self.some_tickers),
            "columns": dict(self.columns),
            "ignored": list(self.ignored),
            "guesses": [{"what": guess.what, "value": guess.value, "because": guess.why} for guess in self.guesses],
            "sorted": self.disorder is None,
            "first_unsorted_row": _disorder(self.disorder),
            "duplicates": self.copies,
            "rejected": dict(self.rejected),
            "rejected_with_late_reject": dict(self.rejected_unsorted),
            "gaps": [
                {"phase": gap.phase, "start": format_time(gap.start), "seconds": gap.length / NS_PER_SECOND}
                for gap in self.gaps
            ],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that no replay could read, and why."""

    path: str
    error: str

    def as_dict(self) -> dict[str, Any]:
        """Return the object of ``--json``."""
        return {"path": self.path, "error": self.error}


@dataclass(frozen=True, slots=True)
class Report:
    """All files of an inspection.

    Parameters
    ----------
    tickers
        Different tickers over all files.
    flat_out_seconds
        About how long a replay takes at full speed here; from the time this inspection took.
    recorded_seconds
        How long it takes at the speed of the recording.
    left_out
        Outputs of ours that stood among the files: no replay reads them.
    """

    files: tuple[FileReport, ...]
    unreadable: tuple[Unreadable, ...]
    tickers: int
    flat_out_seconds: float
    recorded_seconds: float
    left_out: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all files that can be read."""
        return sum(file.rows for file in self.files)

    @property
    def rejected(self) -> int:
        """Rows that a replay rejects, with ``--sort`` if need be."""
        return sum(sum(file.rejected.values()) for file in self.files)

    @property
    def rejected_unsorted(self) -> int:
        """Rows that a replay with ``--late reject`` rejects."""
        return sum(sum(file.rejected_unsorted.values()) for file in self.files)

    def as_dict(self) -> dict[str, Any]:
        """Return the object of ``--json``."""
        return {
            "files": [file.as_dict() for file in self.files],
            "unreadable": [file.as_dict() for file in self.unreadable],
            "left_out": list(self.left_out),
            "rows": self.rows,
            "tickers": self.tickers,
            "rejected": self.rejected,
            "rejected_with_late_reject": self.rejected_unsorted,
            "replay_estimate": {
                "flat_out_seconds": round(self.flat_out_seconds, 3),
                "recorded_speed_seconds": round(self.recorded_seconds, 3),
            },
        }


def _moment(time: int | None) -> str | None:
    return None if time is None else format_time(time)


def _disorder(found: Disorder | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"row": found.row, "time": format_time(found.time), "after": format_time(found.before)}

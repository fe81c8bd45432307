"""The report of an inspection as plain values, for ``--json`` and for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tickstock_cli.core.events import PHASES
from tickstock_cli.core.times import NS_PER_SECOND, format_time
from tickstock_cli.inspection.quality.verdict import Verdict, grade
from tickstock_cli.inspection.survey import RowGap
from tickstock_cli.sources.order import Disorder
from tickstock_cli.sources.recordings import Guess
from tickstock_cli.sources.unread import UnreadFiles

FOLDER_NAME = "folder name"
"""Origin of a column that is in the name of a folder, not in a file."""
FILE_NAME = "file, folder or column name"
"""Origin of a ticker that is in the name of the file, or in the names of its columns."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """The report of one file.

    Parameters
    ----------
    columns
        Our columns -> their origin, with the type.
    ignored
        Columns that are not used.
    disorder
        The first row out of order; None if the file is in order.
    by_ticker
        Whether a file that is not in order is sorted by ticker, then by time, as a whole or in parts, so that
        `--late reject` is no way out.
    rejected
        Rows that a replay rejects, by reason, with ``--sort`` if any file is not in order.
    rejected_unsorted
        The same with ``--late reject``.
    phases
        Rows that a replay accepts, by phase.
    copies
        Rows that equal an earlier one in every column, except sequence number and arrival.
    gaps
        The longest times without a row within a phase of a session, by phase, longest first.
    first, last
        Times of the first and last accepted row, ns UTC.
    asked_for
        What options of the user caused, which is no fault of the file.
    quality
        Figures of each aspect of quality.
    verdict
        How far the file can be relied on, and why.
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
    by_ticker: bool
    rejected: Mapping[str, int]
    rejected_unsorted: Mapping[str, int]
    phases: Mapping[str, int]
    copies: int
    first: int | None
    last: int | None
    tickers: int
    some_tickers: tuple[str, ...]
    gaps: tuple[RowGap, ...]
    warnings: tuple[str, ...]
    asked_for: tuple[str, ...]
    quality: Mapping[str, Mapping[str, Any]]
    verdict: Verdict

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
            "sorted_by_ticker": self.by_ticker,
            "duplicates": self.copies,
            "rejected": dict(self.rejected),
            "rejected_with_late_reject": dict(self.rejected_unsorted),
            "phases": dict(self.phases),
            "gaps": [
                {"phase": gap.phase, "start": format_time(gap.start), "seconds": gap.length / NS_PER_SECOND}
                for gap in self.gaps
            ],
            "warnings": list(self.warnings),
            "asked_for": list(self.asked_for),
            "quality": {name: dict(figures) for name, figures in self.quality.items()},
            **self.verdict.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that cannot be read, and the reason."""

    path: str
    error: str

    def as_dict(self) -> dict[str, Any]:
        """Return the object of ``--json``."""
        return {"path": self.path, "error": self.error}


@dataclass(frozen=True, slots=True)
class Report:
    """The report of all files.

    Parameters
    ----------
    tickers
        Different tickers over all files.
    flat_out_seconds
        Estimated time of a flat-out replay on this machine, from the time of the inspection.
    recorded_seconds
        Time of a replay at recorded speed.
    left_out
        Outputs of tickstock among the files; a replay skips them.
    unread
        Files beside them that look like data.
    used_phases
        ``session.phases``: ticks and fair values of other phases touch nothing.
    """

    files: tuple[FileReport, ...]
    unreadable: tuple[Unreadable, ...]
    tickers: int
    flat_out_seconds: float
    recorded_seconds: float
    left_out: tuple[str, ...] = ()
    unread: tuple[UnreadFiles, ...] = ()
    used_phases: tuple[str, ...] = PHASES

    @property
    def rows(self) -> int:
        """Rows of all files that can be read."""
        return sum(file.rows for file in self.files)

    @property
    def rejected(self) -> int:
        """Rows that a replay rejects, with ``--sort`` if a file is not in order."""
        return sum(sum(file.rejected.values()) for file in self.files)

    @property
    def rejected_unsorted(self) -> int:
        """Rows that a replay with ``--late reject`` rejects."""
        return sum(sum(file.rejected_unsorted.values()) for file in self.files)

    @property
    def score(self) -> int:
        """The mean score of the files, weighted by their rows; a file that cannot be read makes it 0."""
        if self.unreadable or not self.files:
            return 0
        rows = [max(file.rows, 1) for file in self.files]
        return sum(file.verdict.score * weight for file, weight in zip(self.files, rows, strict=True)) // sum(rows)

    @property
    def worst(self) -> FileReport | None:
        """The file with the lowest score, if that has another word than the mean."""
        worst = min(self.files, key=lambda file: file.verdict.score, default=None)
        return worst if worst is not None and worst.verdict.word != grade(self.score) else None

    def as_dict(self) -> dict[str, Any]:
        """Return the object of ``--json``."""
        return {
            "score": self.score,
            "verdict": grade(self.score),
            "files": [file.as_dict() for file in self.files],
            "unreadable": [file.as_dict() for file in self.unreadable],
            "left_out": list(self.left_out),
            "not_read": [files.as_dict() for files in self.unread],
            "rows": self.rows,
            "tickers": self.tickers,
            "rejected": self.rejected,
            "rejected_with_late_reject": self.rejected_unsorted,
            "replay_estimate": {
                "flat_out_seconds": round(self.flat_out_seconds, 3),
                "recorded_speed_seconds": round(self.recorded_seconds, 3),
            },
        }


def ignored_phases(record: str, phases: Mapping[str, int], used: Sequence[str]) -> dict[str, int]:
    """Return the rows that ``session.phases`` leaves out, by phase; it has no say over bars."""
    if record == "ohlcv":
        return {}
    return {phase: phases[phase] for phase in PHASES if phase in phases and phase not in used}


def _moment(time: int | None) -> str | None:
    return None if time is None else format_time(time)


def _disorder(found: Disorder | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"row": found.row, "time": format_time(found.time), "after": format_time(found.before)}

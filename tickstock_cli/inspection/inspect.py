"""Inspects recordings, and tells what a replay will make of them.

1. every file is opened, and those that cannot be are set aside;
2. all rows are read in merge order and judged as a replay judges them (`inspection.survey`);
3. each file is read again, alone, for rows that are in it twice (`inspection.copies`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.times import NS_PER_SECOND, format_duration
from tickstock_cli.errors import DataError
from tickstock_cli.inspection.copies import count_copies
from tickstock_cli.inspection.report import FileReport, Report, Unreadable
from tickstock_cli.inspection.survey import FileFigures, Gap, survey
from tickstock_cli.sources.discover import discover
from tickstock_cli.sources.order import first_disorder
from tickstock_cli.sources.recordings import ReadOptions, RecordingFile, Recordings, Unsorted

REPLAY_FACTOR = 3
"""A replay at full speed takes about this many times as long as reading and judging its rows, measured on ticks
of 8,000 tickers with all detectors on."""

USUAL_SECONDS_PER_ROW = 1e-7
"""What reading and judging takes where a recording is too short to measure it."""

EVIDENT_SPACINGS = 10
"""Distances between bars below which nothing is concluded from them."""


def inspect(
    paths: Sequence[str | Path],
    options: ReadOptions,
    calendar: Calendar,
    progress: Callable[[int, int], object] = lambda rows, total: None,  # noqa: ARG005 - shows nothing
) -> Report:
    """Inspect recordings.

    Parameters
    ----------
    paths
        As for a replay.
    options
        How a replay would read them; unsorted files are read as with ``--late reject``.
    progress
        Called with the rows just read and those to be read in all: each is read twice.

    Raises
    ------
    DataError
        A path leads nowhere, no file can be read, or one turns out to be damaged inside.
    UsageError
        An option is wrong.
    """
    found, unreadable = _openable(paths, options)
    with Recordings.open(found, replace(options, unsorted=Unsorted.REJECT)) as recordings:
        pace = _Pace()

        def advance(rows: int) -> None:
            progress(rows, 2 * recordings.rows)

        def keep_pace(rows: int) -> None:
            pace.advance(rows)
            advance(rows)

        surveyed = survey(recordings, calendar, keep_pace)
        reports = tuple(_report(file, surveyed.figures(file.index), advance) for file in recordings.files)
    return Report(
        reports, unreadable, surveyed.tickers, pace.seconds(recordings.rows) * REPLAY_FACTOR, _recorded_seconds(reports)
    )


class _Pace:
    """Tells how long reading takes. The first step does not count: kernels may have been compiled in it."""

    def __init__(self) -> None:
        self._begun: float | None = None
        self._rows = 0
        self._seconds = 0.0

    def advance(self, rows: int) -> None:
        """Note that so many rows have just been read."""
        now = perf_counter()
        if self._begun is None:
            self._begun = now
            return
        self._rows += rows
        self._seconds = now - self._begun

    def seconds(self, rows: int) -> float:
        """Give how long so many rows take."""
        return rows * (self._seconds / self._rows if self._rows else USUAL_SECONDS_PER_ROW)


def _openable(paths: Sequence[str | Path], options: ReadOptions) -> tuple[list[str], tuple[Unreadable, ...]]:
    """Tell the files that can be opened from those that cannot."""
    good: list[str] = []
    bad: list[Unreadable] = []
    for found in discover(paths):
        try:
            Recordings.open([found.path], options).close()
        except DataError as error:
            bad.append(Unreadable(found.path, str(error)))
        else:
            good.append(found.path)
    if not good:
        raise DataError(bad[0].error)
    return good, tuple(bad)


def _report(file: RecordingFile, figures: FileFigures, advance: Callable[[int], object]) -> FileReport:
    return FileReport(
        path=str(file.path),
        record=file.record,
        rows=file.rows,
        row_groups=len(file.groups),
        size_bytes=file.path.stat().st_size,
        columns=_columns(file),
        ignored=file.layout.ignored,
        guesses=file.guesses,
        disorder=first_disorder(file),
        rejected=figures.rejected,
        copies=count_copies(file, advance),
        first=figures.first,
        last=figures.last,
        tickers=figures.tickers,
        some_tickers=figures.some_tickers,
        gaps=_gaps(file, figures),
        warnings=_warnings(file, figures),
    )


def _gaps(file: RecordingFile, figures: FileFigures) -> tuple[Gap, ...]:
    """Give the gaps that are some: from one bar's start to the next one's is not, unless a bar is missing."""
    shortest = file.interval_ns if file.record == "ohlcv" else 0
    return tuple(gap for gap in figures.gaps if gap.length > shortest)


def _columns(file: RecordingFile) -> dict[str, str]:
    layout = file.layout
    named = {ours: f"{theirs} ({file.schema.field(theirs).type})" for ours, theirs in layout.columns.items()}
    return named | {ours: f"folder name ({value})" for ours, value in layout.constants.items()}


def _warnings(file: RecordingFile, figures: FileFigures) -> tuple[str, ...]:
    warnings = []
    if not file.rows:
        warnings.append("there are no rows")
    elif figures.first is None:
        warnings.append("not a single row can be used")
    if not file.reader.has("interval") and (spacing := evident_spacing(figures.spacings, file.interval_ns)):
        warnings.append(
            f"bars stand {format_duration(spacing)} apart, but are taken to be {format_duration(file.interval_ns)} "
            f"long: set recordings.interval_seconds={spacing // NS_PER_SECOND}"
        )
    return tuple(warnings)


def evident_spacing(spacings: NDArray[np.int64], interval: int) -> int | None:
    """Give the distance of bars (ns) if it evidently is not the interval they are taken to have.

    Parameters
    ----------
    spacings
        Distances between neighbouring bars of one ticker, ns, above 0. Bars may be missing, so greater ones prove
        nothing; but overlapping bars, or none of the distances being a multiple of less, do.
    interval
        The length they are taken to have, ns.
    """
    if len(spacings) < EVIDENT_SPACINGS:
        return None
    if np.mean(spacings < interval) > 0.1:
        values, counts = np.unique(spacings, return_counts=True)
        return int(values[counts.argmax()])
    common = int(np.gcd.reduce(spacings))
    return common if common > interval else None


def _recorded_seconds(files: Sequence[FileReport]) -> float:
    first = [file.first for file in files if file.first is not None]
    last = [file.last for file in files if file.last is not None]
    return (max(last) - min(first)) / NS_PER_SECOND if first and last else 0.0

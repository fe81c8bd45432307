"""Inspects recordings, and tells what a replay will make of them.

1. every file is opened, and those that cannot be are set aside;
2. the times of each are read, to tell whether it is in order;
3. all rows are read in merge order, sorted where needed, and judged as a replay judges them (`inspection.survey`);
4. if a file is not in order, they are judged once more, as ``--late reject`` would have it;
5. each file is read again, alone, for rows that are in it twice (`inspection.copies`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.times import NS_PER_SECOND, format_duration
from tickstock_cli.errors import DataError, OwnOutputError
from tickstock_cli.inspection.copies import SLOTS, count_copies
from tickstock_cli.inspection.report import FOLDER_NAME, FileReport, Report, Unreadable
from tickstock_cli.inspection.survey import FileStatistics, Gap, Survey, survey
from tickstock_cli.kernels.survey import Copies, no_copies
from tickstock_cli.sources.discover import discover
from tickstock_cli.sources.opening import recording_paths
from tickstock_cli.sources.order import Disorder, first_disorder
from tickstock_cli.sources.recognise import check_mapping
from tickstock_cli.sources.recording_file import open_recording
from tickstock_cli.sources.recordings import ReadOptions, RecordingFile, Recordings, Unsorted, only_ours

DETECTING_FACTOR = 2
"""Detecting takes about this many times as long as reading and judging rows, measured on ticks of 8,000 tickers."""

MOST_DETECTING_SECONDS_PER_ROW = 1e-6
"""Above this, reading is slow for another reason, many small files for example, and detecting is not."""

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
        How a replay would read them; what to do about unsorted files is told both ways.
    progress
        Called with the rows just read and those to be read in all: each is read twice, or, if a file is not in
        order, three times.

    Raises
    ------
    DataError
        A path leads nowhere, no file can be read, or one turns out to be damaged inside.
    OutputError
        There is no room for the temporary files of sorting.
    UsageError
        An option is wrong.
    """
    files, unreadable, left_out = _openable(recording_paths(paths), options)
    disorders = [first_disorder(file) for file in files]
    in_order = not any(disorders)
    total = sum(file.rows for file in files) * (2 if in_order else 3)

    def advance(rows: int) -> None:
        progress(rows, total)

    _warm_up(files, options, calendar)
    begun = perf_counter()
    judged = _survey(
        files, replace(options, unsorted=Unsorted.REJECT if in_order else Unsorted.SORT), calendar, advance
    )
    reading = perf_counter() - begun
    unsorted = judged if in_order else _survey(files, replace(options, unsorted=Unsorted.REJECT), calendar, advance)
    copies = no_copies(SLOTS)
    reports = tuple(
        _report(file, disorder, judged.figures(file.index), unsorted.figures(file.index), copies, advance)
        for file, disorder in zip(files, disorders, strict=True)
    )
    flat_out = _flat_out_seconds(reading, sum(file.rows for file in files))
    return Report(reports, unreadable, judged.tickers, flat_out, _recorded_seconds(reports), left_out)


def _openable(
    paths: Sequence[str | Path], options: ReadOptions
) -> tuple[tuple[RecordingFile, ...], tuple[Unreadable, ...], tuple[str, ...]]:
    """Tell the files that can be opened, in the order of a recording, those that cannot, and outputs of ours."""
    check_mapping(options.columns)
    good: list[RecordingFile] = []
    bad: list[Unreadable] = []
    left_out: list[str] = []
    for found in discover(paths):
        try:
            good.append(open_recording(found, options))
        except OwnOutputError as error:
            if found.named:
                bad.append(Unreadable(found.path, str(error)))
            else:
                left_out.append(found.path)
        except DataError as error:
            bad.append(Unreadable(found.path, str(error)))
    if not good:
        raise DataError(bad[0].error if bad else only_ours(paths))
    recordings = Recordings.of(good, options)
    recordings.check_mapping()
    return recordings.files, tuple(bad), tuple(left_out)


def _warm_up(files: Sequence[RecordingFile], options: ReadOptions, calendar: Calendar) -> None:
    """Judge some first rows: loading kernels and the calendar is no part of what the recording takes."""
    some = [files[0], *files[1:][-1:]]
    with Recordings.of(some, replace(options, unsorted=Unsorted.REJECT)) as recordings:
        begun = Survey(len(some), recordings.symbols, calendar)
        begun.warm_up()
        for step in islice(recordings.batches(1), 1):
            begun.add(step)


def _flat_out_seconds(reading: float, rows: int) -> float:
    """Return about how long a replay takes if reading and judging its rows takes ``reading`` seconds."""
    return reading + min(DETECTING_FACTOR * reading, MOST_DETECTING_SECONDS_PER_ROW * rows)


def _survey(
    files: Sequence[RecordingFile], options: ReadOptions, calendar: Calendar, progress: Callable[[int], object]
) -> Survey:
    with Recordings(files, options) as recordings:
        return survey(recordings, calendar, progress)


def _report(
    file: RecordingFile,
    disorder: Disorder | None,
    figures: FileStatistics,
    unsorted: FileStatistics,
    copies: Copies,
    advance: Callable[[int], object],
) -> FileReport:
    return FileReport(
        path=str(file.path),
        record=file.record,
        rows=file.rows,
        row_groups=len(file.groups),
        size_bytes=file.path.stat().st_size,
        columns=_columns(file),
        ignored=file.layout.ignored,
        guesses=file.guesses,
        disorder=disorder,
        rejected=figures.rejected,
        rejected_unsorted=unsorted.rejected,
        copies=count_copies(file, copies, advance),
        first=figures.first,
        last=figures.last,
        tickers=figures.tickers,
        some_tickers=figures.some_tickers,
        gaps=_gaps(file, figures),
        warnings=_warnings(file, figures),
    )


def _gaps(file: RecordingFile, figures: FileStatistics) -> tuple[Gap, ...]:
    """Return the gaps that are some: from one bar's start to the next one's is not, unless a bar is missing."""
    shortest = file.interval_ns if file.record == "ohlcv" else 0
    return tuple(gap for gap in figures.gaps if gap.length > shortest)


def _columns(file: RecordingFile) -> dict[str, str]:
    layout = file.layout
    named = {ours: f"{theirs} ({file.schema.field(theirs).type})" for ours, theirs in layout.columns.items()}
    return named | {ours: f"{FOLDER_NAME} ({value})" for ours, value in layout.constants.items()}


def _warnings(file: RecordingFile, figures: FileStatistics) -> tuple[str, ...]:
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
    """Return the distance of bars (ns) if it evidently is not the interval they are taken to have.

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

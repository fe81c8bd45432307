"""Inspects recordings, and reports how a replay will read them.

1. Open every file; list those that cannot be opened.
2. Read the times of each file, to find out whether it is in order.
3. Read all rows in merge order, sorted where needed, and judge them as a replay does (`inspection.survey`).
4. If a file is not in order, judge the rows again, as with ``--late reject``.
5. Read each file again by itself, to count duplicate rows (`inspection.copies`).
6. Look at the quality of rows in steps 3 and 5, and give each file a verdict (`inspection.quality`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.events import PHASES
from tickstock_cli.core.times import NS_PER_SECOND, format_duration
from tickstock_cli.errors import DataError, NoRowsError, OwnOutputError
from tickstock_cli.inspection.copies import SLOTS, count_copies
from tickstock_cli.inspection.quality import aspects_of
from tickstock_cli.inspection.quality.aspects import Aspect, Measured
from tickstock_cli.inspection.quality.verdict import row_findings, verdict
from tickstock_cli.inspection.report import FILE_NAME, FOLDER_NAME, FileReport, Report, Unreadable, ignored_phases
from tickstock_cli.inspection.survey import FileStatistics, RowGap, Survey, survey
from tickstock_cli.inspection.vouched import changed_files
from tickstock_cli.kernels.survey import Copies, no_copies
from tickstock_cli.sources.checks.facts import Oddity
from tickstock_cli.sources.discover import discover
from tickstock_cli.sources.file_opener import FileOpener
from tickstock_cli.sources.opening import recording_paths
from tickstock_cli.sources.order import Disorder, first_disorders
from tickstock_cli.sources.recognise import check_mapping
from tickstock_cli.sources.recordings import (
    ReadOptions,
    RecordingFile,
    Recordings,
    Unsorted,
    no_rows_message,
    only_outputs_message,
)
from tickstock_cli.sources.ticker_order import must_be_sorted
from tickstock_cli.sources.unfinished import readable
from tickstock_cli.sources.unread import unread_files

DETECTING_FACTOR = 2
"""Time of detection relative to reading and judging rows, measured on ticks of 8,000 tickers."""

MOST_DETECTING_SECONDS_PER_ROW = 1e-6
"""Bound of the estimate: if reading takes longer, the cause is something else, such as many small files."""

EVIDENT_SPACINGS = 10
"""Fewest distances between bars that allow a conclusion."""


def inspect(
    paths: Sequence[str | Path],
    options: ReadOptions,
    calendar: Calendar,
    progress: Callable[[int, int], object] = lambda rows, total: None,  # noqa: ARG005 - shows nothing
    phases: Sequence[str] = PHASES,
) -> Report:
    """Inspect recordings.

    Parameters
    ----------
    paths
        As for a replay.
    options
        Options of the replay; the report covers both policies for unsorted files.
    progress
        Called with the number of rows just read and the total: each row is read twice, or three times if a file is
        not in order.
    phases
        ``session.phases``.

    Raises
    ------
    DataError
        A path does not exist, no file can be read, or a file is damaged.
    OutputError
        The disk has no room for the temporary files of sorting.
    UsageError
        An option is invalid.
    """
    others: list[str] = []
    files, unreadable, left_out = _openable(recording_paths(paths), options, others)
    disorders = first_disorders(files)
    in_order = not any(disorders)
    total = sum(file.rows for file in files) * (2 if in_order else 3)

    def advance(rows: int) -> None:
        progress(rows, total)

    _warm_up(files, options, calendar)
    begun = perf_counter()
    policy = Unsorted.REJECT if in_order else Unsorted.SORT
    judged, aspects = _surveyed(files, replace(options, unsorted=policy), calendar, advance)
    reading = perf_counter() - begun
    unsorted = (
        judged
        if in_order
        else _survey(files, replace(options, unsorted=Unsorted.REJECT, judges_late=True), calendar, advance)
    )
    copies = no_copies(SLOTS)
    reports = tuple(
        _report(
            file,
            disorder,
            judged.statistics(file.index),
            unsorted.statistics(file.index),
            _copies(file, copies, advance, aspects.values()),
            {name: aspect.measured(file) for name, aspect in aspects.items()},
            phases,
            judged.oddities[file.index],
        )
        for file, disorder in zip(files, disorders, strict=True)
    )
    flat_out = _flat_out_seconds(reading, sum(file.rows for file in files))
    return Report(
        reports,
        unreadable,
        judged.tickers,
        flat_out,
        _recorded_seconds(reports),
        left_out,
        unread_files(others),
        tuple(phases),
    )


def _openable(
    paths: Sequence[str | Path], options: ReadOptions, others: list[str]
) -> tuple[tuple[RecordingFile, ...], tuple[Unreadable, ...], tuple[str, ...]]:
    """Return the files that can be opened, in recording order, those that cannot, and outputs of tickstock.

    ``others`` gets the paths of files in folders that are not read.
    """
    check_mapping(options.columns)
    good: list[RecordingFile] = []
    bad = list(changed_files(paths))
    changed = {found.path for found in bad}
    left_out: list[str] = []
    empty: list[Unreadable] = []
    opener = FileOpener(options)
    all_found = readable(discover(paths, others), options.sort_dir)
    for found, file in opener.open_each(found for found in all_found if str(Path(found.path)) not in changed):
        if isinstance(file, RecordingFile):
            good.append(file)
        elif isinstance(file, OwnOutputError) and not found.named:
            left_out.append(found.path)
        elif isinstance(file, NoRowsError) and not found.named:
            empty.append(Unreadable(found.path, str(file)))
        else:
            bad.append(Unreadable(found.path, str(file)))
    bad += [] if good else empty
    if not good:
        raise DataError(bad[0].error if bad else only_outputs_message(paths) if left_out else no_rows_message(paths))
    recordings = Recordings.of(good, options)
    recordings.check_mapping()
    return recordings.files, tuple(bad), tuple(left_out)


def _warm_up(files: Sequence[RecordingFile], options: ReadOptions, calendar: Calendar) -> None:
    """Judge some first rows, so that the measured time excludes loading of kernels and calendar."""
    by_type = {file.record: file for file in files}
    for some in ([files[0], *files[1:][-1:]], *([file] for file in by_type.values())):
        with Recordings.of(some, replace(options, unsorted=Unsorted.REJECT, judges_late=True)) as recordings:
            aspects = aspects_of(recordings.files, recordings.symbols)
            begun = Survey(len(some), recordings.symbols, calendar, aspects)
            begun.warm_up()
            for step in islice(recordings.batches(1), 1):
                begun.add(step)
            for aspect in aspects.values():
                aspect.finish()


def _flat_out_seconds(reading: float, rows: int) -> float:
    """Estimate the seconds of a replay whose rows take ``reading`` seconds to read and judge."""
    return reading + min(DETECTING_FACTOR * reading, MOST_DETECTING_SECONDS_PER_ROW * rows)


def _survey(
    files: Sequence[RecordingFile], options: ReadOptions, calendar: Calendar, progress: Callable[[int], object]
) -> Survey:
    with Recordings(files, options) as recordings:
        return survey(recordings, calendar, progress)


def _surveyed(
    files: Sequence[RecordingFile], options: ReadOptions, calendar: Calendar, progress: Callable[[int], object]
) -> tuple[Survey, Mapping[str, Aspect]]:
    """Survey a recording, and look at all aspects of its quality."""
    with Recordings(files, options) as recordings:
        aspects = aspects_of(files, recordings.symbols, options.calendar)
        return survey(recordings, calendar, progress, aspects), aspects


def _copies(file: RecordingFile, copies: Copies, progress: Callable[[int], object], aspects: Iterable[Aspect]) -> int:
    """Count duplicate rows, and show the file's original rows to the aspects that want them."""
    curious = [(aspect, columns) for aspect in aspects if (columns := aspect.columns(file))]

    def look(file: RecordingFile, rows: pa.RecordBatch) -> None:
        for aspect, _ in curious:
            aspect.add_original(file, rows)

    return count_copies(file, copies, progress, look, [name for _, columns in curious for name in columns])


def _report(
    file: RecordingFile,
    disorder: Disorder | None,
    statistics: FileStatistics,
    unsorted: FileStatistics,
    copies: int,
    measured: Mapping[str, Measured],
    phases: Sequence[str],
    oddities: Sequence[Oddity],
) -> FileReport:
    ignored = ignored_phases(file.record, statistics.phases, phases)
    warnings = (*_warnings(file, statistics), *(str(oddity) for oddity in oddities if oddity.is_warning))
    findings = [
        *row_findings(file.rows, statistics.rejected, ignored, copies, warnings, unsorted=disorder is not None),
        *(finding for aspect in measured.values() for finding in aspect.findings),
    ]
    return FileReport(
        path=str(file.path),
        record=file.record,
        rows=file.rows,
        row_groups=len(file.groups),
        size_bytes=file.on_disk.stat().st_size,
        columns=_columns(file),
        ignored=file.layout.ignored,
        guesses=file.guesses,
        disorder=disorder,
        by_ticker=disorder is not None and must_be_sorted(file),
        rejected=statistics.rejected,
        rejected_unsorted=unsorted.rejected,
        phases=statistics.phases,
        copies=copies,
        first=statistics.first,
        last=statistics.last,
        tickers=statistics.tickers,
        some_tickers=statistics.some_tickers,
        gaps=_gaps(file, statistics),
        warnings=warnings,
        asked_for=tuple(str(oddity) for oddity in oddities if oddity.is_asked_for),
        quality={name: aspect.figures for name, aspect in measured.items() if aspect.figures},
        verdict=verdict(findings, usable=statistics.first is not None),
    )


def _gaps(file: RecordingFile, statistics: FileStatistics) -> tuple[RowGap, ...]:
    """Return the gaps without the distances between consecutive bars."""
    shortest = file.interval_ns if file.record == "ohlcv" else 0
    return tuple(gap for gap in statistics.gaps if gap.length > shortest)


def _columns(file: RecordingFile) -> dict[str, str]:
    layout = file.layout
    named = {ours: f"{theirs} ({file.schema.field(theirs).type})" for ours, theirs in layout.columns.items()}
    return named | {
        ours: f"{FILE_NAME if ours in layout.in_name else FOLDER_NAME} ({value})"
        for ours, value in layout.constants.items()
    }


def _warnings(file: RecordingFile, statistics: FileStatistics) -> tuple[str, ...]:
    warnings = []
    if not file.rows:
        warnings.append("there are no rows")
    elif statistics.first is None:
        warnings.append("no row can be used")
    if not file.reader.has("interval") and (spacing := evident_spacing(statistics.spacings, file.interval_ns)):
        warnings.append(
            f"bars are {format_duration(spacing)} apart, but are read as {format_duration(file.interval_ns)} "
            f"long: set recordings.interval_seconds={spacing // NS_PER_SECOND}"
        )
    return tuple(warnings)


def evident_spacing(spacings: NDArray[np.int64], interval: int) -> int | None:
    """Return the distance of bars (ns) if it contradicts their assumed interval, else None.

    Parameters
    ----------
    spacings
        Distances between neighbouring bars of one ticker, ns, above 0. Bars can be missing, so larger distances alone
        prove nothing. Overlapping bars do, and so does a common divisor above the interval.
    interval
        Their assumed length, ns.
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

"""Draws an inspection on a terminal."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tickstock_cli.core.counted import counted, worded
from tickstock_cli.core.quantities import size_words
from tickstock_cli.core.shown_times import ShownZone
from tickstock_cli.core.times import NS_PER_SECOND, format_duration, format_time
from tickstock_cli.inspection.groups import FileGroup, grouped
from tickstock_cli.inspection.quality.verdict import ROW_ASPECTS, costs, grade
from tickstock_cli.inspection.report import FileReport, Report
from tickstock_cli.inspection.survey import RowGap
from tickstock_cli.sources.misfit import listed
from tickstock_cli.sources.recordings import left_out_note
from tickstock_cli.sources.unread import unread_notes

Line = tuple[str, str, str]
"""Label, text, style."""
_STYLES = {"good": "green", "fair": "yellow", "poor": "red", "unusable": "red"}
_NARROW = 60
"""Columns below which labels stand above their lines."""
_UNBOUNDED = 100_000
LABEL_COLUMNS = 12
"""Width of the longest label, so that the lines of all files begin at one column."""


def render_report(report: Report, zone: ShownZone) -> Group:
    """Draw a table of all files, then the details of each, then the totals; times are in the zone.

    Many files that are read alike share one line.
    """
    groups = grouped(report.files)
    parts: list[RenderableType] = [_overview(report.files, groups, zone)]
    for group in groups:
        behind = f" and {len(group.files) - 1:,} more like it" if len(group.files) > 1 else ""
        heading = _Name(group.sample.path, "bold", behind)
        parts += [heading, Padding(_Details(list(_lines(group, report.used_phases, zone))), (0, 0, 1, 2), expand=False)]
    parts += [Text(f"cannot be read: {file.error}", style="red") for file in report.unreadable]
    if report.left_out:
        parts.append(Text(left_out_note(report.left_out)))
    parts += [Text(note) for note in unread_notes(report.unread)]
    return Group(*parts, *_totals(report))


@dataclass(frozen=True, slots=True)
class _Overview:
    """All files: in a table, or each in lines of its own where the table would cut their names."""

    zone: ShownZone
    rows: Sequence[tuple[str, str, str, str]]
    """Name, record type, number of rows and times of a file, or of files alike."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
        table.add_column("file", no_wrap=True)
        table.add_column("type", no_wrap=True)
        table.add_column("rows", no_wrap=True, justify="right")
        table.add_column(f"time ({self.zone.name})", overflow="fold", min_width=10)
        for row in self.rows:
            table.add_row(*row)
        unbounded = options.update(width=_UNBOUNDED)  # a measure is never beyond the width
        if Measurement.get(console, unbounded, table).minimum <= options.max_width:
            yield table
            return
        yield Text(f"file: type, rows, time ({self.zone.name})", style="bold")
        for name, record, count, span in self.rows:
            yield _Name(name)
            yield Padding(Text(", ".join(filter(None, (record, count, span)))), (0, 0, 0, 2))
        yield Text()


@dataclass(frozen=True, slots=True)
class _Name:
    """A path, broken behind folders alone, unless one of its names is wider than the screen."""

    path: str
    style: str = ""
    behind: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        line = ""
        for part in re.findall(r"[^/]*/|[^/]+$", self.path):
            if line and cell_len(line + part) > options.max_width:
                yield Text(line, style=self.style, overflow="fold")
                line = ""
            line += part
        yield Text.assemble((line, self.style), self.behind, overflow="fold")


def _overview(files: Sequence[FileReport], groups: Sequence[FileGroup], zone: ShownZone) -> _Overview:
    names = dict(zip((file.path for file in files), _names(files), strict=True))
    rows = []
    for group in groups:
        count, name = len(group.files), names[group.sample.path]
        shown = name if count == 1 else f"{count:,} like {name}"
        rows.append((shown, group.sample.record, f"{group.rows:,}", _span(group.first, group.last, zone)))
    return _Overview(zone, rows)


def _names(files: Sequence[FileReport]) -> list[str]:
    """Return the files' paths below their common folder, because file names repeat in a tree of days."""
    paths = [os.path.abspath(file.path) for file in files]
    folder = os.path.commonpath([os.path.dirname(path) for path in paths])
    return [os.path.relpath(path, folder).removesuffix(".parquet") for path in paths]


def _lines(group: FileGroup, used_phases: Sequence[str], zone: ShownZone) -> Iterator[Line]:
    """Return the details of files beyond the table."""
    yield from _lines_of_quality(group, zone)
    yield from _lines_of_rows(group, used_phases, zone)
    yield "holds", _holdings(group), ""
    for guess in group.guesses:
        yield "guessed", guess, ""
    mapped = [f"{ours} = {source}" for ours, source in group.columns.items() if not source.startswith(f"{ours} (")]
    if mapped:
        yield "mapped", ", ".join(mapped), ""
    if group.sample.ignored:
        yield "ignored", listed(group.sample.ignored), "dim"


def _lines_of_quality(group: FileGroup, zone: ShownZone) -> Iterator[Line]:
    """Return the verdict, and the findings behind it: those of the worst file for several."""
    worst = group.worst
    style = _STYLES[worst.verdict.word]
    if len(group.files) == 1:
        yield "verdict", worst.verdict.line, style
    else:
        yield "verdict", f"at worst {worst.verdict.line}, of {worst.path}", style
    for finding in worst.verdict.findings:
        if finding.aspect in ROW_ASPECTS:
            continue
        since = f", from {zone.clock(finding.since, 0)}" if finding.since is not None else ""
        advice = f": {finding.advice}" if finding.advice else ""
        yield finding.aspect, f"{finding.text}{since}{advice}", "yellow" if finding.points else "dim"


def _lines_of_rows(group: FileGroup, used_phases: Sequence[str], zone: ShownZone) -> Iterator[Line]:
    """Return the details of rows: rejected ones, those of phases that are left out, duplicates, gaps."""
    for warning, files in group.warnings.items():
        yield "warning", f"{_which(files, group)}{warning}", "yellow"
    for caused, files in group.asked_for.items():
        yield "as asked", f"{_which(files, group)}{caused}", ""
    if group.unsorted:
        yield "unsorted", f"{_which(group.unsorted, group)}{_disorder(group.unsorted[0])}", "red"
    elif any(file.rows > 1 for file in group.files):
        yield "order", "by time", ""
    if group.rejected:
        yield "rejected", f"{_counts(group.rejected)}: replay with --rejects FILE to see them", "yellow"
    if group.rejected_unsorted != group.rejected:
        yield "" if group.rejected else "rejected", f"with --late reject: {_counts(group.rejected_unsorted)}", ""
    if outside := group.outside(used_phases):
        told = f"{_counts(outside)}: session.phases has only {', '.join(used_phases)}"
        yield "left out", told, _style(group, "left out")
    if group.copies:
        told = worded("{} {row equals|rows equal} an earlier one in every column; none is dropped", group.copies)
        yield "duplicates", told, _style(group, "duplicates")
    for place, gap in enumerate(_gaps(group.longest_gaps, zone)):
        yield "" if place else "longest gaps", gap, ""


def _style(group: FileGroup, aspect: str) -> str:
    """Return the style of a line: yellow is for what costs points."""
    return "yellow" if any(aspect in costs(file.verdict.findings) for file in group.files) else ""


def _which(files: Sequence[FileReport], group: FileGroup) -> str:
    """Return the files of a group that a statement holds for, in words; empty for a single file."""
    if len(group.files) == 1:
        return ""
    return f"{len(files):,} of {counted(len(group.files), 'file')}, first {files[0].path}: "


def _disorder(file: FileReport) -> str:
    assert file.disorder is not None
    at, before = format_time(file.disorder.time), format_time(file.disorder.before)
    row, cause = file.disorder.row, file.disorder.cause
    remedy = "it is sorted by ticker, replay with --sort" if file.by_ticker else "replay with --sort or --late reject"
    return f"row {row:,} ({at}) comes after {before}: {remedy}{cause}"


def _counts(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in reasons.items()) or "none"


@dataclass(frozen=True, slots=True)
class _Details:
    """Lines with their labels: beside them, or above them where that leaves too little room for names of settings."""

    lines: Sequence[Line]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        if options.max_width >= _NARROW:
            yield _details(self.lines)
            return
        for label, text, style in self.lines:
            if label:
                yield Text(label, style="dim")
            yield Padding(Text(text, style=style, overflow="fold"), (0, 0, 0, 2))


def _details(lines: Sequence[Line]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True, min_width=LABEL_COLUMNS)
    table.add_column(overflow="fold")
    for label, text, style in lines:
        table.add_row(label, Text(text, style=style))
    return table


def _totals(report: Report) -> list[RenderableType]:
    rejected = f"{report.rejected:,} to be rejected"
    if report.rejected_unsorted != report.rejected:
        rejected += f" ({report.rejected_unsorted:,} with --late reject)"
    rows = Text.assemble(
        (counted(report.rows, "row"), "bold"),
        f" of {counted(report.tickers, 'ticker')} in {counted(len(report.files), 'file')}, {rejected}",
    )
    times = Text.assemble(
        "replay: about ",
        (about(report.flat_out_seconds), "bold"),
        " flat out, ",
        (about(report.recorded_seconds), "bold"),
        " at the speed of the recording",
    )
    quality = Text.assemble(
        "verdict: ", (f"{grade(report.score)}, {report.score} of 100", _STYLES[grade(report.score)])
    )
    if report.worst is not None:
        quality.append(f"; the worst file has {report.worst.verdict.score}: {report.worst.path}")
    return [rows, quality, times]


def about(seconds: float) -> str:
    """Return a duration for people: to a tenth of a second, above a minute in its two largest units."""
    tenths = round(seconds, 1)
    if tenths < 10:
        return f"{tenths or 0.1:g} s" if seconds else "0 s"
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    return format_duration(round(seconds) * NS_PER_SECOND)


def _span(first: int | None, last: int | None, zone: ShownZone) -> str:
    """Return the first and last minute; of the last, the date only if it is another one, the year likewise."""
    if first is None or last is None:
        return ""
    begin, end = (zone.clock(time)[:16] for time in (first, last))
    shared = next(length for length in (11, 5, 0) if begin[:length] == end[:length])
    return f"{begin} - {end[shared:]}"


def _holdings(group: FileGroup) -> str:
    groups, size = counted(group.row_groups, "row group"), size_words(group.size_bytes)
    if len(group.files) > 1:
        return f"{counted(len(group.files), 'file')}, {groups}, {size}"
    file = group.sample
    names = ", ".join(file.some_tickers) + (", …" if file.tickers > len(file.some_tickers) else "")
    tickers = counted(file.tickers, "ticker") + (f" ({names})" if names else "")
    return f"{tickers}, {groups}, {size}"


def _gaps(longest: Sequence[RowGap], zone: ShownZone) -> list[str]:
    """Return the longest gap of every phase, below each other."""
    gaps = [(gap.phase, about(gap.length / NS_PER_SECOND), zone.clock(gap.start, 0)) for gap in longest]
    widths = [max((len(gap[place]) for gap in gaps), default=0) for place in (0, 1)]
    return [f"{phase:<{widths[0]}}  {length:>{widths[1]}} from {start}" for phase, length, start in gaps]

"""What an inspection looks like on a terminal."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tickstock_cli.core.times import NS_PER_SECOND, format_duration, format_time
from tickstock_cli.inspection.report import FileReport, Report

Line = tuple[str, str, str]
"""Label, text, style."""
LABEL_COLUMNS = 12
"""The longest label: the lines of all files begin at one column."""


def render_report(report: Report) -> Group:
    """Draw a table of all files, then what there is to say of each, then the totals."""
    parts: list[RenderableType] = [_overview(report)]
    for file in report.files:
        lines = list(_lines(file))
        if lines:
            parts += [Text(file.path, style="bold"), Padding(_details(lines), (0, 0, 1, 2), expand=False)]
    parts += [Text(f"cannot be read: {file.error}", style="red") for file in report.unreadable]
    return Group(*parts, *_totals(report))


def _overview(report: Report) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("file", overflow="fold", min_width=12)
    table.add_column("type", no_wrap=True)
    table.add_column("rows", no_wrap=True, justify="right")
    table.add_column("time (UTC)", no_wrap=True)
    for file, name in zip(report.files, _names(report.files), strict=True):
        table.add_row(name, file.record, f"{file.rows:,}", _span(file))
    return table


def _names(files: Sequence[FileReport]) -> list[str]:
    """Give the files' paths below the folder that holds all of them: in a tree of days, file names are no names."""
    paths = [os.path.abspath(file.path) for file in files]
    folder = os.path.commonpath([os.path.dirname(path) for path in paths])
    return [os.path.relpath(path, folder).removesuffix(".parquet") for path in paths]


def _lines(file: FileReport) -> Iterator[Line]:
    """Give what there is to say of a file beyond the table."""
    for warning in file.warnings:
        yield "warning", warning, "yellow"
    if file.disorder is not None:
        at, before = format_time(file.disorder.time), format_time(file.disorder.before)
        text = f"row {file.disorder.row:,} ({at}) comes after {before}: replay with --sort or --late reject"
        yield "unsorted", text, "red"
    elif file.rows > 1:
        yield "order", "by time", ""
    if file.rejected:
        yield "rejected", ", ".join(f"{count:,} {reason}" for reason, count in file.rejected.items()), "yellow"
    if file.copies:
        yield "duplicates", f"{file.copies:,} rows equal an earlier one in every column", ""
    for place, gap in enumerate(_gaps(file)):
        yield "" if place else "longest gaps", gap, ""
    yield "holds", _holdings(file), ""
    for guess in file.guesses:
        yield "guessed", f"{guess.what} is {guess.value}, because {guess.why}", ""
    mapped = [f"{ours} = {source}" for ours, source in file.columns.items() if not source.startswith(f"{ours} (")]
    if mapped:
        yield "mapped", ", ".join(mapped), ""
    if file.ignored:
        yield "ignored", ", ".join(file.ignored), "dim"


def _details(lines: list[Line]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True, min_width=LABEL_COLUMNS)
    table.add_column(overflow="fold")
    for label, text, style in lines:
        table.add_row(label, Text(text, style=style))
    return table


def _totals(report: Report) -> list[RenderableType]:
    rejected = sum(sum(file.rejected.values()) for file in report.files)
    rows = Text.assemble(
        (_count(report.rows, "row"), "bold"),
        f" of {_count(report.tickers, 'ticker')} in {_count(len(report.files), 'file')}, {rejected:,} to be rejected",
    )
    times = Text.assemble(
        "replay: about ",
        (about(report.flat_out_seconds), "bold"),
        " flat out, ",
        (about(report.recorded_seconds), "bold"),
        " at the speed of the recording",
    )
    return [rows, times]


def about(seconds: float) -> str:
    """Write a length of time as people say it: tenths of a second at most, above a minute its two greatest units."""
    tenths = round(seconds, 1)
    if tenths < 10:
        return f"{tenths or 0.1:g} s" if seconds else "0 s"
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    return format_duration(round(seconds) * NS_PER_SECOND)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _span(file: FileReport) -> str:
    """Give the first and last minute; of the last, the date only if it is another one, the year likewise."""
    if file.first is None or file.last is None:
        return ""
    first, last = (format_time(time)[:16].replace("T", " ") for time in (file.first, file.last))
    shared = next(length for length in (11, 5, 0) if first[:length] == last[:length])
    return f"{first} - {last[shared:]}"


def _holdings(file: FileReport) -> str:
    names = ", ".join(file.some_tickers) + (", …" if file.tickers > len(file.some_tickers) else "")
    tickers = _count(file.tickers, "ticker") + (f" ({names})" if names else "")
    return f"{tickers}, {_count(file.row_groups, 'row group')}, {file.size_bytes / 2**20:,.2f} MiB"


def _gaps(file: FileReport) -> list[str]:
    """Give the longest gap of every phase, below each other."""
    longest = {gap.phase: gap for gap in reversed(file.gaps)}
    gaps = [(gap.phase, about(gap.length / NS_PER_SECOND), format_time(gap.start)) for gap in longest.values()]
    widths = [max((len(gap[place]) for gap in gaps), default=0) for place in (0, 1)]
    return [
        f"{phase:<{widths[0]}}  {length:>{widths[1]}} from {start[:10]} {start[11:19]}"
        for phase, length, start in reversed(gaps)
    ]

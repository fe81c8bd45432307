"""What an inspection looks like on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tickstock_cli.core.times import NS_PER_SECOND, format_duration, format_time
from tickstock_cli.inspection.report import FileReport, Report

Line = tuple[str, str, str]
"""Label, text, style."""


def render_report(report: Report) -> Group:
    """Draw a table of all files, then what there is to say of each, then the totals."""
    parts: list[RenderableType] = [_overview(report)]
    for file in report.files:
        lines = list(_lines(file))
        if lines:
            parts += [Text(file.path, style="bold"), Padding(_details(lines), (0, 0, 1, 2))]
    parts += [Text(f"cannot be read: {file.error}", style="red") for file in report.unreadable]
    parts.append(_totals(report))
    return Group(*parts)


def _overview(report: Report) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("file", overflow="fold", min_width=12)
    table.add_column("type", no_wrap=True)
    table.add_column("rows", no_wrap=True, justify="right")
    table.add_column("time (UTC)", no_wrap=True)
    for file in report.files:
        table.add_row(file.path.rpartition("/")[2].removesuffix(".parquet"), file.record, f"{file.rows:,}", _span(file))
    return table


def _lines(file: FileReport) -> Iterator[Line]:
    """Give what there is to say of a file beyond the table."""
    for warning in file.warnings:
        yield "warning", warning, "yellow"
    if file.disorder is not None:
        at, before = format_time(file.disorder.time), format_time(file.disorder.before)
        text = f"row {file.disorder.row:,} ({at}) comes after {before}: replay with --sort or --late reject"
        yield "unsorted", text, "red"
    if file.rejected:
        yield "rejected", ", ".join(f"{count:,} {reason}" for reason, count in file.rejected.items()), "yellow"
    if file.copies:
        yield "duplicates", f"{file.copies:,} rows equal an earlier one in every column", ""
    if file.gaps:
        yield "longest gaps", _gaps(file), ""
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
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text, style in lines:
        table.add_row(label, Text(text, style=style))
    return table


def _totals(report: Report) -> Text:
    rejected = sum(sum(file.rejected.values()) for file in report.files)
    files = "file" if len(report.files) == 1 else "files"
    return Text.assemble(
        (f"{report.rows:,} rows", "bold"),
        f" of {report.tickers:,} tickers in {len(report.files):,} {files}, {rejected:,} to be rejected. Replay: about ",
        (format_duration(int(report.flat_out_seconds * NS_PER_SECOND)), "bold"),
        " flat out, ",
        (format_duration(int(report.recorded_seconds * NS_PER_SECOND)), "bold"),
        " at recorded speed.",
    )


def _span(file: FileReport) -> str:
    """Give the first and last minute; of the last, the date only if it is another one, the year likewise."""
    if file.first is None or file.last is None:
        return ""
    first, last = (format_time(time)[:16].replace("T", " ") for time in (file.first, file.last))
    shared = next(length for length in (11, 5, 0) if first[:length] == last[:length])
    return f"{first} - {last[shared:]}"


def _holdings(file: FileReport) -> str:
    groups = "1 row group" if file.row_groups == 1 else f"{file.row_groups:,} row groups"
    tickers = "1 ticker" if file.tickers == 1 else f"{file.tickers:,} tickers"
    names = ", ".join(file.some_tickers) + (", …" if file.tickers > len(file.some_tickers) else "")
    return f"{tickers} ({names}) in {groups}, {file.size_bytes / 2**20:,.2f} MiB"


def _gaps(file: FileReport) -> str:
    """Give the longest gap of every phase."""
    longest = {gap.phase: gap for gap in reversed(file.gaps)}
    texts = []
    for gap in reversed(longest.values()):
        start = format_time(gap.start)
        texts.append(f"{gap.phase} {format_duration(gap.length)} from {start[:10]} {start[11:19]}")
    return "; ".join(texts)

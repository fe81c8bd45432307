"""Results of load tests on a terminal: verdict, targets and latency of one, or of several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, JustifyMethod, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from tickstock_cli.loadtest.observation import LATENCIES
from tickstock_cli.loadtest.remarks import NAMES, capacity_words, rates, remarks, summary_line
from tickstock_cli.loadtest.result import Result
from tickstock_cli.loadtest.run_differences import run_differences
from tickstock_cli.measurement.verdict import TargetVerdict, number

STYLES = {"ok": "green", "failed": "bold red", "not measured": "bold red"}
NOTHING = "–"

WIDE = 120
"""From this width on, the table has a column of notes."""

LATENCY_COLUMNS = (("p50", "p50_ms"), ("p90", "p90_ms"), ("p99", "p99_ms"), ("p99.9", "p999_ms"), ("max", "max_ms"))
"""Columns of latency tables: heading, and attribute of a summary."""


def result_view(result: Result) -> Group:
    """Draw one result: what was run, remarks, targets, latency, rates, the verdict."""
    seen = result.observation
    parts: list[RenderableType] = [Text(summary_line(seen), style="bold"), *_lines(remarks(seen))]
    parts.append(TargetsView(result.verdicts))
    if result.latency_ms:
        parts.append(_latency(result))
    if rates(seen):
        parts.append(_rates(result))
    found = capacity_words(seen)
    if found:
        parts.append(Text(found, style="bold"))
    return Group(*parts, headline(result), Text())


def headline(result: Result) -> Text:
    """Draw the verdict."""
    return Text(result.headline, style="bold green" if result.passed else "bold red")


def _lines(remarks: Sequence[str]) -> list[Text]:
    return [Text(f"- {line}", style="yellow") for line in remarks]


def _small_table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)


@dataclass(frozen=True, slots=True)
class TargetsView:
    """Draws verdicts, one line each. On a narrow terminal the notes of failed verdicts follow the table."""

    verdicts: Sequence[TargetVerdict]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table, and the notes below it on a narrow terminal."""
        wide = options.max_width >= WIDE
        rows = [
            (
                each.target or "no limit",
                NOTHING if each.measured is None else number(each.measured, each.unit),
                _word(each),
            )
            for each in self.verdicts
        ]
        table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
        table.add_column("figure")
        headings: tuple[tuple[str, JustifyMethod], ...] = (
            ("target", "right"),
            ("measured", "right"),
            ("verdict", "left"),
        )
        for place, (heading, justify) in enumerate(headings):
            # These columns keep their width; on a narrow terminal the title wraps instead.
            width = max(len(heading), *(len(row[place]) for row in rows))
            table.add_column(heading, justify=justify, no_wrap=True, min_width=width)
        if wide:
            table.add_column("note", style="dim")
        for each, row in zip(self.verdicts, rows, strict=True):
            table.add_row(each.title, *row, *([Text(each.note)] if wide else []))
        yield table
        if not wide:
            yield from (
                Text(f"{each.title}: {each.note}") for each in self.verdicts if each.ok is not True and each.note
            )


def _word(verdict: TargetVerdict) -> Text:
    return Text(verdict.word, style=STYLES.get(verdict.word, "dim"))


def _latency(result: Result) -> Table:
    table = _small_table("latency in ms, from when it was due")
    table.add_column("")
    for heading in (*(heading for heading, _ in LATENCY_COLUMNS), "measured"):
        table.add_column(heading, justify="right", no_wrap=True)
    for kind in LATENCIES:
        if kind in result.latency_ms:
            summary = result.latency_ms[kind]
            cells = [_figure(getattr(summary, figure)) for _, figure in LATENCY_COLUMNS]
            table.add_row(NAMES[kind], *cells, f"{summary.count:,}")
    return table


def _figure(value: float | None) -> str:
    return NOTHING if value is None else number(value)


def _rates(result: Result) -> Table:
    table = _small_table("rows a wall second")
    table.add_column("")
    for heading in ("asked", "sent", "processed", "most asked", "most processed"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in rates(result.observation):
        cells = [round(line.asked), round(line.sent), round(line.processed), line.asked_most, line.processed_most]
        table.add_row(NAMES[line.kind], *(f"{cell:,}" for cell in cells))
    return table


def results_view(results: Sequence[Result], labels: Sequence[str]) -> Group:
    """Draw several results side by side, one column each; ``labels`` are their names."""
    runs = [
        Text.assemble((f"run {place}  ", "bold"), label, "  ", headline(result))
        for place, (result, label) in enumerate(zip(results, labels, strict=True), 1)
    ]
    return Group(*runs, *_lines(run_differences(results)), _targets_beside(results), _latency_beside(results), Text())


def _beside(title: str, results: Sequence[Result]) -> Table:
    table = _small_table(title)
    table.add_column("")
    for place in range(1, len(results) + 1):
        table.add_column(f"run {place}", justify="right", no_wrap=True)
    return table


def _targets_beside(results: Sequence[Result]) -> Table:
    table = _beside("targets", results)
    found = [{verdict.name: verdict for verdict in result.verdicts} for result in results]
    for name in dict.fromkeys(verdict.name for result in results for verdict in result.verdicts):
        verdicts = [by_name.get(name) for by_name in found]
        first = next(verdict for verdict in verdicts if verdict)
        table.add_row(f"{first.title} {first.target}".rstrip(), *map(_outcome, verdicts))
    return table


def _outcome(verdict: TargetVerdict | None) -> Text:
    if verdict is None:
        return Text(NOTHING, style="dim")
    if verdict.measured is None:
        return _word(verdict)
    return Text(number(verdict.measured, verdict.unit), style=STYLES.get(verdict.word, "dim"))


def _latency_beside(results: Sequence[Result]) -> Table:
    table = _beside("latency in ms, from when it was due", results)
    for kind in LATENCIES:
        for heading, figure in (("p50", "p50_ms"), ("p99", "p99_ms"), ("max", "max_ms")):
            values = [getattr(result.latency_ms.get(kind), figure, None) for result in results]
            if any(value is not None for value in values):
                table.add_row(f"{NAMES[kind]} {heading}", *map(_figure, values))
    return table

"""The page of several results side by side; the first run is the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tickstock_cli.loadtest.charts import (
    COLOURS,
    Layout,
    Trace,
    group_seconds,
    line,
    log_axis,
    percentile_layout,
    percentile_line,
)
from tickstock_cli.loadtest.observation import LATENCIES
from tickstock_cli.loadtest.remarks import NAMES, summary_line
from tickstock_cli.loadtest.report import latency_cells, latency_headings
from tickstock_cli.loadtest.result import Result
from tickstock_cli.loadtest.run_differences import run_differences
from tickstock_cli.measurement.machine import facts
from tickstock_cli.measurement.page import Cell, Chart, Page, bullets, paragraph, pill, table
from tickstock_cli.measurement.verdict import number


def comparison(results: Sequence[Result], labels: Sequence[str]) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    results
        At least two.
    labels
        Names of the runs, in the same order: their folders.
    """
    page = Page(f"{len(results)} runs side by side: tickstock load test")
    passed = sum(result.passed for result in results)
    words = f"{passed} of {len(results)} runs met all their targets."
    state = "passed" if passed == len(results) else "failed"
    page.header(
        f'<p class="headline">{pill(state)} {words}</p>',
        bullets(run_differences(results) or ["All runs had the same load on alike machines."]),
        state="ok" if passed == len(results) else "failed",
    )
    page.section("Runs", _runs(results, labels), name="runs")
    page.section("Targets", _targets(results), name="targets")
    page.section("Latency", _latencies(results), name="latencies")
    for kind in LATENCIES:
        page.chart(_over_time(results, labels, kind))
        page.chart(_percentiles(results, labels, kind))
    page.section("Machines", _machines(results), name="machines")
    return page.html()


def _headings(results: Sequence[Result]) -> list[Cell]:
    return [Cell(""), *(Cell(f"run {place}") for place in range(1, len(results) + 1))]


def _runs(results: Sequence[Result], labels: Sequence[str]) -> str:
    return "".join(
        f"<p><strong>run {place}</strong> {escape(label)} {pill('passed' if result.passed else 'failed')}</p>"
        + paragraph(f"{summary_line(result.observation)}, started {result.observation.started}", "about")
        for place, (result, label) in enumerate(zip(results, labels, strict=True), 1)
    )


def _targets(results: Sequence[Result]) -> str:
    names = dict.fromkeys(verdict.name for result in results for verdict in result.verdicts)
    found = [{verdict.name: verdict for verdict in result.verdicts} for result in results]
    rows = []
    for name in names:
        verdicts = [by_name.get(name) for by_name in found]
        first = next(verdict for verdict in verdicts if verdict)
        cells = [Cell(f"{first.title} {first.target}")]
        for verdict in verdicts:
            if verdict is None:
                cells.append(Cell("–"))
                continue
            words = number(verdict.measured, verdict.unit) if verdict.measured is not None else ""
            cells.append(Cell(markup=f'<span class="whole">{words}</span> {pill(verdict.word)}'))
        rows.append(cells)
    return table(_headings(results), rows)


def _latencies(results: Sequence[Result]) -> str:
    rows = [
        [Cell(f"{NAMES[kind]}, run {place}"), *latency_cells(result.latency_ms[kind])]
        for kind in LATENCIES
        for place, result in enumerate(results, 1)
        if kind in result.latency_ms
    ]
    about = "Milliseconds, in the judged stages."
    return paragraph(about, "about") + table(latency_headings(""), rows)


def _over_time(results: Sequence[Result], labels: Sequence[str], kind: str) -> Chart:
    traces: list[Trace] = []
    for place, (result, label) in enumerate(zip(results, labels, strict=True)):
        found = [
            (span.at, histogram)
            for span in group_seconds(result.observation.seconds)
            if (histogram := span.latency(kind))
        ]
        if found:
            values = [histogram.percentile_us(99) / 1000 for _, histogram in found]
            traces.append(line(f"{place + 1}: {label}", [at for at, _ in found], values, COLOURS[place % len(COLOURS)]))
    layout: Layout = {"xaxis": {"ticksuffix": " s"}, "yaxis": log_axis("ms")}
    title = f"Latency of {NAMES[kind]} over time, p99"
    return Chart(f"time-{kind}", title, "Each run from its own beginning.", traces, layout)


def _percentiles(results: Sequence[Result], labels: Sequence[str], kind: str) -> Chart:
    traces = [
        percentile_line(f"{place + 1}: {label}", result.observation.whole[kind], COLOURS[place % len(COLOURS)])
        for place, (result, label) in enumerate(zip(results, labels, strict=True))
        if kind in result.observation.whole
    ]
    title = f"Latency of {NAMES[kind]} by percentile"
    return Chart(f"percentiles-{kind}", title, "In the judged stages.", traces, percentile_layout())


def _machines(results: Sequence[Result]) -> str:
    known = [{**facts(result.observation.machine), "data hash": result.data_hash[:16]} for result in results]
    names = dict.fromkeys(name for of_one in known for name in of_one)
    rows = [[Cell(name), *(Cell(of_one.get(name, "–")) for of_one in known)] for name in names]
    return table(_headings(results), rows)

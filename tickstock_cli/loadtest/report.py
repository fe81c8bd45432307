"""The report page of a result: the verdict first, then the figures behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from tickstock_cli.core.counted import counted
from tickstock_cli.loadtest.charts import charts
from tickstock_cli.loadtest.observation import LATENCIES, Observation
from tickstock_cli.loadtest.remarks import NAMES, capacity_words, rates, remarks, summary_line
from tickstock_cli.loadtest.result import Result
from tickstock_cli.loadtest.scenario import RECORDS
from tickstock_cli.loadtest.verdicts import limits_of
from tickstock_cli.measurement.histogram import Histogram, Summary
from tickstock_cli.measurement.machine import facts
from tickstock_cli.measurement.page import (
    NUMBER,
    Cell,
    Page,
    bullets,
    facts_list,
    folded,
    paragraph,
    pill,
    preformatted,
    table,
)
from tickstock_cli.measurement.verdict import TargetVerdict, number

LATENCY_COLUMNS = (
    ("p50", "p50_ms"),
    ("p90", "p90_ms"),
    ("p99", "p99_ms"),
    ("p99.9", "p999_ms"),
    ("max", "max_ms"),
    ("mean", "mean_ms"),
)
"""Columns of latency tables: heading, and attribute of a summary."""


def report(result: Result) -> str:
    """Return the page of a result as HTML."""
    seen = result.observation
    page = Page(f"{seen.scenario['title']}: tickstock load test")
    state = "passed" if result.passed else "failed"
    found = capacity_words(seen)
    page.header(
        paragraph(summary_line(seen), "quiet"),
        f'<p class="headline">{pill(state)} {escape(result.headline)}</p>',
        paragraph(found) if found else "",
        bullets(remarks(seen)),
        state="ok" if result.passed else "failed",
    )
    page.section("Targets", _targets(result.verdicts), name="targets")
    page.section("Latency", _latency_table(result.latency_ms), _stage_tables(seen), name="latencies")
    page.section("Rows a wall second", _rate_table(seen), name="rows")
    for chart in charts(seen, limits_of(seen)):
        page.chart(chart)
    page.section("Alerts and breakers", _troubles(seen), name="troubles")
    page.section("Row counts", _accounts(seen), name="accounts")
    page.section("Setup", _setting(result), name="setting")
    return page.html()


def _targets(verdicts: tuple[TargetVerdict, ...]) -> str:
    headings = [Cell("figure"), Cell("target", NUMBER), Cell("measured", NUMBER), Cell("verdict"), Cell("note")]
    rows = [
        [
            Cell(verdict.title),
            Cell(verdict.target or "no limit", "number target"),
            Cell(number(verdict.measured, verdict.unit) if verdict.measured is not None else "–", "number measured"),
            Cell(kind="verdict", markup=pill(verdict.word)),
            Cell(verdict.note, "note"),
        ]
        for verdict in verdicts
    ]
    return table(headings, rows, "verdicts")


def latency_cells(summary: Summary) -> list[Cell]:
    """Return the cells of a summary: its figures and its count."""
    figures = [getattr(summary, figure) for _, figure in LATENCY_COLUMNS]
    cells = [Cell("–" if value is None else number(value), NUMBER) for value in figures]
    return [*cells, Cell(f"{summary.count:,}", NUMBER)]


def latency_headings(first: str) -> list[Cell]:
    """Return the headings of a table of latencies."""
    return [Cell(first), *(Cell(heading, NUMBER) for heading, _ in LATENCY_COLUMNS), Cell("measured", NUMBER)]


def _latency_table(latency: Mapping[str, Summary]) -> str:
    rows = [[Cell(NAMES[kind]), *latency_cells(latency[kind])] for kind in LATENCIES if kind in latency]
    if not rows:
        return paragraph("No latency was measured in the judged stages.")
    about = (
        "Milliseconds from the due time of a row or event to the end of its processing or delivery, in the judged "
        "stages. The time that a row waits to be sent counts, too."
    )
    return paragraph(about, "about") + table(latency_headings(""), rows)


def _stage_tables(seen: Observation) -> str:
    rows = [
        [
            Cell(f"{span.name}: {NAMES[kind]}"),
            *latency_cells(Histogram.decode(seen.by_stage[span.name][kind]).summary()),
        ]
        for span in seen.stages
        for kind in LATENCIES
        if kind in seen.by_stage.get(span.name, {})
    ]
    if not rows:
        return ""
    return folded("By stage, warm-up included", table(latency_headings(""), rows))


def _rate_table(seen: Observation) -> str:
    names = ("asked", "sent", "processed", "most asked", "most processed")
    headings = [Cell(""), *(Cell(name, NUMBER) for name in names)]
    rows = [
        [
            Cell(NAMES[line.kind]),
            *(Cell(number(round(value)), NUMBER) for value in (line.asked, line.sent, line.processed)),
            *(Cell(f"{value:,}", NUMBER) for value in (line.asked_most, line.processed_most)),
        ]
        for line in rates(seen)
    ]
    if not rows:
        return paragraph("No row was due in the judged stages.")
    about = "Means over the judged stages, and the maxima of a second."
    if seen.speed != 1:
        about += f" These are rates of wall seconds; the scenario's own rates are {seen.speed:g} times lower."
    return paragraph(about, "about") + table(headings, rows)


def _troubles(seen: Observation) -> str:
    parts = []
    if seen.alerts:
        rows = [
            [
                Cell(f"{alert.get('at', 0):.1f} s", NUMBER),
                Cell(str(alert.get("worst_severity", alert.get("severity", "")))),
                Cell(str(alert.get("type", ""))),
                Cell(str(alert.get("message", "")), "note"),
            ]
            for alert in seen.alerts
        ]
        parts.append(table([Cell("at", NUMBER), Cell("severity"), Cell("alert"), Cell("message")], rows))
    if seen.breakers:
        rows = [
            [
                Cell(f"{change.get('at', 0):.1f} s", NUMBER),
                Cell(str(change.get("channel", ""))),
                Cell(f"{change.get('before', '')} to {change.get('after', '')}"),
                Cell(str(change.get("reason", "")), "note"),
            ]
            for change in seen.breakers
        ]
        parts.append(table([Cell("at", NUMBER), Cell("channel"), Cell("breaker"), Cell("reason")], rows))
    return "".join(parts) or paragraph("No alert was raised and no circuit breaker opened.")


def _accounts(seen: Observation) -> str:
    expected = seen.truth
    headings = [Cell(""), *(Cell(name, NUMBER) for name in ("due", "sent", "read", "planted duplicates"))]
    rows = [
        [
            Cell(NAMES[kind]),
            Cell(f"{expected.rows.get(kind, 0):,}", NUMBER),
            Cell(f"{seen.sent.get(kind, 0):,}", NUMBER),
            Cell(f"{seen.ledger[f'{kind}.read']:,}" if f"{kind}.read" in seen.ledger else "–", NUMBER),
            Cell(f"{expected.duplicates.get(kind, 0):,}", NUMBER),
        ]
        for kind in RECORDS
        if expected.rows.get(kind) or seen.sent.get(kind)
    ]
    known = {
        "events published": f"{seen.events:,}",
        "digest of the events": seen.digest or "unknown",
        "digest of the expected events": expected.digest or f"unknown: {expected.reason}",
    }
    if seen.clients:
        clients = seen.clients
        known["clients"] = (
            f"{clients.count:,}, of which {clients.stalled:,} stalled; {counted(clients.delivered, 'event')} "
            f"delivered, {clients.repeats:,} repeated, {clients.gaps:,} missed; "
            f"{counted(clients.disconnected, 'client')} disconnected"
        )
    if expected.faults:
        known["planted faults"] = ", ".join(
            f"{name.replace('_', ' ')} {count:,}" for name, count in expected.faults.items()
        )
    ledger = "\n".join(f"{name:<40} {count:>14,}" for name, count in sorted(seen.ledger.items()))
    return table(headings, rows) + facts_list(known) + folded("The system's ledger", preformatted(ledger or "unknown"))


def _setting(result: Result) -> str:
    seen = result.observation
    known = {
        "command": seen.command,
        "scenario": f"{seen.name}: {seen.scenario['title']}",
        "data hash": result.data_hash,
        "started": seen.started,
        "speed": f"{seen.speed:g}x" + ("" if seen.speed == 1 else f", rates scaled by {seen.speed:g}"),
        "transport": seen.transport,
        **{f"{one['family']} {one['name']}": f"{one['distribution']} {one['version']}" for one in seen.plugins},
        **facts(seen.machine),
    }
    if seen.lateness:
        late = Histogram.decode(seen.lateness).summary()
        known["generator late"] = f"p99 {number(late.p99_ms, 'ms')}, max {number(late.max_ms, 'ms')}"
    scenario = preformatted(json.dumps(_plain(seen.scenario), indent=2, ensure_ascii=False))
    return facts_list(known) + folded("The whole scenario", scenario)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value

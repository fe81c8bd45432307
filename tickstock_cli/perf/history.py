"""A history of runs, one line of JSON each, and its page of charts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

from pydantic import TypeAdapter, ValidationError

from tickstock_cli.core.counted import counted
from tickstock_cli.core.os_errors import os_error_hint
from tickstock_cli.errors import DataError, OutputError
from tickstock_cli.measurement.documents import DOCUMENT
from tickstock_cli.measurement.machine import alike
from tickstock_cli.measurement.page import Cell, Chart, Page, paragraph, table
from tickstock_cli.perf.figures import Figures
from tickstock_cli.perf.judging import figure
from tickstock_cli.perf.metrics import METRICS, Metric


@dataclass(frozen=True, slots=True)
class Entry:
    """One run: its medians, without the samples."""

    __pydantic_config__: ClassVar = DOCUMENT

    figures: Figures
    """The run; ``samples`` are empty."""
    medians: dict[str, float]
    """By metric."""


def entry_of(figures: Figures) -> Entry:
    """Return the history's entry of a run."""
    medians = {}
    for metric in METRICS:
        values = [sample[metric.key] for sample in figures.samples.get(metric.benchmark, ()) if metric.key in sample]
        if values and None not in values:
            medians[metric.name] = float(median(values))
    return Entry(replace(figures, samples={}), medians)


def append(path: Path, entry: Entry) -> None:
    """Add a run to a history; create the file if it is missing.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    line = json.dumps(asdict(entry), ensure_ascii=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(line)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {os_error_hint(error)}") from error


def read(path: Path) -> list[Entry]:
    """Read a history, oldest first.

    Raises
    ------
    DataError
        The file is missing, or a line is no entry.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text; name a file that tickstock perf run --history wrote") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(TypeAdapter(Entry).validate_json(line))
        except ValidationError as error:
            raise DataError(
                f"{path}, line {number}, is no run that tickstock perf run --history "
                "added; remove the line, or name another file"
            ) from error
    if not entries:
        raise DataError(f"{path} holds no run yet; add one with tickstock perf run --history {path}")
    return entries


def trend_page(entries: Sequence[Entry]) -> str:
    """Draw a history: one chart for each metric, with the runs in order and changes of the machine."""
    page = Page("tickstock perf: history")
    page.header(
        paragraph(
            f"{counted(len(entries), 'run')}, from {entries[0].figures.created} to {entries[-1].figures.created}"
        ),
        state="ok",
    )
    breaks = [number for number, (before, after) in enumerate(pairwise(entries), 1) if _other(before, after)]
    if breaks:
        page.section(
            "Machines", paragraph("Dashed lines: another machine or recording from there on; do not compare across.")
        )
    for metric in METRICS:
        page.chart(_chart(metric, entries, breaks))
    known = [metric for metric in METRICS if any(metric.name in entry.medians for entry in entries)]
    headings = [Cell("run"), Cell("when"), Cell("commit"), *(Cell(metric.title, "number") for metric in known)]
    page.section("Figures", table(headings, [_row(number, entry, known) for number, entry in enumerate(entries, 1)]))
    return page.html()


def _chart(metric: Metric, entries: Sequence[Entry], breaks: Sequence[int]) -> Chart:
    known = [(number, entry) for number, entry in enumerate(entries, 1) if metric.name in entry.medians]
    scale, unit = {"s": (1000.0, "ms"), "bytes": (2.0**-20, "MiB")}.get(metric.unit, (1.0, metric.unit))
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [number for number, _ in known],
        "y": [entry.medians[metric.name] * scale for _, entry in known],
        "text": [f"{entry.figures.machine.commit or 'unknown'}, {entry.figures.created}" for _, entry in known],
        "line": {"color": "var(--series-1)"},
    }
    shapes = [
        {
            "type": "line",
            "x0": place + 0.5,
            "x1": place + 0.5,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"dash": "dash", "width": 1},
        }
        for place in breaks
    ]
    layout = {
        "xaxis": {"title": {"text": "run"}, "dtick": 1 if len(entries) < 20 else None},
        "yaxis": {"title": {"text": unit}, "rangemode": "tozero"},
        "shapes": shapes,
    }
    return Chart(
        metric.name,
        metric.title,
        f"Median of each run{f', {unit}' if unit else ''}.",
        [trace] if known else [],
        layout,
        260,
    )


def _row(number: int, entry: Entry, known: Sequence[Metric]) -> list[Cell]:
    cells = [Cell(str(number)), Cell(entry.figures.created), Cell(entry.figures.machine.commit or "unknown")]
    return [*cells, *(Cell(figure(entry.medians.get(metric.name), metric.unit), "number") for metric in known)]


def _other(before: Entry, after: Entry) -> bool:
    a, b = before.figures, after.figures
    return bool(alike(a.machine, b.machine)) or a.data_hash != b.data_hash

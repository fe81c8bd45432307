"""From sections to what a terminal shows, and to JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from benchmarks.figures import Figure, Section

DECIMALS = {"s": 2, "×": 2, "MiB": 0, "ns/row": 1, "ns/event": 0, "M rows/s": 2, "rows/s": 0, "ms": 1, "µs": 1}


def draw_section(section: Section) -> RenderableType:
    """Draw a section's figures, one a line: median, range, bar."""
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("")
    for heading in ("median", "min - max"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("bar", no_wrap=True)
    table.add_column("")
    for figure in section.figures:
        table.add_row(*_cells(figure))
    return Group(Text(section.title, style="bold"), Text(f"Protects: {section.protects}.", style="dim"), table)


def draw_machine(machine: Mapping[str, str]) -> RenderableType:
    """Draw what was measured on."""
    return Text(", ".join(f"{name} {value}" for name, value in machine.items()), style="dim")


def write_json(path: Path, machine: Mapping[str, str], sections: Sequence[Section]) -> None:
    """Write everything, with the value of every round."""
    report = {"machine": dict(machine), "sections": [section.as_dict() for section in sections]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _cells(figure: Figure) -> list[RenderableType]:
    several = len(figure.values) > 1
    span = f"{_number(min(figure.values), figure.unit)} - {_number(max(figure.values), figure.unit)}" if several else ""
    return [figure.name, _number(figure.median, figure.unit), span, figure.unit, _verdict(figure), figure.note]


def _verdict(figure: Figure) -> Text:
    if figure.bar is None:
        return Text("")
    bar = f"≤ {figure.bar:g}"
    return Text(f"{bar} ✓", style="green") if figure.within else Text(f"{bar} missed", style="red")


def _number(value: float, unit: str) -> str:
    return f"{value:,.{DECIMALS[unit]}f}"

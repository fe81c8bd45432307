"""Tables of a study: intervals by horizon, parts by ticker, all cells."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from tickstock_cli.backtest.report.plot import SIDE, Axis, value_axis
from tickstock_cli.backtest.report.values import CellValues, Footnotes, group_name
from tickstock_cli.backtest.words import is_evidence
from tickstock_cli.core.counted import counted
from tickstock_cli.measurement.page import NUMBER, Cell, paragraph, table
from tickstock_cli.study.breakdowns import HorizonBreakdown
from tickstock_cli.study.calibration import Calibration
from tickstock_cli.study.cells import StudyCell

if TYPE_CHECKING:  # polars is heavy: only with events or a truth
    from tickstock_cli.scoring.scoring import Score

OPTIONAL = f"{NUMBER} optional"
"""Class of columns that a phone leaves out."""

_COLUMNS = (
    "n", "mean", "95 %", "median", "std", "hit", "mfe", "mae", "with placebo", "placebo", "excess", "95 %", "p", "q",
)  # fmt: skip
_SCORED = ("injected", "found", "recall", "delay median", "delay p95", "events", "matched", "precision")
_MARKS = {"thin": "thin", "few": "few", "excess_thin": "excess thin", "excess_few": "excess few"}


def forest(cells: Sequence[StudyCell], horizons: Sequence[str], calibration: Calibration) -> str:
    """Return the excess of each cell with its interval, drawn on one scale for each horizon.

    Without any placebo, the return takes the place of the excess.
    """
    has_placebo = any(cell.values["placebo_events"] for cell in cells)
    prefix, mean = ("excess_", "excess_mean") if has_placebo else ("", "mean")
    what = "excess bp" if has_placebo else "mean bp"
    notes = Footnotes()
    headings = [
        Cell(""), Cell("n", OPTIONAL), Cell(), Cell(what, NUMBER), Cell("95 %", OPTIONAL), Cell("p", OPTIONAL),
        Cell("q", NUMBER),
    ]  # fmt: skip
    head = "".join(heading.html("th") for heading in headings)
    blocks = []
    for horizon in horizons:
        mine = [cell for cell in cells if cell.values["horizon"] == horizon]
        scale = _scale(mine, prefix, mean)
        rows = "".join(_forest_row(cell, scale, prefix, mean, calibration, notes) for cell in mine)
        blocks.append(f"<tbody>{_forest_head(horizon, scale)}{rows}</tbody>")
    drawn = f'<table class="forest"><thead><tr>{head}</tr></thead>{"".join(blocks)}</table>'
    return f'<div class="wide">{drawn}</div>{notes.html()}'


def ticker_table(parts: HorizonBreakdown) -> str:
    """Return what followed the events of the tickers with most of them, by kind."""
    notes = Footnotes()
    headings = [
        Cell("kind"), Cell("ticker"), Cell("n", NUMBER), Cell("mean bp", NUMBER), Cell("95 %", OPTIONAL),
        Cell("hit", OPTIONAL), Cell("excess bp", NUMBER), Cell("95 %", OPTIONAL),
    ]  # fmt: skip
    rows = []
    for kind in parts.kinds:
        named = [*kind.by_ticker]
        if kind.others is not None:
            named.append((counted(kind.others_tickers, "other"), kind.others))
        for name, cell in named:
            values = CellValues(cell, notes)
            rows.append([
                Cell(kind.kind), Cell(name), values.count("n"), values.bps("mean"), values.interval(kind=OPTIONAL),
                Cell(values.share("hit_rate").text, OPTIONAL), values.bps("excess_mean"),
                values.interval("excess_", OPTIONAL),
            ])  # fmt: skip
    return table(headings, rows, "sortable") + notes.html()


def cell_table(cells: Sequence[StudyCell]) -> str:
    """Return all cells with their main figures."""
    notes = Footnotes()
    headings = [Cell("cell"), Cell("horizon"), *(Cell(name, NUMBER) for name in _COLUMNS), Cell("marks")]
    rows = []
    for cell in cells:
        values = CellValues(cell, notes)
        marks = [words for key, words in _MARKS.items() if cell.values[key]]
        rows.append([
            Cell(_name(cell), "whole"), Cell(str(cell.values["horizon"])), values.count("n"), values.bps("mean"),
            values.interval(), values.bps("median"), values.bps("std"), values.share("hit_rate"),
            values.bps("mean_mfe"), values.bps("mean_mae"), values.count("placebo_events"), values.bps("placebo_mean"),
            values.bps("excess_mean"), values.interval("excess_"), values.probability("excess_p"),
            values.probability("excess_q"), Cell(", ".join(marks), "note"),
        ])  # fmt: skip
    return table(headings, rows, "sortable") + notes.html()


def score_table(score: Score) -> str:
    """Return how many of the injected moves the events found, by kind."""
    notes = Footnotes()

    def told(value: float | None, form: str) -> Cell:
        return notes.unknown("no such move or event") if value is None else Cell(form.format(value), NUMBER)

    headings = [Cell("kind"), *(Cell(name, NUMBER) for name in _SCORED)]
    rows = [
        [
            Cell(one.kind), Cell(f"{one.injected:,}", NUMBER), Cell(f"{one.found:,}", NUMBER),
            told(one.recall, "{:.1%}"), told(one.delay_median, "{:.1f} s"), told(one.delay_p95, "{:.1f} s"),
            Cell(f"{one.events:,}", NUMBER), Cell(f"{one.matched:,}", NUMBER), told(one.precision, "{:.1%}"),
        ]
        for one in score.kinds
    ]  # fmt: skip
    other = ", ".join(f"{count:,} {kind}" for kind, count in score.unscored.items())
    left = paragraph(f"Events of kinds that the truth has not: {other}.", "about") if other else ""
    return table(headings, rows) + notes.html() + left


def _forest_head(horizon: str, scale: Axis) -> str:
    """Return the line above a horizon's rows: its name and the labels of its scale."""
    labels = "".join(
        f'<span style="left:{100 * scale.share(value):.1f}%">{escape(label)}</span>' for value, label in scale.labels
    )
    return (
        f'<tr class="block"><th scope="rowgroup">{escape(horizon)}</th><td class="optional"></td>'
        f'<td class="scale"><div>{labels}</div></td><td></td><td class="optional"></td><td class="optional"></td>'
        "<td></td></tr>"
    )


def _forest_row(
    cell: StudyCell, scale: Axis, prefix: str, mean: str, calibration: Calibration, notes: Footnotes
) -> str:
    values = CellValues(cell, notes)
    key = "placebo_events" if prefix else "n"
    thin = " thin" if cell.values[f"{prefix}thin"] else ""
    centre = cell.values[mean]
    state = ""
    if prefix and is_evidence(cell, calibration) and isinstance(centre, float):
        state = " evidence" if centre > 0 else " opposite"
    cells = (
        values.count(key, OPTIONAL),
        Cell(kind="interval", markup=_interval(cell, scale, prefix, mean)),
        values.bps(mean),
        values.interval(prefix, OPTIONAL),
        values.probability(f"{prefix}p", OPTIONAL),
        values.probability(f"{prefix}q"),
    )
    few = "*" if cell.values[f"{prefix}few"] and not thin else ""
    drawn = "".join(one.html("td") for one in cells)
    return f'<tr class="row{thin}{state}"><th scope="row">{escape(_name(cell) + few)}</th>{drawn}</tr>'


def _interval(cell: StudyCell, scale: Axis, prefix: str, mean: str) -> str:
    """Draw a mean and its interval; ends beyond the scale are cut."""
    centre, low, high = (cell.values[name] for name in (mean, f"{prefix}lo", f"{prefix}hi"))
    shapes = f'<path class="zero" d="M{SIDE * scale.share(0.0):.1f} 0V20"/>'
    if isinstance(low, float) and isinstance(high, float):
        shapes += f'<path class="error" d="M{SIDE * scale.share(low):.1f} 10H{SIDE * scale.share(high):.1f}"/>'
    if isinstance(centre, float):
        shapes += f'<path class="dots" d="M{SIDE * scale.share(centre):.1f} 10h0"/>'
    return f'<svg viewBox="0 0 {SIDE} 20" preserveAspectRatio="none" aria-hidden="true">{shapes}</svg>'


def _scale(cells: Sequence[StudyCell], prefix: str, mean: str) -> Axis:
    """Return the scale of a horizon; thin cells may lie beyond it if others are there."""
    full = [cell for cell in cells if not cell.values[f"{prefix}thin"]] or cells
    found = [cell.values[name] for cell in full for name in (mean, f"{prefix}lo", f"{prefix}hi")]
    return value_axis([value for value in found if isinstance(value, float)], most=4)


def _name(cell: StudyCell) -> str:
    values = cell.values
    source = None if values["source"] is None else str(values["source"])
    return group_name(str(values["kind"]), values["direction"], source)

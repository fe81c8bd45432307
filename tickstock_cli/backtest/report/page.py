"""The report as a page: what the results say in words first, then what they are, then where they come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from html import escape
from importlib.resources import files

from tickstock_cli.backtest.lookahead import LookaheadResult
from tickstock_cli.backtest.lookahead_words import difference_words, lookahead_words, warm_up_words
from tickstock_cli.backtest.report.contents import ReportContents
from tickstock_cli.backtest.report.strategy_section import strategy_section
from tickstock_cli.backtest.report.study_charts import (
    CURVE_KEYS,
    HISTOGRAM_KEYS,
    curve_figure,
    curve_name,
    half_hour_figure,
    histogram_figure,
)
from tickstock_cli.backtest.report.study_tables import cell_table, forest, score_table, ticker_table
from tickstock_cli.backtest.report.values import group_name
from tickstock_cli.backtest.words import (
    calibration_words,
    cell_words,
    cost_words,
    count_words,
    family,
    headline,
    round_trip_bps,
    row_words,
    strategy_warnings,
    strategy_words,
    telling_cells,
    tests_of,
    warnings,
)
from tickstock_cli.config.settings import deciding_settings
from tickstock_cli.config.strategy import FillRules
from tickstock_cli.core.calendar import market_zone
from tickstock_cli.core.shown_times import exchange_zone
from tickstock_cli.measurement.page import Page, bullets, facts_list, folded, paragraph, preformatted
from tickstock_cli.study.breakdowns import HorizonBreakdown
from tickstock_cli.study.cells import StudyCell

FIRST_SHOWN = "5m"
"""The horizon whose parts are shown first, if the study has it."""


def report(contents: ReportContents) -> str:
    """Return the page of a backtest as HTML."""
    page = Page("Backtest", style=_static("report.css"), script=_static("report.js"))
    _header(page, contents)
    _study(page, contents)
    zone = market_zone(contents.settings.session.market_calendar)
    for place, strategy in enumerate(contents.strategies):
        drawn = strategy_section(strategy, contents.tickers, contents.kinds, zone)
        page.section(f"Strategy {strategy.result.name}", drawn, name=f"strategy-{place + 1}")
    if contents.score is not None:
        page.section("Events against the truth", score_table(contents.score), name="score")
    _origin(page, contents)
    return page.html()


def _header(page: Page, contents: ReportContents) -> None:
    study, fill = contents.study, FillRules()
    calibration, tests, costs = study.table.calibration, tests_of(study), round_trip_bps(fill)
    told = [cell_words(cell, costs, calibration, tests) for cell in telling_cells(study)]
    told += [strategy_words(strategy.result) for strategy in contents.strategies]
    warned = warnings(study, contents.settings, contents.prices)
    warned += row_words(contents.ledger)
    warned += [words for strategy in contents.strategies for words in strategy_warnings(strategy.result)]
    page.header(
        f'<p class="headline">{escape(headline(study))}</p>',
        bullets(told),
        paragraph(cost_words(fill), "about"),
        paragraph(calibration_words(calibration), "told"),
        *_lookahead(contents.lookahead),
        f"<h2>Warnings</h2>{bullets(warned, 'remarks warnings')}" if warned else "",
        state="plain",
    )


def _lookahead(checked: LookaheadResult | None) -> list[str]:
    if checked is None:
        return [paragraph("Look-ahead: not checked; --check-lookahead does.", "about")]
    told = (lookahead_words(checked), difference_words(checked), warm_up_words(checked))
    return [paragraph(words) for words in told if words]


def _study(page: Page, contents: ReportContents) -> None:
    study = contents.study
    cells = family(study)
    if not cells:
        page.section("Observations", _counts(contents), name="observations")
        return
    has_placebo = any(cell.values["placebo_events"] for cell in cells)
    about = (
        "What followed the events, less what the same stocks did at the same time of the next days, with 95 % "
        "intervals. Errors are clustered by ticker and day, and by moment. q takes all tests of the table into account."
        if has_placebo
        else "What followed the events, with 95 % intervals. No event has a placebo, so this is no excess: it holds "
        "whatever these stocks did anyway."
    )
    marks = "Faint: thin, in no test. * few days or stocks: the error is rough."
    title = "Excess by kind and horizon" if has_placebo else "Return by kind and horizon"
    drawn = forest(cells, study.horizons, study.table.calibration)
    page.section(title, paragraph(f"{about} {marks}", "about"), drawn, name="excess")
    _curves(page, contents, cells)
    _parts(page, contents, cells)
    page.section("Observations", _counts(contents), name="observations")


def _curves(page: Page, contents: ReportContents, cells: Sequence[StudyCell]) -> None:
    known = _by_name(cells)
    shown = _not_thin(known)
    figures = [
        curve_figure(curve, name, known[name])
        for curve in contents.curves
        if (name := curve_name(curve, contents.kinds, contents.sources)) in shown
    ]
    if not figures:
        return
    about = (
        "Mean return on the entry's price in the direction of the event, in basis points; minutes from the entry. What "
        "lies left of the entry could not be had, and is cut where it is far away. Every placebo moment counts once "
        "here; the table takes the mean of each event's placebos first."
    )
    page.section(
        "Paths around the events", paragraph(about, "about"), CURVE_KEYS, _grid(figures), _left_out(known, shown),
        name="paths",
    )  # fmt: skip


def _parts(page: Page, contents: ReportContents, cells: Sequence[StudyCell]) -> None:
    known = _by_name(cells)
    shown = _not_thin(known)
    zone = exchange_zone(contents.settings.session.market_calendar).name

    def histograms(parts: HorizonBreakdown) -> str:
        figures = []
        for (kind, direction, source), found in parts.histograms.items():
            name = group_name(contents.kinds[kind], direction, contents.sources[source])
            if name in shown:
                cell = next(cell for cell in known[name] if cell.values["horizon"] == parts.horizon)
                median = cell.values["median"]
                figures.append(histogram_figure(found, name, median if isinstance(median, float) else None))
        return _grid(figures) + _left_out(known, shown)

    about = f"Mean by the half-hour of the decision ({zone}), with 95 % intervals; those that are much wider are cut."
    chance = "Parts are no tests of their own: of twenty, one looks large by chance."
    sections: list[tuple[str, str, str, Callable[[HorizonBreakdown], str]]] = [
        ("half-hours", "By half-hour", f"{about} {chance}", lambda parts: _grid(map(half_hour_figure, parts.kinds))),
        ("tickers", "By ticker", f"The tickers with most events of each kind. {chance}", ticker_table),
        ("distribution", "Distribution", "How returns are distributed, beside single placebo returns.", histograms),
    ]  # fmt: skip
    for name, title, words, draw in sections:
        if contents.breakdowns:
            keys = HISTOGRAM_KEYS if name == "distribution" else ""
            page.section(title, paragraph(words, "about"), keys, _views(contents, draw), name=name)


def _views(contents: ReportContents, draw: Callable[[HorizonBreakdown], str]) -> str:
    """Return a part of the page for each horizon, and buttons that select one."""
    horizons = [parts.horizon for parts in contents.breakdowns]
    first = FIRST_SHOWN if FIRST_SHOWN in horizons else horizons[0]
    buttons = "".join(_button(horizon, chosen=horizon == first) for horizon in horizons)
    views = "".join(
        f'<div class="view" data-view="{escape(parts.horizon)}"><h3>{escape(parts.horizon)}</h3>{draw(parts)}</div>'
        for parts in contents.breakdowns
    )
    return f'<div class="choices" role="group" aria-label="Horizon">{buttons}</div>{views}'


def _button(horizon: str, *, chosen: bool) -> str:
    pressed = "true" if chosen else "false"
    return f'<button type="button" data-choice="{escape(horizon)}" aria-pressed="{pressed}">{escape(horizon)}</button>'


def _counts(contents: ReportContents) -> str:
    first, *rest = count_words(contents.study, contents.settings, contents.prices)
    every = contents.study.table.cells
    return paragraph(first) + bullets(rest) + (folded("All cells", cell_table(every)) if every else "")


def _origin(page: Page, contents: ReportContents) -> None:
    settings = json.dumps(deciding_settings(contents.settings), indent=2, ensure_ascii=False, default=str)
    analysis = {name: getattr(contents.settings, name).model_dump(mode="json") for name in ("prices", "study")}
    chosen = json.dumps(analysis, indent=2, ensure_ascii=False)
    page.section(
        "Where this comes from",
        facts_list(contents.facts),
        folded("Settings of prices and study", preformatted(chosen)),
        folded("Settings that decide the events", preformatted(settings)),
        name="origin",
    )


def _by_name(cells: Sequence[StudyCell]) -> dict[str, list[StudyCell]]:
    found: dict[str, list[StudyCell]] = {}
    for cell in cells:
        values = cell.values
        name = group_name(str(values["kind"]), values["direction"], str(values["source"]))
        found.setdefault(name, []).append(cell)
    return found


def _not_thin(known: dict[str, list[StudyCell]]) -> set[str]:
    """Return the names that have a cell that is not thin; all if there is none."""
    full = {name for name, cells in known.items() if not all(cell.values["thin"] for cell in cells)}
    return full or set(known)


def _left_out(known: dict[str, list[StudyCell]], shown: set[str]) -> str:
    left = [name for name in known if name not in shown]
    return paragraph(f"Too thin to draw: {'; '.join(left)}.", "about") if left else ""


def _grid(figures: Iterable[str]) -> str:
    return f'<div class="grid">{"".join(figures)}</div>'


def _static(name: str) -> str:
    return (files("tickstock_cli.backtest.report") / "static" / name).read_text(encoding="utf-8")

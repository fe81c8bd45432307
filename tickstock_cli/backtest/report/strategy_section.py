"""A strategy's part of the report: its figures in words and numbers, equity, costs, signals, trades."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta, tzinfo
from typing import Any

import numpy as np

from tickstock_cli.backtest.report.contents import StrategyContents
from tickstock_cli.backtest.report.plot import Axis, Plot, Point, value_axis
from tickstock_cli.backtest.report.strategy_records import EquityPoints
from tickstock_cli.backtest.report.study_charts import figure
from tickstock_cli.backtest.report.study_tables import OPTIONAL
from tickstock_cli.backtest.report.trade_table import trade_table
from tickstock_cli.backtest.report.values import known_bps
from tickstock_cli.backtest.words import dollars, interval, strategy_words
from tickstock_cli.core.counted import counted
from tickstock_cli.measurement.page import NUMBER, Cell, facts_list, folded, paragraph, preformatted, table

_EPOCH = date(1970, 1, 1)

MOST_GROUPS = 20
"""Lines of a breakdown by ticker: those with most trades."""

NOT_MODELLED = (
    "Not modelled: borrowing of shares, halts' auctions, financing, splits, dividends. Only market orders; a stop is a "
    "decision, so a gap is filled at the gap."
)
IGNORED = {
    "side": "the event says neither up nor down",
    "outside": "decided outside the day's phases, or after session_end",
    "opposite": "a position on the other side is held; it is closed",
    "held": "the ticker has a position or a working order",
    "positions": "size.max_positions is reached",
    "no_price": "the ticker has no price yet",
    "gross": "size.max_gross_percent, or no equity",
    "size": "less than one share",
}
"""What a reason for ignoring a signal means."""


def strategy_section(strategy: StrategyContents, tickers: Sequence[str], kinds: Sequence[str], zone: tzinfo) -> str:
    """Return the part of the page about a strategy."""
    figures = strategy.result.figures.figures
    groups = [
        folded(title, _breakdown(figures[name], title))
        for name, title in (
            ("by_reason", "By reason of the exit"),
            ("by_kind", "By kind of event"),
            ("by_half_hour", "By half-hour of the decision"),
            ("by_ticker", "By ticker"),
        )
        if figures[name]
    ]
    settings = json.dumps(strategy.result.settings.model_dump(mode="json"), indent=2, ensure_ascii=False)
    return "".join(
        (
            paragraph(strategy_words(strategy.result), "told"),
            equity_figures(strategy.details.equity, strategy.result.name) if strategy.details.trade_count else "",
            facts_list(_figures(strategy)),
            paragraph(NOT_MODELLED, "about"),
            "<h3>Signals</h3>",
            _signals(strategy.result.signals),
            "<h3>Trades</h3>",
            trade_table(strategy, tickers, kinds, zone),
            *groups,
            folded("Settings of the strategy", preformatted(settings)),
        )
    )


def equity_figures(points: EquityPoints, name: str) -> str:
    """Return the charts of equity, drawdown and exposure."""
    count = len(points.equity)
    if count < 2:
        return paragraph("Equity: unknown; no minute of equity.", "about")
    labels = _day_labels(points.days)
    x = Axis(0, count - 1, labels)
    equity = Plot(x, value_axis(points.equity.tolist(), with_zero=False), f"Equity of {name} in dollars", 220, "money")
    equity.level(float(points.equity[0]), "zero")
    equity.line(_line(points.equity), "events")
    falls, held = 100 * points.drawdown, 100 * points.gross
    deepest = [*_known(falls), -0.01]  # without any fall the axis points down all the same
    drawdown = Plot(x, value_axis(deepest), f"Drawdown of {name} in percent", 110, "money")
    drawdown.area([(at, y) for at, y in _line(falls) if y is not None], 0.0, "loss-area")
    gross = Plot(x, value_axis(_known(held)), f"Exposure of {name} in percent", 110, "money")
    gross.area([(at, y) for at, y in _line(held) if y is not None], 0.0, "events-area")
    shown = [_day(int(day)) for day in points.days]
    equity.hover((float(at), f"{shown[at]}\n{points.equity[at]:,.2f} dollars") for at in range(count))
    return "".join(
        (
            figure("Equity", "dollars, each minute of the recorded days", equity),
            figure("Drawdown", "percent below the peak", drawdown),
            figure("Exposure", "what positions are worth, percent of equity", gross),
        )
    )


def _figures(strategy: StrategyContents) -> dict[str, str]:
    found, unknown = strategy.result.figures.figures, strategy.result.figures.unknown

    def told(name: str, form: str, factor: int = 1) -> str:
        value = found[name]
        if not isinstance(value, int | float):
            return f"unknown: {unknown.get(name, '')}"
        return form.format(value * factor).replace("-", "\N{MINUS SIGN}")

    def money(name: str) -> str:
        value = found[name]
        if not isinstance(value, int | float):
            return f"unknown: {unknown.get(name, '')}"
        return dollars(round(value), sign=True)

    def expectancy(prefix: str) -> str:
        bounds = interval(found[f"{prefix}expectancy_lo_bps"], found[f"{prefix}expectancy_hi_bps"])  # type: ignore[arg-type]  # no breakdowns
        reason = unknown.get(f"{prefix}expectancy_se_bps", "")
        error = bounds or (f"(error unknown: {reason})" if found[f"{prefix}expectancy_bps"] is not None else "")
        return f"{told(f'{prefix}expectancy_bps', '{:+.2f} bp')} {error}".strip()

    result = strategy.result
    start, end = (dollars(micros) for micros in (result.cash_start_micros, result.cash_end_micros))
    return {
        "money": f"{start} at the start, {end} at the end",
        "net": f"{money('net_micros')} = gross {dollars(_int(found['gross_micros']), sign=True)} - fees "
        f"{dollars(_int(found['fees_micros']))}".replace(" - ", " \N{MINUS SIGN} "),
        "spread and slippage": f"{dollars(strategy.details.slippage_micros)}, part of gross",
        "trades": f"{found['trades']:,}; hit rate {told('hit_rate', '{:.1f} %', 100)}",
        "expectancy": expectancy(""),
        "weighted by money": expectancy("weighted_"),
        "average win, loss": f"{money('average_win_micros')}; {money('average_loss_micros')}",
        "profit factor": told("profit_factor", "{:.3f}"),
        "drawdown": told("max_drawdown", "{:.2f} %", 100),
        "longest drawdown": told("longest_drawdown_minutes", "{:,} minutes"),
        "exposure": told("exposure", "{:.1f} % of the minutes", 100),
        "turnover": told("turnover", "{:.2f} times the mean equity"),
        "annual return": f"{told('annual_return', '{:.2f} %', 100)}",
        "annual volatility": f"{told('annual_volatility', '{:.2f} %', 100)}",
        "Sharpe, Sortino, Calmar": "; ".join(
            dict.fromkeys(told(name, "{:.2f}") for name in ("sharpe_ratio", "sortino_ratio", "calmar_ratio"))
        ),
        "deflated Sharpe": told("deflated_sharpe_ratio", "{:.3f}"),
        "orders": ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in result.orders.items()),
        "forced": f"{counted(strategy.result.forced_shares, 'share')} filled at the end of a day, whatever the size",
    }


def _signals(signals: Mapping[str, int]) -> str:
    total = max(1, signals["signals"])
    share = f"{signals['taken'] / total:.1%}"
    rows = [[Cell("taken"), Cell(f"{signals['taken']:,}", NUMBER), Cell(share, NUMBER), Cell("")]]
    for name, count in signals.items():
        if name.startswith("ignored."):
            reason = name.removeprefix("ignored.")
            rows.append([
                Cell(f"ignored: {reason.replace('_', ' ')}"), Cell(f"{count:,}", NUMBER),
                Cell(f"{count / total:.1%}", NUMBER), Cell(IGNORED.get(reason, ""), "note"),
            ])  # fmt: skip
    headings = [
        Cell(counted(signals["signals"], "signal")),
        Cell("number", NUMBER),
        Cell("share", NUMBER),
        Cell(""),
    ]
    return table(headings, rows)


def _breakdown(groups: Any, title: str) -> str:
    """Return a breakdown as a table; of many groups those with most trades."""
    names = list(groups)
    if len(names) > MOST_GROUPS:
        names = sorted(names, key=lambda name: (-groups[name]["trades"], name))[:MOST_GROUPS]
    headings = [
        Cell(title.removeprefix("By ")), Cell("trades", NUMBER), Cell("net", NUMBER), Cell("gross", OPTIONAL),
        Cell("fees", OPTIONAL), Cell("hit", OPTIONAL), Cell("bp a trade", NUMBER),
    ]  # fmt: skip
    rows = [
        [
            Cell(name), Cell(f"{group['trades']:,}", NUMBER), Cell(dollars(group["net_micros"], sign=True), NUMBER),
            Cell(dollars(group["gross_micros"], sign=True), OPTIONAL), Cell(dollars(group["fees_micros"]), OPTIONAL),
            Cell(f"{group['hit_rate']:.1%}", OPTIONAL), Cell(known_bps(group["expectancy_bps"]), NUMBER),
        ]
        for name, group in ((name, groups[name]) for name in names)
    ]  # fmt: skip
    left = len(groups) - len(names)
    more = paragraph(f"{left:,} more: result.json has all.", "about") if left else ""
    return table(headings, rows, "sortable") + more


def _day_labels(days: Sequence[int] | np.ndarray[Any, Any]) -> list[tuple[float, str]]:
    numbers = np.asarray(days)
    firsts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    every = -(-len(firsts) // 6)
    return [(float(at), _day(int(numbers[at]))[5:]) for at in firsts[::every].tolist()]


def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()


def _line(values: np.ndarray[Any, Any]) -> list[Point]:
    return [(float(at), None if np.isnan(value) else value) for at, value in enumerate(values.tolist())]


def _known(values: np.ndarray[Any, Any]) -> list[float]:
    return [value for value in values.tolist() if not np.isnan(value)]


def _int(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0

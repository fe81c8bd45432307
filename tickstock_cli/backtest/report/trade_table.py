"""The trades of a strategy: a line each, which unfolds to its own chart of prices, fills and exits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from html import escape

import numpy as np

from tickstock_cli.backtest.report.contents import StrategyContents
from tickstock_cli.backtest.report.plot import Axis, Plot, key, value_axis
from tickstock_cli.backtest.report.strategy_records import EXTREMES, ShownTrade
from tickstock_cli.backtest.report.study_tables import OPTIONAL
from tickstock_cli.backtest.report.values import known_bps
from tickstock_cli.backtest.words import dollars
from tickstock_cli.config.strategy import ExitRules
from tickstock_cli.core.counted import counted
from tickstock_cli.core.times import format_duration
from tickstock_cli.measurement.page import NUMBER, Cell, facts_list, paragraph
from tickstock_cli.trading.trade_prices import MOST_TRADES

MICROS = 1_000_000

TRADE_KEYS = key(
    [
        ("events", "price at the end of each minute"),
        ("range", "its range"),
        ("bought", "bought"),
        ("sold", "sold"),
        ("entry", "entry decided"),
        ("leaving", "exit decided"),
    ]
)

# fmt: off
_HEADINGS = (
    Cell("#", NUMBER), Cell("ticker"), Cell("side"), Cell("entered", "optional"), Cell("held", OPTIONAL),
    Cell("shares", OPTIONAL), Cell("entry", OPTIONAL), Cell("exit", OPTIONAL), Cell("net", NUMBER),
    Cell("bp", NUMBER), Cell("mfe", OPTIONAL), Cell("mae", OPTIONAL), Cell("reason"),
)
# fmt: on


def trade_table(strategy: StrategyContents, tickers: Sequence[str], kinds: Sequence[str], zone: tzinfo) -> str:
    """Return the trades as a table; each unfolds without a script."""
    details = strategy.details
    if not details.trades:
        return paragraph("No trade was made.")
    told = "A click on a number shows the trade's prices; one on a heading sorts."
    if len(details.trades) < details.trade_count:
        first = f" of the first {MOST_TRADES:,}" if details.trade_count > MOST_TRADES else ""
        told = (
            f"{len(details.trades):,} of {counted(details.trade_count, 'trade')}: the {EXTREMES} best and the "
            f"{EXTREMES} worst{first}, and others at equal distances; trades.parquet has all. {told}"
        )
    head = "".join(heading.html("th") for heading in _HEADINGS)
    bodies = "".join(_body(trade, strategy, tickers, kinds, zone) for trade in details.trades)
    return (
        f'{paragraph(told, "about")}{TRADE_KEYS}<div class="wide"><table class="trades sortable">'
        f"<thead><tr>{head}</tr></thead>{bodies}</table></div>"
    )


def trade_figure(trade: ShownTrade, rules: ExitRules, zone: tzinfo) -> str:
    """Return the chart of a trade; in words why there is none."""
    if trade.prices is None:
        return paragraph("No prices were kept for this trade.", "about")
    record, prices = trade.record, trade.prices
    places = int(prices["places"])
    start, length = int(prices["start"]), int(prices["length"])
    side, entry = int(record["side"]), float(record["entry_price"])
    seen = [
        (place, *(float(prices[name][place]) for name in ("low", "high", "close")))
        for place in range(places)
        if not np.isnan(prices["close"][place])
    ]
    fills = [((int(fill["time"]) - start) / length, fill) for fill in trade.fills]
    fills = [(at, fill) for at, fill in fills if 0 <= at <= places]
    levels = [(entry, "average", "entry")]
    if rules.stop_percent:
        levels.append((entry * (1 - side * rules.stop_percent / 100), "stop", "stop"))
    if rules.target_percent:
        levels.append((entry * (1 + side * rules.target_percent / 100), "target", "target"))
    values = [value for _, low, high, _ in seen for value in (low, high)]
    values += [int(fill["price"]) / MICROS for _, fill in fills] + [float(record["exit_price"])]
    low, high = min([*values, entry]), max([*values, entry])
    reach = high - low
    levels = [level for level in levels if low - reach < level[0] < high + reach]  # far ones would flatten the prices
    y = value_axis([*values, *(value for value, *_ in levels)], with_zero=False)
    every = max(1, -(-places // 5))
    labels = [(float(at), _clock(start + at * length, zone, "%H:%M")) for at in range(0, places + 1, every)]
    plot = Plot(Axis(0, places, labels), y, "Prices around the trade", 210, "trade")
    plot.spans(((at + 0.5, least, most) for at, least, most, _ in seen), "range")
    plot.line([(at + 1, close) for at, *_, close in seen], "events")
    for value, kind, label in levels:
        plot.level(value, kind, label)
    for name, kind in (("decision", "entry"), ("exit_decision", "leaving")):
        at = (int(record[name]) - start) / length
        if 0 <= at <= places:
            plot.upright(at, kind)
    for kind, wanted in (("bought", 1), ("sold", -1)):
        plot.dots([(at, int(fill["price"]) / MICROS) for at, fill in fills if fill["side"] == wanted], kind)
    return plot.html()


def _body(
    trade: ShownTrade, strategy: StrategyContents, tickers: Sequence[str], kinds: Sequence[str], zone: tzinfo
) -> str:
    record = trade.record
    number, ticker, side = int(record["trade"]), tickers[int(record["code"])], int(record["side"])
    first, last = int(record["first_entry"]), int(record["last_exit"])
    opened = _clock(first, zone, "%m-%d %H:%M:%S")
    cells = (
        Cell(ticker, "whole"), Cell("long" if side > 0 else "short"), _sorted_by(first, opened, "whole optional"),
        _sorted_by(last - first, format_duration(last - first), OPTIONAL), Cell(f"{int(record['shares']):,}", OPTIONAL),
        Cell(f"{float(record['entry_price']):,.4f}", OPTIONAL), Cell(f"{float(record['exit_price']):,.4f}", OPTIONAL),
        Cell(dollars(int(record["net"]), sign=True), f"{NUMBER} {'gain' if record['net'] > 0 else 'loss'}"),
        Cell(known_bps(float(record["return_bps"])), NUMBER), Cell(known_bps(float(record["mfe_bps"])), OPTIONAL),
        Cell(known_bps(float(record["mae_bps"])), OPTIONAL), Cell(strategy.reasons[int(record["reason"])], "whole"),
    )  # fmt: skip
    drawn = "".join(cell.html("td") for cell in cells)
    summary = f'<td class="number"><details><summary>{number + 1}</summary></details></td>'
    facts = facts_list(_facts(trade, kinds, zone))
    chart = trade_figure(trade, strategy.result.settings.exit, zone)
    return (
        f'<tbody><tr>{summary}{drawn}</tr><tr class="own"><td colspan="{len(_HEADINGS)}">'
        f'<figure aria-label="{escape(ticker)}">{chart}</figure>{facts}</td></tr></tbody>'
    )


def _sorted_by(value: int, text: str, kind: str) -> Cell:
    """Return a cell that is sorted by a value and not by its text."""
    return Cell(kind=kind, markup=f'<span data-key="{value}">{escape(text)}</span>')


def _facts(trade: ShownTrade, kinds: Sequence[str], zone: tzinfo) -> dict[str, str]:
    record = trade.record
    kind = kinds[int(record["kind"])] if record["kind"] >= 0 else "no event"
    facts = {
        "event": kind if record["kind"] < 0 else f"{kind}, id {int(record['event_id'])}",
        "decided": f"{_clock(int(record['decision']), zone, '%Y-%m-%d %H:%M:%S.%f')[:-3]} in, "
        f"{_clock(int(record['exit_decision']), zone, '%H:%M:%S.%f')[:-3]} out",
        "prices": f"{float(record['entry_price']):,.4f} in, {float(record['exit_price']):,.4f} out, on average; "
        f"{counted(len(trade.fills), 'fill')}",
        "money": f"gross {dollars(int(record['gross']), sign=True)}, fees {dollars(int(record['fees']))}, "
        f"net {dollars(int(record['net']), sign=True)}",
    }
    if record["forced"]:
        facts["forced"] = f"{counted(int(record['forced']), 'share')} at the end of the day, whatever the size"
    return facts


def _clock(time_ns: int, zone: tzinfo, form: str) -> str:
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone).replace(microsecond=rest // 1_000).strftime(form)

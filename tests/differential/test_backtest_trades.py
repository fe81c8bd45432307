"""The trade simulation against a plain one that was written from the same page by somebody else."""

from __future__ import annotations

from operator import itemgetter
from pathlib import Path
from typing import Any

from tests.differential.backtests import traded
from tests.oracle.backtest.comparing import differences
from tests.oracle.backtest.drawn import drawn_case
from tests.oracle.backtest.judging import judge
from tests.oracle.backtest.trade import Traded, trade


def test_a_drawn_strategy_trades_as_the_page_says(seed: int, tmp_path: Path) -> None:
    """Every signal, order, fill, trade and minute of equity, to the micro-dollar, at two sizes of batches."""
    case = drawn_case(seed)
    judged, detected = judge(case.rows, case.settings)
    events = detected if case.events is None else case.events
    expected = trade(judged, events, case.settings, case.strategy)
    for batch_rows in (1 + seed % 7, 262_144):
        assert _differences(traded(case, tmp_path / str(batch_rows), batch_rows), expected) == []


def _differences(ours: dict[str, list[dict[str, Any]]], theirs: Traded) -> list[str]:
    by_order = sorted(ours["orders"], key=itemgetter("order"))
    return [
        *differences("signals", ours["signals"], theirs.signals),
        *differences(
            "orders", by_order, [{**_renamed(row, _ORDER), "reason": row["reason"] or None} for row in theirs.orders]
        ),
        *differences("fills", ours["fills"], [_renamed(row, _FILL) for row in theirs.fills]),
        *differences("trades", ours["trades"], [_renamed(row, _TRADE) for row in theirs.trades]),
        *differences("equity", ours["equity"], [_renamed(row, _EQUITY) for row in theirs.equity]),
    ]


def _renamed(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in row.items()}


_ORDER = {"sign": "side", "outcome": "status", "notional": "notional_micros", "fees": "fees_micros"}
_EQUITY = {"equity": "equity_micros", "cash": "cash_micros", "gross": "gross_micros"}
_FILL = {"sign": "side", "price": "price_micros", "fee": "fee_micros", "way": "kind"}
_TRADE = {
    "entry_first": "first_entry",
    "entry_last": "last_entry",
    "exit_last": "last_exit",
    "entry_notional": "entry_notional_micros",
    "gross": "gross_micros",
    "fees": "fees_micros",
    "net": "net_micros",
}

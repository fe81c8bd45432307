"""The worked example of docs/backtest.md: three trades with fees, a partial fill and a gap through a stop."""

from __future__ import annotations

from pathlib import Path

from tests.unit.trading.market import event, reasons, strategy, tick, traded

PRINTS = [
    tick("09:59:00", 50.00),
    tick("10:00:00.500", 50.02, 3_000),
    tick("10:10:01", 50.40, 5_000),
    tick("10:59:00", 51.00),
    tick("11:00:01", 51.00, 800),
    tick("11:00:20", 50.95, 500),
    tick("11:02:00", 50.95, 5_000),
    tick("11:10:03", 50.50, 2_000),
    tick("13:59:00", 50.60),
    tick("14:00:00.400", 50.60, 4_000),
    tick("14:03:00", 50.00),
    tick("14:03:00.050", 49.95),
    tick("14:09:00", 47.00, 3_000),
]
EVENTS = [event("10:00:00"), event("11:00:00", -1), event("14:00:00")]
STRATEGY = strategy(size={"value": 10_000}, exit={"stop_percent": 1}, fees={"minimum": 1})


def test_three_trades_are_those_of_the_docs() -> None:
    """To the micro-dollar."""
    records = traded(STRATEGY, PRINTS, EVENTS)
    fills, trades = records["fills"], records["trades"]

    assert list(zip(fills["shares"].tolist(), fills["price"].tolist(), fills["fee"].tolist(), strict=True)) == [
        (200, 50_030_004, 1_000_000),
        (200, 50_389_920, 1_000_000),
        (80, 50_989_800, 1_000_000),
        (50, 50_939_810, 0),
        (130, 50_510_100, 1_000_000),
        (197, 50_610_120, 1_000_000),
        (197, 46_990_300, 1_000_000),
    ]
    assert reasons(records) == ["horizon", "horizon", "stop"]
    assert records["orders"]["cancelled"].tolist() == [0, 0, 66, 0, 0, 0]
    assert trades["gross"].tolist() == [71_983_200, 59_861_500, -713_104_540]
    assert trades["net"].tolist() == [69_983_200, 57_861_500, -715_104_540]
    assert records["equity"]["cash"][-1] == 99_412_740_160


def test_the_docs_show_these_figures() -> None:
    """What a reader computes along with is what is computed."""
    page = (Path(__file__).parents[3] / "docs" / "backtest.md").read_text()
    for figure in ("50.030004", "50.389920", "50.989800", "50.939810", "50.510100", "50.610120", "46.990300",
                   "69.983200", "57.861500", "−715.104540", "99,412.740160"):  # fmt: skip
        assert figure in page, figure

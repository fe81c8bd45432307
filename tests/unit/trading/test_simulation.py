"""Markets at the edges of the simulation: many tickers, no prints, midnight, and more money than fits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.unit.trading.market import FREE, NO_FEES, at, bar, event, outcomes, reasons, strategy, tick, traded
from tickstock_cli.errors import DataError, LedgerError
from tickstock_cli.kernels.compiling import before_compiling
from tickstock_cli.trading.growing import new_books
from tickstock_cli.trading.records import RECORD_TYPES
from tickstock_cli.trading.state import BOOK, OPENED, SLOT, WAITING
from tickstock_cli.trading.tally import BookTally
from tickstock_cli.trading.warmup import warm_up_trading


def test_decisions_of_one_time_go_by_ticker() -> None:
    """A hundred entries in the order of their events, as many exits in the order of their tickers."""
    tickers = [f"T{number:03}" for number in range(100)][::-1]
    rows = [tick(clock, 50.0, ticker=ticker) for clock in ("10:00:00", "10:00:02", "15:58:00") for ticker in tickers]
    values = strategy(size={"value": 100, "max_positions": 100}, exit={"after": ""})
    records = traded(values, rows, [event("10:00:01", ticker=ticker) for ticker in tickers])

    orders = records["orders"][np.argsort(records["orders"]["order"])]
    codes = list(range(100))  # in the order of the first appearance
    assert orders["code"].tolist() == codes + codes[::-1]
    assert set(outcomes(records)) == {"taken"}


def test_more_bars_than_the_simulation_has_room_for_open_at_once() -> None:
    """An entry finds its own among 1,500 that opened a moment ago."""
    rows = [
        bar(f"10:0{minute}:00", 50.0, 50.0, 50.0, 50.0, ticker=f"T{number}")
        for minute in range(2)
        for number in range(1_500)
    ]
    records = traded(strategy(fill=FREE), rows, [event("10:01:00", ticker="T3")])

    assert records["fills"]["early"].tolist()[0] == 1
    assert records["trades"]["gross"].tolist() == [0]


def test_a_ticker_without_prints_is_held_through_days_at_its_last_price() -> None:
    """A alone has prints on Thursday; B's equity stays that of Wednesday until Friday's print."""
    rows = [tick("15:00:00", 50.0, ticker="B"), tick("15:00:10", 50.0, ticker="B"),
            tick("10:00:00", 9.0, day="2024-06-13"), tick("10:00:00", 52.0, ticker="B", day="2024-06-14")]  # fmt: skip
    values = strategy(fill=FREE, fees=NO_FEES, exit={"session_end": "", "after": ""})
    records = traded(values, rows, [event("15:00:05", ticker="B")])

    equity = dict(zip(records["equity"]["time"].tolist(), records["equity"]["equity"].tolist(), strict=True))
    assert equity[at("16:00:00", "2024-06-13")] == 100_000_000_000
    assert equity[at("10:00:00", "2024-06-14")] == 100_000_000_000 + 20 * 2_000_000
    assert (reasons(records), records["trades"][0]["last_exit"]) == (["end_of_data"], at("16:00:00", "2024-06-14"))


def test_around_the_clock_midnight_is_one_minute() -> None:
    """A print at midnight comes before what is decided then; the day that begins has no minute of its own there."""
    rows = [tick("19:00:00", 50.0), tick("19:30:00", 50.0), tick("20:00:00", 51.0), tick("21:00:00", 52.0)]  # UTC - 4
    values = strategy(fill=FREE, fees=NO_FEES, exit={"session_end": "", "after": ""})
    records = traded(values, rows, [event("19:29:30")], calendar="24/7")

    times, equity = records["equity"]["time"], records["equity"]["equity"]
    assert len(np.unique(times)) == len(times) == 2 * 1_440 + 1
    assert equity[times == at("20:00:00")].tolist() == [100_000_000_000 + 20 * 1_000_000]


def test_an_order_may_be_filled_at_the_first_print_whatever_its_size() -> None:
    """Participation 0, for comparison with other tools only; even a print whose volume does not count will do."""
    rows = [tick("10:00:00", 50.0), tick("10:00:02", 50.0, 0), tick("10:20:00", 51.0, 1)]
    records = traded(strategy(fill={"participation": 0}), rows, [event("10:00:01")])

    assert records["fills"]["shares"].tolist() == [20, 20]


@pytest.mark.parametrize(
    "rows",
    [
        [tick("10:00:00", 1e300)],
        [tick("10:00:00", 0.01, 1e10), tick("10:00:02", 0.01, 1e11), tick("10:00:03", 9e9)],
    ],
)
def test_more_money_than_the_books_can_hold_ends_the_run(rows: list[Any]) -> None:
    """A price of no market, or a penny share that becomes one: an error, not a wrapped number."""
    values = strategy(size={"value": 1e6}, strategy={"cash": 1e7}, exit={"after": "1s"}, fill={"participation": 0.1})
    with pytest.raises(DataError, match=r"the books of test cannot hold the money of A: 9\.2 trillion dollars"):
        traded(values, rows, [event("10:00:01")])


def test_books_that_do_not_add_up_fail() -> None:
    """A cent more in the cash than the fills say."""
    books = new_books(1_000_000)
    books.book["cash"] += 10_000
    with pytest.raises(LedgerError, match=r"cash 1,010,000 is not start - fills - fees 1,000,000"):
        BookTally("dip", 1_000_000).check(books, 0)


def test_no_record_has_bytes_that_mean_nothing() -> None:
    """Padding would hold arbitrary bytes, and equal records would differ."""
    for dtype in (*RECORD_TYPES.values(), BOOK, SLOT, OPENED, WAITING):
        assert dtype.itemsize == sum(dtype[name].itemsize for name in dtype.names or ())


def test_a_warm_up_leaves_no_kernel_of_trades_to_be_compiled() -> None:
    """The first bar of a backtest does not wait for the compiler."""
    warm_up_trading()
    with before_compiling() as compiled:
        traded(strategy(), [tick("10:00:00", 50.0), tick("10:00:02", 50.0)], [event("10:00:01")])
        traded(strategy(), [bar("10:00:00", 50.0, 51.0, 49.0, 50.0)], [event("10:00:01")])
    assert compiled == []

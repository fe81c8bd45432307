"""Prices around trades: minutes of the ticker, the same at any cut into slices."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.trading.market import at
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.timeline import Prints
from tickstock_cli.testing.records import MINUTE, SECOND
from tickstock_cli.trading.records import TRADE
from tickstock_cli.trading.trade_prices import PLACES, TradePrices

DAYS = TradingDays("XNYS", ("regular",))
NEXT = "2024-06-13"


def prints_of(rows: list[tuple[int, int, float]]) -> Prints:
    """Return ticks from code, time and price."""
    code, time, price = (np.array(column) for column in zip(*rows, strict=True))
    prices = price.astype(np.float64)
    number = np.arange(len(rows))
    codes = code.astype(np.int32)
    return Prints(codes, time, time, DAYS.numbers(time), prices, prices, prices, prices, number, number)


def trade_of(number: int, code: int, first_entry: int, last_exit: int) -> NDArray[Any]:
    """Return a trade of which only these matter."""
    trade = np.zeros(1, dtype=TRADE)
    trade["trade"], trade["code"], trade["first_entry"], trade["last_exit"] = number, code, first_entry, last_exit
    return trade


def drawn() -> tuple[Prints, list[tuple[int, NDArray[Any]]]]:
    """Return two days of prints of two tickers, and trades by the time at which they are known."""
    rng = np.random.default_rng(4)
    rows = [
        (int(rng.integers(0, 2)), at("09:30:00", day) + int(second) * SECOND, 100 + float(rng.integers(-99, 99)) / 100)
        for day in ("2024-06-12", NEXT)
        for second in np.sort(rng.integers(0, 390 * 60, 2_000))
    ]
    trades = [
        (at("10:31:00"), trade_of(0, 1, at("10:00:30"), at("10:31:00"))),
        (at("09:30:00", NEXT), trade_of(1, 0, at("15:00:00"), at("16:00:00"))),  # known when the next day begins
        (at("15:59:00", NEXT), trade_of(2, 0, at("10:00:00", NEXT), at("15:59:00", NEXT))),
    ]
    return prints_of(rows), trades


def prices_of(cuts: list[int], *, restarts: bool = False) -> NDArray[Any]:
    """Return the prices of the drawn trades, from slices that end at times."""
    prints, trades = drawn()
    kept = TradePrices(DAYS, 1)
    found = []
    for start, until in pairwise([0, *cuts, MAX_NS]):
        for known, trade in trades:
            if start <= known < until:
                kept.add(0, trade)
        found += kept.take(prints.at((prints.time >= start) & (prints.time < until)), 2)
        if restarts:
            state = {name: array.copy() for name, array in kept.state().items()}
            kept = TradePrices(DAYS, 1)
            kept.restore(state)
    found += kept.finish()
    return np.concatenate([prices for _, prices in found])


def test_prices_reach_from_ten_minutes_before_the_entry_to_ten_after_the_exit() -> None:
    """Each minute has the low, the high and the last price of the ticker's prints in it."""
    prints, _ = drawn()
    first = prices_of([])[0]
    assert (first["start"], first["length"], first["places"]) == (at("09:50:00"), MINUTE, 52)
    for place in range(52):
        begun = at("09:50:00") + place * MINUTE
        mine = prints.close[(prints.code == 1) & (prints.time >= begun) & (prints.time < begun + MINUTE)]
        expected = [mine.min(), mine.max(), mine[-1]] if len(mine) else [np.nan] * 3
        np.testing.assert_allclose([first[name][place] for name in ("low", "high", "close")], expected, rtol=1e-6)
    assert np.isnan(first["close"][52:]).all()


def test_a_long_trade_has_several_minutes_a_place_and_ends_with_its_day() -> None:
    """Charts stay small, and no price of the next morning is behind the close."""
    _, close, whole_day = prices_of([])
    assert close["start"] + close["places"] * close["length"] == at("16:00:00")
    assert (whole_day["length"], whole_day["places"]) == (4 * MINUTE, 93)
    assert whole_day["places"] <= PLACES


@pytest.mark.parametrize("step", [7, 61])
def test_neither_slices_nor_restarts_change_prices(step: int) -> None:
    """A report is the same at any batch size."""
    cuts = [at("09:30:00", day) + minute * MINUTE for day in ("2024-06-12", NEXT) for minute in range(step, 395, step)]
    expected, found = prices_of([]), prices_of(cuts, restarts=True)
    for name in expected.dtype.names or ():
        np.testing.assert_array_equal(found[name], expected[name])

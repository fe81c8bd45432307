"""The oracle of a backtest held against cases worked out by hand, so that what it says can be trusted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.backtest import BarRow, Judged, TickRow, study, trade
from tests.oracle.records import MICROS, SECOND
from tickstock_cli.testing import MILLISECOND, MINUTE, new_york

TEN = new_york("2024-06-12", "10:00:00")
FREE = {"half_spread_bps": 0, "half_spread_min": 0, "slippage_bps": 0, "participation": 0}
NO_FEES = {"per_share": 0}


def ticks(*prints: tuple[int, float], shares: float = 100, ticker: str = "ABC") -> Judged:
    """Return prints of one ticker from (time, price)."""
    rows = [
        TickRow(ticker, at, at, price, int(shares * MICROS), 0, False, "regular", order)
        for order, (at, price) in enumerate(prints)
    ]
    return Judged(ticks=rows, has_ticks=True)


def minute_bars(*bars: tuple[int, float, float, float, float], shares: float = 1000) -> Judged:
    """Return minute bars of one ticker from (start, open, high, low, close)."""
    rows = [
        BarRow("ABC", start, start + MINUTE, MINUTE, o, h, lo, c, int(shares * MICROS), "regular", order)
        for order, (start, o, h, lo, c) in enumerate(bars)
    ]
    return Judged(bars=rows)


def event(decision: int, direction: int = 1, latency: int = 100 * MILLISECOND, **columns: Any) -> dict[str, Any]:
    """Return an event whose decision falls on a time."""
    at = decision - latency
    names = ("score", "strength", "rel_volume", "percent_change")
    known = {"event_id": at, "emitted_at": at, "ticker": "ABC", "kind": "surge", "source": "tick", "phase": "regular"}
    return {**dict.fromkeys(names), **known, "direction": direction, **columns}


def strategy(**sections: Any) -> dict[str, Any]:
    """Return a strategy without costs that follows every event with 100 shares of 100 dollars."""
    return {"enter": [{}], "fill": FREE, "fees": NO_FEES, **sections}


def test_an_entry_comes_after_the_decision_and_a_horizon_holds_its_end() -> None:
    """A print at the decision time is not had, one exactly at the end of the horizon is."""
    d, s = TEN, SECOND
    prints = ticks((d, 99.0), (d + s, 100.0), (d + 5 * s, 99.5), (d + 61 * s, 101.0), (d + 61 * s + 1, 90.0))
    found = study(prints, [event(d)], {"study.horizons": ["1m"], "study.end_slack_seconds": 7 * 3600}).observations
    row = found[0]
    assert (row["status"], row["entry_time"] - d, row["entry_price"]) == ("observed", s, 100.0)
    assert (row["return_bps"], row["mfe_bps"], row["mae_bps"]) == pytest.approx((100.0, 100.0, -50.0))
    assert (row["placebo_bps"], row["placebo_n"], row["excess_bps"]) == (None, 0, None)


def test_a_horizon_beyond_the_last_row_is_cut() -> None:
    """The last row of a day that stops early is the end of what is covered; the entry is shown."""
    prints = ticks((TEN + SECOND, 100.0), (TEN + 60 * SECOND, 101.0))
    rows = study(prints, [event(TEN)], {"study.horizons": ["59s", "1m", "close"]}).observations
    assert [row["status"] for row in rows] == ["observed", "cut", "cut"]
    assert [row["entry_price"] for row in rows] == [100.0] * 3


def test_a_short_event_has_its_placebo_on_the_next_recorded_days() -> None:
    """The same wall time of the days after a change of the clocks; the side is the event's."""
    friday, monday = new_york("2024-03-08", "15:58:00"), new_york("2024-03-11", "15:58:00")
    assert (monday - friday) // SECOND == 3 * 86_400 - 3_600
    prices = ((friday, 100.0, 99.0), (monday, 100.0, 99.9))
    prints = ticks(*((d + at, p) for d, *pair in prices for at, p in zip((SECOND, MINUTE), pair, strict=True)))
    (row,) = study(prints, [event(friday, -1)], {"study.horizons": ["close"]}).observations
    assert (row["return_bps"], row["placebo_bps"], row["excess_bps"]) == pytest.approx((100.0, 10.0, 90.0))
    assert row["placebo_n"] == 1


def test_bars_are_entered_at_an_open_up_to_a_second_old() -> None:
    """The bar that opened 200 ms before the decision is had at its open; its own extremes count."""
    bars = minute_bars((TEN, 100, 102, 99, 101), (TEN + MINUTE, 101, 103, 100, 102))
    decision = TEN + 200 * MILLISECOND
    settings = {"study.horizons": ["1m", "2m"], "study.end_slack_seconds": 7 * 3600}
    first, second = study(bars, [event(decision)], settings).observations
    assert (first["entry_time"], first["entry_price"]) == (decision, 100)
    assert (first["return_bps"], first["mfe_bps"], first["mae_bps"]) == pytest.approx((100.0, 200.0, -100.0))
    assert (second["return_bps"], second["mfe_bps"], second["mae_bps"]) == pytest.approx((200.0, 300.0, -100.0))


def test_a_gap_through_a_stop_is_filled_at_the_gap_with_costs_and_fees() -> None:
    """Bought in two parts; the print that is watched decides, and the next one after the latency is the price."""
    s = SECOND
    prints = ticks(
        (TEN, 100.0), (TEN + s, 100.0), (TEN + 2 * s, 100.0), (TEN + 3 * s, 97.0), (TEN + 4 * s, 90.0), shares=600
    )
    costs = {"half_spread_bps": 1, "half_spread_min": 0.005, "slippage_bps": 1, "participation": 0.1}
    plan = strategy(exit={"stop_percent": 2}, fill=costs, fees={"per_share": 0.005, "minimum": 1.0})
    traded = trade(prints, [event(TEN)], {}, plan)
    (row,) = traded.trades
    assert [(fill["shares"], fill["price"]) for fill in traded.fills] == [
        (60, 100_020_000),
        (40, 100_020_000),
        (60, 89_982_000),
        (40, 89_982_000),
    ]
    assert [fill["way"] for fill in traded.fills] == ["print", "print", "print", "forced"]
    assert (row["reason"], row["exit_decision"], row["forced"]) == ("stop", TEN + 3 * s + 100 * MILLISECOND, 40)
    assert (row["gross"], row["fees"]) == (100 * (89_982_000 - 100_020_000), 2_000_000)
    assert traded.books["cash_end"] == 100_000_000_000 + row["gross"] - row["fees"]
    assert (row["mfe_bps"], row["mae_bps"]) == pytest.approx((0.0, (90 - 100.02) / 100.02 * 1e4))


def test_a_stop_and_a_target_of_one_moment_are_a_stop() -> None:
    """Two prints at one time give decisions of one time; the order of the reasons decides."""
    s = SECOND
    prints = ticks((TEN, 100.0), (TEN + s, 100.0), (TEN + 2 * s, 101.0), (TEN + 2 * s, 99.0), (TEN + 3 * s, 98.0))
    (row,) = trade(prints, [event(TEN)], {}, strategy(exit={"stop_percent": 1, "target_percent": 1})).trades
    assert (row["reason"], row["exit_price"], row["mfe_bps"]) == ("stop", 98.0, pytest.approx(100.0))


def test_a_trail_is_measured_from_prices_seen_before() -> None:
    """A bar's own high does not raise the level that its low is held against."""
    bars = minute_bars(
        (TEN, 100, 100, 100, 100),
        (TEN + MINUTE, 100, 104, 99.5, 104),
        (TEN + 2 * MINUTE, 104, 104, 102.96, 103),
        (TEN + 3 * MINUTE, 103, 103, 103, 103),
    )
    plan = strategy(exit={"trail_percent": 1, "after": "1h"})
    (row,) = trade(bars, [event(TEN + MINUTE)], {}, plan).trades
    assert (row["decision"], row["entry_first"], row["entry_price"]) == (TEN + MINUTE, TEN + MINUTE, 100)
    assert (row["reason"], row["exit_decision"]) == ("trail", TEN + 3 * MINUTE + 100 * MILLISECOND)
    assert (row["exit_price"], row["exit_last"]) == (103, TEN + 3 * MINUTE + 100 * MILLISECOND)
    assert trade(bars, [event(TEN + MINUTE)], {}, plan).books["early_fills"] == 1


def test_an_opposite_event_closes_and_is_not_traded() -> None:
    """The next event in the ticker is held while the exit waits, the one after it is taken."""
    s = SECOND
    prints = ticks(*((TEN + second * s, 100.0) for second in range(30)))
    events = [event(TEN + at, side) for at, side in ((0, 1), (3 * s + 1, -1), (3 * s + 2, -1), (5 * s, -1))]
    traded = trade(prints, events, {}, strategy(exit={"on_opposite": True, "after": "", "session_end": ""}))
    assert [row["outcome"] for row in traded.signals] == ["taken", "opposite", "held", "taken"]
    assert [(row["side"], row["reason"]) for row in traded.trades] == [(1, "opposite"), (-1, "end_of_data")]
    assert traded.trades[0]["exit_decision"] == TEN + 3 * s + 1
    assert traded.trades[1]["exit_last"] == new_york("2024-06-12", "16:00:00")


def test_an_entry_works_until_its_timeout_and_its_rest_is_cancelled() -> None:
    """A print exactly at the timeout still fills; a signal at that time finds a working order."""
    s = SECOND
    times = (TEN, TEN + 60 * s, TEN + 61 * s)
    plan = strategy(fill={**FREE, "participation": 0.1}, size={"max_positions": 1})
    events = [event(TEN), event(TEN + 60 * s, ticker="XYZ"), event(TEN + 60 * s + 1, ticker="XYZ")]
    (order,) = trade(ticks(*((at, 100.0) for at in times), shares=300), events, {}, plan).orders[:1]
    assert (order["shares"], order["filled"], order["cancelled"], order["outcome"]) == (100, 30, 70, "partial")
    unfilled = trade(ticks(*((at, 100.0) for at in times), shares=9), events, {}, plan)
    assert [row["outcome"] for row in unfilled.signals] == ["taken", "positions", "no_price"]
    assert unfilled.orders[0]["outcome"] == "unfilled"

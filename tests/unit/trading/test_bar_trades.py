"""Fills and exits on bars: an order gets the next open, and a bar's volume caps what could be had of it."""

from __future__ import annotations

from typing import Any

from tests.unit.trading.market import (
    FREE,
    NO_FEES,
    MarketBar,
    at,
    bar,
    event,
    outcomes,
    reasons,
    strategy,
    traded,
)

FLAT = [bar(f"10:0{minute}:00", 50.0, 50.5, 49.5, 50.0) for minute in range(4)]


def test_an_entry_is_filled_at_the_open_of_a_bar_that_opened_up_to_a_second_ago() -> None:
    """The event comes with the bar's end at 10:01, its decision a tenth of a second later: the open of 10:01 it is."""
    records = traded(strategy(fill=FREE), FLAT, [event("10:01:00")])

    fill = records["fills"][0]
    assert (fill["time"], fill["opening"], fill["early"]) == (at("10:01:00.100"), at("10:01:00"), 1)
    assert records["orders"]["early"].tolist() == [1, 0]


def test_without_slack_an_order_waits_for_the_next_open() -> None:
    """0 is strict; a decision at the very instant of an open still gets it."""
    late = traded(strategy(fill=FREE), FLAT, [event("10:01:00")], open_slack_ms=0)
    exact = traded(strategy(fill=FREE, strategy={"latency_ms": 0}), FLAT, [event("10:01:00")], open_slack_ms=0)

    assert late["fills"][0]["time"] == at("10:02:00")
    assert (exact["fills"][0]["time"], exact["fills"][0]["early"]) == (at("10:01:00"), 0)


def test_a_bar_gives_a_tenth_of_its_volume_to_all_orders_together() -> None:
    """The entry takes 15 of 20 shares of the bar of 10:01; the exit, decided within the second, gets the other 5."""
    rows = [bar("10:00:00", 50.0, 50.0, 50.0, 50.0), bar("10:01:00", 50.0, 52.0, 50.0, 50.0, 200),
            bar("10:02:00", 50.0, 50.0, 50.0, 50.0, 1_000)]  # fmt: skip
    values = strategy(size={"value": 750}, fill=FREE, exit={"on_opposite": True})
    records = traded(values, rows, [event("10:01:00"), event("10:01:00.300", -1)])

    assert outcomes(records) == ["taken", "opposite"]
    assert records["fills"]["shares"].tolist() == [15, 5, 10]
    assert records["fills"]["opening"].tolist() == [at("10:01:00"), at("10:01:00"), at("10:02:00")]


def test_an_entry_goes_on_for_five_minutes_of_bars() -> None:
    """Three bars give 5 shares each, the bar that opens after the timeout none."""
    rows = [bar(f"10:0{minute}:00", 50.0, 50.0, 50.0, 50.0, 1_000 if minute == 0 else 50) for minute in range(8)]
    values = strategy(fill={**FREE, "timeout_bars_seconds": 119})
    records = traded(values, rows, [event("10:01:00.500")], bar_interval_ns=60_000_000_000)

    assert records["orders"][0]["filled"] == 10  # opens of 10:01, by the slack, and 10:02; 10:03 is too late
    assert records["orders"][0]["ended"] == at("10:02:59.600")


def test_an_entry_works_for_a_bar_at_least() -> None:
    """A timeout of a second would never meet a minute bar that is far away."""
    values = strategy(fill={**FREE, "timeout_bars_seconds": 1})
    records = traded(values, FLAT, [event("10:01:10")], bar_interval_ns=60_000_000_000)

    assert records["fills"][0]["time"] == at("10:02:00")


def test_a_stop_sees_the_low_of_the_bar_that_filled_and_is_filled_at_the_next_open() -> None:
    """Bought at the open of 10:01; its low reaches the stop, known at 10:02; sold at the open of 10:02, a gap down."""
    rows = [*FLAT[:1], bar("10:01:00", 50.0, 51.0, 49.0, 50.5), bar("10:02:00", 47.0, 47.0, 46.0, 46.5)]
    values = strategy(fill=FREE, fees=NO_FEES, exit={"stop_percent": 2, "target_percent": 2})
    trade = traded(values, rows, [event("10:01:00")])["trades"][0]

    assert (trade["exit_decision"], trade["last_exit"]) == (at("10:02:00.100"), at("10:02:00.100"))
    assert (trade["exit_price"], trade["net"]) == (47.0, -20 * 3_000_000)
    assert (trade["mfe_bps"], trade["mae_bps"]) == (200.0, -200.0)


def test_a_short_is_stopped_by_a_high() -> None:
    """And its target is a low; the stop comes first of the two in one bar."""
    rows = [*FLAT[:1], bar("10:01:00", 50.0, 51.0, 49.0, 50.5), bar("10:02:00", 50.0, 50.0, 50.0, 50.0)]
    values = strategy(fill=FREE, exit={"stop_percent": 2, "target_percent": 2})

    assert reasons(traded(values, rows, [event("10:01:00", -1)])) == ["stop"]


def test_a_bar_that_is_known_already_fills_nothing() -> None:
    """One-second bars: that of 10:01:00 is available at 10:01:01, before the decision."""

    def second(clock: str, price: float) -> MarketBar:
        return MarketBar("A", at(clock), at(clock) + 1_000_000_000, price, price, price, price)

    rows: list[Any] = [second("10:00:59", 50.0), second("10:01:00", 51.0), second("10:01:01", 52.0)]
    values = strategy(fill=FREE)
    records = traded(values, rows, [event("10:01:00.950")], open_slack_ms=5_000)

    assert records["fills"]["print_price"][0] == 52.0

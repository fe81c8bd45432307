"""Trades by hand, to the micro-dollar."""

from __future__ import annotations

import numpy as np

from tests.unit.trading.market import FREE, NO_FEES, at, event, outcomes, reasons, strategy, tick, traded


def test_a_trade_pays_spread_slippage_and_fees_on_both_ways() -> None:
    """20 shares for 50.10 and two hundredths of a percent, sold ten minutes later at 51 less as much."""
    rows = [
        tick("10:00:00", 50.0),
        tick("10:00:01.200", 50.1),
        tick("10:10:01.200", 60.0),  # the decision's own time: it is made after this print
        tick("10:10:02", 51.0),
    ]
    records = traded(strategy(), rows, [event("10:00:01")])

    fills = records["fills"]
    assert fills["price"].tolist() == [50_110_020, 50_989_800]  # 50.1 + 0.00501 + 0.00501; 51 - 0.0051 - 0.0051
    assert fills["fee"].tolist() == [100_000, 100_000]
    trade = records["trades"][0]
    assert (trade["gross"], trade["net"]) == (17_595_600, 17_395_600)
    assert (trade["exit_decision"], trade["last_exit"]) == (at("10:10:01.200"), at("10:10:02"))
    assert (outcomes(records), reasons(records)) == (["taken"], ["horizon"])
    assert records["equity"]["equity"][-1] == 100_017_395_600


def test_a_gap_through_a_stop_is_filled_at_the_gap() -> None:
    """A stop is a decision, not a resting order: nothing is sold at 49.50, the price that was only touched."""
    rows = [
        tick("10:00:00", 50.0),
        tick("10:00:01.200", 50.0),
        tick("10:01:00", 49.4),  # 1.2 %, after costs a little more: the stop is reached
        tick("10:01:00.050", 49.5),  # within the latency
        tick("10:01:03", 47.0),
    ]
    records = traded(strategy(exit={"stop_percent": 1}), rows, [event("10:00:01")])

    trade = records["trades"][0]
    assert reasons(records) == ["stop"]
    assert trade["exit_decision"] == at("10:01:00.100")
    assert trade["entry_notional"] == 20 * 50_010_000
    assert trade["exit_notional"] == 20 * 46_990_300  # 47 - 0.005, the least half spread, - 0.0047
    assert trade["net"] == -60_594_000


def test_an_entry_is_filled_in_parts_and_its_rest_is_cancelled() -> None:
    """A tenth of each print, within a minute of the decision; the fee is that of the order's total."""
    rows = [
        tick("10:00:00", 50.0),
        tick("10:00:02", 50.0, 59),  # 5 shares
        tick("10:00:03", 50.0, 9),  # none
        tick("10:01:01.100", 51.0, 70),  # 7 shares, at the last instant
        tick("10:01:01.101", 51.0),
        tick("10:20:00", 50.0),
    ]
    values = strategy(fill=FREE, fees={"minimum": 0.05, "per_share": 0.005})
    records = traded(values, rows, [event("10:00:01")])

    order, fills = records["orders"][0], records["fills"]
    assert (order["shares"], order["filled"], order["cancelled"], order["status"]) == (20, 12, 8, 1)
    assert order["ended"] == at("10:01:01.100")
    assert fills["shares"].tolist() == [5, 7, 12]
    assert fills["fee"].tolist() == [50_000, 10_000, 60_000]  # the minimum, then what the total is above it
    assert records["trades"][0]["gross"] == 12 * 50_000_000 - (5 * 50_000_000 + 7 * 51_000_000)


def test_an_order_that_meets_nothing_is_unfilled_and_the_ticker_is_free_again() -> None:
    """The second signal comes at the instant the first entry ends, the third just after it."""
    rows = [tick("10:00:00", 50.0), tick("10:30:00", 50.0)]
    records = traded(strategy(), rows, [event("10:00:01"), event("10:01:01"), event("10:01:01.001")])

    assert outcomes(records) == ["taken", "held", "taken"]
    assert records["orders"]["status"].tolist() == [2, 2]
    assert len(records["trades"]) == 0


def test_a_short_position_gains_when_the_price_falls() -> None:
    """Sold at 50, bought back at the target, 2 % lower."""
    rows = [tick("10:00:00", 50.0), tick("10:00:02", 50.0), tick("10:03:00", 49.0), tick("10:03:01", 48.5)]
    values = strategy(fill=FREE, fees=NO_FEES, exit={"target_percent": 2})
    records = traded(values, rows, [event("10:00:01", -1)])

    trade = records["trades"][0]
    assert (trade["side"], reasons(records), trade["net"]) == (-1, ["target"], 20 * 1_500_000)
    assert (trade["mfe_bps"], trade["mae_bps"]) == (300.0, 0.0)
    assert trade["return_bps"] == 300.0


def test_a_trailing_stop_measures_from_the_best_price_before() -> None:
    """The best is 52: a fall of 1 % from there to 51.48, although the position gains."""
    rows = [tick("10:00:00", 50.0), tick("10:00:02", 50.0), tick("10:01:00", 52.0), tick("10:02:00", 51.48),
            tick("10:02:01", 51.0)]  # fmt: skip
    records = traded(strategy(fill=FREE, exit={"trail_percent": 1}), rows, [event("10:00:01")])

    assert reasons(records) == ["trail"]
    assert records["trades"][0]["exit_decision"] == at("10:02:00.100")


def test_of_two_decisions_at_one_instant_the_stop_comes_first() -> None:
    """Two prints of one time reach target and stop."""
    rows = [tick("10:00:00", 50.0), tick("10:00:02", 50.0), tick("10:01:00", 52.0), tick("10:01:00", 48.0),
            tick("10:02:00", 51.0)]  # fmt: skip
    records = traded(strategy(exit={"target_percent": 2, "stop_percent": 2}), rows, [event("10:00:01")])

    assert reasons(records) == ["stop"]


def test_an_opposite_signal_ends_a_position_if_told_to_and_opens_none() -> None:
    """It is decided at the signal's own decision time."""
    rows = [tick("10:00:00", 50.0), tick("10:00:02", 50.0), tick("10:01:02", 49.0), tick("10:01:05", 48.0)]
    events = [event("10:00:01"), event("10:01:01", -1)]
    told = traded(strategy(exit={"on_opposite": True}), rows, events)
    untold = traded(strategy(), rows, events)

    assert (outcomes(told), reasons(told)) == (["taken", "opposite"], ["opposite"])
    assert told["trades"][0]["exit_decision"] == at("10:01:01.100")
    assert (outcomes(untold), reasons(untold)) == (["taken", "held"], ["horizon"])
    assert untold["trades"][0]["forced"] == 20  # no print came behind the decision


def test_positions_are_closed_before_the_session_ends_and_the_rest_is_forced() -> None:
    """From five minutes before the end: 3 of 20 shares meet a print, 17 are sold at the mark of the end, with costs."""
    rows = [tick("15:54:00", 50.0), tick("15:54:58", 50.0), tick("15:56:00", 50.0, 30), tick("15:59:00", 49.0, 5)]
    records = traded(strategy(fill=FREE), rows, [event("15:54:56"), event("15:54:59.900")])

    trade = records["trades"][0]
    assert outcomes(records) == ["taken", "outside"]
    assert (reasons(records), trade["exit_decision"]) == (["session_end"], at("15:55:00"))
    assert (trade["forced"], trade["last_exit"]) == (17, at("16:00:00"))
    assert records["fills"]["shares"].tolist() == [20, 3, 17]
    assert records["fills"]["price"].tolist() == [50_000_000, 50_000_000, 49_000_000]


def test_a_position_is_held_overnight_if_told_to() -> None:
    """Bought on Wednesday, sold on Thursday by the stop; a print that came after the close counts for it, too."""
    rows = [
        tick("15:59:00", 50.0),
        tick("15:59:30", 50.0),
        tick("16:00:01", 49.9),  # received late
        tick("09:30:00", 48.0, day="2024-06-13"),
        tick("09:30:02", 47.5, day="2024-06-13"),
    ]
    values = strategy(fill=FREE, fees=NO_FEES, exit={"session_end": "", "after": "", "stop_percent": 1})
    records = traded(values, rows, [event("15:59:10")])

    assert reasons(records) == ["stop"]
    assert records["trades"][0]["exit_decision"] == at("09:30:00.100", "2024-06-13")
    equity = dict(zip(records["equity"]["time"].tolist(), records["equity"]["equity"].tolist(), strict=True))
    assert equity[at("16:00:00")] == 100_000_000_000
    assert equity[at("09:30:00", "2024-06-13")] == 100_000_000_000 - 20 * 2_000_000
    assert len(equity) == 2 * 391


def test_the_data_end_where_no_day_follows_within_a_week() -> None:
    """A position is closed at the end of the day before a gap of eight days, at its last print."""
    rows = [tick("15:00:00", 50.0), tick("15:00:30", 50.0), tick("15:30:00", 51.0),
            tick("10:00:00", 60.0, day="2024-06-20")]  # fmt: skip
    values = strategy(fill=FREE, fees=NO_FEES, exit={"session_end": "", "after": ""})
    records = traded(values, rows, [event("15:00:10")])
    week = traded(values, [*rows[:3], tick("10:00:00", 60.0, day="2024-06-18")], [event("15:00:10")])

    trade = records["trades"][0]
    assert (reasons(records), trade["last_exit"]) == (["end_of_data"], at("16:00:00"))
    assert (trade["exit_notional"], trade["forced"]) == (20 * 51_000_000, 0)
    assert records["fills"]["kind"].tolist() == [0, 2]
    assert week["trades"][0]["exit_notional"] == 20 * 60_000_000


def test_a_short_sale_for_nothing_after_costs_has_no_percentages() -> None:
    """Half a cent less half a cent: the entry's money is 0, so a return of it, a stop and a trail are undefined."""
    rows = [tick(f"10:00:{second:02d}", 0.005) for second in range(0, 40, 10)]
    values = strategy(
        enter=[{"side": "short"}], fill={"slippage_bps": 0, "participation": 0}, size={"value": 1},
        exit={"stop_percent": 1, "trail_percent": 1, "target_percent": 1},
    )  # fmt: skip
    records = traded(values, rows, [event("10:00:05")])
    (trade,) = records["trades"]

    assert reasons(records) == ["horizon"]
    assert (trade["shares"], trade["entry_notional"], trade["exit_notional"]) == (200, 0, 200 * 10_000)
    assert trade["net"] == -2_000_000 - 2_000_000
    assert [np.isnan(trade[name]) for name in ("return_bps", "mfe_bps", "mae_bps")] == [True] * 3

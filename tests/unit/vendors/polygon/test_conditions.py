"""Conditions of trades to flags."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.testing import new_york
from tickstock_cli.vendors.polygon.conditions import UNREADABLE, RegularHours, TradeFlags, trade_flags

HOURS = RegularHours()
AT_NOON, BEFORE_THE_OPENING = new_york("2026-09-25", "12:00:00"), new_york("2026-09-25", "08:00:00")
SECOND = 1_000_000_000


def flags_of(*trades: list[int], time: int = AT_NOON, late_by: int = 0, late_print_seconds: float = 10) -> TradeFlags:
    """Return the flags of trades with these conditions at one time, ``late_by`` ns after they were made."""
    offsets = np.cumsum([0, *map(len, trades)]).astype(np.int32)
    ids = np.array([id_ for trade in trades for id_ in trade], dtype=np.int16)
    times = np.full(len(trades), time, dtype=np.int64)
    return trade_flags(ids, offsets, times, times - late_by, HOURS, late_print_seconds)


@pytest.mark.parametrize(
    ("ids", "flags"),
    [([], 0), ([0], 0), ([14, 41], 0), ([10], 1), ([37], 5), ([15], 7), ([16], 7), ([38], 2), ([60, 71], 0)],
)
def test_conditions_forbid_what_the_vendors_table_says(ids: list[int], flags: int) -> None:
    """1 = not the last price, 2 = no volume, 4 = no high or low: a repeated closing print is none of them."""
    assert flags_of(ids).flags.tolist() == [flags]


def test_a_trade_takes_the_union_of_what_its_conditions_forbid() -> None:
    """A trade counts for what all its conditions allow; trades without conditions stand between others unharmed."""
    assert flags_of([14, 10], [], [38, 37], [], []).flags.tolist() == [1, 0, 7, 0, 0]


def test_form_t_forbids_prices_in_regular_hours_only() -> None:
    """Every extended-hours trade has condition 12: without the exception there would be no price before the opening."""
    assert flags_of([12], [12, 37], time=BEFORE_THE_OPENING).flags.tolist() == [0, 5]
    assert flags_of([12], [12, 14], time=AT_NOON).flags.tolist() == [5, 5]
    assert flags_of([13], time=BEFORE_THE_OPENING).flags.tolist() == [5]
    assert flags_of([12], time=0).flags.tolist() == [0]


def test_a_wrong_time_does_not_cost_the_calendars_of_centuries() -> None:
    """Each year of a calendar takes time to make: a reader that makes 250 of them falls seconds behind its feed."""
    hours = RegularHours()
    times = np.array([AT_NOON, 2**63 - 1, 10**17, BEFORE_THE_OPENING, -1], dtype=np.int64)

    assert hours.contain(times).tolist() == [True, False, False, False, False]
    years = [calendar._last_year - calendar._first_year + 1 for calendar in hours._calendars.values()]
    assert (len(years), max(years)) == (3, 1)


def test_an_unknown_id_counts_volume_alone_and_is_told() -> None:
    """A new condition may be anything: it moves no price until somebody has read what it means."""
    result = flags_of([56, 14], [99], [56], [-7], [UNREADABLE])

    assert result.flags.tolist() == [5, 5, 5, 5, 5]
    assert result.unknown == (-7, 56, 99)


def test_a_late_print_is_no_price_but_counts_as_volume() -> None:
    """Prints of the night come at 08:00 with the prices of 04:00: they must not make a high of the morning."""
    late = flags_of([], [38], late_by=10 * SECOND + 1)
    assert (late.flags.tolist(), late.late) == ([5, 7], 2)
    assert flags_of([], late_by=10 * SECOND).late == 0
    assert flags_of([], late_by=3_600 * SECOND, late_print_seconds=0).late == 0


def test_a_trade_without_one_of_its_times_is_not_late() -> None:
    """Older recordings lack the time of the exchange; hostile times must not overflow into a late print."""
    none = np.zeros(3, dtype=np.int32)
    sip = np.array([AT_NOON, 0, 2**63 - 1], dtype=np.int64)
    exchange = np.array([0, AT_NOON, -(2**63)], dtype=np.int64)

    assert trade_flags(np.empty(0, np.int16), np.append(none, 0), sip, exchange, HOURS).late == 0


@given(st.lists(st.lists(st.integers(-(2**15), 2**15 - 1), max_size=4), max_size=20), st.integers(0, 5))
def test_flags_of_a_trade_do_not_depend_on_its_neighbours(trades: list[list[int]], skipped: int) -> None:
    """Trades are flagged in batches of any size, and of slices of an Arrow column: each as if it came alone."""
    together = flags_of(*trades)
    alone = [flags_of(trade) for trade in trades]
    ids = np.array([id_ for trade in trades for id_ in trade], dtype=np.int16)
    offsets = np.cumsum([0, *map(len, trades)])[min(skipped, len(trades)) :]
    times = np.full(len(offsets) - 1, AT_NOON, dtype=np.int64)

    assert together.flags.tolist() == [int(one.flags[0]) for one in alone]
    assert set(together.unknown) == {id_ for one in alone for id_ in one.unknown}
    assert trade_flags(ids, offsets, times, times, HOURS).flags.tolist() == together.flags.tolist()[skipped:]

"""What becomes of signals, and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.unit.trading.market import FREE, event, outcomes, strategy, tick, traded

ROWS = [tick("10:00:00", 50.0), tick("10:00:00", 20.0, ticker="B")]
DUST = [tick("10:00:00", 4e-7, ticker="D"), *ROWS]
"""The price of D rounds to 0 micro-dollars."""


@pytest.mark.parametrize(
    ("outcome", "first", "settings"),
    [
        ("side", event("10:00:01", 0), {}),
        ("outside", event("09:29:59"), {}),
        ("outside", event("15:54:59.900"), {}),
        ("no_price", event("10:00:01", ticker="C"), {}),
        ("no_price", event("10:00:01", day="2024-06-13"), {}),
        ("no_price", event("10:00:01", ticker="D"), {}),
        ("size", event("10:00:01"), {"size": {"value": 49.99}}),
        ("gross", event("10:00:01"), {"size": {"value": 100_001, "max_gross_percent": 99}}),
        ("taken", event("10:00:01"), {"size": {"value": 100_000}}),
    ],
)
def test_a_signal_is_taken_or_ignored_with_its_reason(outcome: str, first: Any, settings: dict[str, Any]) -> None:
    """Each reason, in a market of a print each of A, B and D."""
    assert outcomes(traded(strategy(**settings), DUST, [first])) == [outcome]


def test_a_working_order_counts_as_a_position() -> None:
    """One position at most: B has to wait until A's entry is cancelled, a minute later."""
    events = [event("10:00:01"), event("10:00:30", ticker="B"), event("10:01:02", ticker="B")]
    records = traded(strategy(size={"value": 1_000, "max_positions": 1}), ROWS, events)

    assert outcomes(records) == ["taken", "positions", "taken"]


def test_working_entries_count_in_the_gross_limit() -> None:
    """A for 60,000 dollars leaves 40,000 for B."""
    events = [event("10:00:01"), event("10:00:01", ticker="B")]
    assert outcomes(traded(strategy(size={"value": 60_000}), ROWS, events)) == ["taken", "gross"]
    assert outcomes(traded(strategy(size={"value": 50_000}), ROWS, events)) == ["taken", "taken"]


def test_shares_follow_the_rule_of_size() -> None:
    """10,000 dollars; 5 percent of 100,000; or 1 percent of it lost at a stop 4 percent below 50."""
    sizes = {
        ("notional", 10_000.0): 200,
        ("equity_percent", 5.0): 100,
        ("risk", 1.0): 500,
    }
    for (rule, value), shares in sizes.items():
        values = strategy(size={"rule": rule, "value": value}, exit={"stop_percent": 4})
        assert traded(values, ROWS, [event("10:00:01")])["signals"]["shares"].tolist() == [shares]


def test_an_event_belongs_to_the_first_rule_that_it_passes() -> None:
    """An event that passes none is no signal at all; what it lacks fails."""
    rules = [
        {"kinds": ["trend"], "min_strength": 2, "side": "fade"},
        {"min_score": 60, "directions": [1]},
        {"tickers": ["B"], "between": ["10:00", "10:30"], "side": "short"},
    ]
    events = [
        event("10:00:01", kind="trend", strength=2),  # rule 0
        event("10:00:02", kind="trend", strength=1),
        event("10:00:03", score=60 - 1e-9),  # reaches
        event("10:00:04", -1, score=90.0),
        event("10:00:05", score=np.nan),
        event("10:29:59.899", ticker="B"),  # rule 2
        event("10:29:59.900", ticker="B"),
    ]
    signals = traded(strategy(enter=rules), ROWS, events)["signals"]

    assert list(zip(signals["rule"].tolist(), signals["side"].tolist(), strict=True)) == [(0, -1), (1, 1), (2, -1)]


def test_a_loss_of_everything_ignores_what_follows() -> None:
    """Short of 2,000 shares at 50, the price at 110: the equity is below 0."""
    rows = [*ROWS, tick("10:00:02", 50.0, 100_000), tick("10:01:00", 110.0)]
    values = strategy(size={"value": 100_000}, fill=FREE)
    records = traded(values, rows, [event("10:00:01", -1), event("10:02:00", ticker="B")])

    assert outcomes(records) == ["taken", "gross"]

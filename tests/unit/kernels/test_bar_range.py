"""A bar's range as semantics section 2 has it: adjusted bars may be off by rounding, at most 1e-9 of the bound."""

from __future__ import annotations

import math

import pytest

from tests.oracle import Row
from tests.oracle.admission import Admission
from tickstock_cli.testing import Bar, new_york, run_records

START = new_york("2024-06-12", "10:00")
ABOVE = 101.0 + 101.0 * 1e-9
BELOW = 99.0 - 99.0 * 1e-9
Prices = tuple[float, float, float, float]


def is_out_of_range(prices: Prices) -> bool:
    """Return the verdict on a bar (open, high, low, close) of the system and the oracle, who agree."""
    rejected = run_records([Bar("ABC", START, *prices, volume=1000)]).ledger.get("ohlcv.rejected.range", 0)
    columns = dict(zip(("open", "high", "low", "close"), prices, strict=True))
    reason = Admission().judge(Row("ohlcv", 0, 0, {"ticker": "ABC", "timestamp": START, "volume": 1000, **columns}))
    assert (rejected == 1) == (reason == "range")
    return rejected == 1


@pytest.mark.parametrize(
    "prices",
    [
        (100.0, 11.4 * 1.1, 12.0, 12.54),  # nonsense stays out: an open of 100 in a bar of 12
        (math.nextafter(ABOVE, 200.0), 101.0, 99.0, 100.0),
        (100.0, 101.0, 99.0, math.nextafter(ABOVE, 200.0)),
        (math.nextafter(BELOW, 0.0), 101.0, 99.0, 100.0),
        (100.0, 101.0, 99.0, math.nextafter(BELOW, 0.0)),
        (99.0, math.nextafter(BELOW, 0.0), 99.0, 99.0),
    ],
)
def test_more_than_a_billionth_of_the_bound_beyond_is_out_of_range(prices: Prices) -> None:
    """One unit in the last place beyond the tolerance is enough, for each price and both bounds."""
    assert is_out_of_range(prices)


@pytest.mark.parametrize(
    "prices",
    [
        (11.4 * 1.1, 12.54, 12.0, 12.1),  # 12.540000000000001, adjusted, above its own high of 12.54
        (ABOVE, 101.0, 99.0, 100.0),
        (100.0, 101.0, 99.0, ABOVE),
        (BELOW, 101.0, 99.0, 100.0),
        (100.0, 101.0, 99.0, BELOW),
        (99.0, BELOW, 99.0, BELOW),
    ],
)
def test_a_bar_off_by_rounding_is_accepted(prices: Prices) -> None:
    """Exactly the tolerance is within it; so is a high that rounding put below the low."""
    assert not is_out_of_range(prices)

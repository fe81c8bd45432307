"""Where injected moves are placed."""

from __future__ import annotations

from itertools import combinations

import pytest

from tests.unit.synth.making import SECOND, MadeMarket
from tickstock_cli.errors import UsageError
from tickstock_cli.synth.market import SyntheticMarket
from tickstock_cli.synth.options import MarketOptions


def test_as_many_are_placed_as_were_asked_for() -> None:
    """Of each kind, over all days."""
    options = MarketOptions(
        rows=600_000, symbols=50, days=2, surges=5, opening_surges=1, trends=4, deviations=3, halts=1
    )

    kinds = [injection.kind.name for injection in SyntheticMarket(options).plan.injections]

    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"SURGE": 6, "TREND": 4, "FMV": 3, "HALT": 1}


def test_moves_of_one_ticker_keep_a_quarter_of_an_hour_apart(made: MadeMarket) -> None:
    """Else a detection could be of either."""
    for one, other in combinations(made.truth.to_dicts(), 2):
        if one["ticker"] == other["ticker"]:
            first, second = sorted((one, other), key=lambda move: int(move["start"]))
            assert second["start"] - first["end"] >= 900 * SECOND


def test_too_few_rows_for_the_injections_are_reported() -> None:
    """100 trades a ticker and day: no surge could be told."""
    with pytest.raises(UsageError, match="--surges is 3, but only 0 found a symbol with 60 trades in 5 minutes"):
        SyntheticMarket(MarketOptions(rows=1_000, symbols=10, surges=3))


def test_a_market_of_few_rows_without_injections_is_valid() -> None:
    """The default is what there is room for."""
    assert SyntheticMarket(MarketOptions(rows=1_000, symbols=10)).plan.injections == []


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rows", 0, "--rows is 0, but 1 to 10000000000 is allowed"),
        ("symbols", 50_001, "--symbols is 50001, but 1 to 50000 is allowed"),
        ("seed", -1, "--seed is -1, but 0 to 18446744073709551615 is allowed"),
        ("opening_surges", -1, "--opening-surges is -1, but 0 to 10000 is allowed"),
    ],
)
def test_options_out_of_range_are_refused(name: str, value: int, message: str) -> None:
    """By the name that the command line gives them."""
    values: dict[str, int] = {name: value}
    with pytest.raises(UsageError, match=message):
        MarketOptions(**values)  # type: ignore[arg-type]  # one of the numbers


def test_more_rows_than_a_second_can_hold_are_refused() -> None:
    """Ten billion rows in one day would not fit the arithmetic of the busiest second."""
    with pytest.raises(UsageError, match=r"the busiest second would hold .* raise --days or lower --rows"):
        SyntheticMarket(MarketOptions(rows=10_000_000_000, symbols=10))

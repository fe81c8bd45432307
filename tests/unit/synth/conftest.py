"""One market that many tests look at."""

from __future__ import annotations

import pytest

from tests.unit.synth.making import MadeMarket, make_market
from tickstock_cli.synth.options import MarketOptions


@pytest.fixture(scope="session")
def made() -> MadeMarket:
    return make_market(MarketOptions(rows=300_000, symbols=60, seed=5, bad_prints=100))

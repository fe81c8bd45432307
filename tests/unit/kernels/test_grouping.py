"""Rows into groups by ticker, against what Python's own sort gives."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.channels.base import Workspace, group

TICKERS = 6
codes = st.lists(st.integers(-1, TICKERS - 1), max_size=40)
owners = st.lists(st.booleans(), min_size=TICKERS, max_size=TICKERS)


@given(codes, codes, owners)
def test_each_ticker_has_its_rows_in_their_order(rows: list[int], probes: list[int], owned: list[bool]) -> None:
    """Rows of others, and those without a ticker, are in nobody's group; a ticker only asked about has one, too."""
    code, lookup_code = np.array(rows, dtype=np.int32), np.array(probes, dtype=np.int32)
    workspace = Workspace()
    group(np.zeros(50, np.int32), np.zeros(50, np.int32), np.ones(TICKERS, np.bool_), workspace)  # leaves leftovers

    groups, grouped, grouped_probes = group(code, lookup_code, np.array(owned), workspace)

    found = {}
    for place, ticker in enumerate(groups.code.tolist()):
        mine = grouped[groups.start[place] : groups.start[place + 1]].tolist()
        asked = grouped_probes[groups.lookup_start[place] : groups.lookup_start[place + 1]].tolist()
        found[ticker] = (mine, asked)
    assert list(found) == sorted(found)
    assert found == {
        ticker: (_places(rows, ticker), _places(probes, ticker))
        for ticker in range(TICKERS)
        if owned[ticker] and ticker in {*rows, *probes}
    }


def _places(rows: list[int], ticker: int) -> list[int]:
    return [place for place, code in enumerate(rows) if code == ticker]

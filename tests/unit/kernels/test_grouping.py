"""Rows into groups by ticker, against what Python's own sort gives."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tickstock_cli.channels.grouping import Grouped, even_bounds, group, relative_costs
from tickstock_cli.channels.workspace import Workspace
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.kernels.packing import Buckets, name_row, place_for

TICKERS = 6
ROWS = np.dtype([("row", "i4"), ("own", "u2")])
"""No values: rows are grouped by their codes alone."""
codes = st.lists(st.integers(-1, TICKERS - 1), max_size=40)
owners = st.lists(st.booleans(), min_size=TICKERS, max_size=TICKERS)


@given(codes, codes, owners)
def test_each_ticker_has_its_rows_in_their_order(rows: list[int], probes: list[int], owned: list[bool]) -> None:
    """Rows of others, and those without a ticker, are in nobody's group; a ticker only asked about has one, too."""
    code, lookup_code = np.array(rows, dtype=np.int32), np.array(probes, dtype=np.int32)
    workspace = Workspace()
    _grouped(np.zeros(50, np.int32), np.zeros(50, np.int32), np.ones(TICKERS, np.bool_), workspace)  # leaves leftovers

    found = _by_ticker(_grouped(code, lookup_code, np.array(owned), workspace))

    assert list(found) == sorted(found)
    assert found == {
        ticker: (_places(rows, ticker), _places(probes, ticker))
        for ticker in range(TICKERS)
        if owned[ticker] and ticker in {*rows, *probes}
    }


@given(codes, codes, st.integers(1, 4))
def test_shares_of_tickers_have_each_row_once(rows: list[int], probes: list[int], shares: int) -> None:
    """Ranges of tickers put together are the whole, and no range costs more than its part and one ticker."""
    code = np.array(rows, dtype=np.int32)
    whole = _grouped(code, np.array(probes, dtype=np.int32), np.ones(TICKERS, np.bool_), Workspace())

    bounds = even_bounds([whole], TICKERS, shares)
    parts = [whole.between(low, high) for low, high in pairwise(bounds)]

    assert len(parts) == shares
    together = [entry for part in parts for entry in _by_ticker(part).items()]
    assert together == list(_by_ticker(whole).items())
    costs = [relative_costs(np.diff(part.groups.start)) for part in (whole, *parts)]
    most = costs[0].sum() / shares + costs[0].max(initial=0)
    assert all(part.sum() <= most for part in costs[1:])


@kernel
def pack(buckets: Buckets, packed: NDArray[Any]) -> None:
    """Pack the numbers of rows."""
    for i in range(len(buckets.code)):
        place = place_for(buckets, i)
        if place >= 0:
            name_row(packed[place], buckets, i)


def _grouped(
    code: NDArray[np.int32], lookup_code: NDArray[np.int32], mine: NDArray[np.bool_], workspace: Workspace
) -> Grouped:
    return group(code, lookup_code, mine, pack, ROWS, workspace)


def _by_ticker(grouped: Grouped) -> dict[int, tuple[list[int], list[int]]]:
    """Return the rows and lookups of each group."""
    groups, found = grouped.groups, {}
    for place, ticker in enumerate(groups.code.tolist()):
        mine = grouped.rows[groups.start[place] : groups.start[place + 1]].tolist()
        asked = grouped.lookup_rows[groups.lookup_start[place] : groups.lookup_start[place + 1]].tolist()
        found[ticker] = (mine, asked)
    return found


def _places(rows: list[int], ticker: int) -> list[int]:
    return [place for place, code in enumerate(rows) if code == ticker]

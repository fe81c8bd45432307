"""Pairs are numbered as a dictionary would number them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.kernels.pairs import number_pairs

EDGES = st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63), 1_717_594_200_000_000_000]) | st.integers(0, 3)


@given(st.lists(st.tuples(EDGES, EDGES), max_size=60))
def test_pairs_are_numbered_by_first_appearance(pairs: list[tuple[int, int]]) -> None:
    """Also pairs at the ends of int64."""
    numbers: dict[tuple[int, int], int] = {}
    expected = [numbers.setdefault(pair, len(numbers)) for pair in pairs]
    columns = np.array(pairs, np.int64).reshape(-1, 2)
    found, count = number_pairs(columns[:, 0].copy(), columns[:, 1].copy())
    assert found.tolist() == expected
    assert count == len(numbers)

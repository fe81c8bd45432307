"""Rows sorted by several whole numbers packed into one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.row_order import FEW, stable_order

WHOLE = [
    st.integers(0, 3),
    st.integers(-5, 5),
    st.integers(0, 2**20),
    st.integers(-(2**40), 2**45),
    st.integers(-(2**63), 2**63 - 1),
]


@st.composite
def columns(draw: st.DrawFn) -> list[np.ndarray]:
    """Draw up to four columns of one length, of few values or of many, around the length below which none is packed."""
    rows = draw(st.integers(1, FEW) | st.integers(FEW, 3 * FEW))
    numbers = [draw(st.sampled_from(WHOLE)) for _ in range(draw(st.integers(1, 4)))]
    return [np.array(draw(st.lists(one, min_size=rows, max_size=rows)), dtype=np.int64) for one in numbers]


class TestStableOrder:
    """The order of rows by their columns, the first of which decides first."""

    @given(columns())
    def test_that_it_is_the_order_of_sorting_column_by_column(self, keys: list[np.ndarray]) -> None:
        """Whatever their ranges, and with equal rows in the order in which they stood."""
        assert stable_order(keys).tolist() == np.lexsort(tuple(keys[::-1])).tolist()

    def test_that_small_numbers_are_sorted_by_their_values(self) -> None:
        """Kinds and sources are bytes, whose shifted values would not fit into a byte."""
        kinds = np.array([4, 1, 0, 1] * FEW, dtype=np.int8)
        times = np.array([7, 7, 9, 3] * FEW, dtype=np.int64)
        order = stable_order([times, kinds])
        assert [(times[row], kinds[row]) for row in order] == sorted(zip(times, kinds, strict=True))

    def test_that_no_rows_have_no_order(self) -> None:
        """An empty release is sorted, too."""
        assert len(stable_order([np.empty(0, dtype=np.int64)])) == 0

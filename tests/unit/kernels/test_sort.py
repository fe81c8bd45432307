"""Rows of many pieces are sorted as a plain sort would, whatever their times and pieces."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tickstock_cli.kernels.sort import order_of, sort_rows


def frozen(values: list[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return int64 as the kernels get them."""
    array = np.array(values, dtype=np.int64)
    array.flags.writeable = False
    return array


def in_order(times: NDArray[np.int64], origins: NDArray[np.int64], cuts: list[int]) -> list[int]:
    """Sort rows that are cut into pieces, the last piece first."""
    starts, ends = [0, *cuts], [*cuts, len(times)]
    rows: list[int] = sort_rows(times, origins, frozen(starts[::-1]), frozen(ends[::-1])).tolist()
    return rows


@given(st.lists(st.integers(0, 8), max_size=60), st.sampled_from([1, 1_000, 10**12, 10**18]), st.randoms())
def test_rows_come_by_time_and_then_by_origin(drawn: list[int], step: int, shuffle: Random) -> None:
    """Times of an hour and of centuries, with ties."""
    times = frozen([time * step for time in drawn])
    numbers = list(range(len(drawn)))
    shuffle.shuffle(numbers)
    origins = frozen(numbers)
    expected = np.lexsort((origins, times)).tolist()
    assert in_order(times, origins, [len(drawn) // 3, len(drawn) // 2]) == expected


@pytest.mark.parametrize("span", [0, 1_000, 10**18])
def test_many_rows_of_nearly_one_time_are_in_order_too(span: int) -> None:
    """Rows of a burst have one key beside rows that are years away."""
    rng = np.random.default_rng(3)
    times = frozen(np.append(rng.integers(0, 1_000, 5_000), span))
    origins = frozen(rng.permutation(len(times)))
    assert in_order(times, origins, [1_000]) == np.lexsort((origins, times)).tolist()


def places(times: list[int] | NDArray[np.int64]) -> list[int]:
    """Return the places of times in their order."""
    rows = np.array(times, dtype=np.int64)
    out = np.empty(len(rows), dtype=np.uint32)
    order_of(rows, out)
    found: list[int] = out.tolist()
    return found


@given(
    st.lists(st.integers(0, 40), max_size=200),
    st.sampled_from([1, 1_000, 10**9, 10**14, 2**62 // 40]),
)
def test_places_are_in_the_order_of_times_and_equal_ones_keep_theirs(drawn: list[int], step: int) -> None:
    """Times of a microsecond, a day and all that there are."""
    times = [time * step for time in drawn]
    assert places(times) == np.argsort(np.array(times, dtype=np.int64), kind="stable").tolist()


def test_a_burst_beside_a_time_that_is_far_away_is_in_order() -> None:
    """The highest digits of its times are the same, and those of a century leave no room for the lowest."""
    rng = np.random.default_rng(3)
    for far in (10**10, 10**15, 2**63 - 1):
        times = np.append(rng.integers(0, 3_000, 2_000), far)
        assert places(times) == np.argsort(times, kind="stable").tolist()

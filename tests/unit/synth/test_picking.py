"""Which symbol trades, and when."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.synth.picking import load_picker, make_picker, pick, time_rows
from tickstock_cli.synth.rng import draws, stream_key
from tickstock_cli.synth.tables import waits


@given(st.lists(st.integers(0, 2**34), min_size=1, max_size=40).filter(any))
def test_a_picker_holds_each_symbol_in_proportion_to_its_weight(weights: list[int]) -> None:
    """Summed over its columns, to the resolution of the table."""
    picker = make_picker(len(weights))
    load_picker(np.array(weights, dtype=np.int64), picker)

    share = np.zeros(len(weights))
    for column in range(len(weights)):
        share[column] += picker.keep[column] / 2**32
        share[picker.other[column]] += 1 - picker.keep[column] / 2**32
    expected = np.array(weights) / sum(weights) * len(weights)
    assert np.allclose(share, expected, atol=1e-5)


def test_picks_follow_the_weights() -> None:
    """A symbol of three quarters of the weight gets three quarters of the trades."""
    picker = make_picker(3)
    load_picker(np.array([10, 60, 10]), picker)

    counts = np.bincount([pick(one, picker) for one in draws(1, "picks", 8_000)], minlength=3)

    assert np.allclose(counts / 8_000, [0.125, 0.75, 0.125], atol=0.02)


@given(st.integers(0, 2**40), st.integers(1, 3_000))
def test_times_are_in_order_and_within_their_second(first_row: int, rows: int) -> None:
    """No sorting behind it."""
    times = np.empty(rows, dtype=np.int64)

    time_rows(stream_key(1, "times"), first_row, 1_000_000_000, waits(), times)

    assert (np.diff(times) >= 0).all()
    assert 1_000_000_000 <= times[0] <= times[-1] < 2_000_000_000


def test_times_are_spread_over_the_second() -> None:
    """Like sorted uniform ones: a tenth of them in each tenth."""
    times = np.empty(20_000, dtype=np.int64)

    time_rows(stream_key(2, "times"), 0, 0, waits(), times)

    assert np.allclose(np.bincount(times // 100_000_000, minlength=10) / 20_000, 0.1, atol=0.01)

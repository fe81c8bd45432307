"""Randomness is a hash of key and counter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.synth.rng import BELL_DEVIATION, Rng, bell, bits, draw, draws, stream_key, uniform


def test_draws_are_the_numbers_of_splitmix64() -> None:
    """The generator that starts at 0 gives these three first, in the reference implementation too."""
    zero = np.uint64(0)

    assert [int(draw(zero, n)) for n in (1, 2, 3)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@given(st.integers(0, 2**64 - 1), st.integers(0, 62), st.integers(1, 62))
def test_bits_are_a_slice_of_the_draw(drawn: int, shift: int, width: int) -> None:
    """Whatever the width: never negative, and nothing of the other bits."""
    width = min(width, 64 - shift)

    assert bits(np.uint64(drawn), shift, width) == (drawn >> shift) & ((1 << width) - 1)


def test_normal_draws_have_their_standard_deviation() -> None:
    """Steps are scaled by it."""
    values = np.array([bell(one) for one in draws(1, "bell", 20_000)])

    assert abs(values.mean()) < BELL_DEVIATION / 50
    assert values.std() == pytest.approx(BELL_DEVIATION, rel=0.02)
    assert np.abs(values).max() <= 131_070


def test_purposes_and_seeds_have_streams_of_their_own() -> None:
    """Else a symbol's size would tell its price."""
    keys = {int(stream_key(seed, purpose)) for seed in range(50) for purpose in ("price", "size", "time")}

    assert len(keys) == 150


@given(st.integers(-100, 100), st.integers(0, 1_000))
def test_ranges_hold_both_ends(low: int, width: int) -> None:
    """Rng and arrays of draws cut the same range."""
    dice = Rng(3, "range")

    thrown = [dice.between(low, low + width) for _ in range(20)]

    assert thrown == uniform(draws(3, "range", 20), low, low + width).tolist()
    assert low <= min(thrown) <= max(thrown) <= low + width

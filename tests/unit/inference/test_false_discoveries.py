"""q values by hand, and against scipy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from tickstock_cli.inference.false_discoveries import false_discovery_rates


def test_four_tests_by_hand() -> None:
    """0.01·4/1 = 0.04; 0.03·4/2 = 0.06, which is above 0.04·4/3, so both have that; 0.9·4/4."""
    assert false_discovery_rates([0.03, 0.9, 0.01, 0.04]) == pytest.approx([0.16 / 3, 0.9, 0.04, 0.16 / 3], rel=1e-15)


def test_no_test_has_no_rate() -> None:
    """A study in which all cells are thin."""
    assert false_discovery_rates([]) == []


@given(st.lists(st.sampled_from([0.0, 1e-300, 0.01, 0.02, 0.05, 0.5, 1.0]) | st.floats(0, 1), min_size=1, max_size=50))
def test_scipy_finds_the_same_rates(p: list[float]) -> None:
    """With ties, zeros and ones."""
    assert false_discovery_rates(p) == pytest.approx(false_discovery_control(p).tolist(), rel=1e-12)

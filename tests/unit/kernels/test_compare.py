"""The comparisons that every rule shares, at the places where binary floats and first events surprise."""

from __future__ import annotations

import math

import pytest

from tickstock_cli.kernels.compare import (
    NEVER,
    SECOND_NS,
    cooldown_ns,
    extreme_distance,
    micro_shares,
    reaches,
    sign,
    within_cooldown,
)


@pytest.mark.parametrize(
    ("value", "threshold"),
    [
        (100.1 - 100.0, 0.1),  # 0.09999999999999432
        (0.3, 0.1 + 0.2),  # the threshold is 0.30000000000000004
        ((20.2 - 20.0) / 20.0 * 100.0, 1.0),  # 0.9999999999999964
        (1.0 - 0.9e-9, 1.0),
        (-1.0 - 0.9e-9, -1.0),
        (0.0, 0.0),
    ],
)
def test_a_move_of_exactly_the_threshold_reaches_it(value: float, threshold: float) -> None:
    """What a user writes in decimals counts as written; also below zero, where the slack goes the same way."""
    assert reaches(value, threshold)


@pytest.mark.parametrize(
    ("value", "threshold"),
    [(1.0 - 1.1e-9, 1.0), (-1.0 - 1.1e-9, -1.0), (-5e-324, 0.0), (math.nan, 0.0), (0.0, math.nan)],
)
def test_a_move_more_than_a_billionth_short_does_not_reach_it(value: float, threshold: float) -> None:
    """The slack is relative, so a threshold of 0 has none; what is unknown reaches nothing."""
    assert not reaches(value, threshold)


def test_a_cooldown_begins_with_its_event_and_ends_before_its_last_instant() -> None:
    """0 <= t - last < c."""
    last, cooldown = 1_718_200_800 * SECOND_NS, 20 * SECOND_NS
    seconds = {gap: within_cooldown(last + gap, last, cooldown) for gap in (-1, 0, cooldown - 1, cooldown)}

    assert seconds == {-1: False, 0: True, cooldown - 1: True, cooldown: False}


def test_no_cooldown_and_no_event_before_suppress_nothing() -> None:
    """With 0 even two events at one instant are told; and the epoch is not an event."""
    assert not within_cooldown(5, 5, 0)
    assert not within_cooldown(1, NEVER, cooldown_ns(3600))


def test_cooldowns_in_decimal_seconds_are_whole_nanoseconds() -> None:
    """1.001 s is 1,000,999,999.9999999 ns in floats; cut off, an event would be told a nanosecond early."""
    assert [cooldown_ns(seconds) for seconds in (1.001, 6.5e-05, 1e-9, 0)] == [1_001_000_000, 65_000, 1, 0]


def test_the_sign_of_zero_is_zero() -> None:
    """Of both zeros, and of what is unknown."""
    assert [sign(value) for value in (-0.5, -0.0, 0.0, 2.0, math.nan)] == [-1, 0, 0, 1, 0]


def test_the_least_move_is_a_cent_or_a_tenth_of_a_percent() -> None:
    """The two thresholds meet at ten dollars."""
    assert [extreme_distance(price, 0.01, 0.1) for price in (1.0, 10.0, 500.0)] == [0.01, 0.01, 0.5]


def test_sums_of_volume_stay_exact_and_do_not_overflow() -> None:
    """Nine trillion shares and a millionth are exact; 93 times 1e11 shares would overflow an int64 of millionths."""
    assert micro_shares(8_999_999_999, 1) == 8_999_999_999_000_001
    assert micro_shares(93 * 10**11, 0) == pytest.approx(9.3e18)

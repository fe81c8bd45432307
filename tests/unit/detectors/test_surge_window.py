"""Window and baseline of a surge, held against a list of ticks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.detectors.surge_window import (
    BUCKET,
    NO_SECOND,
    WINDOW_FIELDS,
    Window,
    add_tick,
    base_count,
    base_start,
    load_window,
    new_window,
    open_second,
    reference_of,
    store_window,
    volume_between,
    window_count,
)

INTERVAL, BASELINE = 3, 5
REACH = INTERVAL + BASELINE


class Tick(NamedTuple):
    """A tick: seconds after the one before, price, size in millionths, and what its flags leave of it."""

    after: int
    price: float
    size: int
    counts_volume: bool
    is_last: bool


ticks = st.lists(
    st.builds(
        Tick,
        st.sampled_from([0, 0, 1, 1, 2, 4, 20]),
        st.sampled_from([99.0, 100.0, 101.5]),
        st.integers(0, 5_000_000),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=60,
)


@given(ticks)
def test_a_window_equals_sums_over_all_ticks_in_it(drawn: list[Tick]) -> None:
    """Volumes, numbers of prices and the reference, over gaps, hidden ticks and more seconds than the ring holds."""
    state = np.zeros(1, dtype=np.dtype(WINDOW_FIELDS, align=True))[0]
    ring = np.zeros(REACH + 1, dtype=BUCKET)
    window, second, base = new_window(), 0, 0
    seen: list[tuple[int, Tick]] = []
    for tick in drawn:
        second += tick.after
        seen.append((second, tick))
        if second != window.second:
            window = open_second(window, ring, second, INTERVAL)
        window = add_tick(window, tick.price, tick.size, tick.counts_volume, tick.is_last)
        store_window(state, window)  # as between two batches
        window = load_window(state)

        inside = [one for at, one in seen if at > second - INTERVAL]
        before = [(at, one) for at, one in seen if second - REACH < at <= second - INTERVAL]
        base = base_start(window, ring, base, REACH)
        assert base == base_start(window, ring, 0, REACH)
        assert window_count(window) == sum(one.is_last for one in inside)
        assert base_count(window, ring, base) == sum(one.is_last for _, one in before)
        assert volume_between(window, ring, window.oldest, window.closed + 1) == sum(
            one.size for one in inside if one.counts_volume
        )
        assert volume_between(window, ring, base, window.oldest) == sum(
            one.size for _, one in before if one.counts_volume
        )
        if tick.is_last:
            assert reference_of(window, ring, REACH) == expected_reference(seen, second)


def expected_reference(seen: list[tuple[int, Tick]], second: int) -> float:
    """Return the baseline's last price, or that of the first second of the window that has one."""
    before = [one.price for at, one in seen if second - REACH < at <= second - INTERVAL and one.is_last]
    if before:
        return before[-1]
    first = min(at for at, one in seen if at > second - INTERVAL and one.is_last)
    return [one.price for at, one in seen if at == first and one.is_last][-1]


def test_a_volume_beyond_int64_is_not_lost() -> None:
    """A hundred rows of the greatest size allowed: their sum in millionths has 20 digits."""
    window = open_second(new_window(), np.zeros(REACH + 1, dtype=BUCKET), 0, INTERVAL)
    for _ in range(100):
        window = add_tick(window, 1.0, 10**17, True, True)
    assert volume_between(window, np.zeros(REACH + 1, dtype=BUCKET), 0, 1) == 1e19


def test_a_segment_begins_without_a_bucket() -> None:
    """No second of a segment is before its first row."""
    assert new_window().second == NO_SECOND
    assert isinstance(new_window(), Window)

"""Stamps rise whatever the clocks do, and market time stays before frames in flight."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.stamps import Stamps
from tickstock_cli.testing import SECOND

NOON = 1_800_000_000 * SECOND


class Clocks:
    """A date and a monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.date = NOON
        self.monotonic = 0

    def stamps(self, floor: int = 0) -> Stamps:
        return Stamps(lambda: self.date, lambda: self.monotonic, floor)

    def advance(self, ns: int) -> None:
        self.date += ns
        self.monotonic += ns


def test_a_stamp_is_the_time_of_receipt() -> None:
    """It is what the recording keeps as received_at."""
    clocks = Clocks()
    stamps = clocks.stamps()

    first = stamps.stamp()
    clocks.advance(5)

    assert (first, stamps.stamp()) == (NOON, NOON + 5)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-10 * SECOND, 10 * SECOND))))
def test_stamps_rise_though_the_date_is_set_back(moves: list[tuple[int, int]]) -> None:
    """Rows of a recording are in the order of their arrival, whatever is done to the machine's date."""
    clocks = Clocks()
    stamps = clocks.stamps()
    given: list[int] = []
    for passed, set_by in moves:
        clocks.advance(passed)
        clocks.date += set_by
        given.append(stamps.stamp())

    assert all(later > earlier for earlier, later in pairwise(given))


def test_stamps_go_on_behind_those_of_an_earlier_run() -> None:
    """A run that goes on in a folder whose last rows are of a date that was ahead precedes none of them."""
    stamps = Clocks().stamps(floor=NOON + SECOND)

    assert [stamps.stamp(), stamps.stamp()] == [NOON + SECOND + 1, NOON + SECOND + 2]


def test_stamps_follow_a_date_that_is_set_forward() -> None:
    """After a machine has slept, rows would be from the future of a clock that slept, too, and be rejected."""
    clocks = Clocks()
    stamps = clocks.stamps()
    clocks.date += 8 * 3600 * SECOND

    assert stamps.stamp() == NOON + 8 * 3600 * SECOND


def test_market_time_stays_before_frames_in_flight() -> None:
    """Rows of a frame that waits to be decoded must not be late."""
    clocks = Clocks()
    stamps = clocks.stamps()
    first = stamps.stamp()
    clocks.advance(SECOND)
    second = stamps.stamp()
    clocks.advance(SECOND)

    assert stamps.passed() == first - 1
    stamps.handed_over(first)
    assert stamps.passed() == second - 1
    stamps.handed_over(second)
    assert stamps.passed() == NOON + 2 * SECOND


def test_stamps_exceed_a_market_time_that_was_told() -> None:
    """A frame that is received within the same tick of the clock comes after what was passed."""
    stamps = Clocks().stamps()

    told = stamps.passed()

    assert stamps.stamp() > told

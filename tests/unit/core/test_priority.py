"""The priority manager: what a run assigns, and what one consumer gets first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.priority import PriorityManager

KINDS = [1, 1, 2, 3, 4]
"""Priorities of high, low, surge, trend and fmv."""
TICKERS = ["AAPL", "IBM", "MSFT"]


class Pulled(NamedTuple):
    """An event as it was pulled, third in its batch or thirtieth."""

    priority: int
    ticker: str
    place: int = 0


def assigned(core: list[str], *events: tuple[str, int]) -> list[int]:
    """Return the priorities of events, each a ticker and the code of its kind."""
    manager = PriorityManager(KINDS, core)
    places = np.array([TICKERS.index(ticker) for ticker, _ in events])
    priorities = manager.assign(np.array([kind for _, kind in events], np.int8), manager.steps(TICKERS)[places])
    return [int(priority) for priority in priorities]


def test_outside_the_core_everything_comes_after_the_core() -> None:
    """Its last kind still stands before the first kind of other tickers."""
    assert assigned(["AAPL"], ("AAPL", 0), ("AAPL", 4), ("IBM", 1), ("MSFT", 4)) == [1, 4, 5, 8]


def test_without_a_core_every_ticker_is_core() -> None:
    """A user who names none gets the priorities of kinds alone."""
    assert assigned([], ("IBM", 0), ("MSFT", 2), ("AAPL", 3)) == [1, 2, 3]


def test_core_then_the_user_s_own_then_kind() -> None:
    """Three questions, in this order; a user's own ticker outside the core does not overtake the core."""
    manager = PriorityManager(user_universe=frozenset({"IBM", "T"}))
    wanted = [Pulled(1, "IBM"), Pulled(4, "IBM"), Pulled(1, "AAPL"), Pulled(3, "AAPL"), Pulled(8, "T"), Pulled(5, "F")]

    assert manager.highest_first(reversed(wanted)) == wanted
    assert PriorityManager().highest_first(wanted) == sorted(wanted, key=lambda event: event.priority)


events = st.lists(st.builds(Pulled, st.integers(1, 8), st.sampled_from(TICKERS)), max_size=40)


@given(events, st.none() | st.frozensets(st.sampled_from(TICKERS)))
def test_a_read_is_only_reordered(told: list[Pulled], own: frozenset[str] | None) -> None:
    """Nothing is lost or repeated, ranks never fall, and of equal rank the earlier event comes first."""
    pulled = [event._replace(place=place) for place, event in enumerate(told)]
    manager = PriorityManager(user_universe=own)
    ordered = manager.highest_first(pulled)
    keys = [(manager.rank(event.priority, event.ticker), event.place) for event in ordered]

    assert keys == sorted(keys)
    assert sorted(event.place for event in ordered) == list(range(len(told)))


@given(events)
def test_without_an_own_universe_the_rank_is_the_priority(told: list[Pulled]) -> None:
    """And a universe of every ticker, or of none, changes no order."""
    plain = PriorityManager().highest_first(told)

    assert [event.priority for event in plain] == sorted(event.priority for event in told)
    assert PriorityManager(user_universe=frozenset(TICKERS)).highest_first(told) == plain
    assert PriorityManager(user_universe=frozenset()).highest_first(told) == plain

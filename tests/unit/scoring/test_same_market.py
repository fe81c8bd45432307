"""Events that are scored against the truth of another market."""

from __future__ import annotations

import pytest

from tests.unit.scoring.test_scoring import events, truth
from tickstock_cli.errors import DataError
from tickstock_cli.scoring.scoring import score

DAY = 86_400
NOON = 17 * 3_600


def test_without_a_ticker_in_common_there_is_no_score() -> None:
    """A recall of 0 % would blame the detectors."""
    told = events(*(("surge", ticker, 1, NOON) for ticker in "ABCD"))
    with pytest.raises(DataError) as raised:
        score(told, truth(("surge", "X", 1, NOON, NOON + 10)))

    assert str(raised.value) == (
        "the events and the truth have no ticker in common (A, B, C, …; X): no move was injected for these tickers, or "
        "they are of different markets; name the truth of the market that was replayed, or the events of a replay of "
        "every ticker"
    )


def test_without_a_day_in_common_there_is_no_score() -> None:
    """Markets of one seed have the same tickers on every day."""
    with pytest.raises(DataError, match=r"no day in common \(1970-01-01; 1970-01-02\)"):
        score(events(("surge", "A", 1, NOON)), truth(("surge", "A", 1, NOON + DAY, NOON + DAY + 10)))


def test_a_session_that_ends_after_midnight_in_utc_is_one_day() -> None:
    """19:30 in New York is 00:30 of the next day in UTC in winter."""
    (one,) = score(events(("surge", "A", 1, DAY + 1_800)), truth(("surge", "A", 1, NOON, NOON + 10))).kinds

    assert (one.events, one.found) == (1, 0)


def test_halts_are_of_the_market_too() -> None:
    """A ticker of which only a halt was injected is a ticker in common."""
    told, happened = events(("surge", "H", 1, NOON)), truth(("halt", "H", 1, NOON, NOON + 10))

    assert score(told, happened).unscored == {"surge": 1}


def test_no_events_and_no_moves_are_of_any_market() -> None:
    """A quiet day has a score."""
    assert score(events(), truth(("surge", "A", 1, NOON, NOON + 10))).kinds[0].found == 0
    assert score(events(("surge", "A", 1, NOON)), truth(("surge", "A", 1, NOON, NOON + 10)).clear()).kinds == ()

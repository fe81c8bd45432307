"""Gaps of a feed."""

from __future__ import annotations

from tickstock_cli.core.feed import Gap
from tickstock_cli.core.shown_times import exchange_zone
from tickstock_cli.testing import new_york
from tickstock_cli.vendors.polygon.gaps import gaps_of_today


def test_the_gaps_of_today_are_those_that_reach_into_it() -> None:
    """A run of three days had "gaps today 3"; the day is New York's, and changes at its midnight."""

    def gap(begin: str, end: str | None) -> Gap:
        return Gap(new_york("2024-06-12", begin), None if end is None else new_york("2024-06-12", end), ("T",), "lost")

    morning, evening, lasting = gap("09:40:00", "09:41:00"), gap("20:30:00", "20:31:00"), gap("23:58:00", None)
    gaps, zone = [morning, evening, lasting], exchange_zone("XNYS")

    assert gaps_of_today(gaps, new_york("2024-06-12", "23:59:59"), zone) == gaps
    assert gaps_of_today(gaps, new_york("2024-06-13", "00:00:00"), zone) == [lasting]

"""What a live run does once, with the first rows that give reason to."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.live.first_rows import NightNotice, OnFirstRows
from tickstock_cli.testing import new_york


def trades(clock: str, day: str = "2026-12-08") -> list[pa.RecordBatch]:
    """Return one trade of a time of New York."""
    time = new_york(day, clock)
    row = {"ticker": "AAPL", "timestamp": time, "price": 10.0, "size": 1.0, "received_at": time}
    return [pa.RecordBatch.from_pylist([row], schema=RECORDED["tick"])]


@pytest.mark.parametrize(
    ("clock", "told"), [("20:00:00", 1), ("03:59:59", 1), ("04:00:00", 0), ("19:59:59", 0), ("12:00:00", 0)]
)
def test_rows_of_the_night_are_announced(clock: str, told: int) -> None:
    """Since 6 December 2026 US equities trade at night; without a word nobody knows why no event comes."""
    said: list[str] = []
    notice = NightNotice(Calendar("XNYS"), ("pre", "regular", "post"), said.append)
    notice.rows(trades(clock))
    notice.rows(trades(clock))
    assert len(said) == told
    assert all("session.phases" in text for text in said)


def test_the_evening_before_a_holiday_is_no_night() -> None:
    """What comes then is a fault of the feed; the next night begins on Christmas Day."""
    said: list[str] = []
    notice = NightNotice(Calendar("XNYS"), ("regular",), said.append)
    notice.rows(trades("20:00:00", "2026-12-24"))
    assert said == []
    notice.rows(trades("20:00:00", "2026-12-27"))
    assert len(said) == 1


@pytest.mark.parametrize(("calendar", "phases"), [("24/7", ("regular",)), ("XNYS", ("regular", "overnight"))])
def test_a_night_that_is_asked_for_or_does_not_exist_is_not_announced(calendar: str, phases: tuple[str, ...]) -> None:
    """All rows of a market that never closes are regular."""
    said: list[str] = []
    NightNotice(Calendar(calendar), phases, said.append).rows(trades("22:00:00"))
    assert said == []


def test_the_first_rows_are_the_occasion_once() -> None:
    """The clock's offset is known by then, and written once."""
    calls: list[str] = []
    listener = OnFirstRows(lambda: calls.append("now"))
    listener.rows(trades("10:00:00"))
    listener.rows(trades("10:00:01"))
    assert calls == ["now"]

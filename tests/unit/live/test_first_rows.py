"""What a live run does once, with the first rows that give reason to."""

from __future__ import annotations

import pyarrow as pa
import pytest

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
    notice = NightNotice("XNYS", said.append)
    notice.rows(trades(clock))
    notice.rows(trades(clock))
    assert len(said) == told
    assert all("session.phases" in text for text in said)


def test_a_market_that_never_closes_has_no_night() -> None:
    """All its rows are regular."""
    said: list[str] = []
    NightNotice("24/7", said.append).rows(trades("22:00:00"))
    assert said == []


def test_the_first_rows_are_the_occasion_once() -> None:
    """The clock's offset is known by then, and written once."""
    calls: list[str] = []
    listener = OnFirstRows(lambda: calls.append("now"))
    listener.rows(trades("10:00:00"))
    listener.rows(trades("10:00:01"))
    assert calls == ["now"]

"""Notices of a live feed: their lines and their keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tickstock_cli.core.feed import Gap
from tickstock_cli.core.shown_times import exchange_zone
from tickstock_cli.live.minute_notices import CompleteMinute
from tickstock_cli.live.notices import GapNotices, minute_notice
from tickstock_cli.serving.protocol import NOTICES

OPEN = 1_780_407_000_000_000_000
"""2026-06-02 09:30 in New York, ns UTC."""


def test_notices_are_messages_of_the_protocol_with_a_line_for_people() -> None:
    """The times of the lines are those of the exchange; a gap is posted at its begin and at its end."""
    posted: list[Mapping[str, Any]] = []
    zone = exchange_zone("XNYS")
    notices = GapNotices(posted.append, zone)
    gap = Gap(OPEN, None, ("T", "AM"), "connection lost")
    notices.gap(gap)
    notices.gap(replace(gap, end=OPEN + 2_500_000_000))
    posted.append(minute_notice(CompleteMinute(OPEN, 1_812, 420_999_999), zone))
    posted.append(minute_notice(CompleteMinute(OPEN, 1, 0), zone))

    assert [notice["text"] for notice in posted] == [
        "gap since 09:30:00.000: no rows of T, AM (connection lost)",
        "gap from 09:30:00.000 to 09:30:02.500: no rows of T, AM (connection lost)",
        "minute 09:30 complete, 1,812 symbols, lag 420 ms",
        "minute 09:30 complete, 1 symbol, lag 0 s",
    ]
    messages = [NOTICES[notice["kind"]](number=1, **notice).to_json() for notice in posted]
    assert '"minute":1780407000000000000,"symbols":1812,"lag_ms":420.999999' in messages[2]

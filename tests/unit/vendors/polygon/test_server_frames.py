"""Which events of the played vendor share a frame."""

from __future__ import annotations

import json

from tickstock_cli.vendors.polygon.server.audience import frames_of


def test_a_frame_ends_where_its_events_leave_the_merge_order() -> None:
    """Rows of a frame have one time of arrival: a client merges trades, bars, fair values, whatever was played."""
    prefixes = ["T", "T", "T", "FMV", "T", "AM", "FMV", "AM", "T"]
    events = [json.dumps({"ev": prefix}, separators=(",", ":")).encode() for prefix in prefixes]

    frames = [[event["ev"] for event in json.loads(frame[2:])] for (frame, _) in frames_of(events, 2)]

    assert frames == [["T", "T"], ["T", "FMV"], ["T", "AM"], ["FMV"], ["AM"], ["T"]]
    assert frames_of([], 2) == []

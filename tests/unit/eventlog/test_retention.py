"""Retention alone: which segments expire when a new one is added."""

from __future__ import annotations

from pathlib import Path

from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.eventlog.retention import SegmentRetention
from tickstock_cli.eventlog.segments import Segment


def kept(limits: LogLimits, *segments: tuple[int, int]) -> list[int]:
    """Add segments of these sizes and newest times one by one; return the numbers of those that stay."""
    retention = SegmentRetention(limits)
    stay = []
    for number, (size, newest_ns) in enumerate(segments):
        stay.append(number)
        expired = retention.add(Segment(Path(str(number)), number, number, size), newest_ns)
        assert [segment.first for segment in expired] == stay[: len(expired)]
        del stay[: len(expired)]
    return stay


def test_without_bounds_everything_stays() -> None:
    """By default a log keeps every event."""
    assert kept(LogLimits(), (10**12, 0), (10**12, 10**18)) == [0, 1]


def test_bytes_are_bounded_to_the_byte() -> None:
    """The oldest segments expire until the rest fits."""
    assert kept(LogLimits(keep_bytes=30), (10, 0), (10, 0), (10, 0)) == [0, 1, 2]
    assert kept(LogLimits(keep_bytes=29), (10, 0), (10, 0), (10, 0)) == [1, 2]


def test_age_is_measured_from_the_newest_event_of_all() -> None:
    """A segment of exactly the allowed age stays, and a segment out of order does not move the newest time back."""
    assert kept(LogLimits(keep_ns=50), (1, 100), (1, 150)) == [0, 1]
    assert kept(LogLimits(keep_ns=49), (1, 100), (1, 150)) == [1]
    assert kept(LogLimits(keep_ns=50), (1, 100), (1, 200), (1, 149)) == [1, 2]


def test_the_newest_segment_always_stays() -> None:
    """Readers must find the events that were just appended, whatever the bounds."""
    assert kept(LogLimits(keep_bytes=0, keep_ns=0), (10, 5), (10, 9)) == [1]

"""The last lines of a live run on a terminal."""

from __future__ import annotations

from tests.unit.cli.test_render_events import ZONE
from tickstock_cli.cli.feed_lines import FeedLines
from tickstock_cli.core.metrics import SourceHealth, SourceState
from tickstock_cli.testing import new_york

TEN = new_york("2024-06-12", "10:00:00")


def test_a_line_tells_the_state_of_the_feed() -> None:
    """State, since when, lag, rate, subscriptions and gaps stand in one line."""
    health = SourceHealth(
        SourceState.CONNECTED,
        TEN,
        True,
        8_000,
        7_988,
        1,
        doing="streaming",
        silent=12,
        lag_ms=120.0,
        gaps=3,
        gaps_today=1,
    )
    seconds = iter([0.0, 2.0])
    lines = FeedLines(lambda: health, ZONE, lambda: next(seconds))
    lines.advanced(2_468, TEN)
    market, feed = lines.lines(200, 31)
    assert market.plain == "market 2024-06-12 10:00:00.000   rows 2,468   events 31"
    assert feed.plain == (
        "feed streaming since 10:00:00   lag 0.12 s   rows/s 1,234   "
        "acknowledged 7,988 of 8,000 (12 silent)   gaps today 1"
    )


def test_a_narrow_terminal_shows_every_part_of_the_feed() -> None:
    """At 80 columns no part is cut: gaps, the last one, matter most when there are any."""
    health = SourceHealth(
        SourceState.CONNECTED, TEN, True, 2, 2, 1, doing="streaming", silent=0, lag_ms=23_447_026_960.0, gaps_today=1
    )
    _, *feed = FeedLines(lambda: health, ZONE, lambda: 0.0).lines(80, 31)
    assert [line.plain for line in feed] == [
        "feed streaming since 10:00:00   lag 271 d 9 h   rows/s 0   acknowledged 2 of 2",
        "gaps today 1",
    ]


def test_a_problem_of_the_feed_has_a_line_of_its_own() -> None:
    """A narrow terminal cuts it, and does not wrap it."""
    health = SourceHealth(SourceState.RECONNECTING, problem="the server closed the connection with code 1008")
    lines = FeedLines(lambda: health, ZONE, lambda: 0.0).lines(40, 0)
    assert lines[0].plain.startswith("market waiting for the first row")
    assert lines[2].plain == "the server closed the connection with c…"

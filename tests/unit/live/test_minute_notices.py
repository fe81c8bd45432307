"""Minutes of a feed that are complete."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.live.minute_notices import CompleteMinute, MinuteNotices

OPEN = 1_780_407_000_000_000_000
"""2026-06-02 09:30 in New York, ns UTC."""
SECOND = 1_000_000_000
MINUTE = 60 * SECOND


def bars(received: float, *tickers: str | None, minute: int = 0, interval: float = 60.0) -> pa.RecordBatch:
    """Return bars of a minute after the open that were received ``received`` seconds after the open."""
    shared = {"timestamp": OPEN + minute * MINUTE, "interval": interval, "received_at": OPEN + round(received * SECOND)}
    return pa.RecordBatch.from_pylist([{"ticker": ticker, **shared} for ticker in tickers], RECORDED["ohlcv"])


def trades(received: float, **times: float | None) -> pa.RecordBatch:
    """Return trades by ticker, with their times and that of their frame in seconds after the open."""
    rows: list[dict[str, Any]] = [
        {
            "ticker": ticker,
            "timestamp": None if time is None else OPEN + round(time * SECOND),
            "received_at": OPEN + round(received * SECOND),
        }
        for ticker, time in times.items()
    ]
    return pa.RecordBatch.from_pylist(rows, RECORDED["tick"])


def together(*batches: pa.RecordBatch) -> pa.RecordBatch:
    """Return batches as one."""
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


class Told:
    """Minutes that were told: minute after the open, symbols, lag in seconds."""

    def __init__(self, *, from_bars: bool = True) -> None:
        self.minutes: list[tuple[int, int, float]] = []
        self.notices = MinuteNotices(self._take, 3 * SECOND, from_bars=from_bars)

    def _take(self, complete: CompleteMinute) -> None:
        minute = (complete.minute - OPEN) // MINUTE
        self.minutes.append((minute, complete.symbols, complete.lag_ns / SECOND))

    def rows(self, *batches: pa.RecordBatch) -> None:
        """Take batches, each for itself."""
        for batch in batches:
            self.notices.rows([batch])

    def look(self, seconds: float) -> None:
        """Look some seconds after the open."""
        self.notices.look(OPEN + round(seconds * SECOND))


def test_a_minute_is_complete_with_the_first_bar_of_the_next_one() -> None:
    """Its symbols and its lag are those of its bars, however they were spread over frames."""
    told = Told()
    told.rows(bars(60.4, "ABC", "DEF"), bars(61.5, "DEF", "GHI"))
    assert told.minutes == []
    told.rows(bars(120.2, "ABC", minute=1))
    assert told.minutes == [(0, 3, 1.5)]


def test_a_minute_is_complete_when_no_bar_has_come_for_the_quiet_time() -> None:
    """In silence, too: three seconds after its last bar, and not earlier."""
    told = Told()
    told.rows(bars(61, "ABC"))
    told.look(63.999_999_999)
    assert told.minutes == []
    told.look(64)
    told.look(70)
    assert told.minutes == [(0, 1, 1.0)]


def test_the_quiet_time_begins_at_the_end_of_the_minute() -> None:
    """A machine whose clock is behind receives bars before their end; its lag is not negative."""
    told = Told()
    told.rows(bars(55, "ABC"))
    told.look(62.9)
    assert told.minutes == []
    told.look(63)
    assert told.minutes == [(0, 1, 0.0)]


def test_a_bar_that_is_sent_again_does_not_tell_its_minute_again() -> None:
    """Vendors send corrected bars for minutes; they are counted, those of older minutes, too."""
    told = Told()
    told.rows(bars(60.1, "ABC"), bars(120.1, "ABC", minute=1))
    told.look(124)
    told.rows(bars(125, "ABC", minute=1), bars(126, "ABC", "DEF"), bars(127, "GHI", minute=-5))
    told.look(190)
    assert told.minutes == [(0, 1, 0.1), (1, 1, 0.1)]
    assert told.notices.late == 4


def test_bars_of_two_minutes_in_one_frame_are_both_counted() -> None:
    """The earlier minute is complete with the frame, whatever the order of its rows."""
    told = Told()
    told.rows(together(bars(120.5, "ABC", minute=1), bars(120.5, "DEF", "GHI")))
    assert told.minutes == [(0, 2, 60.5)]
    told.look(124)
    assert told.minutes[1:] == [(1, 1, 0.5)]


def test_rows_that_say_no_minute_are_left_out() -> None:
    """Bars of a second, without a ticker, or of a minute far ahead; trades where there are bars."""
    told = Told()
    told.rows(bars(61, "ABC"), bars(61, "DEF", interval=1.0), bars(61, None), bars(61, "GHI", minute=500))
    told.rows(trades(121, ABC=120.9))
    told.look(125)
    assert told.minutes == [(0, 1, 1.0)]


def test_a_feed_without_minute_bars_tells_minutes_with_trades() -> None:
    """Complete with the first trade of the next minute; one of the old minute that comes later is counted."""
    told = Told(from_bars=False)
    told.rows(trades(10.02, ABC=10, DEF=10), trades(59.0, ABC=58.9, GHI=None), bars(60.5, "JKL"))
    told.rows(trades(60.2, ABC=60.1), trades(60.3, DEF=59.9))
    assert told.minutes == [(0, 2, 0.0)]
    assert told.notices.late == 1


def test_the_clock_of_a_delayed_feed_is_as_late_as_its_trades() -> None:
    """Fifteen minutes late, a minute is not complete while its trades come; silence ends it all the same."""
    told = Told(from_bars=False)
    told.rows(trades(900 + 12.5, ABC=12), trades(900 + 50.1, DEF=50))
    told.look(900 + 60)
    assert told.minutes == []
    told.look(900 + 60.1)
    assert told.minutes == [(0, 2, 890.1)]


def test_frames_of_one_batch_are_taken_one_after_the_other() -> None:
    """The second of them shows that trades are two seconds late, so the third comes after its minute is complete."""
    told = Told(from_bars=False)
    told.rows(trades(60.5, ABC=1), together(trades(61, ABC=59), trades(64, ABC=59)))
    assert told.minutes == [(0, 1, 1.0)]
    assert told.notices.late == 1

"""The oracle against results worked out by hand from the specification."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from tests.oracle import Result, Row, run
from tests.oracle.random_cases import LEDGER_NAMES, random_case
from tests.oracle.records import Record
from tests.oracle.strategies import Case, mixed_recordings

SECOND = 1_000_000_000

RecordedFile = tuple[Record, list[dict[str, Any]]]
"""A file's record type and the values of its rows."""


def at(clock: str, day: str = "2024-06-12") -> int:
    """Return a New York time, ns."""
    local = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo("America/New_York"))
    return round(local.timestamp() * 1000) * 1_000_000


def tick(time: int, price: float, size: float = 100, **optional: Any) -> dict[str, Any]:
    """Return the values of a tick of ABC."""
    return {"ticker": "ABC", "timestamp": time, "price": price, "size": size, **optional}


def bar(time: int, prices: tuple[float, float, float, float], volume: float, **optional: Any) -> dict[str, Any]:
    """Return the values of a bar of ABC; ``prices``: open, high, low, close."""
    names = ("open", "high", "low", "close")
    return {"ticker": "ABC", "timestamp": time, **dict(zip(names, prices, strict=True)), "volume": volume, **optional}


def fmv(time: int, value: float, **optional: Any) -> dict[str, Any]:
    """Return the values of a fair value of ABC."""
    return {"ticker": "ABC", "timestamp": time, "fmv": value, **optional}


def replay(*files: RecordedFile, **settings: Any) -> Result:
    """Run files of rows; settings are written with two underscores for the dot."""
    rows = [
        [Row(record, number, place, values) for place, values in enumerate(contents)]
        for number, (record, contents) in enumerate(files)
    ]
    return run(rows, {key.replace("__", "."): value for key, value in settings.items()})


def told(result: Result, *columns: str) -> list[tuple[Any, ...]]:
    """Return some columns of the events."""
    return [tuple(event[column] for column in columns) for event in result.events]


def test_slow_climb_reports_once_its_sum_reaches_the_threshold() -> None:
    """Steps of 4 cents at 100 are each too small; the third brings 12 cents, more than 0.1 %."""
    start = at("10:00:00")
    prices = [100.00, 100.04, 100.08, 100.12, 100.20]
    result = replay(("tick", [tick(start + 2 * n * SECOND, price) for n, price in enumerate(prices)]))
    assert told(result, "kind", "timestamp", "price", "previous") == [("high", start + 6 * SECOND, 100.12, 100.00)]
    assert result.events[0]["percent_change"] == pytest.approx(0.12)
    assert (result.events[0]["volume"], result.events[0]["priority"], result.events[0]["merged"]) == (100.0, 1, 1)


def test_move_of_exactly_the_threshold_counts_and_a_cooldown_keeps_the_reference() -> None:
    """100.1 - 100 is below 0.1 in floats; the high half a second later is suppressed, the next measured from 100.1."""
    start = at("10:00:00")
    times = [0, SECOND, SECOND + SECOND // 2, 2 * SECOND]
    prices = [100.0, 100.1, 100.3, 100.4]
    result = replay(("tick", [tick(start + gap, price) for gap, price in zip(times, prices, strict=True)]))
    assert told(result, "price", "previous") == [(100.1, 100.0), (100.4, 100.1)]
    assert result.ledger["tick.suppressed.cooldown.high"] == 1


def test_post_continues_the_day_with_a_doubled_threshold() -> None:
    """After 16:00 the day's high of 100 still stands; 100.15 is no high there, 100.2 is one."""
    rows = [
        tick(at("15:59:00"), 100.0),
        tick(at("16:00:00"), 99.9),
        tick(at("16:01:00"), 100.15),
        tick(at("16:02:00"), 100.2),
    ]
    assert told(replay(("tick", rows)), "kind", "phase", "previous") == [("high", "post", 100.0)]
    # begun afresh at 99.9, 0.25 is enough, since 2 · 0.0999 are needed; 0.05 more are not
    afresh = replay(("tick", rows), highlow__post_continues=False)
    assert told(afresh, "kind", "price", "previous") == [("high", 100.15, 99.9)]


def test_bad_first_print_is_forgotten_once_three_rows_agree() -> None:
    """150 held the level alone: with the third row near 100 the day starts again at that row."""
    start = at("09:30:00")
    prices = [150.0, 100.0, 100.5, 100.2, 100.4]
    result = replay(("tick", [tick(start + 2 * n * SECOND, price) for n, price in enumerate(prices)]))
    assert told(result, "kind", "price", "previous") == [("high", 100.4, 100.2)]
    assert result.ledger["tick.suspect"] == 2


def test_level_of_two_rows_moves_without_a_fresh_start() -> None:
    """The same fall from a level that two rows held is a real one, and reported as the day's low."""
    start = at("09:30:00")
    prices = [150.0, 150.0, 100.0, 100.5, 100.2]
    result = replay(("tick", [tick(start + 2 * n * SECOND, price) for n, price in enumerate(prices)]))
    assert told(result, "kind", "price", "previous") == [("low", 100.2, 150.0)]
    assert result.ledger["tick.suspect"] == 2


def test_surge_weighs_the_window_against_the_baseline() -> None:
    """A hundred shares a second for 80 s, then 6,000 shares half a percent up.

    Window 61..80 s: 19·100 + 6000 = 7900 shares. Baseline 0..60 s: 6100 shares in 80 - 20 + 1 = 61 s.
    Relative volume 7900·61/(6100·20) = 3.95. Score 50·0.5/0.8 + 50·3.95/6.
    """
    start = at("10:00:00")
    rows = [tick(start + n * SECOND, 100.0) for n in range(80)]
    result = replay(("tick", [*rows, tick(start + 80 * SECOND, 100.5, 6000)]))
    surge = [event for event in result.events if event["kind"] == "surge"]
    assert [(event["direction"], event["previous"], event["volume"]) for event in surge] == [(1, 100.0, 7900.0)]
    assert (surge[0]["trigger"], surge[0]["priority"]) == ("price_and_volume", 2)
    assert surge[0]["rel_volume"] == pytest.approx(3.95)
    assert surge[0]["score"] == pytest.approx(50 * 0.625 + 50 * 3.95 / 6)


def test_without_a_baseline_three_price_thresholds_make_a_surge() -> None:
    """Eight rows after the open there is no relative volume: 1.1 % is silent, 1.2 % against the oldest second tells."""
    start = at("09:30:00")
    rows = [tick(start + n * SECOND // 2, 100.0) for n in range(7)]
    last = start + 4 * SECOND
    assert "tick.detected.surge" not in replay(("tick", [*rows, tick(last, 101.1)])).ledger
    surge = replay(("tick", [*rows, tick(last, 101.2)])).events[-1]
    assert (surge["kind"], surge["trigger"], surge["rel_volume"], surge["previous"]) == ("surge", "price", 0.0, 100.0)
    assert surge["score"] == 50.0


def test_trend_is_reported_at_the_tick_that_opens_a_bucket() -> None:
    """Closes 100.0, 100.1, 100.2, 100.3 lie 30 s apart, half of the window of 60 s: 0.3 % in half a minute."""
    start = at("10:00:00")
    rows = [tick(start + 10 * n * SECOND, 100 + n / 10) for n in range(5)]
    narrow = {"trend__windows_seconds": [60], "trend__weights": [1], "trend__min_windows": 1}
    small = {"trend__min_data_points": 2, "trend__warmup_seconds": 30}
    result = replay(("tick", rows), **narrow, **small, highlow__min_price_change=50)
    assert told(result, "kind", "timestamp", "price", "strength") == [("trend", start + 40 * SECOND, 100.4, 3)]
    assert result.events[0]["score"] == pytest.approx(0.6)
    assert (result.events[0]["previous"], result.events[0]["volume"]) == (None, None)


def test_bar_high_and_surge_use_their_segment_and_phase() -> None:
    """Five bars of 1,000 shares are the average; the sixth brings 3,000 shares, 1.5 % and a new high, at its end."""
    start = at("10:00:00")
    flat = [bar(start + 60 * n * SECOND, (100.0, 100.5, 99.5, 100.0), 1000) for n in range(5)]
    result = replay(("ohlcv", [*flat, bar(start + 300 * SECOND, (100.0, 102.0, 100.0, 101.5), 3000)]))
    assert told(result, "kind", "price", "previous") == [("high", 102.0, 100.5), ("surge", 101.5, 100.0)]
    assert told(result, "timestamp", "available_at") == [(start + 360 * SECOND,) * 2] * 2
    assert told(result, "percent_change", "rel_volume", "volume") == [(1.5, 3.0, 3000.0)] * 2
    assert result.ledger["ohlcv.filtered.warmup"] == 5


def test_bar_average_is_kept_overnight_and_the_segment_high_is_not() -> None:
    """The next morning's first bar has yesterday's average, and only its own open to measure from."""
    evening = [bar(at(f"15:5{n}:00"), (100.0, 100.5, 99.5, 100.0), 1000) for n in range(5, 10)]
    morning = bar(at("09:30:00", "2024-06-13"), (110.0, 112.2, 110.0, 112.2), 4000)
    result = replay(("ohlcv", [*evening, morning]))
    assert told(result, "kind", "previous", "rel_volume") == [("surge", 110.0, 4.0)]
    assert result.events[0]["percent_change"] == pytest.approx(2.0)


def test_fair_value_is_measured_from_a_trade_of_at_most_fifteen_minutes_ago() -> None:
    """900 s after the trade it still serves; a second later nothing does."""
    start = at("10:00:00")
    trades: RecordedFile = ("tick", [tick(start, 100.0), tick(start + SECOND, 100.05, flags=1)])
    values = [fmv(start + 900 * SECOND, 98.0), fmv(start + 901 * SECOND, 98.0, confidence=None)]
    result = replay(trades, ("fmv", values))
    assert told(result, "kind", "direction", "trigger", "previous", "percent_change") == [
        ("fmv", -1, "overvalued", 100.0, -2.0)
    ]
    assert result.ledger["fmv.filtered.no_market_price"] == 1
    assert result.events[0]["emitted_at"] == start + 900 * SECOND + SECOND // 2  # the end of its window


def test_bar_high_that_ticks_have_reported_is_redundant() -> None:
    """Ticks told 103.0: a bar high of 103.1 lies within 0.1 % of it, one of 103.2 does not."""
    start = at("10:00:00")
    flat = [bar(start + 60 * n * SECOND, (100.0, 100.5, 99.5, 100.0), 1000) for n in range(5)]
    ticks = [tick(start + gap * SECOND, price) for gap, price in ((0, 100.0), (310, 103.0))]
    # 103.0 is 3 % from 100.0, inside the guard's band
    for top, redundant in ((103.1, 1), (103.2, 0)):
        last = bar(start + 300 * SECOND, (100.0, top, 100.0, 102.0), 2000)
        result = replay(("tick", ticks), ("ohlcv", [*flat, last]))
        assert result.ledger.get("coordinator.redundant", 0) == redundant
        assert len(result.events) == 2 - redundant


def test_first_tick_wins_its_window_at_once() -> None:
    """A bar's high arrives first, two ticks' highs follow in the same half second: the first tick is told."""
    start = at("10:00:00")
    flat = [bar(start + 60 * n * SECOND, (100.0, 100.5, 99.5, 100.0), 1000) for n in range(5)]
    last = bar(start + 300 * SECOND, (100.0, 102.0, 100.0, 101.5), 2000)
    end = start + 360 * SECOND
    ticks = [tick(start, 100.0), tick(end + 1, 101.0), tick(end + 2, 102.0)]
    files: list[RecordedFile] = [("tick", ticks), ("ohlcv", [*flat, last])]
    result = replay(*files, highlow__cooldown_seconds=0)
    assert told(result, "source", "price", "merged", "emitted_at") == [("tick", 101.0, 2, end + 1)]
    assert result.ledger["coordinator.superseded"] == 2
    held = replay(*files, highlow__cooldown_seconds=0, coordinator__hold_top_source=True)
    assert told(held, "source", "price", "merged", "emitted_at") == [("tick", 102.0, 3, end + SECOND // 2)]


def test_received_at_decides_which_rows_are_late_or_from_the_future() -> None:
    """The second row was received after a younger one; the third claims to be 61 s ahead of its receipt."""
    start = at("10:00:00")
    rows = [
        tick(start + 5 * SECOND, 100.0, received_at=start + 6 * SECOND),
        tick(start, 100.0, received_at=start + 7 * SECOND),
        tick(start + 69 * SECOND, 100.0, received_at=start + 8 * SECOND),
        tick(start + 69 * SECOND, 100.0, received_at=start + 9 * SECOND),
    ]
    assert replay(("tick", rows)).rejects == [(0, 1, "late"), (0, 2, "future")]


def test_resent_bar_is_a_duplicate_and_never_counts_twice() -> None:
    """The vendor sends 10:00 again, corrected; the first version stands."""
    start = at("10:00:00")
    rows = [bar(start, (100.0, 100.5, 99.5, 100.0), 1000), bar(start, (100.0, 103.0, 99.5, 103.0), 9000)]
    result = replay(("ohlcv", rows), ohlcv__average_min_bars=1)
    assert (result.events, result.rejects) == ([], [(0, 1, "duplicate")])


@pytest.mark.parametrize(
    ("clock", "day", "phase"),
    [
        ("12:59:59.999", "2024-07-03", "regular"),
        ("13:00:00", "2024-07-03", "post"),
        ("16:59:59.999", "2024-11-29", "post"),
        ("04:00:00", "2024-03-11", "pre"),  # 08:00 UTC; on the Friday before 09:00 UTC
        ("04:00:00", "2024-03-08", "pre"),
        ("09:30:00", "2024-11-04", "regular"),
    ],
)
def test_phases_follow_new_york_clocks_and_half_days(clock: str, day: str, phase: str) -> None:
    """A phase holds its first instant and not its last, whatever the clocks did over the weekend."""
    time = at(clock, day)
    result = replay(("fmv", [fmv(time, 102.0, market_price=100.0)]))
    assert told(result, "phase") == [(phase,)]


def test_no_event_is_reported_when_the_exchange_is_closed() -> None:
    """After 17:00 of a half-day, on a holiday, and on the Sunday the clocks change."""
    times = [at("10:00:00", "2024-03-10"), at("17:00:00", "2024-07-03"), at("11:00:00", "2024-07-04")]
    result = replay(("tick", [tick(time, 100.0) for time in times]))
    assert result.ledger == {"tick.read": 3, "tick.processed": 3, "tick.filtered.market_hours": 3}


@given(mixed_recordings())
def test_every_row_and_event_ends_in_one_counted_place(case: Case) -> None:
    """The ledger adds up, and the output order is strict."""
    rows_by_file, settings = case
    result = run(rows_by_file, settings)
    ledger = result.ledger
    for record in ("tick", "ohlcv", "fmv"):
        rejected = sum(count for name, count in ledger.items() if name.startswith(f"{record}.rejected."))
        assert ledger.get(f"{record}.read", 0) == ledger.get(f"{record}.processed", 0) + rejected
    ends = [ledger.get(f"coordinator.{name}", 0) for name in ("emitted", "superseded", "redundant")]
    assert sum(ends) == sum(count for name, count in ledger.items() if ".detected." in name)
    keys = [(event["emitted_at"], event["kind"], event["ticker"], event["source"]) for event in result.events]
    assert len(set(keys)) == len(keys)


def test_random_cases_reach_every_name_of_the_ledger() -> None:
    """Thirty cases suffice; a name that no case reaches would be a rule that nobody checks."""
    reached: set[str] = set()
    for seed in range(30):
        reached |= set(run(*random_case(seed, rows=1000)).ledger)
        if reached >= LEDGER_NAMES:
            break
    assert reached == LEDGER_NAMES

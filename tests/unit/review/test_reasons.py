"""Why events differ: each reason from two real replays, or from files of which the reason is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from tests.unit.review.conftest import SECOND, Events, Write, at, climb, dotted
from tickstock_cli.review.diff import Difference, EventComparison, compare
from tickstock_cli.testing import MINUTE, Bar, FairValue, Record, Tick, settings_of

START = at("10:00:00")
STEP = 20 * SECOND
"""Of ticks whose events are not to be taken for one another."""


@pytest.fixture
def replayed(write: Write, events: Events) -> Any:
    """Replay records twice, under two settings, and compare the files under the settings they were made by."""

    def compare_replays(rows: Sequence[Record], a: dict[str, Any], b: dict[str, Any]) -> EventComparison:
        recording = write(rows)
        return compare(events(recording, **a), events(recording, **b), dotted(a), dotted(b), 100)

    return compare_replays


def the_one(comparison: EventComparison) -> Difference:
    """Return the only difference there is."""
    (difference,) = comparison.differences
    return difference


def test_a_threshold_that_an_event_does_not_reach(replayed: Any) -> None:
    """The value, the threshold that the other file was made by, and the setting."""
    difference = the_one(replayed(climb(START, [100.0, 100.15]), {}, {"highlow__min_percent_change": 0.2}))

    assert (difference.status, difference.reason) == ("only_a", "threshold")
    assert difference.why == "highlow.min_percent_change: 0.15 $ against 0.2 $"


def test_the_settings_of_the_file_without_the_event_count(replayed: Any) -> None:
    """The same two replays the other way around: now A lacks it, for the same reason."""
    difference = the_one(replayed(climb(START, [100.0, 100.15]), {"highlow__min_percent_change": 0.2}, {}))

    assert (difference.status, difference.reason) == ("only_b", "threshold")
    assert difference.why == "highlow.min_percent_change: 0.15 $ against 0.2 $"


def test_a_cooldown_of_the_other_file(replayed: Any) -> None:
    """How long before it had told one, and how long it keeps quiet."""
    prices = [100.0, 101.0, 102.0]
    difference = the_one(replayed(climb(START, prices, step=10 * SECOND), {}, {"highlow__cooldown_seconds": 15}))

    assert (difference.status, difference.reason) == ("only_a", "cooldown")
    assert difference.why == "B had told one 10 s before; highlow.cooldown_seconds is 15 s"


def test_a_price_close_to_an_event_of_the_other_file(replayed: Any) -> None:
    """Without its cooldown, A had told 102 and has no use for 102.05; B, which had not, has."""
    rows = [Tick("ABC", START + time * SECOND, price) for time, price in ((0, 100.0), (2, 101.0), (3, 102.0))]
    rows.append(Tick("ABC", START + 20 * SECOND, 102.05))
    comparison = replayed(rows, {}, {"highlow__cooldown_seconds": 1.5})

    assert [(one.status, one.reason) for one in comparison.differences] == [
        ("only_a", "cooldown"),
        ("only_b", "threshold"),
    ]
    assert comparison.differences[1].why == (
        "A had told 102 from tick at 2024-06-12T14:00:03Z, only $0.05 away; highlow.min_percent_change asks for more"
    )


def test_an_event_of_the_day_before_is_no_reason(write: Write, events: Events) -> None:
    """Highs begin anew with the session: 102 is no news at noon, but it is on the next day."""
    day = 24 * 3_600 * SECOND
    a = events(write([*climb(START, [100.0, 102.0], step=STEP), *climb(START + day, [101.0, 102.01], step=STEP)]))
    same_day = a.with_columns(pl.col("timestamp", "available_at", "emitted_at") - pl.int_range(pl.len()) * (day - STEP))
    defaults = settings_of({})

    assert the_one(compare(a, a[:1], defaults, defaults, 9)).reason == "unknown"
    assert the_one(compare(same_day, same_day[:1], defaults, defaults, 9)).reason == "threshold"


def test_another_event_of_the_window(replayed: Any) -> None:
    """The longer window leaves room for one high only, and the first tick wins at once."""
    difference = the_one(replayed(climb(START, [100.0, 101.0, 102.0]), {}, {"coordinator__window_ms": 60_000}))

    assert (difference.status, difference.reason) == ("only_a", "window")
    assert difference.why == "in the same window, B told the high of tick at 2024-06-12T14:00:02Z instead"


def test_a_kind_that_outranks_another_in_its_window(replayed: Any) -> None:
    """With one key for all of a ticker, a high beats the fair value of its window."""
    rows = [
        *climb(START, [100.0, 101.0], step=SECOND),
        FairValue("ABC", START + SECOND + 1, 99.0, market_price=101.0),
    ]
    difference = the_one(replayed(rows, {}, {"coordinator__key": "ticker"}))

    assert difference.reason == "window"
    assert difference.why == "in the same window, B told the high of tick at 2024-06-12T14:00:01Z instead"


def test_a_later_tick_of_the_window_is_no_reason(replayed: Any) -> None:
    """Both files told a high in the window, but the later one only because a threshold had kept the first silent."""
    ticks = [(0, 100.0), (1_000, 100.15), (1_200, 100.5)]
    rows = [Tick("ABC", START + time * SECOND // 1_000, price) for time, price in ticks]
    difference = the_one(replayed(rows, {}, {"highlow__min_percent_change": 0.2}))

    assert (difference.status, difference.reason) == ("changed", "threshold")
    assert difference.columns["price"] == (100.15, 100.5)


def test_a_bar_high_that_ticks_have_reported(replayed: Any) -> None:
    """Where redundant highs are dropped, what ticks had told is the reason."""
    quick = Bar("ABC", START - MINUTE, 90.0, 100.0, 90.0, 100.0, 100, avg_volume=10)
    rows: list[Record] = [quick, *climb(START, [100.0, 103.0], step=STEP)]
    rows.append(Bar("ABC", START, 100.0, 103.0, 100.0, 103.0, 100, avg_volume=10))
    comparison = replayed(rows, {"coordinator__dedupe_extremes": False}, {})
    difference = the_one(comparison)

    assert (difference.reason, difference.a and difference.a["source"]) == ("threshold", "ohlcv")
    assert difference.why == (
        "B had told 103 from tick at 2024-06-12T14:00:20Z, only $0 away; highlow.min_percent_change asks for more"
    )


@pytest.mark.parametrize(("trigger", "setting"), [("price", "volume_threshold"), ("volume", "price_threshold_percent")])
def test_a_surge_below_the_threshold_of_the_other_file(
    events: Events, write: Write, trigger: str, setting: str
) -> None:
    """One half of it is enough for A; B wants the other half as well."""
    surge = {"percent_change": 0.3 if trigger == "volume" else 0.9, "rel_volume": 1.5 if trigger == "price" else 4.0}
    high = events(write(climb(START, [100.0, 101.0])))
    a = high.with_columns(pl.lit("surge").alias("kind"), pl.lit(trigger).alias("trigger")).with_columns(
        pl.lit(value).alias(name) for name, value in surge.items()
    )
    other = settings_of({"surge.trigger": "both" if trigger == "volume" else "volume"})
    difference = the_one(compare(a, a.clear(), settings_of({"surge.trigger": "any"}), other, 1))

    assert difference.reason == "threshold"
    assert difference.why.startswith(f"surge.{setting}: ")


def test_a_threshold_is_inferred_from_the_events_of_the_other_file(events: Events, write: Write) -> None:
    """Without the settings of B's run, its events show its higher threshold."""
    steps = [0.15, 0.5] * 12
    rows = climb(START, [100.0 + sum(steps[:count]) for count in range(len(steps) + 1)], step=STEP)
    recording = write(rows)
    a, b = events(recording), events(recording, highlow__min_percent_change=0.3)
    defaults = settings_of({})
    comparison = compare(a, b, defaults, defaults, 100)
    first = comparison.differences[0]

    assert first.reason == "threshold"
    assert first.why == "highlow.min_percent_change: 0.15 $ against 0.1 $; each high of tick in B, 12, reaches more"


def test_close_to_a_threshold_if_there_is_nothing_better(write: Write, events: Events) -> None:
    """A slightly higher threshold would have kept it silent."""
    a, defaults = events(write(climb(START, [100.0, 100.11, 102.0], step=STEP))), settings_of({})
    difference = the_one(compare(a, a[1:], defaults, defaults, 9))

    assert difference.reason == "threshold"
    assert difference.why == "highlow.min_percent_change: 0.11 $ against 0.1 $, close to it"


MISSING = {
    "a detector that was off": ({"detectors__enabled": ("surge",)}, "B has no high of tick at all"),
    "a phase that was left out": ({"session__phases": ("pre",)}, "B has no high of tick at all"),
}


@pytest.mark.parametrize("case", MISSING)
def test_a_file_without_the_kind(replayed: Any, case: str) -> None:
    """A file without an event of the kind shows no threshold."""
    settings, words = MISSING[case]
    difference = the_one(replayed(climb(START, [100.0, 102.0]), {}, settings))

    assert (difference.reason, difference.why) == ("missing_data", words)


def test_a_ticker_or_a_time_that_a_file_does_not_hold(write: Write, events: Events) -> None:
    """A ticker that was not recorded; a recording that began late."""
    rows = climb(START, [100.0 + row for row in range(14)], step=STEP)
    a = events(write([*rows, *climb(START + 20 * STEP, [50.0, 51.0], "XYZ")]))
    defaults = settings_of({})
    late = compare(a, a[11:], defaults, defaults, 1).differences[0]
    other = compare(a, a.filter(pl.col("ticker") == "ABC"), defaults, defaults, 1).differences[0]

    assert (late.reason, late.why) == ("missing_data", "B has no event before this time")
    assert (other.reason, other.why) == ("missing_data", "B has no event of XYZ at all")


def test_no_reason_is_given_without_evidence(write: Write, events: Events) -> None:
    """An event is removed from the middle: no reason is better than a wrong one."""
    a = events(write(climb(START, [100.0 + row for row in range(8)], step=STEP)))
    b = pl.concat([a[:3], a[4:]])
    defaults = settings_of({})
    difference = the_one(compare(a, b, defaults, defaults, 9))

    assert (difference.reason, difference.why) == ("unknown", "")


def test_a_moved_event_is_explained_by_its_earlier_time(replayed: Any) -> None:
    """B reported its high three seconds later, because a cooldown suppressed the one that A reported."""
    ticks = [(0, 100.0), (10, 101.0), (12, 102.0), (15, 103.0)]
    rows = [Tick("ABC", START + time * SECOND, price) for time, price in ticks]
    comparison = replayed(rows, {"highlow__cooldown_seconds": 4}, {"highlow__cooldown_seconds": 1})
    moved = comparison.differences[0]

    assert (moved.status, moved.reason) == ("only_b", "cooldown")
    assert moved.why == "A had told one 2 s before; highlow.cooldown_seconds is 4 s"

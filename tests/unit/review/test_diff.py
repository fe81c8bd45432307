"""Two files of events: what is in one alone, what moved, what changed, and in what order. Reasons: `test_reasons`."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.review.conftest import SECOND, Events, Write, at, climb
from tickstock_cli.review.diff import DifferenceCounts, EventComparison, compare, compare_files
from tickstock_cli.testing import MILLISECOND, Tick, run_records, settings_of

DEFAULTS = settings_of({})
HIGHS = 6
START = at("10:00:00")


def compared(a: pl.DataFrame, b: pl.DataFrame, limit: int = 100) -> EventComparison:
    """Compare under default settings."""
    return compare(a, b, DEFAULTS, DEFAULTS, limit)


@pytest.fixture
def highs(write: Write, events: Events) -> pl.DataFrame:
    """Return six highs of one ticker, ten seconds apart."""
    return events(write(climb(START, [100.0 + row for row in range(HIGHS + 1)], step=10 * SECOND)))


def test_equal_files_are_equal(highs: pl.DataFrame) -> None:
    """Nothing differs, and all is counted."""
    comparison = compared(highs, highs.clone())

    assert comparison.equal
    assert (comparison.total, comparison.reasons, comparison.differences) == (0, {}, [])
    assert comparison.kinds == {"high": DifferenceCounts(only_a=0, only_b=0, changed=0, equal=HIGHS)}


def test_an_event_may_be_in_one_file_alone(highs: pl.DataFrame) -> None:
    """On either side; the difference holds the event and nothing in the place of the other."""
    comparison = compared(highs[:-1], highs[1:])
    last, first = comparison.differences[1], comparison.differences[0]

    assert comparison.kinds["high"] == DifferenceCounts(only_a=1, only_b=1, changed=0, equal=HIGHS - 2)
    assert (first.status, first.a, first.b) == ("only_a", highs.row(0, named=True), None)
    assert (last.status, last.a, last.b) == ("only_b", None, highs.row(-1, named=True))
    assert not comparison.equal


def test_an_event_with_another_value_changed(highs: pl.DataFrame) -> None:
    """Old value, new value and their distance; what follows from nothing but the key is no change."""
    other = highs.with_columns(volume=pl.when(pl.int_range(pl.len()) == 2).then(250.0).otherwise("volume"))
    (difference,) = compared(highs, other).differences

    assert (difference.status, difference.reason) == ("changed", "value")
    assert difference.columns == {"volume": (100.0, 250.0)}
    assert difference.why == "volume 100.0 → 250.0 (+150)"


def test_a_value_that_appears_is_a_change_too(highs: pl.DataFrame) -> None:
    """Null is a value."""
    none, some = (highs.with_columns(rel_volume=pl.lit(value, pl.Float64)) for value in (None, 0.0))

    assert compared(none, some).kinds["high"].changed == HIGHS
    assert compared(none, some).differences[0].why == "rel_volume None → 0.0"


@pytest.mark.parametrize("by", [200 * MILLISECOND, -3 * SECOND])
def test_an_event_at_another_time_moved(highs: pl.DataFrame, by: int) -> None:
    """Within its window or near to it, it is one event that changed, not two that are alone."""
    times = ("timestamp", "available_at", "emitted_at")
    other = highs.with_columns(
        pl.when(pl.int_range(pl.len()) == 2).then(pl.col(time) + by).otherwise(time).alias(time) for time in times
    )
    (difference,) = compared(highs, other).differences

    assert difference.status == "changed"
    assert set(difference.columns) == set(times)
    assert difference.columns["timestamp"][1] - difference.columns["timestamp"][0] == by


def test_events_that_are_far_apart_are_two(highs: pl.DataFrame) -> None:
    """Ten seconds later, it is another one."""
    assert [one.status for one in compared(highs[2:3], highs[3:4]).differences] == ["only_a", "only_b"]


def test_an_event_is_in_one_pair_at_most() -> None:
    """Of two that lie near one of the other file, the nearer one moved and the other is alone."""
    rows = [Tick("ABC", START + row * 1_500 * MILLISECOND, 100.0 + row) for row in range(4)]
    highs = pl.DataFrame(run_records(rows).events, schema_overrides={"event_id": pl.UInt64})
    moved = highs[1:2].with_columns(pl.col("timestamp", "available_at", "emitted_at") + 600 * MILLISECOND)
    comparison = compared(highs, moved)

    assert comparison.kinds["high"] == DifferenceCounts(only_a=2, only_b=0, changed=1, equal=0)


def test_the_order_of_equal_events_counts(highs: pl.DataFrame) -> None:
    """Outputs have one total order; a file in another one is not equal, though no event differs."""
    comparison = compared(highs, highs.reverse())

    assert (comparison.total, comparison.same_order, comparison.equal) == (0, False, False)


def test_events_that_share_their_key_are_told_apart(highs: pl.DataFrame) -> None:
    """Two rows of one time may give two events of one kind, in two windows."""
    twice = pl.concat([highs[:1], highs[:1].with_columns(price=pl.lit(7.0))])

    assert compared(twice, twice.clone()).equal
    assert compared(twice, twice[:1]).kinds["high"] == DifferenceCounts(only_a=1, only_b=0, changed=0, equal=1)


def test_an_empty_file_has_no_events(highs: pl.DataFrame) -> None:
    """Against events, and against another empty one."""
    assert compared(highs, highs.clear()).kinds["high"].only_a == HIGHS
    assert compared(highs.clear(), highs).kinds["high"].only_b == HIGHS
    assert compared(highs.clear(), highs.clear()).equal


def test_the_limit_cuts_what_is_shown_and_not_what_is_counted(highs: pl.DataFrame) -> None:
    """The earliest differences are shown."""
    comparison = compared(highs, highs.clear(), limit=2)

    assert comparison.total == HIGHS
    assert [one.a for one in comparison.differences] == highs[:2].to_dicts()


def test_kinds_are_in_the_order_of_outputs_and_unknown_ones_last(highs: pl.DataFrame) -> None:
    """A file of a later version may hold kinds that this one does not know."""
    kinds = highs.with_columns(kind=pl.Series(["gap", "fmv", "trend", "surge", "low", "high"]))

    assert list(compared(kinds, kinds[1:]).kinds) == ["high", "low", "surge", "trend", "fmv", "gap"]


def test_files_of_different_formats_are_compared(highs: pl.DataFrame, tmp_path: Path) -> None:
    """The format is not part of an event."""
    highs.write_parquet(tmp_path / "a.parquet")
    highs[1:].write_csv(tmp_path / "b.csv")
    comparison = compare_files(tmp_path / "a.parquet", tmp_path / "b.csv", DEFAULTS, DEFAULTS, 1)

    assert (comparison.rows_a, comparison.rows_b, comparison.total) == (HIGHS, HIGHS - 1, 1)


MARKET = [
    Tick(ticker, START + row * 700 * MILLISECOND, 100.0 + (row * 7919 % 97) / 10)
    for row in range(80)
    for ticker in ("A", "B")
]
EVENTS = pl.DataFrame(run_records(MARKET).events, schema_overrides={"event_id": pl.UInt64})
places = st.lists(st.integers(0, len(EVENTS) - 1), unique=True)


@given(left_out_of_a=places, left_out_of_b=places, changed=places, shifts=st.integers(-4 * SECOND, 4 * SECOND))
def test_every_event_ends_in_one_count(
    left_out_of_a: list[int], left_out_of_b: list[int], changed: list[int], shifts: int
) -> None:
    """Whatever two files have in common, both are accounted for to the last event."""
    row = pl.int_range(pl.len())
    a = EVENTS.filter(~row.is_in(left_out_of_a))
    b = EVENTS.with_columns(
        timestamp=pl.when(row.is_in(changed)).then(pl.col("timestamp") + shifts).otherwise("timestamp")
    )
    b = b.filter(~row.is_in(left_out_of_b))
    comparison = compared(a, b, limit=len(EVENTS) * 2)
    kinds = comparison.kinds.values()

    assert sum(counts.only_a + counts.changed + counts.equal for counts in kinds) == a.height
    assert sum(counts.only_b + counts.changed + counts.equal for counts in kinds) == b.height
    assert len(comparison.differences) == comparison.total == sum(comparison.reasons.values())
    assert comparison.equal == a.equals(b)

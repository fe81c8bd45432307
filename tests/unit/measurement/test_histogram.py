"""Histograms of durations: what HdrHistogram itself would say, and what is lost on the way through text: nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from tickstock_cli.errors import DataError
from tickstock_cli.measurement.histogram import LONGEST_US, Histogram, Summary

PERCENTS = (0.1, 25, 50, 90, 95, 99, 99.9, 99.99, 100)

values = st.lists(st.integers(1, LONGEST_US), min_size=1, max_size=60)


def histogram_of(durations: list[int]) -> Histogram:
    """Return a histogram of durations in µs."""
    histogram = Histogram()
    histogram.record(np.array(durations))
    return histogram


@settings(max_examples=15)  # the port takes a tenth of a second for each
@given(values)
def test_figures_are_those_of_hdr_histogram(durations: list[int]) -> None:
    """Recorded one by one by its port: the same percentiles, mean and maximum, and the same encoded text."""
    theirs = HdrHistogram(1, LONGEST_US, 3)
    for duration in durations:
        theirs.record_value(duration)
    ours = histogram_of(durations)

    assert {percent: ours.percentile_us(percent) for percent in PERCENTS} == theirs.get_percentile_to_value_dict(
        PERCENTS
    )
    assert ours.mean_us() == pytest.approx(theirs.get_mean_value())
    assert ours.max_us() == theirs.get_max_value()
    assert ours.encode() == theirs.encode().decode()


@given(values)
def test_a_percentile_is_at_most_a_thousandth_above_the_true_one(durations: list[int]) -> None:
    """Three digits, rounded up."""
    longest = max(durations)

    assert longest <= histogram_of(durations).max_us() <= longest * 1.001 + 1


@given(st.lists(st.tuples(st.integers(-5, 2 * LONGEST_US), st.integers(1, 1_000)), min_size=1, max_size=60))
def test_one_value_at_a_time_gives_the_same_counters_as_an_array(records: list[tuple[int, int]]) -> None:
    """A channel records a value for all rows of a batch, the load test records arrays: both must mean the same."""
    one_by_one, together = Histogram(), Histogram()
    for value, count in records:
        one_by_one.record_value(value, count)
    together.record(np.repeat(*np.array(records).T))

    assert one_by_one.encode() == together.encode()


@given(values, values)
def test_parts_add_up_to_the_whole(first: list[int], second: list[int]) -> None:
    """Seconds to stages, stages to the run: also after the way through text."""
    sum_of_both = Histogram.decode(histogram_of(first).encode())
    sum_of_both.add(Histogram.decode(histogram_of(second).encode()))

    assert sum_of_both.encode() == histogram_of(first + second).encode()


def test_values_out_of_range_count_at_its_ends() -> None:
    """A row that was late by more than an hour is not left out, nor one whose clock says it came before it was due."""
    histogram = histogram_of([-5, 0, 7_200_000_000])

    assert histogram.count == 3
    assert histogram.percentile_us(50) == 1
    assert histogram.max_us() == pytest.approx(LONGEST_US, rel=0.001)


def test_without_records_there_are_no_figures() -> None:
    """Nothing measured is not 0 ms."""
    histogram = Histogram()
    histogram.record(np.array([], np.int64))

    assert histogram.summary() == Summary(0)
    assert Histogram.decode(histogram.encode()).count == 0
    assert list(histogram.distribution()) == []


def test_the_summary_is_in_milliseconds() -> None:
    """A hundred rows of 1 to 100 ms."""
    summary = histogram_of([1_000 * ms for ms in range(1, 101)]).summary()

    assert summary.count == 100
    assert [summary.p50_ms, summary.p90_ms, summary.p99_ms] == pytest.approx([50, 90, 99], rel=0.001)
    assert summary.mean_ms == pytest.approx(50.5, rel=0.001)
    assert summary.max_ms == pytest.approx(100, rel=0.001)


def test_the_export_ends_with_the_longest_of_all() -> None:
    """Lines of value, share and count, as HdrHistogram's plotters read them, ever finer towards the end."""
    lines = histogram_of([1_000] * 990 + [50_000] * 10).export().splitlines()
    rows = [[float(word) for word in text.split()[:3]] for text in lines[2:] if not text.startswith("#")]

    assert lines[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
    assert rows[0] == [1.0, 0.0, 990]
    assert rows[-1] == pytest.approx([50, 1.0, 1_000], rel=0.001)
    assert rows == sorted(rows)


@pytest.mark.parametrize("text", ["", "no histogram", "SGVsbG8=", HdrHistogram(1, 1_000, 2).encode().decode()])
def test_an_invalid_histogram_is_an_error(text: str) -> None:
    """A result.json that somebody edited ends with a line, not with a traceback of the port."""
    with pytest.raises(DataError, match="histogram"):
        Histogram.decode(text)

"""Cells of small studies, by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.study.builders import KINDS, MINUTE, SOURCES, Event, events_of, horizon_of
from tickstock_cli.study.cells import CELL_KEYS, StudyCell
from tickstock_cli.study.horizon_rows import HorizonRows, StudyEvents, placebo_mean, placebo_means
from tickstock_cli.study.observations import CUT, Observations, observation_dtype
from tickstock_cli.study.tables import study_table

NAN = math.nan
SURGE: Event = (2, 1, 0, 0, 1)


def cells_of(rows: list[Event], *horizons: HorizonRows, thin: int = 2) -> tuple[StudyCell, ...]:
    """Return the cells of a study."""
    return study_table(events_of(rows), horizons, KINDS, SOURCES, thin).cells


def test_four_surges_by_hand() -> None:
    """Two tickers on two days, an entry at minutes 0 and 7 of a day: buckets of five minutes part them.

    Returns −10, 0, 10, 30, mean 7.5; residuals −17.5 −7.5 2.5 22.5, all in clusters of their own by ticker and day:
    V_A = 4/3·(306.25 + 56.25 + 6.25 + 506.25)/16. By day and bucket: rows 0 and 3 together, sum 5, others alone:
    V_B = 3/2·(25 + 56.25 + 6.25)/16. Intersections are A, so V = max(V_B, V_A, V_B).
    """
    rows: list[Event] = [(2, 1, 0, 0, 1), (2, 1, 0, 0, 2), (2, 1, 0, 1, 2), (2, 1, 0, 1, 1)]
    cell = cells_of(rows, horizon_of([-10.0, 0.0, 10.0, 30.0], minutes=[0, 1440, 1447, 4]))[0].values
    assert (cell["kind"], cell["direction"], cell["source"], cell["horizon"]) == ("surge", 1, "tick", "5m")
    assert (cell["n"], cell["mean"], cell["median"], cell["q25"], cell["q75"]) == (4, 7.5, 5.0, -2.5, 15.0)
    assert cell["std"] == pytest.approx(math.sqrt(875 / 3), rel=1e-15)
    assert (cell["hit_rate"], cell["mean_mfe"], cell["mean_mae"]) == (0.5, 12.5, -12.5)
    assert cell["se"] == pytest.approx(math.sqrt(4 / 3 * 875 / 16), rel=1e-15)
    assert cell["t"] == pytest.approx(7.5 / math.sqrt(4 / 3 * 875 / 16), rel=1e-15)
    assert (cell["thin"], cell["few"], cell["q"]) == (False, True, cell["p"])


def test_excess_is_over_the_rows_that_have_a_placebo() -> None:
    """The third event has none; the second has one day of two."""
    rows: list[Event] = [(2, 1, 0, 0, 1), (2, 1, 0, 0, 2), (2, 1, 0, 1, 3)]
    cell = cells_of(rows, horizon_of([5.0, 1.0, 100.0], [[1.0, 2.0], [NAN, 3.0], [NAN, NAN]], [0, 10, 20]))[0].values
    assert (cell["n"], cell["placebo_events"]) == (3, 2)
    assert (cell["matched_mean"], cell["placebo_mean"], cell["excess_mean"]) == (3.0, 2.25, 0.75)
    assert cell["excess_se"] == pytest.approx(math.sqrt(2 * 2 * 2.75**2 / 4), rel=1e-15)
    assert cell["excess_p"] == pytest.approx(1 - 2 / math.pi * math.atan(0.75 / 2.75), rel=1e-12)


def test_cells_stand_in_the_order_of_the_page() -> None:
    """Kinds in their order, up before down, sources; then each kind over all. What is not observed opens no cell."""
    rows: list[Event] = [(2, -1, 1, 0, 1), (0, 1, 1, 0, 1), (2, 1, 0, 0, 1), (2, -1, 0, 0, 1), (1, -1, 0, 0, 1)]
    found = cells_of(rows, horizon_of([1.0, 1.0, 1.0, 1.0, None], name="1m"), horizon_of([1.0] * 4 + [None]))
    names = [tuple(cell.values[key] for key in ("kind", "direction", "source")) for cell in found[::2]]
    assert names == [
        ("high", 1, "ohlcv"),
        ("surge", 1, "tick"),
        ("surge", -1, "tick"),
        ("surge", -1, "ohlcv"),
        ("high", None, None),
        ("surge", None, None),
    ]
    assert [cell.values["horizon"] for cell in found] == ["1m", "5m"] * 6
    assert found[-1].values["n"] == 3


def test_a_cell_without_an_observation_at_a_horizon_says_so() -> None:
    """Late in the day, an hour is cut for all and a minute for none."""
    late = cells_of([SURGE, SURGE], horizon_of([1.0, 2.0], name="1m"), horizon_of([None, None], name="60m"))[1]
    assert tuple(late.values) == CELL_KEYS
    assert (late.values["n"], late.values["placebo_events"], late.values["thin"], late.values["few"]) == (
        0,
        0,
        True,
        True,
    )
    unknown = [key for key, value in late.values.items() if value is None]
    assert sorted(late.unknown) == sorted(unknown)
    assert late.unknown["mean"] == "no observation"
    assert late.unknown["q"] == "the cell is thin"


@pytest.mark.parametrize(
    ("returns", "placebo", "key", "reason"),
    [
        ([3.0], None, "std", "one observation"),
        ([3.0], None, "se", "one observation"),
        ([3.0, 4.0], None, "excess_mean", "no observation has a placebo"),
        ([3.0, 3.0, 3.0], None, "p", "all values are equal"),
        ([3.0, 3.0, 3.0], [[3.0, 3.0]] * 3, "excess_t", "all values are equal"),
        ([1e300, -1e300, 1e300], None, "std", "the values are too large"),
    ],
)
def test_what_cannot_be_had_is_null_with_a_reason(
    returns: list[float | None], placebo: list[list[float]] | None, key: str, reason: str
) -> None:
    """Every null of every cell has a reason, and nothing is NaN or infinite."""
    rows: list[Event] = [(2, 1, 0, 0, day) for day in range(len(returns))]
    for cell in cells_of(rows, horizon_of(returns, placebo, list(range(0, 10 * len(returns), 10)))):
        assert cell.values[key] is None
        assert cell.unknown[key] == reason
        assert {name for name, value in cell.values.items() if value is None} <= cell.unknown.keys() | {
            "direction",
            "source",
        }
        assert all(math.isfinite(value) for value in cell.values.values() if isinstance(value, float))


def test_q_leaves_thin_cells_and_cells_over_all_apart() -> None:
    """Highs of three days and surges of two, with 3 as thin: one cell of two is tested, so its q is its p."""
    rows: list[Event] = [(0, 1, 0, 0, 1), (0, 1, 0, 0, 2), (0, 1, 0, 0, 3), (2, 1, 0, 0, 1), (2, 1, 0, 0, 2)]
    cells = cells_of(rows, horizon_of([1.0, 2.0, 4.0, 1.0, 3.0], minutes=[0, 10, 20, 30, 40]), thin=3)
    high, surge, all_highs, _ = (cell.values for cell in cells)
    assert high["q"] == high["p"]
    assert (surge["thin"], surge["q"]) == (True, None)
    assert surge["p"] is not None
    assert (all_highs["thin"], all_highs["q"], all_highs["p"]) == (False, None, high["p"])
    assert cells[2].unknown["q"] == "the cell repeats rows of others"


def test_the_close_takes_one_cluster_a_day() -> None:
    """Entries an hour apart share the way to the close: the same day is one cluster, so no error can be had."""
    rows: list[Event] = [(2, 1, 0, 0, 1), (2, 1, 0, 1, 1)]
    hours = horizon_of([1.0, 2.0], minutes=[0, 60])
    close = replace(hours, horizon="close", length_ns=None)
    five, day = (cell for cell in cells_of(rows, hours, close)[:2])
    assert five.values["se"] is not None
    assert day.unknown["se"] == "all observations are of one moment or day"


def test_ten_clusters_are_not_few() -> None:
    """Nine are."""
    rows: list[Event] = [(2, 1, 0, 0, day) for day in range(10)]
    returns: list[float | None] = [float(day) for day in range(10)]
    nine = [[0.0, 1.0]] * 9 + [[NAN, NAN]]
    cell = cells_of(rows, horizon_of(returns, nine, list(range(0, 50, 5))))[0].values
    assert (cell["few"], cell["excess_few"]) == (False, True)
    assert (cell["excess_thin"], cell["placebo_events"]) == (False, 9)


def test_means_are_sums_in_the_order_of_rows() -> None:
    """Row after row, to the last bit, also where the rows of a cell lie between others."""
    random = np.random.default_rng(4)
    rows: list[Event] = [(int(kind), 1, 0, 0, 1) for kind in random.integers(0, 3, 3000)]
    returns = (random.normal(size=3000) * 1e6).tolist()
    total, count = 0.0, 0
    for (kind, *_), value in zip(rows, returns, strict=True):
        if kind == 2:
            total, count = total + value, count + 1
    cells = cells_of(rows, horizon_of(returns))
    assert cells[2].values["mean"] == cells[5].values["mean"] == total / count


def test_the_mean_of_placebos_leaves_out_what_was_not_observed() -> None:
    """None observed is NaN with a number of 0."""
    placebo = np.array([[1.0, NAN, 4.0], [NAN, NAN, NAN], [NAN, 2.0, NAN]])
    means, number = placebo_means(placebo)
    np.testing.assert_array_equal(means, [2.5, NAN, 2.0])
    assert number.tolist() == [2, 0, 1]
    others, left = zip(*(placebo_mean(placebo, row, 1) for row in range(3)), strict=True)
    np.testing.assert_array_equal(others, [2.5, NAN, NAN])
    assert left == (2, 0, 0)


def test_entries_in_one_bucket_of_the_horizon_are_one_moment() -> None:
    """Minutes 4 and 5 lie in two buckets of five minutes, 5 and 9 in one."""
    rows: list[Event] = [(2, 1, 0, 0, 1), (2, 1, 0, 1, 1)]
    apart = cells_of(rows, horizon_of([1.0, 2.0], minutes=[4, 5]))[0]
    together = cells_of(rows, horizon_of([1.0, 2.0], minutes=[5, 9]))[0]
    assert apart.values["se"] is not None
    assert together.values["se"] is None
    assert horizon_of([1.0], minutes=[5]).entry_time[0] == 5 * MINUTE


def test_records_of_a_study_are_read_as_they_are() -> None:
    """Two horizons, two placebo days; the second event is cut at the second horizon."""
    records = np.zeros(2, observation_dtype(2))
    records["kind"], records["direction"], records["day"], records["entry_time"] = 2, 1, [1, 2], [0, 10 * MINUTE]
    records["return_bps"] = [[1.0, 7.0], [2.0, NAN]]
    records["status"][1, 1] = CUT
    observations = Observations(records, np.array([[[0.0, 3.0], [1.0, 5.0]], [[NAN, NAN], [0.5, NAN]]]))
    horizons = [HorizonRows.of(observations, 0, "5m", 5 * MINUTE), HorizonRows.of(observations, 1, "close", None)]
    five, close = study_table(StudyEvents.of(records), horizons, KINDS, SOURCES, 2).cells[:2]
    assert (five.values["n"], five.values["mean"], five.values["placebo_mean"]) == (2, 1.5, 0.5)
    assert (close.values["n"], close.values["mean"], close.values["placebo_mean"]) == (1, 7.0, 4.0)

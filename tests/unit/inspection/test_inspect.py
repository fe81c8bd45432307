"""What an inspection finds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickstock_cli.core.calendar import Calendar
from tickstock_cli.inspection.groups import grouped
from tickstock_cli.inspection.inspect import evident_spacing, inspect
from tickstock_cli.inspection.report import FileReport
from tickstock_cli.replaying import Request, replay
from tickstock_cli.sources.recordings import ReadOptions, Unsorted

OPEN = 1_381_239_000_000_000_000
"""2013-10-08 09:30 in New York, ns."""
SECOND = 1_000_000_000
MINUTE = 60 * SECOND


def ticks(path: Path, rows: int = 5, **columns: Any) -> Path:
    """Write IBM ticks a second apart; columns can be replaced or added."""
    times = [OPEN + row * SECOND for row in range(rows)]
    ticks = {"ticker": ["IBM"] * rows, "timestamp": times, "price": [180.0] * rows, "size": [100] * rows}
    pq.write_table(pa.table({**ticks, **columns}), path)
    return path


def bars(path: Path, starts: Sequence[int]) -> Path:
    """Write IBM bars that begin so many ns after the open."""
    rows = len(starts)
    prices = {name: [180.0] * rows for name in ("open", "high", "low", "close")}
    times = [OPEN + start for start in starts]
    pq.write_table(pa.table({"ticker": ["IBM"] * rows, "timestamp": times, **prices, "volume": [1] * rows}), path)
    return path


def inspected(*paths: Path, interval_seconds: int = 60) -> tuple[FileReport, ...]:
    """Inspect under New York's calendar."""
    return inspect(paths, ReadOptions(interval_seconds=interval_seconds), Calendar("XNYS")).files


def test_bad_rows_are_counted_by_the_reason_a_replay_gives(tmp_path: Path) -> None:
    """The first reason counts, as everywhere; a replay's ledger has the same figures."""
    path = ticks(
        tmp_path / "bad.parquet",
        ticker=["IBM", None, "IBM", "IBM", "IBM"],
        timestamp=pa.array([OPEN, OPEN, None, OPEN + 1, OPEN - 2], pa.int64()),
        price=[1.0, -1.0, 1.0, 0.0, 1.0],
        size=[1, 1, 1, -1, 1],
    )
    (file,) = inspected(path)
    assert file.rejected == {"ticker": 1, "timestamp": 1, "price": 1}
    assert file.rejected_unsorted == {"ticker": 1, "timestamp": 1, "price": 1, "late": 1}
    for unsorted, rejected in ((Unsorted.SORT, file.rejected), (Unsorted.REJECT, file.rejected_unsorted)):
        ledger = replay(Request([path], unsorted=unsorted)).ledger.as_dict()
        assert {f"tick.rejected.{reason}": count for reason, count in rejected.items()}.items() <= ledger.items()


def test_an_unsorted_file_is_checked_in_sorted_order(tmp_path: Path) -> None:
    """Newest first, as exports come: no row is lost if they are sorted, and the span is that of all of them."""
    (sorted_,) = inspected(ticks(tmp_path / "sorted.parquet", rows=50))
    times = [OPEN + row * SECOND for row in reversed(range(50))]
    (backwards,) = inspected(ticks(tmp_path / "backwards.parquet", rows=50, timestamp=times))
    assert (backwards.first, backwards.last) == (OPEN, OPEN + 49 * SECOND) == (sorted_.first, sorted_.last)
    assert backwards.gaps == sorted_.gaps
    assert (backwards.rejected, backwards.rejected_unsorted) == ({}, {"late": 49})
    assert backwards.disorder is not None
    assert backwards.disorder.row == 1


def test_rows_that_come_twice_over_two_files_are_rejected_in_the_later_one(tmp_path: Path) -> None:
    """Files that overlap are inspected as they will be replayed: together."""
    first, second = inspected(bars(tmp_path / "a.parquet", [0, MINUTE]), bars(tmp_path / "b.parquet", [MINUTE]))
    assert (first.rejected, second.rejected) == ({}, {"duplicate": 1})


def test_copies_are_rows_equal_in_every_column_but_the_recorders_own(tmp_path: Path) -> None:
    """Another exchange makes another trade; another sequence number or arrival does not."""
    same: dict[str, Any] = {"timestamp": [OPEN] * 5, "sequence": range(5), "received_at": range(OPEN, OPEN + 5)}
    (plain,) = inspected(ticks(tmp_path / "plain.parquet", **same))
    (venues,) = inspected(ticks(tmp_path / "venues.parquet", **same, exchange=["N", "P", "N", "Q", "N"]))
    tickers = pa.array(["A", "B", "A", "B", "A"]).dictionary_encode()
    (encoded,) = inspected(ticks(tmp_path / "encoded.parquet", **{**same, "ticker": tickers}))
    assert (plain.copies, venues.copies, encoded.copies) == (4, 2, 3)


def test_gaps_are_found_within_a_phase_only(tmp_path: Path) -> None:
    """The night, and the step from one phase to the next, are no gaps; three are kept, the longest first."""
    seconds = [-9_000, -5_400, -1, 0, 10, 11, 18, 20, 25, 26, 23_400, 86_400, 86_402]
    path = ticks(tmp_path / "gaps.parquet", len(seconds), timestamp=[OPEN + second * SECOND for second in seconds])
    (file,) = inspected(path)
    found = [(gap.phase, (gap.start - OPEN) // SECOND, gap.length // SECOND) for gap in file.gaps]
    assert found == [
        ("pre", -5_400, 5_399),
        ("pre", -9_000, 3_600),
        ("regular", 0, 10),
        ("regular", 11, 7),
        ("regular", 20, 5),
    ]


def test_rows_of_phases_that_are_left_out_are_counted(tmp_path: Path) -> None:
    """Two ticks of a night and one of a Saturday; bars have a rule of their own."""
    night, saturday = (int((days * 86_400 + 12.5 * 3_600) * SECOND) for days in (0, 3))  # 22:00
    times = [OPEN, OPEN + night, OPEN + night + SECOND, OPEN + saturday]
    path = ticks(tmp_path / "ticks.parquet", 4, timestamp=times)
    report = inspect(
        [path, bars(tmp_path / "bars.parquet", [night])], ReadOptions(), Calendar("XNYS"), phases=("regular",)
    )
    by_type = {group.sample.record: group for group in grouped(report.files)}

    assert by_type["tick"].sample.phases == {"regular": 1, "closed": 1, "overnight": 2}
    assert by_type["tick"].outside(report.used_phases) == {"closed": 1, "overnight": 2}
    assert by_type["tick"].outside(("regular", "overnight")) == {"closed": 1}
    assert by_type["ohlcv"].outside(report.used_phases) == {}


def test_a_bar_a_minute_leaves_no_gap(tmp_path: Path) -> None:
    """A minute from start to start is what minute bars do; two are a bar that is missing."""
    (file,) = inspected(bars(tmp_path / "bars.parquet", [0, MINUTE, 3 * MINUTE, 4 * MINUTE]))
    assert [(gap.start, gap.length) for gap in file.gaps] == [(OPEN + MINUTE, 2 * MINUTE)]


def test_bars_that_evidently_have_another_interval_are_a_warning(tmp_path: Path) -> None:
    """Nothing in a file says how long its bars are."""
    path = bars(tmp_path / "bars.parquet", [second * SECOND for second in range(20)])
    (file,) = inspected(path)
    expected = "bars are 1 s apart, but are read as 1 min 0 s long: set recordings.interval_seconds=1"
    assert file.warnings == (expected,)
    (file,) = inspected(path, interval_seconds=1)
    assert file.warnings == ()


@pytest.mark.parametrize(
    ("minutes", "evident"),
    [
        ([1] * 20, None),
        ([1, 7, 3, 12, 2, 5, 1, 9, 4, 2], None),  # a quiet stock: bars are missing
        ([5] * 12, 5),
        ([10, 5, 15, 5, 20, 5, 5, 10, 5, 5], 5),
        ([0.5] * 8 + [1, 2], 0.5),
        ([5] * 9, None),  # too few to tell
    ],
)
def test_another_interval_is_found_only_if_gaps_cannot_explain_it(minutes: list[float], evident: float | None) -> None:
    """Bars can be missing, so only overlaps or a common larger distance show another interval."""
    spacings = np.array([round(minute * MINUTE) for minute in minutes], dtype=np.int64)
    assert evident_spacing(spacings, MINUTE) == (None if evident is None else evident * MINUTE)


def test_files_of_nothing_usable_are_a_warning(tmp_path: Path) -> None:
    """They would replay without an error, and without an event."""
    nulls = pa.nulls(5, pa.int64())
    useless, empty = inspected(
        ticks(tmp_path / "useless.parquet", timestamp=nulls), ticks(tmp_path / "empty.parquet", rows=0, **EMPTY)
    )
    assert (useless.warnings, useless.first) == (("no row can be used",), None)
    assert (empty.warnings, empty.row_groups) == (("there are no rows",), 1)


EMPTY = {
    "ticker": pa.array([], pa.string()),
    "timestamp": pa.array([], pa.int64()),
    "price": pa.array([], pa.float64()),
    "size": pa.array([], pa.int64()),
}


@pytest.mark.parametrize(("times", "reads"), [([0, 1, 2, 3, 4], 2), ([4, 3, 2, 1, 0], 3)])
def test_progress_goes_from_0_to_1(tmp_path: Path, times: list[int], reads: int) -> None:
    """Each time that rows are read: once more if they are not in order."""
    told: list[tuple[int, int]] = []
    timestamps = [OPEN + time * SECOND for time in times]
    paths = [ticks(tmp_path / "a.parquet", timestamp=timestamps), ticks(tmp_path / "b.parquet", rows=7)]
    inspect(paths, ReadOptions(), Calendar("XNYS"), lambda rows, total: told.append((rows, total)))
    assert {total for _, total in told} == {12 * reads}
    assert sum(rows for rows, _ in told) == 12 * reads


def test_the_estimate_is_at_least_the_reading_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many small files, opening and decoding each is what takes the time, and a replay does the same."""
    clock = iter(range(1_000))
    monkeypatch.setattr("tickstock_cli.inspection.inspect.perf_counter", lambda: next(clock))
    report = inspect([ticks(tmp_path / "ticks.parquet")], ReadOptions(), Calendar("XNYS"))
    assert report.flat_out_seconds == pytest.approx(
        1.0, abs=0.001
    )  # the clock's second, and next to nothing for 5 rows


def test_copies_are_looked_for_in_each_file_alone(tmp_path: Path) -> None:
    """Two files that end and begin at one time are one recording; that rows are in both shows as `duplicate` or not."""
    first, second = inspected(
        ticks(tmp_path / "a.parquet", rows=1), ticks(tmp_path / "b.parquet", rows=2, timestamp=[OPEN, OPEN])
    )
    assert (first.copies, second.copies) == (0, 1)


def test_files_that_are_read_alike_are_gathered_if_there_are_many(tmp_path: Path) -> None:
    """Twenty are told one by one; of more, those with another column are another group."""
    paths = [ticks(tmp_path / f"{place:02d}.parquet", rows=2 + place) for place in range(20)]
    assert [len(group.files) for group in grouped(inspected(*paths))] == [1] * 20

    times = [OPEN + time * SECOND for time in (3, 2, 1)]
    paths.append(ticks(tmp_path / "20.parquet", rows=3, timestamp=times, price=[-1.0, 1.0, 1.0]))
    paths.append(ticks(tmp_path / "21.parquet", venue=["N"] * 5))
    alike, other = grouped(inspected(*paths))
    assert (len(alike.files), alike.rows, alike.row_groups) == (21, sum(range(2, 22)) + 3, 21)
    assert (alike.first, alike.last) == (OPEN, OPEN + 20 * SECOND)
    assert [Path(file.path).name for file in alike.unsorted] == ["20.parquet"]
    assert alike.rejected["price"] == 1
    assert alike.guesses == ["unit of timestamp is ns"]  # each file has a median of its own
    assert (len(other.files), other.sample.ignored) == (1, ("venue",))


def test_a_real_day_matches_its_description(real_recordings: Path) -> None:
    """2,149 of IBM's trades are exact copies of another, and still separate trades."""
    names = ("trades_IBM_2013-10-08.parquet", "fmv_proxy_IBM_2013-10-08.parquet")
    trades, fmvs = inspected(*(real_recordings / name for name in names))
    assert (trades.rows, trades.copies, trades.rejected, trades.disorder) == (33_381, 2_149, {}, None)
    assert (fmvs.rows, fmvs.tickers, fmvs.some_tickers) == (20_431, 1, ("IBM",))

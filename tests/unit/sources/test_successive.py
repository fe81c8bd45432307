"""Files that follow one another in time: read as one stream, unless one of them is not as its footer says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.sources.conftest import NOON, SECOND, Write
from tickstock_cli.core.batch import unpack_origin
from tickstock_cli.errors import DataError, OrderError
from tickstock_cli.sources import merge
from tickstock_cli.sources.plan import Spans
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.recordings import ReadOptions, Recordings, Unsorted
from tickstock_cli.sources.successive import successions


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make chunks of four rows."""
    monkeypatch.setattr(merge, "MOST_CHUNK_ROWS", 4)
    monkeypatch.setattr(merge, "FEWEST_CHUNK_ROWS", 4)


def write_days(folder: Path, days: Sequence[Sequence[int | None]], **columns: Any) -> Path:
    """Write a file of ticks for each day, at seconds after noon; the first row of day 2 is of ticker C2, and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for day, seconds in enumerate(days):
        times = [None if second is None else NOON + second * SECOND for second in seconds]
        ticks = {
            "ticker": [f"{'CBA'[row % 3]}{day}" for row in range(len(times))],
            "timestamp": pa.array(times, pa.int64()),
            "price": [10.0 * day + row + 1 for row in range(len(times))],
            "size": [1] * len(times),
        }
        pq.write_table(pa.table({**ticks, **columns}), folder / f"{day:02}.parquet")
    return folder


def told(
    recordings: Recordings, batch_rows: int = 4, positions: Sequence[int] = ()
) -> list[tuple[int, int, str, float, int]]:
    """Return file, row, ticker, price and second after noon of each tick, in merge order."""
    found = []
    for step in recordings.batches(batch_rows, positions):
        ticks = step.ticks
        columns = (ticks.origin, ticks.code, ticks.price, ticks.available_at)
        for origin, code, price, time in zip(*(column.tolist() for column in columns), strict=True):
            found.append((*unpack_origin(origin), recordings.symbols.tickers[code], price, (time - NOON) // SECOND))
    return found


def expected(days: Sequence[Sequence[int]]) -> list[tuple[int, int, str, float, int]]:
    """Return what ``told`` returns for days that follow one another."""
    return [
        (day, row, f"{'CBA'[row % 3]}{day}", 10.0 * day + row + 1, second)
        for day, seconds in enumerate(days)
        for row, second in enumerate(seconds)
    ]


def test_days_are_one_stream_and_what_overlaps_is_another(tmp_path: Path, write: Write, write_bars: Write) -> None:
    """So are files of another type, of other columns, and those that may not join: here day 5."""
    write_days(tmp_path / "days", [[0, 1], [1, 2], [2, 9], [10], [9, 12], [13, 14, 15], [20]])
    write("unlike.parquet", timestamp=[NOON + 30 * SECOND, NOON + 31 * SECOND], received_at=[NOON, NOON])
    write_bars()
    with Recordings.open([tmp_path]) as recordings:
        files = recordings.files
        bounds = [(file.first_available, file.latest) for file in files]
        starts, ends = (np.array(column, dtype=np.int64) for column in zip(*bounds, strict=True))
        spans = Spans(starts, ends, np.ones_like(starts), np.ones_like(starts))
        found = [
            [file.path.stem for file in succession.files]
            for succession in successions(files, spans, lambda file: file.rows < 3)
        ]
        assert found == [["00", "01", "02", "04"], ["unlike"], ["03", "06"], ["05"], ["bars"]]


def test_of_files_that_touch_the_one_with_the_lower_number_comes_first(tmp_path: Path) -> None:
    """Its rows come first where times are equal; the other way round they would not."""
    write_days(tmp_path, [[5, 9], [0, 5]])
    with Recordings.open([tmp_path]) as recordings:
        assert [(file, row) for file, row, *_ in told(recordings)] == [(1, 0), (0, 0), (1, 1), (0, 1)]


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("batch_rows", [1, 3, 4, 100])
def test_days_are_read_as_one_file_would_be(tmp_path: Path, batch_rows: int) -> None:
    """Chunks end within files; a file without rows is between them; a run can go on behind any row."""
    days = [[0, 1, 2], [3, 3, 3, 3], [], [4], [5, 6, 7, 8], [9]]
    write_days(tmp_path, days)
    with Recordings.open([tmp_path]) as recordings:
        assert told(recordings, batch_rows) == expected(days)
        for step in recordings.batches(batch_rows):
            behind = step.first + len(step)
            assert told(recordings, batch_rows, step.positions) == expected(days)[behind:]


@pytest.mark.usefixtures("few_rows")
def test_bounds_and_tickers_leave_out_rows_of_days(tmp_path: Path) -> None:
    """The days at the bounds are read by themselves; a day without a wanted ticker is not decoded."""
    days = [[0, 1, 2], [3, 4], [5, 6], [7, 8, 9]]
    write_days(tmp_path, days)
    low, high = NOON + SECOND, NOON + 9 * SECOND
    with Recordings.open([tmp_path], ReadOptions(start=low, end=high)) as recordings:
        assert told(recordings) == expected(days)[1:-1]
    (tmp_path / "02.parquet").write_bytes(damaged(tmp_path / "02.parquet"))
    with Recordings.open([tmp_path], ReadOptions(symbols=frozenset({"B1", "A3"}))) as recordings:
        assert [row[2] for row in told(recordings)] == ["B1", "A3"]


@pytest.mark.usefixtures("few_rows")
def test_a_day_out_of_order_is_named_after_the_rows_before_it(tmp_path: Path) -> None:
    """Lifted, its rows take the place of the latest one before them; sorted, they get their own."""
    days = [[0, 1], [2, 3], [4, 6, 5], [7, 8]]
    write_days(tmp_path, days)
    with Recordings.open([tmp_path]) as recordings:
        steps = recordings.batches(2)
        assert [next(steps).first, next(steps).first] == [0, 2]
        with pytest.raises(OrderError, match=r"02\.parquet is not in time order: row 2 "):
            list(steps)
    lifted = [*expected(days)[:6], (2, 2, "A2", 23.0, 6), *expected(days)[7:]]
    with Recordings.open([tmp_path], ReadOptions(unsorted=Unsorted.REJECT)) as recordings:
        assert told(recordings) == lifted
    with Recordings.open([tmp_path], ReadOptions(unsorted=Unsorted.SORT)) as recordings:
        assert [row[-1] for row in told(recordings)] == list(range(9))


@pytest.mark.usefixtures("few_rows")
def test_a_row_without_a_time_takes_that_of_the_row_before_it(tmp_path: Path) -> None:
    """The day with it is read by itself, and the ones behind it."""
    write_days(tmp_path, [[0, 1], [2, None, 3], [4, 5]])
    with Recordings.open([tmp_path]) as recordings:
        assert [row[-1] for row in told(recordings)] == [0, 1, 2, 2, 3, 4, 5]


def damaged(path: Path) -> bytes:
    """Return a file's content with a page that cannot be read, and a whole footer."""
    content = bytearray(path.read_bytes())
    content[4:60] = bytes(56)
    return bytes(content)


@pytest.mark.usefixtures("few_rows")
def test_a_damaged_day_is_named_after_the_rows_before_it(tmp_path: Path) -> None:
    """It is decoded ahead, and told when its rows are needed."""
    write_days(tmp_path, [[0, 1], [2, 3], [4, 5]])
    with Recordings.open([tmp_path]) as recordings:
        (tmp_path / "02.parquet").write_bytes(damaged(tmp_path / "02.parquet"))
        steps = recordings.batches(2)
        assert [next(steps).first, next(steps).first] == [0, 2]
        with pytest.raises(DataError, match=r"02\.parquet"):
            next(steps)


def ending_early(file: RecordingFile) -> RecordingFile:
    """Return a file whose footer leaves out its last second."""
    (group,) = file.groups
    assert group.latest is not None
    return replace(file, groups=(group._replace(latest=group.latest - SECOND),))


@pytest.mark.usefixtures("few_rows")
def test_rows_stay_in_order_where_a_footer_says_too_early_an_end(tmp_path: Path) -> None:
    """The next day begins before it, so that they are merged after all."""
    write_days(tmp_path, [[0, 1], [2, 3, 5], [4, 6]])
    with Recordings.open([tmp_path]) as opened:
        files = [opened.files[0], ending_early(opened.files[1]), opened.files[2]]
        assert [row[-1] for row in told(Recordings.of(files, ReadOptions()))] == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("last_day", [[8, 9, 10], [8, None, 10]])
def test_watchers_see_each_row_of_each_day_once(tmp_path: Path, last_day: list[int | None]) -> None:
    """Also of a day that is cut, and goes on by itself; the second reading counts anew."""
    write_days(tmp_path, [[0, 1, 2], [3, 4, 5], last_day], flags=pa.array([1] * 3, pa.int32()))
    with Recordings.open([tmp_path]) as recordings:
        for _ in range(2):
            assert len(told(recordings)) == 9
            assert [oddity.counts[1] for file in range(3) for oddity in recordings.oddities(file)] == [3, 3, 3]


@pytest.mark.usefixtures("few_rows")
def test_days_can_have_null_tickers_and_tickers_of_their_folders(tmp_path: Path) -> None:
    """Null is no ticker; a folder's name is that of all rows."""
    write_days(tmp_path / "nulls", [[0, 1], [2, 3]], ticker=["A", None])
    for ticker, second in (("X", 0), ("Y", 2), ("Z", 4)):
        write_days(tmp_path / "folders" / f"ticker={ticker}", [[second, second + 1]], ticker=pa.nulls(2))
        path = tmp_path / "folders" / f"ticker={ticker}" / "00.parquet"
        pq.write_table(pq.read_table(path, partitioning=None).drop_columns(["ticker"]), path)
    with Recordings.open([tmp_path / "folders"]) as recordings:
        assert [row[2] for row in told(recordings)] == list("XXYYZZ")
    with Recordings.open([tmp_path / "nulls"]) as recordings:
        assert recordings.symbols.tickers == []
        codes = [code for step in recordings.batches(3) for code in step.ticks.code.tolist()]
        assert codes == [0, -1, 0, -1]

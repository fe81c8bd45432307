"""Recordings of many files: what is read when, how many side by side, and what is held."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickstock_cli.core.batch import unpack_origin
from tickstock_cli.errors import DataError, OrderError
from tickstock_cli.sources import plan
from tickstock_cli.sources import recordings as reading
from tickstock_cli.sources.plan import Spans, clusters, own_readers
from tickstock_cli.sources.recordings import ReadOptions, Recordings, Unsorted

NOON = 1_381_248_000_000_000_000
SECOND = 1_000_000_000
Write = Callable[..., Path]


def spans(*facts: tuple[int, int, int]) -> Spans:
    """Return spans of starts, ends and numbers of rows; a reader holds a byte."""
    starts, ends, rows = (np.array(column, dtype=np.int64) for column in zip(*facts, strict=True))
    return Spans(starts, ends, rows, np.ones(len(starts), dtype=np.int64))


def write_tickers(folder: Path, seconds: dict[str, list[int]]) -> Path:
    """Write a file of ticks for each ticker, at seconds after noon."""
    folder.mkdir()
    for ticker, times in seconds.items():
        rows = len(times)
        ticks = {"ticker": [ticker] * rows, "timestamp": [NOON + second * SECOND for second in times]}
        pq.write_table(pa.table({**ticks, "price": [1.0] * rows, "size": [1] * rows}), folder / f"{ticker}.parquet")
    return folder


def read(folder: Path, **options: Any) -> list[tuple[str, int]]:
    """Read ticks as tickers and seconds after noon, in merge order."""
    with Recordings.open([folder], ReadOptions(**options)) as recordings:
        found = []
        for step in recordings.batches(100):
            codes, times = step.ticks.code.tolist(), step.ticks.available_at.tolist()
            tickers = recordings.symbols.tickers
            found += [(tickers[code], (time - NOON) // SECOND) for code, time in zip(codes, times, strict=True)]
        return found


@pytest.fixture(params=[1, 1 << 20], ids=["in one call", "file by file"])
def gathered(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Give no file a reader of its own; so many are decoded in one call."""
    monkeypatch.setattr(plan, "MOST_READERS", 0)
    monkeypatch.setattr(reading, "FEWEST_FILES", request.param)


def test_files_one_after_another_are_read_by_readers_however_many_there_are() -> None:
    """A thousand days need one reader at a time."""
    days = spans(*((day * 10, day * 10 + 9, 100) for day in range(1_000)))
    assert own_readers(days).all()


def test_of_files_side_by_side_only_large_ones_have_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two may be open: the two largest of those that are large."""
    monkeypatch.setattr(plan, "MOST_READERS", 2)
    monkeypatch.setattr(plan, "LARGE_ROWS", 50)
    rows = [10, 100, 60, 300, 20]
    assert own_readers(spans(*((0, 9, count) for count in rows))).tolist() == [False, True, False, True, False]


def test_a_single_file_has_a_reader_whatever_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no other way to read it with less."""
    monkeypatch.setattr(plan, "READER_BYTES", 0)
    assert own_readers(spans((0, 9, 1))).all()


def test_clusters_end_where_no_file_goes_on() -> None:
    """The second file lies within the first; a start at an end still touches it."""
    days = spans((0, 9, 1), (2, 3, 1), (10, 12, 1), (12, 13, 1), (14, 14, 1))
    assert clusters(days.starts, days.ends).tolist() == [2, 2, 4, 4, 5]


@pytest.mark.usefixtures("gathered")
def test_small_files_merge_by_time_and_then_by_file(tmp_path: Path) -> None:
    """Files are read together, and their rows come as one recording's."""
    folder = write_tickers(tmp_path / "many", {"A": [1, 2, 2, 9], "B": [0, 2, 3], "C": [2, 2]})
    expected = [("B", 0), ("A", 1), ("A", 2), ("A", 2), ("B", 2), ("C", 2), ("C", 2), ("B", 3), ("A", 9)]
    assert read(folder) == expected
    assert read(folder, symbols=frozenset("AC")) == [row for row in expected if row[0] != "B"]
    low, high = NOON + 2 * SECOND, NOON + 3 * SECOND
    assert read(folder, start=low, end=high) == [row for row in expected if row[1] == 2]


@pytest.mark.usefixtures("gathered")
def test_one_file_out_of_order_among_many_is_named(tmp_path: Path) -> None:
    """The others are fine; sorting or lifting it gives its rows their places."""
    folder = write_tickers(tmp_path / "many", {"A": [1, 5], "B": [4, 2, 3], "C": [0, 6]})
    with pytest.raises(OrderError, match=r"B\.parquet is not in time order: row 1 "):
        read(folder)
    in_order = [("C", 0), ("A", 1), ("B", 2), ("B", 3), ("B", 4), ("A", 5), ("C", 6)]
    assert read(folder, unsorted=Unsorted.SORT) == in_order
    assert read(folder, unsorted=Unsorted.REJECT) == [("C", 0), ("A", 1), *[("B", 4)] * 3, ("A", 5), ("C", 6)]


@pytest.mark.usefixtures("gathered")
def test_a_damaged_file_among_many_is_named(tmp_path: Path) -> None:
    """Its footer is fine, a page is not."""
    folder = write_tickers(tmp_path / "many", {ticker: list(range(50)) for ticker in "ABC"})
    damaged = folder / "B.parquet"
    content = bytearray(damaged.read_bytes())
    content[4:200] = bytes(196)
    with Recordings.open([folder]) as recordings:
        damaged.write_bytes(content)
        with pytest.raises(DataError, match=r"B\.parquet"):
            list(recordings.batches(10))


@pytest.mark.usefixtures("gathered")
def test_origins_of_files_that_are_read_together_name_file_and_row(tmp_path: Path) -> None:
    """Positions count the rows of each file."""
    folder = write_tickers(tmp_path / "many", {"A": [0, 3], "B": [1, 2, 4]})
    with Recordings.open([folder]) as recordings:
        first, second = recordings.batches(3)
        origins = [unpack_origin(origin) for origin in first.ticks.origin.tolist()]
        assert origins == [(0, 0), (1, 0), (1, 1)]
        assert (first.positions, second.positions) == ((1, 2), (2, 3))
        (rest,) = recordings.batches(3, first.positions)
        assert rest.ticks.origin.tolist() == second.ticks.origin.tolist()


def write_flagged(folder: Path, tickers: int) -> Path:
    """Write files of 50 ticks, each flagged to count for no volume."""
    for path in write_tickers(folder, {f"T{number:03}": list(range(50)) for number in range(tickers)}).iterdir():
        ticks = pq.read_table(path)
        pq.write_table(ticks.append_column("flags", pa.array([2] * ticks.num_rows, pa.uint8())), path)
    return folder


def test_a_reading_that_stops_within_its_first_step_tells_what_it_found(tmp_path: Path) -> None:
    """A look at its position behind it, as for a last checkpoint, takes nothing from it."""
    folder = write_flagged(tmp_path / "many", 2)
    with Recordings.open([folder], ReadOptions()) as recordings:
        before = recordings.notes
        steps = recordings.batches(100)
        next(steps)
        stopped = recordings.notes
        del steps  # a run that has ended
        next(recordings.batches(10, [0, 0]))
        assert recordings.notes == stopped
    assert before == []
    assert ["flags keep 0 of" in note for note in stopped] == [True]


def test_a_look_at_a_position_beside_a_run_takes_nothing_from_it(tmp_path: Path) -> None:
    """As a checkpoint within a step has it: neither rows that are being decoded, nor counts of flags."""
    folder = write_flagged(tmp_path / "many", 100)
    with Recordings.open([folder], ReadOptions()) as recordings:
        steps = recordings.batches(1_000)
        first, second = next(steps), next(steps)
        look = next(recordings.batches(10, first.positions))
        rows = len(first) + len(second) + sum(len(step) for step in steps)
        (note,) = recordings.notes
    assert look.positions[0] >= first.positions[0]
    assert rows == 5_000
    assert "flags keep 0 of 5,000 ticks from the last price, 5,000 from volumes" in note

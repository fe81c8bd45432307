"""Whatever the files, chunks and batches: one order, nothing lost, and any restart goes on with the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickstock_cli.core.batch import MergedBatch, unpack_origin
from tickstock_cli.sources import gather, merge, plan, runs, slabs, sort
from tickstock_cli.sources.recordings import ReadOptions, Recordings, Unsorted

RECORDS = ("tick", "ohlcv", "fmv")
NOON = 1_700_000_000_000_000_000
MINUTE = 60_000_000_000
LONGEST = 12 * 20_000_000_000
"""Most time that a drawn file can span, in ns."""


@dataclass(frozen=True)
class Row:
    """Where a row came from and when it can be known."""

    record: str
    file: int
    number: int
    available_at: int


@dataclass(frozen=True)
class File:
    """A file to write: its type, times since noon in ns, and rows per row group."""

    record: str
    times: tuple[int, ...]
    group_rows: int

    def write(self, path: Path) -> None:
        """Write it; a row's value is its number, so that mixed up columns show."""
        rows = len(self.times)
        numbers = [float(row + 1) for row in range(rows)]
        columns = {"ticker": ["AB"[row % 2] for row in range(rows)], "timestamp": [NOON + time for time in self.times]}
        if self.record == "tick":
            columns |= {"price": numbers, "size": [row + 1 for row in range(rows)]}
        elif self.record == "ohlcv":
            columns |= dict.fromkeys(("open", "high", "low", "close", "volume"), numbers)
        else:
            columns["fmv"] = numbers
        types: dict[str, pa.DataType] = {"ticker": pa.string(), "timestamp": pa.int64(), "size": pa.int64()}
        schema = pa.schema([(name, types.get(name, pa.float64())) for name in columns])
        pq.write_table(pa.table(columns, schema=schema), path, row_group_size=self.group_rows)

    @property
    def available(self) -> list[int]:
        """When each row can be known: a bar at its end."""
        return [NOON + time + (MINUTE if self.record == "ohlcv" else 0) for time in self.times]


def files(*, ordered: bool) -> st.SearchStrategy[list[File]]:
    """Draw files whose times are dense, so that ties are common; side by side, or one after another, as days are."""
    times = st.lists(st.integers(0, 12), max_size=25).map(lambda drawn: tuple(sorted(drawn) if ordered else drawn))
    spread = times.map(lambda drawn: tuple(time * 20_000_000_000 for time in drawn))
    some = st.lists(st.builds(File, st.sampled_from(RECORDS), spread, st.integers(1, 9)), min_size=1, max_size=6)
    return st.builds(moved, some, st.sampled_from([0, 0, LONGEST, -LONGEST, LONGEST + MINUTE, 2 * LONGEST]))


def moved(drawn: Sequence[File], step: int) -> list[File]:
    """Return files, each moved by ``step`` ns more than the one before it."""
    return [replace(file, times=tuple(time + place * step for time in file.times)) for place, file in enumerate(drawn)]


def in_plain_order(drawn: Sequence[File]) -> list[Row]:
    """Merge the slow, obvious way: by available time, then type, then file, then row."""
    by_type = sorted(drawn, key=lambda file: RECORDS.index(file.record))
    rows = [
        Row(file.record, index, number, available_at)
        for index, file in enumerate(by_type)
        for number, available_at in enumerate(file.available)
    ]
    return sorted(rows, key=lambda row: (row.available_at, RECORDS.index(row.record), row.file, row.number))


def unpacked(steps: Sequence[MergedBatch]) -> list[Row]:
    """Return the rows of steps in merge order, making sure that every column belongs to its row."""
    by_order: dict[int, Row] = {}
    for step in steps:
        for record, batch in zip(RECORDS, (step.ticks, step.bars, step.fmvs), strict=True):
            value = {"tick": "price", "ohlcv": "close", "fmv": "fmv"}[record]
            for place, order in enumerate(batch.order.tolist()):
                file, number = unpack_origin(int(batch.origin[place]))
                assert getattr(batch, value)[place] == number + 1
                assert step.first <= order < step.first + len(step)
                assert batch.available_at[place] <= step.watermark
                by_order[order] = Row(record, file, number, int(batch.available_at[place]))
    assert sorted(by_order) == list(range(len(by_order)))
    return [by_order[order] for order in range(len(by_order))]


@contextmanager
def recorded(drawn: Sequence[File], options: ReadOptions | None = None) -> Iterator[Recordings]:
    """Write the files and open them as one recording; files that happen to be equal are read each."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{place}.parquet" for place in range(len(drawn))]
        for path, file in zip(paths, drawn, strict=True):
            file.write(path)
        with Recordings.open(paths, replace(options or ReadOptions(), copies="all")) as recordings:
            yield recordings


@contextmanager
def small_chunks(rows: int, readers: int = 64, held_rows: int = 1_000) -> Iterator[None]:
    """Decode few rows at once, read few files side by side and hold few rows, as if there were thousands of files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge, "MOST_CHUNK_ROWS", rows)
        patch.setattr(merge, "FEWEST_CHUNK_ROWS", rows)
        patch.setattr(plan, "MOST_READERS", readers)
        patch.setattr(plan, "LARGE_ROWS", 3 * rows)
        patch.setattr(gather, "HELD_BYTES", held_rows * 45)
        patch.setattr(gather, "RUN_BYTES", held_rows * 45 // 2)
        patch.setattr(gather, "FEWEST_ROWS", rows)
        patch.setattr(gather, "PART_ROWS", rows)
        patch.setattr(sort, "HELD_BYTES", 1_000)
        patch.setattr(runs, "CHUNK_ROWS", rows)
        patch.setattr(runs, "STORED_CHUNK_ROWS", rows)
        patch.setattr(slabs, "SLAB_ROWS", rows)
        yield


@settings(max_examples=settings().max_examples * 3 // 5)
@given(files(ordered=True), st.integers(1, 40), st.integers(1, 10), st.integers(0, 3), st.integers(0, 60))
def test_any_chunks_and_batches_merge_as_sorting_everything_would(
    drawn: list[File], batch_rows: int, chunk_rows: int, readers: int, held_rows: int
) -> None:
    """Rows come by available time, type, file and row, in steps of exactly the size asked for."""
    with small_chunks(chunk_rows, readers, held_rows), recorded(drawn) as recordings:
        steps = list(recordings.batches(batch_rows))
        assert unpacked(steps) == in_plain_order(drawn)
        assert [len(step) for step in steps[:-1]] == [batch_rows] * (len(steps) - 1)
        if steps:
            assert steps[-1].positions == tuple(file.rows for file in recordings.files)


@settings(max_examples=settings().max_examples * 3 // 5)
@given(files(ordered=True), st.integers(1, 12), st.integers(0, 3), st.data())
def test_a_restart_after_any_step_goes_on_with_the_next_row(
    drawn: list[File], batch_rows: int, readers: int, data: st.DataObject
) -> None:
    """The positions of a step are all that is needed to read the rest."""
    with small_chunks(4, readers), recorded(drawn) as recordings:
        steps = list(recordings.batches(batch_rows))
        stop = data.draw(st.integers(0, len(steps)))
        positions = steps[stop - 1].positions if stop else ()
        rest = unpacked(list(recordings.batches(7, positions)))
        assert rest == in_plain_order(drawn)[sum(map(len, steps[:stop])) :]


@settings(max_examples=settings().max_examples * 3 // 5)
@given(files(ordered=False), st.integers(1, 40), st.integers(0, 100), st.integers(0, 3), st.data())
def test_sorting_unsorted_files_gives_the_order_of_sorted_ones(
    drawn: list[File], batch_rows: int, memory: int, readers: int, data: st.DataObject
) -> None:
    """Out-of-core sorting is stable, whatever memory it has, and a restart goes on with the next row."""
    options = ReadOptions(unsorted=Unsorted.SORT, sort_memory_bytes=memory * 20)
    with small_chunks(3, readers, memory), recorded(drawn, options) as recordings:
        steps = list(recordings.batches(batch_rows))
        assert unpacked(steps) == in_plain_order(drawn)
        stop = data.draw(st.integers(0, len(steps)))
        rest = unpacked(list(recordings.batches(9, steps[stop - 1].positions if stop else ())))
        assert rest == in_plain_order(drawn)[sum(map(len, steps[:stop])) :]


@settings(max_examples=settings().max_examples * 3 // 5)
@given(files(ordered=False), st.integers(1, 40), st.integers(1, 10), st.integers(0, 3))
def test_late_rows_count_as_available_when_they_are_read(
    drawn: list[File], batch_rows: int, chunk_rows: int, readers: int
) -> None:
    """Under `--late reject` no row is available before one that stands above it in its file."""
    options = ReadOptions(unsorted=Unsorted.REJECT, judges_late=True)  # also where it would be refused
    with small_chunks(chunk_rows, readers), recorded(drawn, options) as recordings:
        rows = unpacked(list(recordings.batches(batch_rows)))
    by_type = sorted(drawn, key=lambda file: RECORDS.index(file.record))
    for index, file in enumerate(by_type):
        mine = [row for row in rows if row.file == index]
        assert [row.number for row in mine] == list(range(len(file.times)))
        assert [row.available_at for row in mine] == [max(file.available[: row + 1]) for row in range(len(mine))]
    assert [row.available_at for row in rows] == sorted(row.available_at for row in rows)


@settings(max_examples=settings().max_examples * 3 // 5)
@given(
    files(ordered=True),
    st.integers(0, 12),
    st.integers(0, 12),
    st.sampled_from([None, {"A"}, {"B", "C"}]),
    st.integers(0, 3),
)
def test_bounds_and_tickers_leave_out_exactly_the_other_rows(
    drawn: list[File], start: int, length: int, symbols: set[str] | None, readers: int
) -> None:
    """What is read under bounds is the plain merge without the rows outside them."""
    low = NOON + start * 20_000_000_000
    high = low + length * 20_000_000_000
    wanted = frozenset(symbols) if symbols is not None else None
    with small_chunks(5, readers), recorded(drawn, ReadOptions(start=low, end=high, symbols=wanted)) as recordings:
        rows = unpacked(list(recordings.batches(8)))
    assert rows == [
        row
        for row in in_plain_order(drawn)
        if low <= row.available_at < high and (wanted is None or "AB"[row.number % 2] in wanted)
    ]

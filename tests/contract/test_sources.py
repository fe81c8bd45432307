"""What every source promises a run: the recordings, and the test kit's list that stands for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.differential.against import on_disk
from tests.oracle import Row
from tests.oracle.strategies import Case, mixed_recordings
from tickstock_cli.core.batch import Batch, MergedBatch
from tickstock_cli.engine.run import Source
from tickstock_cli.replay import Request, read_options
from tickstock_cli.sources.recordings import Recordings
from tickstock_cli.testing import ListSource, as_record

Opened = AbstractContextManager[Source]

few_examples = settings(max_examples=settings().max_examples // 10)
batch_sizes = st.sampled_from((1, 2, 3, 10, 50))


@contextmanager
def recordings(case: Case) -> Iterator[Source]:
    """Write the rows as Parquet and read them."""
    with on_disk(*case) as written:
        request = Request(paths=written.paths)
        with Recordings.open(written.paths, read_options(request, written.settings)) as opened:
            yield opened


@contextmanager
def listed(case: Case) -> Iterator[Source]:
    """Make records of the rows, file by file."""
    yield ListSource([as_record(row.record, row.values) for rows in case[0] for row in rows])


every_source = pytest.mark.parametrize("opened", [recordings, listed])


def cleaned(case: Case) -> Case:
    """Leave out rows of no usable time and files without rows: where such rows stand is a matter of files."""
    timed = [[row for row in rows if (row.values["timestamp"] or 0) > 0] for rows in case[0]]
    files = [
        [Row(row.record, number, row.row, row.values) for row in rows]
        for number, rows in enumerate(filter(None, timed))
    ]
    return files, case[1]


def in_lists_order(case: Case) -> bool:
    """Tell whether a list would take the rows for sorted, too: it knows no setting of the length of bars."""
    return bool(case[0]) and "recordings.interval_seconds" not in case[1]


cases = mixed_recordings(max_runs=8).map(cleaned).filter(in_lists_order)


def columns(batches: Sequence[MergedBatch], source: Source) -> dict[str, list[Any]]:
    """Give every column of every type, over all batches; tickers for codes, and no origins."""
    found: dict[str, list[Any]] = {}
    for batch in batches:
        for part in (batch.ticks, batch.bars, batch.fmvs):
            for column in fields(part):
                values = getattr(part, column.name).tolist()
                if column.name == "code":
                    values = [source.symbols.tickers[code] if code >= 0 else None for code in values]
                found.setdefault(f"{type(part).__name__}.{column.name}", []).extend(map(repr, values))
    return {name: values for name, values in found.items() if not name.endswith(".origin")}


def parts(batch: MergedBatch) -> tuple[Batch, ...]:
    """Give the rows of a batch, by type."""
    return batch.ticks, batch.bars, batch.fmvs


@every_source
@few_examples
@given(cases, batch_sizes)
def test_rows_come_in_merge_order_without_holes(opened: Callable[[Case], Opened], case: Case, batch_rows: int) -> None:
    """Each batch goes on where the last one ended; its watermark, by which windows close, is its newest row's time."""
    with opened(case) as source:
        batches = list(source.batches(batch_rows))

        assert [batch.first for batch in batches] == list(range(0, sum(map(len, case[0])), batch_rows))
        for batch in batches:
            orders = sorted(order for part in parts(batch) for order in part.order.tolist())
            assert orders == list(range(batch.first, batch.first + len(batch)))
            assert all(earlier < later for part in parts(batch) for earlier, later in pairwise(part.order.tolist()))
        times = [int(time) for batch in batches for time in batch.available_at()]
        assert times == sorted(times)
        assert [batch.watermark for batch in batches] == [int(batch.available_at()[-1]) for batch in batches]


@every_source
@few_examples
@given(cases, batch_sizes)
def test_the_size_of_batches_changes_nothing_else(
    opened: Callable[[Case], Opened], case: Case, batch_rows: int
) -> None:
    """And a source can be read again."""
    with opened(case) as source:
        assert columns(list(source.batches(batch_rows)), source) == columns(list(source.batches(1000)), source)


@every_source
@few_examples
@given(cases, batch_sizes, st.data())
def test_behind_the_positions_of_a_batch_come_the_rows_after_it(
    opened: Callable[[Case], Opened], case: Case, batch_rows: int, data: st.DataObject
) -> None:
    """A checkpoint keeps positions and nothing else of a source; a new one, of the same input, goes on from them."""
    with opened(case) as source, opened(case) as resumed:
        batches = list(source.batches(batch_rows))
        done = data.draw(st.integers(1, len(batches)))
        resumed.symbols.add(list(source.symbols.tickers))
        rest = list(resumed.batches(batch_rows, batches[done - 1].positions))

        assert sum(map(len, rest)) == sum(map(len, batches[done:]))
        ours, theirs = columns(rest, resumed), columns(batches[done:], source)
        for name in theirs:
            assert name.endswith(".order") or ours[name] == theirs[name]


@every_source
@few_examples
@given(cases)
def test_nobody_can_write_into_a_batch(opened: Callable[[Case], Opened], case: Case) -> None:
    """Workers share it; and kernels are compiled for read-only, contiguous columns of one type alone."""
    with opened(case) as source:
        for batch in source.batches(7):
            for part in parts(batch):
                arrays = [getattr(part, column.name) for column in fields(part)]
                assert not any(array.flags.writeable for array in arrays if len(array))
                assert all(array.flags.c_contiguous for array in arrays)
                assert {column.name: getattr(part, column.name).dtype for column in fields(part)} == {
                    column.name: getattr(type(part).empty(), column.name).dtype for column in fields(part)
                }


@every_source
@few_examples
@given(cases)
def test_every_row_can_be_looked_up_again(opened: Callable[[Case], Opened], case: Case) -> None:
    """Rejected rows are shown and kept as they were recorded, whatever became of their values on the way in."""
    with opened(case) as source:
        origins = source.origins()
        rows = [part for batch in source.batches(50) for part in parts(batch) if len(part)]
        for part in rows:
            table = origins.table(part.origin, ["late"] * len(part)).to_pylist()
            assert {line["reason"] for line in table} == {"late"}
            _, row, values = origins.fetch(int(part.origin[-1]))
            ticker = source.symbols.tickers[part.code[-1]] if part.code[-1] >= 0 else None
            assert (row, values["ticker"] or None) == (table[-1]["row"], ticker)
        found = [origin for part in rows for origin in part.origin.tolist()]

        assert len(set(found)) == len(found) == sum(map(len, case[0]))


@few_examples
@given(cases)
def test_the_test_kits_list_reads_rows_as_the_recordings_do(case: Case) -> None:
    """What a test tells of a detector through a list holds for files."""
    with recordings(case) as files, listed(case) as records:
        assert columns(list(records.batches(1000)), records) == columns(list(files.batches(1000)), files)

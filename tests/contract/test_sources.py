"""What every source promises a run: the recordings, and the test kit's list that stands for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
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

some_examples = settings(max_examples=settings().max_examples // 4)
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


def with_rows(case: Case) -> Case | None:
    """Leave out files without rows, and settings that a list does not heed; None if nothing is left."""
    files = [
        [Row(row.record, number, row.row, row.values) for row in rows]
        for number, rows in enumerate(filter(None, case[0]))
    ]
    return (files, {}) if files else None


rows = mixed_recordings(max_runs=15).map(with_rows).filter(bool)


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
@some_examples
@given(rows, batch_sizes)
def test_rows_come_in_merge_order_without_holes(opened: Callable[[Case], Opened], case: Case, batch_rows: int) -> None:
    """Each batch goes on where the last one ended, no row is available before one that came before it, and the
    watermark is the time of the newest: it is what the coordinator closes windows by."""
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
@some_examples
@given(rows, batch_sizes)
def test_the_size_of_batches_changes_nothing_else(
    opened: Callable[[Case], Opened], case: Case, batch_rows: int
) -> None:
    """And a source can be read again."""
    with opened(case) as source:
        assert columns(list(source.batches(batch_rows)), source) == columns(list(source.batches(1000)), source)


@every_source
@some_examples
@given(rows, batch_sizes, st.data())
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
@some_examples
@given(rows)
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
@some_examples
@given(rows)
def test_every_row_can_be_looked_up_again(opened: Callable[[Case], Opened], case: Case) -> None:
    """Rejected rows are shown and kept as they were recorded, whatever became of their values on the way in."""
    with opened(case) as source:
        origins = source.origins()
        found = []
        for batch in source.batches(11):
            for part in parts(batch):
                for origin, code in zip(part.origin.tolist(), part.code.tolist(), strict=True):
                    _, row, values = origins.fetch(origin)
                    assert (values["ticker"] or None) == (source.symbols.tickers[code] if code >= 0 else None)
                    found.append(origin)
                    table = origins.table(np.array([origin]), ["late"]).to_pylist()
                    assert [(line["row"], line["reason"]) for line in table] == [(row, "late")]

        assert len(set(found)) == len(found) == sum(map(len, case[0]))


@some_examples
@given(rows)
def test_the_test_kits_list_reads_rows_as_the_recordings_do(case: Case) -> None:
    """What a test tells of a detector through a list holds for files. Where rows of no usable time stand is not
    compared: in a file they stay behind the row before them, and a list has no files."""
    whole = [[row for row in rows if row.values["timestamp"] and row.values["timestamp"] > 0] for rows in case[0]]
    chosen = with_rows((whole, {}))
    if chosen is None:
        return
    with recordings(chosen) as files, listed(chosen) as records:
        assert columns(list(records.batches(1000)), records) == columns(list(files.batches(1000)), files)


@every_source
def test_a_source_without_rows_gives_no_batch(opened: Callable[[Case], Opened]) -> None:
    """A run over nothing ends at once, and well."""
    empty: Case = ([], {})
    if opened is listed:
        with opened(empty) as source:
            assert list(source.batches(10)) == []
    else:
        with TemporaryDirectory() as folder:
            assert list(Recordings([], read_options(Request([Path(folder)]), None)).batches(10)) == []

"""What every source promises a run: those of the table, and the test kit's list that stands for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import fields
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.differential.against import Recording, on_disk
from tests.oracle import Row
from tests.oracle.strategies import Case, mixed_recordings
from tickstock_cli.core.batch import Batch, MergedBatch
from tickstock_cli.core.stages import NamedSource, Source
from tickstock_cli.replaying import Request, read_options
from tickstock_cli.sources import PARTS
from tickstock_cli.sources.opening import open_source
from tickstock_cli.testing import ListSource, as_record

Opened = AbstractContextManager[Source]

few_examples = settings(max_examples=settings().max_examples // 10)
batch_sizes = st.sampled_from((1, 2, 3, 10, 50))


def as_recordings(written: Recording) -> list[str]:
    """Name the Parquet files."""
    return list(map(str, written.paths))


def as_arrow_streams(written: Recording) -> list[str]:
    """Write the rows as Arrow streams into a file."""
    path = written.folder / "rows.arrow"
    path.write_bytes(written.streams())
    return [f"arrow:{path}"]


TARGETS: dict[str, Callable[[Recording], list[str]]] = {"recordings": as_recordings, "arrow": as_arrow_streams}
"""How rows get to each registered source: gives the targets to open."""
FEEDS = ("polygon",)
"""Sources whose rows have the time of their receipt, and come from a vendor: `tests/unit/vendors` tests them."""


@contextmanager
def named(scheme: str, case: Case) -> Iterator[NamedSource]:
    """Return the rows to the source of a scheme and open it, as a command does."""
    with on_disk(*case) as written:
        options = read_options(Request(paths=written.paths), written.settings)
        with closing(open_source(TARGETS[scheme](written), options)) as opened:
            yield opened


@contextmanager
def listed(case: Case) -> Iterator[Source]:
    """Make records of the rows, file by file."""
    yield ListSource([as_record(row.record, row.values) for rows in case[0] for row in rows])


every_source = pytest.mark.parametrize(
    "opened", [*(partial(named, scheme) for scheme in TARGETS), listed], ids=[*TARGETS, "listed"]
)
every_named_source = pytest.mark.parametrize("scheme", TARGETS)


def cleaned(case: Case) -> Case:
    """Leave out rows of no usable time and files without rows: where such rows stand is a matter of files."""
    timed = [[row for row in rows if (row.values["timestamp"] or 0) > 0] for rows in case[0]]
    files = [
        [Row(row.record, number, row.row, row.values) for row in rows]
        for number, rows in enumerate(filter(None, timed))
    ]
    return files, case[1]


def in_lists_order(case: Case) -> bool:
    """Return whether a list would take the rows for sorted, too: it knows no setting of the length of bars."""
    return bool(case[0]) and "recordings.interval_seconds" not in case[1]


cases = mixed_recordings(max_runs=8).map(cleaned).filter(in_lists_order)


def columns(batches: Sequence[MergedBatch], source: Source) -> dict[str, list[Any]]:
    """Return every column of every type, over all batches; tickers for codes, and no origins."""
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
    """Return the rows of a batch, by type."""
    return batch.ticks, batch.bars, batch.fmvs


@every_source
@few_examples
@given(cases, batch_sizes)
def test_rows_come_in_merge_order_without_holes(opened: Callable[[Case], Opened], case: Case, batch_rows: int) -> None:
    """Each batch goes on where the last one ended; its watermark, by which windows close, is its newest row's time."""
    with opened(case) as source:
        batches = list(source.batches(batch_rows))

        assert all(1 <= len(batch) <= batch_rows for batch in batches)
        ends = list(accumulate(map(len, batches)))
        assert [batch.first for batch in batches] == [0, *ends[:-1]]
        assert ends[-1] == sum(map(len, case[0]))
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
def test_reading_from_positions_continues_after_their_batch(
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
def test_batches_are_read_only(opened: Callable[[Case], Opened], case: Case) -> None:
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


@every_source
@few_examples
@given(cases)
def test_all_sources_read_the_same_rows_alike(opened: Callable[[Case], Opened], case: Case) -> None:
    """What a test tells of a detector through a list holds for files and streams."""
    with named("recordings", case) as files, opened(case) as source:
        assert columns(list(source.batches(1000)), source) == columns(list(files.batches(1000)), files)


@every_source
@few_examples
@given(cases)
def test_an_interrupted_source_ends(opened: Callable[[Case], Opened], case: Case) -> None:
    """A run that is stopped interrupts its source, whether it waits or not, and before or after its last row."""
    with opened(case) as source:
        batches = source.batches(1)
        next(batches)

        source.interrupt()

        assert sum(map(len, batches)) < sum(map(len, case[0]))
        source.interrupt()


@every_named_source
@few_examples
@given(cases)
def test_a_source_has_its_properties_before_it_is_read(scheme: str, case: Case) -> None:
    """A command draws its progress, dates times of day and guards its input by this; None is an answer."""
    with named(scheme, case) as source:
        before = (source.rows, source.whole_span, list(source.paths), source.repeatable)
        times = [int(time) for batch in source.batches(1000) for time in batch.available_at()]

        assert (source.rows, source.whole_span, list(source.paths), source.repeatable) == before
        assert source.rows in (None, len(times))
        assert source.whole_span in (None, (times[0], times[-1]))
        assert all(path.is_file() for path in source.paths)
        assert source.bounds == (None, None)


@every_named_source
@few_examples
@given(cases, st.data())
def test_rows_are_selected_by_time_and_ticker(scheme: str, case: Case, data: st.DataObject) -> None:
    """--start, --end and --symbols mean the same everywhere: available in [start, end)."""
    with named("recordings", case) as files:
        times = [int(time) for batch in files.batches(1000) for time in batch.available_at()]
    start, end = sorted(data.draw(st.tuples(st.sampled_from(times), st.sampled_from([*times, times[-1] + 1]))))
    tickers = data.draw(st.sampled_from([None, frozenset({"AAPL"}), frozenset({"AAPL", "MSFT"})]))
    found = []
    for reader in ("recordings", scheme):
        with on_disk(*case) as written:
            request = Request(written.paths, start=start, end=end + 1, symbols=tickers)
            options = read_options(request, written.settings)
            with closing(open_source(TARGETS[reader](written), options)) as source:
                found.append(columns(list(source.batches(1000)), source))

    assert found[0] == found[1]


def test_every_source_is_tested() -> None:
    """A new source is given its rows here."""
    assert [*TARGETS, *FEEDS] == list(PARTS)

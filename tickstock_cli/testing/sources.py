"""The contract of sources that a user names, as a battery of tests.

In a test module, pytest runs the methods of a subclass:

    class TestFeed(SourceContract):
        source = Feed

        def targets(self, rows, folder):
            ...  # bring the records to the source
            return ["name"]  # what a user would write behind the scheme
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from tickstock_cli.core.batch import Batch, MergedBatch
from tickstock_cli.core.stages import NamedSource, Source
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.testing.markets import market_records
from tickstock_cli.testing.records import ListSource, Record

SEEDS = range(6)


class SourceContract:
    """The contract of every named source. ``tmp_path`` is pytest's folder of one test."""

    source: type[Any]
    """The class, which conforms to `core.stages.NamedSource`."""

    def targets(self, rows: Sequence[Record], folder: Path) -> list[str]:
        """Bring records, which are in merge order, to the source; return what ``open`` is given."""
        raise NotImplementedError("the test class must say how rows get to the source")

    def test_rows_are_those_that_were_recorded(self, tmp_path: Path) -> None:
        """Every column of every row, in merge order, equals that of a list of the records."""
        for seed in SEEDS:
            with self._opened(seed, tmp_path) as source:
                expected = ListSource(some_records(seed))
                assert columns(source.batches(1000), source) == columns(expected.batches(1000), expected)

    def test_rows_come_in_merge_order_without_holes(self, tmp_path: Path) -> None:
        """Each batch continues after the last one; its watermark is the time of its newest row."""
        for seed in SEEDS:
            with self._opened(seed, tmp_path) as source:
                batches = list(source.batches(7))
            ends = list(accumulate(map(len, batches)))
            assert all(1 <= len(batch) <= 7 for batch in batches), "a batch has at least one row, and not too many"
            assert [batch.first for batch in batches] == [0, *ends[:-1]]
            for batch in batches:
                orders = sorted(order for part in parts(batch) for order in part.order.tolist())
                assert orders == list(range(batch.first, batch.first + len(batch)))
                assert all(a < b for part in parts(batch) for a, b in pairwise(part.order.tolist()))
            times = [int(time) for batch in batches for time in batch.available_at()]
            assert times == sorted(times), "available times descend"
            assert [batch.watermark for batch in batches] == [int(batch.available_at()[-1]) for batch in batches]

    def test_batches_are_read_only(self, tmp_path: Path) -> None:
        """Workers share batches, and kernels are compiled for read-only, contiguous columns of one type."""
        with self._opened(0, tmp_path) as source:
            for part in (part for batch in source.batches(7) for part in parts(batch)):
                for column in fields(part):
                    array = getattr(part, column.name)
                    assert not len(array) or not array.flags.writeable, f"{column.name} is writeable"
                    assert array.flags.c_contiguous, f"{column.name} is not contiguous"
                    assert array.dtype == getattr(type(part).empty(), column.name).dtype, (
                        f"{column.name}: {array.dtype}"
                    )

    def test_reading_from_positions_continues_after_their_batch(self, tmp_path: Path) -> None:
        """A checkpoint keeps only the positions of a source. A source that can be read only once has none."""
        for seed in SEEDS:
            with self._opened(seed, tmp_path) as source:
                if not source.repeatable:
                    return
                batches = list(source.batches(10))
                with self._opened(seed, tmp_path) as resumed:
                    resumed.symbols.add(list(source.symbols.tickers))
                    rest = columns(resumed.batches(10, batches[1].positions), resumed)
                expected = columns(batches[2:], source)
            for name, values in expected.items():
                assert name.endswith(".order") or rest[name] == values, f"{name} differs behind a position"

    def test_rows_are_selected_by_time_and_ticker(self, tmp_path: Path) -> None:
        """--start, --end and --symbols mean the same everywhere: available in [start, end)."""
        for seed in SEEDS:
            rows = some_records(seed)
            (whole,) = ListSource(rows).batches(1000)
            times = whole.available_at().tolist()
            start, end, ticker = times[10], times[40] + 1, rows[0].ticker
            options = ReadOptions(start=start, end=end, symbols=frozenset({str(ticker)}))
            with self._opened(seed, tmp_path, options) as source:
                batches = list(source.batches(1000))
                found = [int(time) for batch in batches for time in batch.available_at()]
                codes = {code for batch in batches for part in parts(batch) for code in part.code.tolist()}
                tickers = {source.symbols.tickers[code] for code in codes}
            alone = ListSource([row for row in rows if row.ticker == ticker])
            expected = [int(time) for batch in alone.batches(1000) for time in batch.available_at()]
            assert found == [time for time in expected if start <= time < end]
            assert tickers <= {ticker}

    def test_it_tells_what_it_knows_before_it_is_read(self, tmp_path: Path) -> None:
        """Commands need these properties for progress and to protect inputs; None is unknown."""
        with self._opened(0, tmp_path) as source:
            before = (source.rows, source.whole_span, list(source.paths), source.repeatable)
            times = [int(time) for batch in source.batches(1000) for time in batch.available_at()]

            assert (source.rows, source.whole_span, list(source.paths), source.repeatable) == before
            assert source.rows in (None, len(times))
            assert source.whole_span in (None, (times[0], times[-1]))
            assert all(path.is_file() for path in source.paths)
            assert source.bounds == (None, None)

    def test_an_interrupted_source_ends(self, tmp_path: Path) -> None:
        """A run that is stopped interrupts its source, before or after its last row."""
        with self._opened(0, tmp_path) as source:
            batches = source.batches(1)
            next(batches)
            source.interrupt()

            assert sum(map(len, batches)) < len(some_records(0)), "rows go on after interrupt"
            source.interrupt()

    @contextmanager
    def _opened(self, seed: int, folder: Path, options: ReadOptions | None = None) -> Iterator[NamedSource]:
        place = folder / str(seed)
        place.mkdir(exist_ok=True)
        options = options or ReadOptions()
        if hasattr(self.source, "Params"):
            options = replace(options, params=self.source.Params())
        source: NamedSource = self.source.open(self.targets(in_merge_order(some_records(seed)), place), options)
        try:
            yield source
        finally:
            source.close()


def some_records(seed: int) -> list[Record]:
    """Return sixty ticks, fair values and bars, in the order of their times, none of them late."""
    rows = [*market_records("fmv", seed, 40), *market_records("ohlcv", seed, 20)]
    return sorted((replace(row, received_at=None) for row in rows), key=lambda row: row.timestamp or 0)


def in_merge_order(rows: Sequence[Record]) -> list[Record]:
    """Return records in the order of their available times: a bar comes at its end, behind what came before it."""
    (merged,) = ListSource(rows).batches(len(rows))
    numbered = [
        (order, row)
        for name, part in zip(("tick", "ohlcv", "fmv"), parts(merged), strict=True)
        for order, row in zip(part.order.tolist(), (row for row in rows if row.record == name), strict=True)
    ]
    return [row for _, row in sorted(numbered, key=lambda pair: pair[0])]


def parts(batch: MergedBatch) -> tuple[Batch, ...]:
    """Return the rows of a batch, by type."""
    return batch.ticks, batch.bars, batch.fmvs


def columns(batches: Iterator[MergedBatch] | Sequence[MergedBatch], source: Source) -> dict[str, list[Any]]:
    """Return every column of every type, over all batches; tickers for codes, and no origins."""
    found: dict[str, list[Any]] = {}
    for part in (part for batch in batches for part in parts(batch)):
        for column in fields(part):
            values = getattr(part, column.name).tolist()
            if column.name == "code":
                values = [source.symbols.tickers[code] if code >= 0 else None for code in values]
            if column.name != "origin":
                found.setdefault(f"{type(part).__name__}.{column.name}", []).extend(map(repr, values))
    return found

"""Rows that come in batches of Arrow columns, in the order of their available times: the base class of such sources.

A source derives from it, and says where the rows are from. Recognising columns, selection, order, batches, kept
originals and positions are here. `sources.arrow` is one; a database or an archive of a vendor is another.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import Batch, MergedBatch
from tickstock_cli.core.batch_file import TemporaryFolder
from tickstock_cli.core.feed import FeedListener, FeedListeners
from tickstock_cli.core.metrics import SourceHealth, SourceState
from tickstock_cli.core.recording_schema import is_recorded
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.errors import UsageError
from tickstock_cli.sources.assemble import Assembler
from tickstock_cli.sources.checks.facts import Facts, Oddity
from tickstock_cli.sources.checks.running import Watchers, checked, joined
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.first_rows import FirstRows
from tickstock_cli.sources.interpretation import HEAD_ROWS, Interpretation, first_available, interpret
from tickstock_cli.sources.kept_rows import KeptRows
from tickstock_cli.sources.merge import Emission, merge_runs_of_types
from tickstock_cli.sources.options import ReadOptions, Unsorted
from tickstock_cli.sources.order import InOrder
from tickstock_cli.sources.plain_columns import plain_rows, plain_types
from tickstock_cli.sources.plain_numbers import frozen
from tickstock_cli.sources.plain_values import known_values
from tickstock_cli.sources.recognise import Layout, check_mapped, check_mapping, recognise
from tickstock_cli.sources.rows import RECORDS
from tickstock_cli.sources.selection import check_where
from tickstock_cli.sources.stream import to_batch
from tickstock_cli.sources.ticker_codes import TickerCodes, with_readable_tickers

ReceivedRows = pa.RecordBatch | Sequence[pa.RecordBatch]
"""Rows of one record type, or of several that came together: one batch per type."""

_REMEDY = "write it in the order of available times, or continue with --late reject"


class RowStream:
    """Base class of sources of rows in one order. ``record_batches`` is required, and the class method ``open``.

    Parameters
    ----------
    name
        Name for messages: scheme and target.
    repeatable
        Whether ``record_batches`` can be called again, and yields the same rows then.

    Raises
    ------
    UsageError
        The options are none for rows that are read in the order of arrival.

    Notes
    -----
    Only one ``batches`` iterator can be active. Memory is that of the received batches.
    """

    def __init__(self, name: str, options: ReadOptions, *, repeatable: bool) -> None:
        if options.unsorted is Unsorted.SORT:
            raise UsageError(f"--sort sorts recordings, but {name} is read in the order of arrival: {_REMEDY}")
        check_mapping(options.columns)
        self.name = name
        self.symbols = SymbolTable()
        self.repeatable = repeatable
        self.options = options
        self._temporary = TemporaryFolder(options.sort_dir)
        self._kept = KeptRows(self.name, self._temporary)
        self._layouts: dict[pa.Schema, Layout] = {}
        self._known: dict[pa.Schema, Interpretation] = {}
        self._oddities: dict[pa.Schema, tuple[Oddity, ...]] = {}
        self._watchers: dict[pa.Schema, Watchers] = {}
        self._begun = False
        self._interrupted = False
        self._health = SourceHealth(SourceState.CONNECTING)
        self._listeners = FeedListeners()

    def record_batches(self) -> Iterator[ReceivedRows | None]:
        """Yield rows from the first on, and None before a read that can wait.

        Columns have our names, or those that a user maps; available times do not descend. Batches of several record
        types that came together are yielded as a list, one batch per type: they are merged by available time, then
        tick before ohlcv before fmv, then their order. When it goes on after None, all rows before are in the arrival
        queue of a live run.

        Raises
        ------
        DataError
            The rows cannot be read on: an end that looks like the end of the data would lose rows unseen.
        """
        raise NotImplementedError

    def end_reading(self) -> None:
        """Close what ``record_batches`` opened. Idempotent."""

    @property
    def paths(self) -> list[Path]:
        """The files that are read; none if rows come from elsewhere."""
        return []

    @property
    def rows(self) -> int | None:
        """Number of all rows, if it is known before they are read."""
        return None

    @property
    def whole_span(self) -> tuple[int, int] | None:
        """First and last available time of all rows (int64 ns UTC), if they are known before they are read."""
        return None

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last available time within the bounds, likewise."""
        return None

    @property
    def is_live(self) -> bool:
        """Whether rows come in their own time; such a source has ``arrival``, too."""
        return False

    @property
    def notes(self) -> list[str]:
        """The guesses about the rows received so far."""
        found = (guess.note for how in list(self._known.values()) for guess in how.guesses)
        notes = [f"in {self.name}, {note}" for note in dict.fromkeys(found) if note is not None]
        oddities = [oddity for some in list(self._oddities.values()) for oddity in some]
        oddities += [oddity for watchers in list(self._watchers.values()) for oddity in watchers.oddities()]
        return notes + [f"in {self.name}, {oddity}" for _, oddity in joined({self.name: oddities})]

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """The start and the end of the selection (int64 ns); None is no bound."""
        return self.options.start, self.options.end

    def health(self) -> SourceHealth:
        return self._health

    def listen(self, listener: FeedListener) -> None:
        """Add a listener: it is told the rows before the run gets them, in the reader's thread."""
        self._listeners.add(listener)

    def batches(self, batch_rows: int, positions: Sequence[int] = ()) -> Iterator[MergedBatch]:
        """Yield the rows; the position is the number of rows read, selected or not.

        Raises
        ------
        UsageError
            The input can be read only once, and was read before.
        DataError
            The rows cannot be read on, or a bar's interval is not above 0.
        SchemaError
            The columns fit no record type, or have types that cannot be read.
        OrderError
            A row is available before one that arrived earlier.
        """
        if batch_rows < 1:
            raise UsageError(f"rows per batch is {batch_rows}, but 1 or more is allowed")
        if self._begun and not self.repeatable:
            raise UsageError(f"{self.name} can be read only once")
        self._begun = True
        (behind,) = positions or (0,)
        rows = self.record_batches()
        self._health = SourceHealth(SourceState.CONNECTED, time.time_ns())
        return Assembler(batch_rows, [behind], [False]).steps(self._emissions(rows, behind))

    def _emissions(self, received: Iterator[ReceivedRows | None], behind: int) -> Iterator[Emission | None]:
        """Yield the selected rows; None before a read that can wait."""
        codes = TickerCodes(self.symbols, self.options.symbols)
        order: InOrder | None = None
        row, end = 0, self.options.end
        try:
            for rows in received:
                if self._interrupted:
                    return
                if rows is None:
                    yield None
                    continue
                parts = [rows] if isinstance(rows, pa.RecordBatch) else list(rows)
                parts = [plain_rows(part, plain_types(part.schema)) for part in parts]
                self._listeners.rows(parts)
                readings = [(part, self._interpretation(part)) for part in parts if part.num_rows]
                if not readings:
                    continue
                order = order or self._order(readings)
                emission = self._emission(readings, order, codes, row, behind)
                if emission.rows:
                    yield emission
                row += sum(part.num_rows for part, _ in readings)
                if end is not None and order.latest >= end:
                    return
        finally:
            self.end_reading()
            self._health = SourceHealth(SourceState.ENDED, time.time_ns())

    def _order(self, first: Sequence[tuple[pa.RecordBatch, Interpretation]]) -> InOrder:
        """Return the policy for the order of rows, which begins with the earliest of the first ones."""
        return InOrder(
            self.name,
            min(first_available(how.reader, rows.slice(0, HEAD_ROWS)) for rows, how in first),
            lift_late=self.options.unsorted is Unsorted.REJECT,
            remedy=lambda: _REMEDY,
        )

    def _emission(
        self,
        readings: Sequence[tuple[pa.RecordBatch, Interpretation]],
        order: InOrder,
        codes: TickerCodes,
        row: int,
        behind: int,
    ) -> Emission:
        """Return rows that came together, in merge order; ``row`` is the number of the first."""
        before = latest = order.latest
        batches: list[Batch] = []
        for rows, how in sorted(readings, key=lambda reading: RECORDS.index(reading[1].reader.record)):
            if self.options.keep_originals:
                self._kept.keep(row, rows, how.layout)
            order.latest = before  # each type is in order for itself
            batches.append(self._batch(rows, how, order, codes, row, behind))
            latest = max(latest, order.latest)
            row += rows.num_rows
        order.latest = latest
        filled = [[batch] for batch in batches if len(batch)]
        return merge_runs_of_types(filled) if filled else Emission([], [], 0)

    def layout(self, schema: pa.Schema, rows: pa.RecordBatch | None = None) -> Layout:
        """Return the layout of rows: their record type and the names of its columns.

        It is determined for good with the first ``rows``, whose values a known layout may need.
        """
        if schema not in self._layouts or rows is not None:
            values = None if is_recorded(schema) else partial(_values, rows)
            layout = recognise(FoundFile(self.name, {}), schema, self.options.columns, values).told(self.options)
            check_mapped(self.options.columns, [(layout, schema.names)])
            if not self._layouts:  # later streams can be of other types
                check_where(self.options.where, [[*schema.names, *layout.columns]])
            self._layouts[schema] = layout
        return self._layouts[schema]

    def _interpretation(self, rows: pa.RecordBatch) -> Interpretation:
        """Return how rows of a schema are read, determined from the first ones."""
        if rows.schema not in self._known:
            layout = self.layout(rows.schema, rows)
            options = replace(self.options, timestamp_unit="ns") if is_recorded(rows.schema) else self.options
            options = layout.options(options)
            head = with_readable_tickers(rows.slice(0, HEAD_ROWS), layout)
            how = self._known[rows.schema] = interpret(self.name, layout, FirstRows.of(head), options)
            if not is_recorded(rows.schema):
                self._check(rows.schema, head, how, options)
        return self._known[rows.schema]

    def _check(self, schema: pa.Schema, head: pa.RecordBatch, how: Interpretation, options: ReadOptions) -> None:
        """Run the checks on the first rows of a schema."""
        facts = Facts(
            path=self.name,
            layout=how.layout,
            schema=schema,
            partitions={},
            options=options,
            reader=how.reader,
            first=FirstRows.of(head),
            first_rows=lambda columns, _=0: head.select(columns),
        )
        outcome = checked(facts)
        self._oddities[schema] = outcome.oddities
        self._watchers[schema] = Watchers(outcome.watches)

    def _batch(
        self, rows: pa.RecordBatch, how: Interpretation, order: InOrder, codes: TickerCodes, first: int, behind: int
    ) -> Batch:
        """Return the selected rows from row ``behind`` on as numbers; ``first`` is the number of the first row."""
        if watchers := self._watchers.get(rows.schema):
            watchers.see(rows, how.reader.selected(rows), first)
        rows = with_readable_tickers(rows, how.layout)
        times = order.settle(how.reader.times(rows, first), first)
        start, end = self.options.start, self.options.end
        low = max(0, behind - first, 0 if start is None else int(np.searchsorted(times.available, start)))
        high = rows.num_rows if end is None else int(np.searchsorted(times.available, end))
        low = min(low, high)
        numbers = frozen(np.arange(first + low, first + high, dtype=np.int64))
        return to_batch(how.reader, rows.slice(low, high - low), times.cut(low, high), codes, numbers)

    def origins(self) -> KeptRows:
        """Return a look-up of the received rows."""
        return self._kept

    def interrupt(self) -> None:
        """End reading before the next batch. A source that waits overrides it, and ends its wait, too."""
        self._interrupted = True

    def close(self) -> None:
        """Close the input and remove temporary files. Idempotent."""
        self.end_reading()
        self._kept.discard()
        self._temporary.close()


def _values(rows: pa.RecordBatch | None, column: str) -> list[Any]:
    """Return the first values of a column that are not null, times as text."""
    return [] if rows is None else known_values(rows.column(rows.schema.get_field_index(column))[:HEAD_ROWS])

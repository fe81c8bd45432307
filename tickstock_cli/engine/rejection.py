"""Rejected rows of a run: looked up in the source and written in merge order; the first one ends a strict run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.channels.base import Rejected
from tickstock_cli.core.stages import NamedColumns, OriginalRows, Source
from tickstock_cli.engine.output_slots import OutputSlot
from tickstock_cli.engine.output_states import OutputStates
from tickstock_cli.errors import RejectedRowError
from tickstock_cli.kernels.reasons import REASONS

COLUMNS = {
    "ticker": ("ticker",),
    "timestamp": ("timestamp",),
    "future": ("timestamp", "received_at"),
    "price": ("price", "open", "high", "low", "close"),
    "size": ("size",),
    "volume": ("volume",),
    "range": ("open", "high", "low", "close"),
    "fmv": ("fmv",),
    "market_price": ("market_price",),
    "confidence": ("confidence",),
    "late": ("timestamp", "ticker"),
    "duplicate": ("timestamp", "ticker"),
}
"""Columns that can be the cause of each reason."""

WORDS = {
    "ticker": "has no ticker",
    "timestamp": "has no usable timestamp",
    "future": "has a timestamp more than 60 s after it was received",
    "price": "has a price that is no number above zero",
    "size": "has a size that is no number from 0 to 1e11",
    "volume": "has a volume that is no number from 0 to 1e11",
    "range": "has a high below its low, or an open or close outside them",
    "fmv": "has a fair value that is no number above zero",
    "market_price": "has a market price that is no number above zero",
    "confidence": "has a confidence outside 0 to 1",
    "late": "is earlier than a row of its ticker that came before it",
    "duplicate": "is the same bar of its ticker again",
}


UNIT = "rejected rows"


class RowSink(Protocol):
    """A sink of rejected rows, under the rules of every sink."""

    def write(self, rows: pa.Table) -> None:
        """Write rows."""

    def finish(self) -> None:
        """Make everything written durable, not under its final name yet."""

    def commit(self) -> None:
        """Move the output to its final name."""

    def abort(self) -> None:
        """Remove what was written."""


class RejectedRows:
    """The rejected rows of one run.

    Parameters
    ----------
    sink
        Where rows are written; None for a strict run.
    strict
        Whether the first rejected row ends the run.
    columns
        Our column names -> the recording's, for messages.
    target
        The file that ``sink`` writes.
    states
        The states of all outputs of the run; None: there is only this one.
    keep
        Called with each table that is to be written: a checkpoint keeps it.
    """

    def __init__(
        self,
        source: Source,
        sink: RowSink | None,
        strict: bool = False,
        columns: Mapping[str, str] | None = None,
        target: str = UNIT,
        states: OutputStates | None = None,
        keep: Callable[[pa.Table], None] = lambda rows: None,  # noqa: ARG005
    ) -> None:
        self._source = source
        self._states = states if states is not None else OutputStates()
        self._slot: OutputSlot[RowSink] | None = None
        if sink is not None:
            self._slot = OutputSlot(sink, self._states.add(target, UNIT), self._states, Path(target))
        self._strict = strict
        self._columns = columns or {}
        self._keep = keep
        self._originals: OriginalRows | None = None
        self.count = 0
        """Rows rejected up to the run's position; after a seek back fewer than were written."""
        self._written = 0

    def write(self, rejected: Sequence[Rejected]) -> None:
        """Write the rejected rows of a step, at least one; those repeated after a seek back are skipped.

        Raises
        ------
        RejectedRowError
            The run is strict.
        OutputError
            The rows could not be written, and no other output of the run is left.
        """
        if self._originals is None:
            self._originals = self._source.origins()
        origins, reasons = in_merge_order(rejected)
        if self._strict:
            raise strict_error(self._originals, int(origins[0]), reasons[0], self._columns)
        known = min(len(origins), self._written - self.count)
        self.count += len(origins)
        if known < len(origins) and self._slot is not None:
            self._written = self.count
            rows = self._originals.table(origins[known:], reasons[known:])
            self._write(self._slot, rows)
            self._keep(rows)

    def write_kept(self, rows: pa.RecordBatch) -> None:
        """Write rows that a checkpoint kept."""
        self.count += len(rows)
        self._written = self.count
        if self._slot is not None:
            self._write(self._slot, pa.Table.from_batches([rows]))

    def _write(self, slot: OutputSlot[RowSink], rows: pa.Table) -> None:
        slot.attempt(lambda sink: sink.write(rows))
        slot.state.count(len(rows))
        self._states.check()

    def rewind(self, count: int) -> None:
        """Set the number of rejected rows, for a run that repeats rows."""
        self.count = count

    def finish(self) -> None:
        """Make the output complete and durable under a temporary name."""
        if self._slot is not None:
            self._slot.finish()

    def commit(self, *, stopped: bool = False, keep_partial: bool = False) -> None:
        """Commit the output, that of a stopped run maybe under another name."""
        if self._slot is not None:
            self._slot.commit(stopped=stopped, keep_partial=keep_partial)

    def abort(self) -> None:
        """Remove the output."""
        if self._slot is not None:
            self._slot.abort()

    def close(self) -> None:
        """Close the files opened to look up original rows."""
        if self._originals is not None:
            self._originals.close()


def in_merge_order(parts: Sequence[Rejected]) -> tuple[NDArray[np.int64], list[str]]:
    """Return the origins of rejected rows and the reasons, in merge order."""
    order = np.argsort(np.concatenate([part.order for part in parts]), kind="stable")
    origins = np.concatenate([part.origin for part in parts])[order]
    reasons = np.concatenate([part.reason for part in parts])[order]
    return origins, [REASONS[reason] for reason in reasons]


def strict_error(rows: OriginalRows, origin: int, reason: str, columns: Mapping[str, str]) -> RejectedRowError:
    """Word the error of the first rejected row; ``columns`` maps our names to the recording's."""
    path, row, values = rows.fetch(origin)
    if isinstance(rows, NamedColumns):
        columns = {**columns, **rows.names(origin)}
    shown = []
    for name in COLUMNS[reason]:
        theirs = columns.get(name, name)
        column = theirs if theirs in values else name
        if column in values:
            value = values[column]
            shown.append(f"{column}={value if isinstance(value, Decimal) else repr(value)}")
    return RejectedRowError(
        f"{path}: row {row} {WORDS[reason]} ({', '.join(shown)}); "
        "mend it, or run without --strict to reject and count such rows"
    )

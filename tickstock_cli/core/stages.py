"""The contracts of the parts that the engine drives. It knows these, never a concrete part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.kinds import Kind, KindCodes
from tickstock_cli.core.metrics import SourceHealth
from tickstock_cli.core.symbols import SymbolTable


class OriginalRows(Protocol):
    """Looks up the original rows behind packed origins."""

    @property
    def schema(self) -> pa.Schema:
        """The columns of ``table``, known before the first row: the recorded ones, `file`, `row` and `reason`."""

    def fetch(self, origin: int) -> tuple[Path, int, dict[str, Any]]:
        """Return file, row number (0-based) and original values of one row."""

    def table(self, origins: NDArray[np.int64], reasons: Sequence[str]) -> pa.Table:
        """Return original rows with `file`, `row` and `reason`."""

    def close(self) -> None:
        """Close what looking up has opened."""


class Source(Protocol):
    """What a run reads from. A source raises when it cannot read on: an end that looks like the end is the worst bug.

    It is read in a thread of its own, some batches ahead, and closed early if the run stops.
    """

    @property
    def symbols(self) -> SymbolTable:
        """The run's symbol table; a ticker is added before the batch that first holds its code."""

    def batches(self, batch_rows: int, positions: tuple[int, ...] = ()) -> Iterator[MergedBatch]:
        """Read rows in merge order, at least one and at most ``batch_rows`` at a time.

        Values are normalised as `core.batch` says, in read-only arrays. ``order`` counts from 0 at the first row
        given, without holes. How the rows are cut does not change them.

        Parameters
        ----------
        positions
            Those of the batch to go on behind; empty = from the start.

        Raises
        ------
        DataError
            The input cannot be read on.
        """

    def origins(self) -> OriginalRows:
        """Return a look-up of rows as they were recorded, for rejected ones. The caller closes it."""

    def interrupt(self) -> None:
        """Have the ``batches`` under way end soon, even if it waits for rows that may never come.

        From any thread; never blocks.
        """


class NamedSource(Source, Protocol):
    """A source that a user named, opened by `sources.opening`: its class is registered, by the scheme of its targets.

    Opening tells what is wrong without the rows, and takes none of them. What it cannot know is None.
    """

    @classmethod
    def open(cls, targets: Sequence[str | Path], options: Any) -> NamedSource:
        """Open what ``targets`` name, without their scheme, to be read as ``options`` (`ReadOptions`) say.

        Raises
        ------
        DataError
            Something is missing or no such source.
        UsageError
            A target or an option makes no sense for it.
        """

    @property
    def paths(self) -> Sequence[Path]:
        """The files that are read: no output may replace them, and a checkpoint tells them apart."""

    @property
    def repeatable(self) -> bool:
        """Whether it can be read from any position, again and again: no pipe can."""

    @property
    def notes(self) -> Sequence[str]:
        """What a user should know of how it is read, so far as is known by now: guesses that may be wrong."""

    @property
    def rows(self) -> int | None:
        """Rows in all, wanted or not."""

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """The start and the end asked for (int64 ns UTC); None is no bound."""

    @property
    def whole_span(self) -> tuple[int, int] | None:
        """First and last available time of all rows (int64 ns UTC)."""

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last available time within the bounds (int64 ns UTC)."""

    @property
    def is_live(self) -> bool:
        """Whether rows come in their own time, from a sender that the run cannot keep waiting: see `LiveSource`."""

    def health(self) -> SourceHealth:
        """Return the state of the connection; from any thread."""

    def close(self) -> None:
        """Close what is open and remove temporary files. Idempotent."""


class Pace(StrEnum):
    """What market time passes by between the rows of a live source."""

    AUTO = "auto"
    """The wall clock; for rows that come faster than their own time, as of a recording, rows alone."""
    ROWS = "rows"
    WALL = "wall"


@dataclass(frozen=True, slots=True)
class ArrivalOptions:
    """How rows of a live source are taken.

    Parameters
    ----------
    queue_rows
        Rows that may wait in memory; more wait on disk.
    hold_back_ns
        How far market time stays behind the wall clock, so that rows on their way are not passed.
    """

    queue_rows: int = 262_144
    hold_back_ns: int = 0
    pace: Pace = Pace.AUTO


class LiveSource(NamedSource, Protocol):
    """A source whose rows come in their own time. A thread reads it without pause; what finds no room goes to disk."""

    @property
    def arrival(self) -> ArrivalOptions:
        """How its rows are taken."""


class Detector(Protocol):
    """Turns a channel's rows into events: settings, per-ticker state in arrays, one pass over grouped rows.

    For any split of a ticker's rows into calls of ``scan`` the events are the same, and rows that come later
    never change events that were given before. State is indexed by ticker code, so that workers can share one
    detector as long as no two of them own the same ticker.
    """

    channel: ClassVar[str]
    """Whose rows it reads: ``tick``, ``ohlcv`` or ``fmv``."""
    enabled_by_default: ClassVar[bool]
    """Whether it runs where ``detectors.enabled`` is not set. One that does not changes no result by being there."""
    kinds: ClassVar[tuple[Kind, ...]]
    """Declarations of the kinds that it reports, in the order of outputs."""
    counters: ClassVar[tuple[str, ...]]
    """Names of its counters, without the channel's prefix: ``suppressed.cooldown.<kind>``."""
    events_per_row: ClassVar[int]
    """The most events that one row can cause."""
    compiled: ClassVar[bool]
    """Whether ``scan`` is a compiled kernel, which cannot raise; a runtime guards the state of one that can."""
    Params: ClassVar[type[Any]]
    """The pydantic model of its settings: its section of the configuration."""

    def __init__(self, params: Any, kinds: KindCodes) -> None:
        """Start with empty state; ``kinds`` gives the run-wide codes of kinds and trigger words."""

    def grow(self, tickers: int) -> None:
        """Make room for codes below ``tickers``; new ones start empty. No ``scan`` runs meanwhile."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name; writing into them changes the detector."""

    def scan(self, rows: Any, out: EventRows, counts: NDArray[np.int64]) -> int:
        """Read grouped rows, write events to ``out``, add to ``counts``, and return the number of events.

        Safe to run in several threads at once for disjoint sets of tickers.
        """


class Sink(Protocol):
    """Where events go. A sink raises when a write fails; success after a lost row is the worst bug here.

    A sink opens its temporary output when it is built, so that an unwritable place fails before any work.
    What it has written does not depend on how the rows were cut into ``write`` calls.
    """

    def write(self, events: pa.RecordBatch) -> None:
        """Take rows of the sink's schema, in output order. May block; may see an empty batch.

        Raises
        ------
        OutputError
            The rows could not be written; the sink can only be aborted.
        """

    def finish(self) -> None:
        """Make everything written durable, not under its final name yet. Idempotent; no write may follow.

        A run finishes all of its outputs before it commits the first: a full disk leaves none under its name.

        Raises
        ------
        OutputError
            The output could not be finished; the sink can only be aborted.
        """

    def commit(self) -> None:
        """Finish, if that was not done, and give what was written its final name. Nothing may follow.

        Raises
        ------
        OutputError
            The output could not be finished; what stood under its name before is untouched.
        """

    def abort(self) -> None:
        """Drop what was written. Idempotent; never raises; what stood under the name before is untouched."""

"""Protocols of the parts that the engine runs. The engine depends on these, never on a concrete part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.kinds import Kind, KindCodes
from tickstock_cli.core.stamps import Stamps
from tickstock_cli.core.symbols import SymbolTable

if TYPE_CHECKING:
    from tickstock_cli.core.metrics import SourceHealth


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
        """Close the files that look-ups have opened."""


@runtime_checkable
class NamedColumns(Protocol):
    """Original rows whose columns can have other names than ours."""

    def names(self, origin: int) -> Mapping[str, str]:
        """Return our names of the columns that are read -> those of the recording of one row."""


class Source(Protocol):
    """The input of a run. A source raises an error if it cannot continue: a silent end is the worst bug.

    A thread of its own reads it, some batches ahead; it is closed early if the run stops.
    """

    @property
    def symbols(self) -> SymbolTable:
        """The run's symbol table; a ticker is added before the batch that first holds its code."""

    def batches(self, batch_rows: int, positions: tuple[int, ...] = ()) -> Iterator[MergedBatch]:
        """Yield rows in merge order, at least one and at most ``batch_rows`` at a time.

        Values are normalised as `core.batch` says, in read-only arrays. ``order`` counts from 0 at the first row
        yielded, without gaps. The size of the batches does not change the rows.

        Parameters
        ----------
        positions
            ``positions`` of the batch to continue behind; empty = from the start.

        Raises
        ------
        DataError
            The rest of the input cannot be read.
        """

    def origins(self) -> OriginalRows:
        """Return a look-up of original rows, for rejected ones. The caller closes it."""

    def interrupt(self) -> None:
        """End the active ``batches`` soon, even if it waits for rows.

        Safe in any thread; never blocks.
        """


class NamedSource(Source, Protocol):
    """A source that `sources.opening` opens for targets of a user: a class registered by the scheme of its targets.

    Opening checks everything that needs no rows, and reads none. Unknown properties are None.
    """

    @classmethod
    def open(cls, targets: Sequence[str | Path], options: Any) -> NamedSource:
        """Open ``targets``, given without their scheme, with ``options`` (`ReadOptions`).

        Raises
        ------
        DataError
            A target is missing or has another format.
        UsageError
            A target or an option is invalid for this source.
        """

    @property
    def paths(self) -> Sequence[Path]:
        """The files that are read: outputs must not replace them, and a checkpoint identifies them."""

    @property
    def repeatable(self) -> bool:
        """Whether it can be read repeatedly, from any position; a pipe cannot."""

    @property
    def notes(self) -> Sequence[str]:
        """Notes for the user so far: guesses that can be wrong."""

    @property
    def rows(self) -> int | None:
        """Number of all rows, selected or not."""

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """The start and the end of the selection (int64 ns UTC); None is no bound."""

    @property
    def whole_span(self) -> tuple[int, int] | None:
        """First and last available time of all rows (int64 ns UTC)."""

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last available time within the bounds (int64 ns UTC)."""

    @property
    def is_live(self) -> bool:
        """Whether rows arrive from a sender that does not wait for the run; see `LiveSource`."""

    def health(self) -> SourceHealth:
        """Return the state of the connection; from any thread."""

    def close(self) -> None:
        """Close open files and remove temporary ones. Idempotent."""


class Pace(StrEnum):
    """How market time passes between the rows of a live source."""

    AUTO = "auto"
    """By the wall clock; for rows that arrive faster than their own time, as of a recording, by rows only."""
    ROWS = "rows"
    WALL = "wall"


@dataclass(frozen=True, slots=True)
class ArrivalOptions:
    """Options for the arrival of a live source's rows.

    Parameters
    ----------
    queue_rows
        Limit of the rows that wait in memory; more rows wait on disk.
    hold_back_ns
        Delay of market time behind the wall clock, so that rows on their way are not late.
    stamps
        Whether rows get the time at which they came as their ``received_at``: for a sender that stamps none. Market
        time passes by the wall clock then.
    feed
        The stamps of the source's frames: market time stays before frames in flight, so that no row is late. None:
        the source stamps no frames.
    tickers
        Number of the tickers that are expected, 0 if it is unknown: state has their memory before the first row.
    """

    queue_rows: int = 262_144
    hold_back_ns: int = 0
    pace: Pace = Pace.AUTO
    stamps: bool = False
    feed: Stamps | None = None
    tickers: int = 0


class LiveSource(NamedSource, Protocol):
    """A source whose rows arrive from a sender that does not wait. A thread reads it; rows without room go to disk."""

    @property
    def arrival(self) -> ArrivalOptions:
        """Options for the arrival of its rows."""


class Detector(Protocol):
    """Turns a channel's rows into events: settings, per-ticker state in arrays, one pass over grouped rows.

    The events do not depend on how a ticker's rows are split into calls of ``scan``, and later rows never change
    earlier events. State is indexed by ticker code, so workers can share one detector as long as each ticker has one
    owner.
    """

    channel: ClassVar[str]
    """Record type of the rows: ``tick``, ``ohlcv`` or ``fmv``."""
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
    """An output of events. A sink raises an error if a write fails; success after a lost row is the worst bug.

    The constructor opens the temporary output, so that an unwritable path fails before any work. The output does not
    depend on how the rows are split into ``write`` calls.
    """

    def write(self, events: pa.RecordBatch) -> None:
        """Write rows of the sink's schema, in output order. May block; a batch can be empty.

        Raises
        ------
        OutputError
            The rows could not be written; the sink can only be aborted.
        """

    def finish(self) -> None:
        """Make all written rows durable, still under the temporary name. Idempotent; no ``write`` may follow.

        A run finishes all outputs before it commits the first. One that fails is aborted; the others are committed.

        Raises
        ------
        OutputError
            The output could not be finished; the sink can only be aborted.
        """

    def commit(self) -> None:
        """Finish if necessary, and give the output its final name. No other call may follow.

        Raises
        ------
        OutputError
            The output could not be finished; an earlier file of the name stays unchanged.
        """

    def abort(self) -> None:
        """Discard the output. Idempotent; never raises; an earlier file of the name stays unchanged."""


class PartialSink(Sink, Protocol):
    """A sink that can leave its target alone when a run is stopped early. Optional."""

    def commit_partial(self) -> str:
        """Commit the output under the name of its target with ``.partial``, and return that name.

        Raises as ``commit`` does.
        """


@dataclass(frozen=True, slots=True)
class NamedSink:
    """A sink with the target that the user gave.

    Parameters
    ----------
    path
        The file that it writes; None if it writes none.
    """

    name: str
    sink: Sink
    path: Path | None = None

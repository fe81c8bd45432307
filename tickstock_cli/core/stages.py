"""The contracts of the parts that the engine drives. It knows these, never a concrete part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.events import EventRows, Kind


class Detector(Protocol):
    """What turns a channel's rows into events: settings, per-ticker state in arrays, one pass over grouped rows.

    For any split of a ticker's rows into calls of ``scan`` the events are the same, and rows that come later
    never change events that were given before. State is indexed by ticker code, so that workers can share one
    detector as long as no two of them own the same ticker.
    """

    channel: ClassVar[str]
    """Whose rows it reads: ``tick``, ``ohlcv`` or ``fmv``."""
    kinds: ClassVar[tuple[Kind, ...]]
    """What it may tell of, in the order of outputs."""
    counters: ClassVar[tuple[str, ...]]
    """Names of what it counts, without the channel's prefix: ``suppressed.cooldown.surge``."""
    events_per_row: ClassVar[int]
    """The most events that one row can cause."""
    compiled: ClassVar[bool]
    """Whether ``scan`` is a compiled kernel, which cannot raise; a runtime guards the state of one that can."""
    Params: ClassVar[type[Any]]
    """The pydantic model of its settings: its section of the configuration."""

    def __init__(self, params: Any, kinds: Mapping[str, int]) -> None:
        """Start with empty state; ``kinds`` gives the run-wide code of every kind."""

    def grow(self, tickers: int) -> None:
        """Make room for codes below ``tickers``; new ones start empty. No ``scan`` runs meanwhile."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Give all state as arrays, by name; writing into them changes the detector."""

    def scan(self, rows: Any, out: EventRows, counts: NDArray[np.int64]) -> int:
        """Read grouped rows, write events to ``out``, add to ``counts``; gives the number of events.

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

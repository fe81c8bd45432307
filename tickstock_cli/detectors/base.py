"""What every detector is: settings, per-ticker state in arrays, one pass over grouped rows.

A detector reads rows of one channel and appends events. Its state is arrays indexed by ticker code, so that
workers can share one detector as long as no two of them own the same ticker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from tickstock_cli.core.events import EventRows, Kind


class Params(BaseModel):
    """Base of every detector's settings: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Detector(Protocol):
    """The contract that the channels drive and the contract tests check.

    For any split of a ticker's rows into calls of ``scan`` the events are the same, and rows that come later
    never change events that were given before.
    """

    channel: ClassVar[str]
    """Whose rows it reads: ``tick``, ``ohlcv`` or ``fmv``."""
    kinds: ClassVar[tuple[Kind, ...]]
    """What it may tell of, in the order of outputs."""
    counters: ClassVar[tuple[str, ...]]
    """Names of what it counts, without the channel's prefix: ``suppressed.cooldown.surge``."""
    events_per_row: ClassVar[int]
    """The most events that one row can cause."""
    Params: ClassVar[type[Params]]

    def __init__(self, params: Any, kinds: Mapping[str, int]) -> None: ...

    def grow(self, tickers: int) -> None:
        """Make room for codes below ``tickers``; new ones start empty. No ``scan`` runs meanwhile."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Give all state as arrays, by name; writing into them changes the detector."""

    def scan(self, rows: Any, out: EventRows, counts: NDArray[np.int64]) -> int:
        """Read grouped rows, write events to ``out``, add to ``counts``; gives the number of events.

        Safe to run in several threads at once for disjoint sets of tickers.
        """


def grown(array: NDArray[Any], tickers: int, blank: Any) -> NDArray[Any]:
    """Give ``array`` with room for ``tickers`` along its first axis, by doubling, new entries ``blank``."""
    if tickers <= len(array):
        return array
    larger = np.zeros((max(tickers, 2 * len(array)), *array.shape[1:]), dtype=array.dtype)
    larger[: len(array)] = array
    if blank is not None:
        larger[len(array) :] = blank
    return larger


def kind_codes(kinds: Mapping[str, int], names: Sequence[Kind]) -> tuple[int, ...]:
    """Give the run-wide codes of a detector's kinds, in its own order."""
    return tuple(kinds[kind.name] for kind in names)

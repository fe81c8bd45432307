"""Events of a file, to be judged instead of those that a run detects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.events import EventRows


@dataclass(frozen=True, slots=True)
class GivenEvents:
    """Events in output order.

    Parameters
    ----------
    rows
        dtype ``core.events.EVENT``: ``code``, ``kind``, ``source`` and ``order`` are positions in the other four.
    """

    rows: EventRows
    event_ids: NDArray[np.uint64]
    tickers: tuple[str, ...]
    kinds: tuple[str, ...]
    sources: tuple[str, ...]

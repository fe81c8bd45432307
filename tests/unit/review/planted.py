"""Detectors with a bug each, of the kinds that verify is there to find. Registered by tests alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.events import EventRows
from tickstock_cli.detectors.highlow import BLANK, HighLow
from tickstock_cli.kernels.rows import TickRows


class Forgetful(HighLow):
    """Loses its state between batches."""

    def scan(self, rows: TickRows, out: EventRows, counts: NDArray[np.int64]) -> int:
        """Begin anew with every batch."""
        self._states[:] = BLANK
        return super().scan(rows, out, counts)


class Hiding(HighLow):
    """Keeps its state from checkpoints: they restore a copy that nobody reads."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Return a copy instead of the arrays themselves."""
        return {name: array.copy() for name, array in super().state().items()}

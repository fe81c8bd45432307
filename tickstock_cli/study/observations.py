"""Records of observations: one for each event, with its results at every horizon."""

from __future__ import annotations

from typing import Any

import numpy as np

OBSERVED, NO_DIRECTION, OUTSIDE, NOT_ENTERED, CUT = range(5)
STATUSES = ("observed", "no_direction", "outside", "no_entry", "cut")
"""Statuses of an event at a horizon; a record has a position here."""


def observation_dtype(horizons: int, placebo_days: int) -> np.dtype[Any]:
    """Return the dtype of records.

    Times are int64 ns UTC, prices dollars, returns basis points. NaN stands for what was not observed; ``entry_time``
    is 0 without an entry. ``kind`` and ``source`` are positions in the lists of the run.
    """
    return np.dtype(
        [
            ("event_id", "u8"),
            ("decision", "i8"),
            ("entry_time", "i8"),
            ("entry_price", "f8"),
            ("code", "i4"),
            ("day", "i4"),
            ("kind", "i2"),
            ("source", "i2"),
            ("direction", "i1"),
            ("status", "i1", (horizons,)),
            ("return_bps", "f8", (horizons,)),
            ("mfe_bps", "f8", (horizons,)),
            ("mae_bps", "f8", (horizons,)),
            ("placebo", "f8", (max(1, placebo_days), horizons)),
        ]
    )

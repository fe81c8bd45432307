"""Records of observations: one for each event, with its results at every horizon."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Float64s

OBSERVED, NO_DIRECTION, OUTSIDE, NOT_ENTERED, CUT = range(5)
STATUSES = ("observed", "no_direction", "outside", "no_entry", "cut")
"""Statuses of an event at a horizon; a record has a position here."""


class Observations(NamedTuple):
    """Observations of consecutive events.

    Parameters
    ----------
    records
        dtype ``observation_dtype``.
    placebo
        Events × placebo days × horizons: returns in basis points, NaN where the placebo of a day is not observed.
    """

    records: NDArray[Any]
    placebo: Float64s


class FoundResults(NamedTuple):
    """Results that a part of a recording completes; each continues the sequence of those before, by event.

    Parameters
    ----------
    records
        Records of the next events, dtype ``observation_dtype``.
    placebos
        By placebo day: arrays of events × horizons, the placebos of the next events.
    """

    records: NDArray[Any]
    placebos: list[list[NDArray[Any]]]


def observation_dtype(horizons: int) -> np.dtype[Any]:
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
            ("return_bps", "f8", (horizons,)),
            ("mfe_bps", "f8", (horizons,)),
            ("mae_bps", "f8", (horizons,)),
            ("code", "i4"),
            ("day", "i4"),
            ("kind", "i2"),
            ("source", "i2"),
            ("direction", "i1"),
            ("status", "i1", (horizons,)),
        ]
    )


def placebo_dtype(horizons: int) -> np.dtype[Any]:
    """Return the dtype of an event's placebos of one day: returns in basis points by horizon, NaN = not observed."""
    return np.dtype([("bps", "f8", (horizons,))])

"""The results of moments whose days are over go to the observations of their events."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Int64s
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.study.moments import (
    CLOSING,
    NO_ENTRY,
    NOBODY,
    OPEN,
    WAITING,
    Ends,
    Moments,
    end_horizon,
    horizon_end,
)
from tickstock_cli.study.observations import CUT, NOT_ENTERED, OBSERVED


class ResultColumns(NamedTuple):
    """Columns of records of ``observations.observation_dtype`` that moments fill, as views."""

    entry_time: NDArray[Any]
    entry_price: NDArray[Any]
    status: NDArray[Any]
    return_bps: NDArray[Any]
    mfe_bps: NDArray[Any]
    mae_bps: NDArray[Any]
    placebo: NDArray[Any]

    @classmethod
    def of(cls, records: NDArray[Any]) -> ResultColumns:
        """Return the columns of records."""
        return cls(*(records[name] for name in cls._fields))


@kernel
def end_day(moments: Moments, ends: Ends, lengths: Int64s) -> None:
    """End the horizons that are left, and the wait for an entry: the moments are settled, and their days are over."""
    for m in range(len(moments)):
        moment = moments[m]
        if moment["state"] == WAITING:
            moment["state"] = NO_ENTRY
        if moment["state"] == OPEN or moment["state"] == CLOSING:
            for h in range(moment["stage"], len(lengths)):
                if horizon_end(moment["entry_time"], lengths[h], moment["day_end"]) <= moment["day_end"]:
                    end_horizon(moment, ends, m, h)


@kernel
def record_results(
    moments: Moments,
    ends: Ends,
    covered_end: Int64s,
    lengths: Int64s,
    places: Int64s,
    first: int,
    columns: ResultColumns,
) -> float:
    """Write the results of moments into records; return the size of their greatest move in basis points.

    Parameters
    ----------
    ends
        Of days that are over; see ``end_day``.
    covered_end
        By moment: the time (int64 ns UTC) up to which its day is recorded.
    lengths, places
        By horizon: its length in ns, and its place in the records.
    first
        Number of the event of the first record.
    """
    most = 0.0
    for m in range(len(moments)):
        moment = moments[m]
        row, side, price = moment["event"] - first, float(moment["side"]), moment["entry_price"]
        is_entered = moment["state"] != NO_ENTRY
        own = moment["own"]
        if own != NOBODY:
            columns.entry_time[row] = moment["entry_time"]
            columns.entry_price[row] = price if is_entered else np.nan
        for h in range(len(lengths)):
            place = places[h]
            is_cut = horizon_end(moment["entry_time"], lengths[h], moment["day_end"]) > covered_end[m]
            is_observed = is_entered and not is_cut
            if own == NOBODY:
                if is_observed:
                    move = _move(side, ends.last[m, h], price)
                    columns.placebo[row, moment["placebo"] - 1, place] = move
                    most = max(most, abs(move))
                continue
            columns.status[row, place] = OBSERVED if is_observed else CUT if is_entered else NOT_ENTERED
            if is_observed:
                at_highest = _move(side, ends.highest[own, h], price)
                at_lowest = _move(side, ends.lowest[own, h], price)
                columns.return_bps[row, place] = _move(side, ends.last[m, h], price)
                columns.mfe_bps[row, place] = max(at_highest, at_lowest, 0.0)
                columns.mae_bps[row, place] = min(at_highest, at_lowest, 0.0) + 0.0
                most = max(most, abs(at_highest), abs(at_lowest))
    return most


@kernel
def _move(side: float, price: float, entry_price: float) -> float:
    """Return the move from an entry in the direction, in basis points."""
    return side * (price - entry_price) / entry_price * 1e4 + 0.0

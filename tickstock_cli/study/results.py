"""What is left of moments when their day is over: open horizons, closes, and what the recording does not cover."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Float64s, Int32s, Int64s
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.study.moments import (
    OPEN,
    TO_CLOSE,
    UNSTACKED,
    LastPrices,
    MomentRules,
    Moments,
    OwnResults,
    PlaceboResults,
    extreme_moves,
    horizon_end,
    last_of,
    move_of,
)
from tickstock_cli.study.observations import CUT, OBSERVED


@kernel
def end_open(
    moments: Moments, over: int, own: OwnResults, placebos: PlaceboResults, last: LastPrices, rules: MomentRules
) -> None:
    """End the horizons that are left of open moments whose day is at most ``over``."""
    for m in range(len(moments)):
        moment = moments[m]
        if moment["state"] != OPEN or moment["day"] > over:
            continue
        side, entry_price = float(moment["side"]), moment["entry_price"]
        price = last_of(last.day, last.price, last.day_before, last.price_before, moment["code"], moment["day"])
        mfe, mae = extreme_moves(side, moment["highest"], moment["lowest"], entry_price)
        for h in range(moment["stage"], len(rules.lengths)):
            if horizon_end(moment["time"], rules.lengths[h], moment["day_end"]) > moment["day_end"]:
                continue
            place = rules.places[h]
            if moment["row"] >= 0:
                row = moment["row"] - own.first
                own.return_bps[row, place] = move_of(side, price, entry_price)
                own.mfe_bps[row, place], own.mae_bps[row, place] = mfe, mae
            else:
                placebos.bps[-1 - moment["row"] - placebos.first, place] = move_of(side, price, entry_price)


@kernel
def finish_own(
    own: OwnResults, status: NDArray[np.int8], covered_end: Int64s, last: LastPrices, rules: MomentRules
) -> float:
    """Finish the results of the first events; return the size of the greatest move in basis points.

    Parameters
    ----------
    own
        Settled; ``end_open`` has been called.
    status
        By event and horizon, as of an event without an entry.
    covered_end
        By event: the time (int64 ns UTC) up to which its day is recorded. Their days are over.
    """
    most = 0.0
    for row in range(len(covered_end)):
        entry_time = own.entry_time[row]
        if entry_time == 0:
            continue
        for h in range(len(rules.lengths)):
            place = rules.places[h]
            if horizon_end(entry_time, rules.lengths[h], own.day_end[row]) > covered_end[row]:
                status[row, place] = CUT
                own.return_bps[row, place] = np.nan
                own.mfe_bps[row, place] = np.nan
                own.mae_bps[row, place] = np.nan
                continue
            if own.below[row] != UNSTACKED and rules.lengths[h] == TO_CLOSE:
                side, price = float(own.side[row]), own.entry_price[row]
                at_end = last_of(last.day, last.price, last.day_before, last.price_before, own.code[row], own.day[row])
                mfe, mae = extreme_moves(side, own.mfe_bps[row, place], own.mae_bps[row, place], price)
                own.return_bps[row, place] = move_of(side, at_end, price)
                own.mfe_bps[row, place], own.mae_bps[row, place] = mfe, mae
            status[row, place] = OBSERVED
            most = max(most, own.mfe_bps[row, place], -own.mae_bps[row, place])
    return most


@kernel
def finish_placebos(
    code: Int32s,
    side: NDArray[np.int8],
    entry_time: Int64s,
    entry_price: Float64s,
    bps: Float64s,
    day: int,
    day_end: int,
    covered_end: int,
    last: LastPrices,
    rules: MomentRules,
) -> float:
    """Finish placebos of a day that is over; return the size of the greatest move in basis points.

    Parameters
    ----------
    covered_end
        Time (int64 ns UTC) up to which the day is recorded.
    """
    most = 0.0
    for row in range(len(code)):
        if entry_time[row] == 0:
            continue
        for h in range(len(rules.lengths)):
            place = rules.places[h]
            if horizon_end(entry_time[row], rules.lengths[h], day_end) > covered_end:
                bps[row, place] = np.nan
                continue
            if np.isnan(bps[row, place]):  # only the close is left
                bps[row, place] = move_of(
                    float(side[row]),
                    last_of(last.day, last.price, last.day_before, last.price_before, code[row], day),
                    entry_price[row],
                )
            most = max(most, abs(bps[row, place]))
    return most

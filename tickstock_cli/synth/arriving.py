"""The order in which a faulty feed's rows arrive, and the rows that admission rejects: a kernel.

It applies the rules `late`, `duplicate` and `future`, because a copy is only sent where they reject it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.kernels.jit import kernel

REASONS = ("late", "duplicate", "future")
"""Rejection reasons; codes count from 1, and 0 means accepted."""

_LATE, _DUPLICATE, _FUTURE = 1, 2, 3
_MAX_FUTURE = 60 * NS_PER_SECOND


@kernel
def reason_of(timestamp: int, received: int, last: int, is_bar: bool) -> int:
    """Return the code of a row's rejection reason, 0 if it is accepted; times are int64 ns."""
    if timestamp > received + _MAX_FUTURE:
        return _FUTURE
    if timestamp < last:
        return _LATE
    return _DUPLICATE if is_bar and timestamp == last else 0


@kernel
def arrive(
    symbol: NDArray[np.int32],
    timestamp: NDArray[np.int64],
    send: NDArray[np.int64],
    is_copy: NDArray[np.bool_],
    is_bar: bool,
    begin: int,
    slot: int,
    last: NDArray[np.int64],
    waiting: NDArray[np.int64],
    out_row: NDArray[np.int64],
    out_send: NDArray[np.int64],
    out_reason: NDArray[np.int8],
    kept: NDArray[np.bool_],
) -> int:
    """Fill ``out_row`` with the rows in the order in which they arrive, and return their number.

    Parameters
    ----------
    send
        Ascending, int64 ns; slots of ``slot`` ns are counted from ``begin``.
    last
        Timestamp of the last accepted row by symbol; kept from call to call.
    waiting
        Workspace by symbol, filled with -1.
    kept
        Set to True for the copies that still wait at the end.
    """
    count = 0
    for row in range(len(send)):
        at = symbol[row]
        received = begin + ((send[row] - begin) // slot + 1) * slot
        reason = reason_of(timestamp[row], received, last[at], is_bar)
        if reason == 0 and is_copy[row]:
            if waiting[at] < 0:
                waiting[at] = row
            continue
        out_row[count], out_send[count], out_reason[count] = row, send[row], reason
        count += 1
        if reason == 0:
            last[at] = timestamp[row]
            copy = waiting[at]
            if copy >= 0 and timestamp[copy] < last[at]:
                out_row[count], out_send[count], out_reason[count] = copy, send[row], _LATE
                count += 1
                waiting[at] = -1
    for at in range(len(waiting)):
        if waiting[at] >= 0:
            kept[waiting[at]] = True
    return count

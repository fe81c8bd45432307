"""Kernels that draw the symbol of a trade, and its time within the second."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.synth.rng import bits, draw, pair
from tickstock_cli.synth.tables import WAIT_BITS

MAX_ROWS_PER_SECOND = 4_000_000
"""Above it, the sum of a second's waiting times, times 1e9, could exceed int64."""

_TOTAL_LIMIT = 1 << 31
_QUARTER_HOUR = 15


class Picker(NamedTuple):
    """An alias table: it maps one draw to a symbol in proportion to its weight, in constant time.

    Column i stands for symbol i if the draw's lower half is below ``keep[i]``, else for ``other[i]``.

    References
    ----------
    M. D. Vose, "A linear algorithm for generating random numbers with a given distribution", 1991.
    """

    keep: NDArray[np.int64]  # of 2**32
    other: NDArray[np.int64]
    scaled: NDArray[np.int64]  # workspace, here and below
    queue: NDArray[np.int64]


def make_picker(symbols: int) -> Picker:
    """Return an empty picker."""
    return Picker(*(np.empty(symbols, dtype=np.int64) for _ in Picker._fields))


@kernel
def load_picker(weight: NDArray[np.int64], picker: Picker) -> None:
    """Load weights into ``picker`` (int64, above 0, below 2**40 in sum)."""
    count = len(weight)
    total = 0
    for i in range(count):
        total += weight[i]
    shift = 0
    while (total >> shift) >= _TOTAL_LIMIT:
        shift += 1
    total = 0
    for i in range(count):
        picker.scaled[i] = weight[i] >> shift
        total += picker.scaled[i]
    # `queue` holds the columns below the mean from its front, those above it from its back.
    small, great = 0, count
    for i in range(count):
        picker.scaled[i] *= count
        picker.keep[i] = 1 << 32
        picker.other[i] = i
        if picker.scaled[i] < total:
            picker.queue[small] = i
            small += 1
        else:
            great -= 1
            picker.queue[great] = i
    while small > 0 and great < count:
        poor, rich = picker.queue[small - 1], picker.queue[great]
        small -= 1
        picker.keep[poor] = (picker.scaled[poor] << 32) // total
        picker.other[poor] = rich
        picker.scaled[rich] -= total - picker.scaled[poor]
        if picker.scaled[rich] < total:
            great += 1
            picker.queue[small] = rich
            small += 1


@kernel
def pick(drawn: np.uint64, picker: Picker) -> int:
    """Return the symbol of a draw."""
    column = (bits(drawn, 32, 32) * len(picker.keep)) >> 32
    return column if bits(drawn, 0, 32) < picker.keep[column] else picker.other[column]


@kernel
def weigh_minute(
    weight: NDArray[np.int64],
    calm: NDArray[np.bool_],
    minute: int,
    key: np.uint64,
    slow: NDArray[np.int64],
    fast: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Fill ``out`` with the symbols' weights in one minute: usual weight x slow x fast activity.

    ``calm`` symbols have their usual weight, as a baseline around an injected move.
    """
    for i in range(len(weight)):
        if calm[i]:
            out[i] = weight[i] * 256
        else:
            slowly = bits(draw(key, pair(minute // _QUARTER_HOUR, i)), 0, 4)
            quickly = bits(draw(key, pair(minute, i)), 4, 4)
            out[i] = weight[i] * slow[slowly] * fast[quickly]


@kernel
def time_rows(key: np.uint64, first_row: int, start: int, waits: NDArray[np.int64], out: NDArray[np.int64]) -> None:
    """Fill ``out`` with ascending times in the second that begins at ``start`` (ns).

    Sums of exponential waiting times, scaled to the second, are ordered uniform times: no sorting is needed.
    """
    reached = 0
    for i in range(len(out)):
        reached += waits[bits(draw(key, first_row + i), 0, WAIT_BITS)]
        out[i] = reached
    # Plus the wait for the first row of the next second.
    reached += waits[bits(draw(key, first_row + len(out)), WAIT_BITS, WAIT_BITS)] + 1
    for i in range(len(out)):
        out[i] = start + out[i] * NS_PER_SECOND // reached

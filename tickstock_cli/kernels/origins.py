"""Origins of rows of many files: file and row number in one int64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel


@kernel
def fill_origins(first_origins: NDArray[np.int64], starts: NDArray[np.int64], out: NDArray[np.int64]) -> None:
    """Fill ``out`` with origins that count up in each file.

    Parameters
    ----------
    first_origins
        Origin of the first row of each file.
    starts
        Place of that row.
    """
    for file in range(len(starts)):
        start = starts[file]
        for row in range(start, starts[file + 1] if file + 1 < len(starts) else len(out)):
            out[row] = first_origins[file] + row - start


@kernel
def stretches_of_files(origins: NDArray[np.int64], row_bits: int) -> tuple[NDArray[np.int64], bool]:
    """Return the first row of each stretch of one file, and whether origins count up from row to row in all.

    ``row_bits`` is the number of lower bits of an origin that hold the row number.
    """
    files = np.int64(0)
    file = np.int64(-1)
    counts_up = True
    for row in range(len(origins)):
        if origins[row] >> row_bits != file:
            file = origins[row] >> row_bits
            files += 1
        elif origins[row] != origins[row - 1] + 1:
            counts_up = False
    starts = np.empty(files, np.int64)
    files, file = np.int64(0), np.int64(-1)
    for row in range(len(origins)):
        if origins[row] >> row_bits != file:
            file = origins[row] >> row_bits
            starts[files] = row
            files += 1
    return starts, counts_up

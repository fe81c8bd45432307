"""Groups the rows of a batch by ticker, so that each ticker's state is loaded once for each batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel


@kernel
def count_rows(code: NDArray[np.int32], mine: NDArray[np.bool_], counts: NDArray[np.int64]) -> None:
    """Fill ``counts`` with the number of rows by ticker code, 0 for tickers that are not ``mine``; -1 is no ticker."""
    counts[:] = 0
    for i in range(len(code)):
        c = code[i]
        if c >= 0 and mine[c]:
            counts[c] += 1


@kernel
def group_rows(
    code: NDArray[np.int32], mine: NDArray[np.bool_], counts: NDArray[np.int64], rows: NDArray[np.int32]
) -> int:
    """Sort the rows whose ticker is ``mine`` by ticker code, keeping their order within a ticker.

    Parameters
    ----------
    counts
        Filled: see ``count_rows``.
    rows
        Filled: row numbers, grouped by ticker in the order of codes.

    Returns
    -------
    int
        The number of filled entries of ``rows``.
    """
    count_rows(code, mine, counts)
    place = np.empty(len(counts), np.int64)
    total = 0
    for c in range(len(counts)):
        place[c] = total
        total += counts[c]
    for i in range(len(code)):
        c = code[i]
        if c >= 0 and mine[c]:
            rows[place[c]] = i
            place[c] += 1
    return total


@kernel
def list_groups(
    counts: NDArray[np.int64],
    lookup_counts: NDArray[np.int64],
    codes: NDArray[np.int32],
    starts: NDArray[np.int64],
    probe_starts: NDArray[np.int64],
) -> int:
    """List the tickers that have rows or lookups, with the first of each, and return their number.

    ``starts`` and ``probe_starts`` get one entry more than ``codes``: the end of the last group.
    """
    groups = 0
    start = 0
    lookup_start = 0
    for c in range(len(counts)):
        if counts[c] or lookup_counts[c]:
            codes[groups] = c
            starts[groups] = start
            probe_starts[groups] = lookup_start
            start += counts[c]
            lookup_start += lookup_counts[c]
            groups += 1
    starts[groups] = start
    probe_starts[groups] = lookup_start
    return groups

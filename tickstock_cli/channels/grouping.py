"""The rows of a batch, grouped by ticker: once for all workers, each of which takes a range of tickers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.workspace import Workspace, frozen
from tickstock_cli.kernels.grouping import group_rows, list_groups
from tickstock_cli.kernels.rows import Groups

NO_LOOKUPS = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class Grouped:
    """Rows of one record type and the lookups among them.

    Groups by ticker code, rising, and the numbers of rows and lookups (int32) in group order. Rows without a ticker are
    in no group.
    """

    groups: Groups
    rows: NDArray[np.int32]
    lookup_rows: NDArray[np.int32]
    packed: NDArray[Any]
    """The values of all rows of the batch, in its order; see `kernels.packing`."""

    def between(self, low: int, high: int) -> Grouped:
        """Return the groups of codes from ``low`` to below ``high``; row numbers are views."""
        first, end = np.searchsorted(self.groups.code, (low, high)).tolist()
        starts = self.groups.start[first : end + 1]
        lookup_starts = self.groups.lookup_start[first : end + 1]
        return Grouped(
            Groups(self.groups.code[first:end], starts - starts[0], lookup_starts - lookup_starts[0]),
            self.rows[starts[0] : starts[-1]],
            self.lookup_rows[lookup_starts[0] : lookup_starts[-1]],
            self.packed,
        )


def group(
    code: NDArray[np.int32],
    lookup_code: NDArray[np.int32],
    mine: NDArray[np.bool_],
    packed: NDArray[Any],
    workspace: Workspace,
) -> Grouped:
    """Group rows and lookups by ticker, without those of tickers that are not ``mine``."""
    tickers = len(mine)
    counts = workspace.array("counts", tickers, np.int64)
    lookup_counts = workspace.array("lookup_counts", tickers, np.int64)
    rows = workspace.array("rows", len(code), np.int32)
    lookup_rows = workspace.array("lookup_rows", len(lookup_code), np.int32)
    kept = group_rows(frozen(code), mine, counts, rows)
    lookups_kept = group_rows(frozen(lookup_code), mine, lookup_counts, lookup_rows)
    most = min(tickers, kept + lookups_kept)
    codes = workspace.array("group_code", most, np.int32)
    starts = workspace.array("group_start", most + 1, np.int64)
    probe_starts = workspace.array("group_lookup_start", most + 1, np.int64)
    groups = list_groups(counts, lookup_counts, codes, starts, probe_starts)
    grouped = Groups(codes[:groups], starts[: groups + 1], probe_starts[: groups + 1])
    return Grouped(grouped, rows[:kept], lookup_rows[:lookups_kept], packed)


def even_bounds(parts: Sequence[Grouped], tickers: int, shares: int) -> list[int]:
    """Return codes that divide the tickers into ranges that take about as long each.

    Returns
    -------
    list of int
        ``shares + 1`` codes from 0 to ``tickers`` that do not descend; each share ends where the next one begins.
    """
    if shares == 1:
        return [0, tickers]
    costs = np.zeros(tickers, dtype=np.int64)
    for part in parts:
        costs[part.groups.code] += relative_costs(np.diff(part.groups.start))
    ideal = [costs.sum() * share / shares for share in range(1, shares)]
    inner = np.searchsorted(np.cumsum(costs), ideal)
    return [0, *inner.tolist(), tickers]


def relative_costs(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what tickers with so many rows of a batch cost, over a row of a busy ticker; measured on ticks.

    The state of a ticker is waited for once a batch. Rows of a quiet one lie far apart: most of them open a bucket.
    """
    costs: NDArray[np.int64] = rows + 2 * np.minimum(rows, 100) + 10
    return costs

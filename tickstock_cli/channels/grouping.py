"""The rows of a batch, grouped by ticker: once for all workers, each of which takes a range of tickers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.workspace import Workspace, frozen
from tickstock_cli.kernels.grouping import count_rows, group_rows, list_groups
from tickstock_cli.kernels.packing import Buckets, bucket_bits, order_buckets
from tickstock_cli.kernels.rows import Groups

Pack = Callable[[Buckets, NDArray[Any]], None]
NO_LOOKUPS = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class Grouped:
    """Rows of one record type and the lookups among them.

    Groups by ticker code, rising; the rows in group order, packed (see `kernels.packing`); the numbers of the lookups
    (int32) in group order. Rows without a ticker are in no group.
    """

    groups: Groups
    packed: NDArray[Any]
    lookup_rows: NDArray[np.int32]

    @property
    def rows(self) -> NDArray[np.int32]:
        """The numbers of the rows in the batch, in group order."""
        rows: NDArray[np.int32] = self.packed["row"]
        return rows

    def between(self, low: int, high: int) -> Grouped:
        """Return the groups of codes from ``low`` to below ``high``; rows are views."""
        first, end = np.searchsorted(self.groups.code, (low, high)).tolist()
        starts = self.groups.start[first : end + 1]
        lookup_starts = self.groups.lookup_start[first : end + 1]
        return Grouped(
            Groups(self.groups.code[first:end], starts - starts[0], lookup_starts - lookup_starts[0]),
            self.packed[starts[0] : starts[-1]],
            self.lookup_rows[lookup_starts[0] : lookup_starts[-1]],
        )


def group(
    code: NDArray[np.int32],
    lookup_code: NDArray[np.int32],
    mine: NDArray[np.bool_],
    pack: Pack,
    packed_type: np.dtype[Any],
    workspace: Workspace,
) -> Grouped:
    """Group rows and lookups by ticker, without those of tickers that are not ``mine``.

    Parameters
    ----------
    pack
        Packs the rows of the batch into rows of ``packed_type``.
    """
    if not len(code) and not len(lookup_code):
        return Grouped(Groups(np.empty(0, np.int32), *np.zeros((2, 1), np.int64)), np.empty(0, packed_type), NO_LOOKUPS)
    tickers = len(mine)
    counts = workspace.array("counts", tickers, np.int64)
    lookup_counts = workspace.array("lookup_counts", tickers, np.int64)
    lookup_rows = workspace.array("lookup_rows", len(lookup_code), np.int32)
    count_rows(frozen(code), mine, counts)
    lookups_kept = group_rows(frozen(lookup_code), mine, lookup_counts, lookup_rows)
    packed = _in_order(code, mine, counts, pack, packed_type, workspace)
    most = min(tickers, len(packed) + lookups_kept)
    codes = workspace.array("group_code", most, np.int32)
    starts = workspace.array("group_start", most + 1, np.int64)
    probe_starts = workspace.array("group_lookup_start", most + 1, np.int64)
    groups = list_groups(counts, lookup_counts, codes, starts, probe_starts)
    grouped = Groups(codes[:groups], starts[: groups + 1], probe_starts[: groups + 1])
    return Grouped(grouped, packed, lookup_rows[:lookups_kept])


def _in_order(
    code: NDArray[np.int32],
    mine: NDArray[np.bool_],
    counts: NDArray[np.int64],
    pack: Pack,
    packed_type: np.dtype[Any],
    workspace: Workspace,
) -> NDArray[Any]:
    """Return the packed rows of tickers that are ``mine``, in the order of codes; ``counts`` has their rows by code."""
    bits = bucket_bits(len(counts))
    first = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=first[1:])
    rows = int(first[-1])
    starts = np.append(first[: -1 : 1 << bits], rows)
    bucketed = workspace.array("bucketed" if bits else "packed", rows, packed_type)
    pack(Buckets(frozen(code), mine, bits, starts.copy()), bucketed)
    if not bits:
        return bucketed
    packed = workspace.array("packed", rows, packed_type)
    order_buckets(bucketed, starts, bits, first, packed)
    return packed


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
    costs: NDArray[np.int64] = rows + 4 * np.minimum(rows, 60)
    return costs

"""Whether a table of cells cries wolf: the same tests where nothing can have happened.

For each of the placebo days, every observed row's return is replaced by the placebo of that day, and its placebo by the
mean of its others. Clusters stay the event's own. Events have no part in these returns, so a p of the excess is below
0.05 in about one test of twenty; where it is far more often, p of the table are too small on this recording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.inference.clustered_error import Clusters, mean_error
from tickstock_cli.inference.ordered import ordered_mean
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.study.cells import CellRows
from tickstock_cli.study.horizon_rows import placebo_mean

LEVEL = 0.05

TOO_SMALL_ABOVE = 0.10
"""A share of small p above this one says that p of the table are too small."""


@dataclass(slots=True)
class Calibration:
    """Counts of tests without an effect.

    Attributes
    ----------
    tests, small
        Number of p of excess, and of those below ``LEVEL``.
    """

    tests: int = 0
    small: int = 0

    @property
    def share(self) -> float | None:
        """Share of small p; None without tests."""
        return self.small / self.tests if self.tests else None

    def add(self, rows: CellRows, thin: int) -> None:
        """Count the tests of a (kind, direction, source) cell: one for each placebo day with enough rows."""
        clusters = rows.clusters
        for day in range(rows.placebo.shape[1]):
            excess, *found = _without_effect(rows.placebo, day, clusters.a, clusters.b, clusters.both)
            if len(excess) < max(thin, 1):
                continue
            error = mean_error(excess, ordered_mean(excess), Clusters(*found))
            if error.p is not None:
                self.tests += 1
                self.small += int(error.p < LEVEL)

    def join(self, other: Calibration) -> None:
        """Add the tests of other cells."""
        self.tests += other.tests
        self.small += other.small


@kernel
def _without_effect(
    placebo: NDArray[np.float64], day: int, a: NDArray[np.int64], b: NDArray[np.int64], both: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return placebo of a day − mean of its others, and the clusters, of the rows where both are observed."""
    excess = np.empty(len(placebo))
    of_a, of_b, of_both = np.empty(len(a), np.int64), np.empty(len(a), np.int64), np.empty(len(a), np.int64)
    count = 0
    for row in range(len(placebo)):
        value = placebo[row, day]
        if np.isnan(value):
            continue
        others, seen = placebo_mean(placebo, row, day)
        if seen:
            excess[count] = value - others
            of_a[count], of_b[count], of_both[count] = a[row], b[row], both[row]
            count += 1
    return excess[:count], of_a[:count], of_b[:count], of_both[:count]

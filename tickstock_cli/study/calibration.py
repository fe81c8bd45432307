"""Whether a table of cells cries wolf: the same tests where nothing can have happened.

For each of the placebo days, every observed row's return is replaced by the placebo of that day, and its placebo by the
mean of its others. Clusters stay the event's own. Events have no part in these returns, so a p of the excess is below
0.05 in about one test of twenty; where it is far more often, p of the table are too small on this recording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tickstock_cli.study.cells import CellRows, excess_error
from tickstock_cli.study.horizon_rows import placebo_means

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
        days = rows.placebo.shape[1]
        for day in range(days):
            returns = rows.placebo[:, day]
            others, number = placebo_means(rows.placebo, without=day)
            usable = ~np.isnan(returns) & (number > 0)
            if int(np.count_nonzero(usable)) < max(thin, 1):
                continue
            _, error = excess_error(returns[usable], others[usable], rows.clusters.where(usable))
            if error.p is not None:
                self.tests += 1
                self.small += int(error.p < LEVEL)

    def join(self, other: Calibration) -> None:
        """Add the tests of other cells."""
        self.tests += other.tests
        self.small += other.small

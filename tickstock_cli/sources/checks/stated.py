"""What the footers of many files state, for checks that find nothing by that alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tickstock_cli.core.batch import Int64s
from tickstock_cli.sources.checks.facts import Facts


class StatedFacts:
    """What the footers of files state that are read alike: one value a file, in their order.

    Parameters
    ----------
    files
        At least one.
    """

    def __init__(self, files: Sequence[Facts]) -> None:
        self.files = files
        self._time_bounds: tuple[Int64s, Int64s] | None = None
        self._was_asked_for_times = False

    @property
    def shared(self) -> Facts:
        """The first file: to be asked for what is the same in all."""
        return self.files[0]

    def time_bounds(self) -> tuple[Int64s, Int64s] | None:
        """Return the first and the last `timestamp` (int64 ns) of every file; None if one does not state them."""
        if not self._was_asked_for_times:
            self._was_asked_for_times = True
            found = [facts.time_bounds() for facts in self.files]
            known = [bounds for bounds in found if bounds is not None]
            if len(known) == len(found):
                first, last = np.array(known, dtype=np.int64).T
                self._time_bounds = first, last
        return self._time_bounds

    def extremes(self, column: str) -> tuple[list[Any], list[Any]] | None:
        """Return the lowest and the highest value of a column in every file; None if one does not state them."""
        found = [facts.extremes(column) for facts in self.files]
        known = [extremes for extremes in found if extremes is not None]
        if len(known) < len(found):
            return None
        return [low for low, _ in known], [high for _, high in known]

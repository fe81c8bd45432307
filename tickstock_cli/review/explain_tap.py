"""A tap that examines some rows of a run and keeps the events that the run released for their windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from tickstock_cli.build import coordination_rules
from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.events import EVENT, EventRows
from tickstock_cli.engine.taps import Tap, TapContext, TapStep
from tickstock_cli.review.examiner import Examination, Examiner
from tickstock_cli.review.outcome import in_windows


class ExplainTap(Tap):
    """Examines rows of one run from its first row to its end, at any batch size and in any pipeline.

    It keeps no state for checkpoints: an explanation is not resumed and does not seek.

    Parameters
    ----------
    settings
        Those of the run.
    orders
        Merge orders of the examined rows, rising.
    windows
        Coordination windows (available time // window) whose events are kept.
    """

    def __init__(self, settings: Settings, orders: Sequence[int], windows: frozenset[int]) -> None:
        self._settings = settings
        self._rules = coordination_rules(settings)
        self._orders = orders
        self._windows = windows
        self._emitted = [np.empty(0, dtype=EVENT)]
        self.examinations: list[Examination] = []
        """The examinations so far, in the order of ``orders``."""

    def begin(self, context: TapContext) -> None:
        self._examiner = Examiner(self._settings, context.symbols)

    def observe(self, step: TapStep) -> None:
        self._emitted.append(in_windows(step.events, self._windows, self._rules))
        for rows, wanted in self._pieces(step.rows):
            if wanted:
                self.examinations.append(self._examiner.examine(rows))
            else:
                self._examiner.process(rows)

    @property
    def emitted(self) -> EventRows:
        """The events that the run released for the windows, in output order."""
        return np.concatenate(self._emitted)

    def check(self, counts: Mapping[str, int]) -> None:
        """Compare the counts of all rows with the ledger of the run, after its end.

        Raises
        ------
        TickstockError
            They differ: always a bug.
        """
        self._examiner.check(counts)

    def _pieces(self, rows: JudgedRows) -> Iterator[tuple[JudgedRows, bool]]:
        """Yield a step's rows in pieces, with each examined row alone, and whether a piece is examined."""
        orders = np.concatenate([judged.rows.order for judged in rows.by_record().values()])
        if not len(orders):
            return
        first, end = int(orders.min()), int(orders.max()) + 1
        inside = [order for order in self._orders if first <= order < end]
        borders = sorted({first, end, *inside, *(order + 1 for order in inside)})
        for begin, stop in pairwise(borders):
            yield rows.between(begin, stop), begin in inside

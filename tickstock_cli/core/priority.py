"""The priority manager: what is delivered first.

1. The run assigns: an event's ``priority`` is that of its kind, 1 to 4, plus 4 if its ticker is outside the core
   universe. It is a column of the event, the same for everybody, and what a least priority filters by.
2. A consumer pulls highest first: of the events it pulls together, those of lower ``rank`` come first, and of equal
   rank the earlier one. Without a universe of its own the rank is the priority. With one, its own tickers come before
   the others: core universe, then user universe, then kind decide, in this order.

So events of one ticker and kind are never put into another order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

CORE_STEP = 4
"""Added to the priority of an event whose ticker is outside the core universe; kinds have priorities 1 to 4."""


class Prioritised(Protocol):
    """What a consumer pulls: an event, as far as its rank goes."""

    @property
    def priority(self) -> int:
        """The column of the event."""

    @property
    def ticker(self) -> str:
        """The column of the event."""


E = TypeVar("E", bound=Prioritised)


class PriorityManager:
    """Assigns priorities for a run, and ranks for one consumer.

    Parameters
    ----------
    kinds
        The priority of every kind by its code, 1 to ``CORE_STEP``. A consumer needs none: events bring theirs along.
    core_universe
        Tickers delivered first; none means that every ticker is core.
    user_universe
        Tickers that this consumer wants before others; None means that it has no preference.
    """

    def __init__(
        self,
        kinds: Sequence[int] = (),
        core_universe: Iterable[str] = (),
        user_universe: frozenset[str] | None = None,
    ) -> None:
        self._kinds = np.array(kinds, dtype=np.int8)
        self._core = frozenset(core_universe)
        self._user = user_universe

    def assign(self, kinds: NDArray[np.int8], tickers: Sequence[str], places: NDArray[np.intp]) -> NDArray[np.int8]:
        """Return the priority of each event.

        Parameters
        ----------
        kinds
            The code of each event's kind.
        tickers
            The different tickers of the events.
        places
            Where in ``tickers`` each event's ticker stands.
        """
        outside = np.array([bool(self._core) and ticker not in self._core for ticker in tickers], dtype=bool)
        steps = np.where(outside, CORE_STEP, 0).astype(np.int8)
        assigned: NDArray[np.int8] = self._kinds[kinds] + steps[places]
        return assigned

    def rank(self, priority: int, ticker: str) -> int:
        """Return the rank of an event for this consumer, 1 or more; the lowest comes first."""
        if self._user is None:
            return priority
        steps, kind = divmod(priority - 1, CORE_STEP)
        return 2 * steps * CORE_STEP + (0 if ticker in self._user else CORE_STEP) + kind + 1

    def highest_first(self, pulled: Iterable[E]) -> list[E]:
        """Return events that this consumer pulls together, in the order of the run, as it gets them."""
        if self._user is None:
            return sorted(pulled, key=attrgetter("priority"))  # the rank, four times as fast
        return sorted(pulled, key=lambda event: self.rank(event.priority, event.ticker))

"""The coordinator: detected events in merge order go in, emitted events in output order come out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.events import EVENT, EventRows, join_events, sort_for_output
from tickstock_cli.core.growth import grown
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.whole_rows import take_rows
from tickstock_cli.kernels.coordination import (
    REDUNDANT,
    SUPERSEDED,
    WINDOW_STATE,
    CoordinationRules,
    compete,
    still_held,
)

BLANK = np.array([(-1, -1, 0, 0)], dtype=WINDOW_STATE)
END_OF_TIME = 2**63 - 1
LAST_TIME = END_OF_TIME - 1


class Coordinator:
    """Chooses one event per window and releases it once no other event can come before it.

    An emitted event is released when the watermark has passed its ``emitted_at``, so that all releases together are in
    the total order of outputs at any batch size.
    """

    def __init__(self, rules: CoordinationRules, symbols: SymbolTable) -> None:
        self._rules = rules
        self._symbols = symbols
        self._states = np.empty(0, dtype=WINDOW_STATE)
        self._held: EventRows = np.empty(0, dtype=EVENT)
        self._unreleased: EventRows = np.empty(0, dtype=EVENT)

    def grow(self, tickers: int) -> None:
        """Make room for codes below ``tickers``."""
        self._states = grown(self._states, tickers * (1 if self._rules.by_ticker else self._rules.kinds), BLANK)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name. ``held`` and ``unreleased`` are replaced, not changed, by a step."""
        return {"windows": self._states, "held": self._held, "unreleased": self._unreleased}

    def restore(self, held: EventRows, unreleased: EventRows) -> None:
        """Set the waiting events to those of a checkpoint; the windows' arrays are restored in place."""
        self._held = held
        self._unreleased = unreleased

    def step(self, events: EventRows, watermark: int, ledger: Ledger) -> EventRows:
        """Coordinate ``events`` and return those that can be released, in output order.

        Parameters
        ----------
        events
            In merge order.
        watermark
            int64 ns; no later event is available earlier.
        ledger
            Counts what is emitted, superseded and redundant.
        """
        if len(events) or len(self._held):
            merged = join_events((self._held, events))
            out = np.empty(len(merged), dtype=EVENT)
            counts = np.zeros(2, dtype=np.int64)
            emitted = compete(merged, len(self._held), self._states, watermark, self._rules, out, counts)
            held = np.empty(len(merged) - emitted, dtype=EVENT)
            self._held = held[: still_held(merged, self._states, self._rules, held)]
            self._unreleased = join_events((self._unreleased, out[:emitted]))
            ledger.add("coordinator.emitted", emitted)
            ledger.add("coordinator.superseded", int(counts[SUPERSEDED]))
            ledger.add("coordinator.redundant", int(counts[REDUNDANT]))
        return self._release(watermark)

    def finish(self, ledger: Ledger) -> EventRows:
        """Close every window and release all remaining events; no row follows."""
        return self.step(np.empty(0, dtype=EVENT), END_OF_TIME, ledger)

    def next_release(self) -> int:
        """Return the market time (int64 ns) at which a waiting event can be released; the end of time if none waits."""
        window = self._rules.window
        ends = (self._held["available_at"] // window + 1) * window
        return int(min(ends.min(initial=LAST_TIME), self._unreleased["emitted_at"].min(initial=LAST_TIME))) + 1

    def pending(self) -> int:
        """Return the number of events whose window is still open."""
        return len(self._held)

    def unreleased(self) -> EventRows:
        """Return the emitted events that wait for the watermark, in output order."""
        return sort_for_output(self._unreleased, self._symbols)

    def _release(self, watermark: int) -> EventRows:
        ready = self._unreleased["emitted_at"] < watermark
        released = sort_for_output(self._unreleased, self._symbols, np.flatnonzero(ready))
        self._unreleased = take_rows(self._unreleased, np.flatnonzero(~ready))
        return released

"""Who wins a window, told step by step: what waits, when it is let go, and on what it depends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tickstock_cli.core.events import EVENT, EventRows
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.coordinator import Coordinator
from tickstock_cli.kernels.coordination import CoordinationRules
from tickstock_cli.kernels.emit import FMV, OHLCV, TICK

MILLISECOND = 1_000_000
WINDOW = 500 * MILLISECOND


@pytest.fixture
def coordinator() -> Coordinator:
    """Return one for two tickers and two kinds, with windows of 500 ms."""
    made = Coordinator(
        CoordinationRules(WINDOW, False, False, 2, True, np.full(2, 0.01), np.full(2, 0.1)), SymbolTable(["A", "B"])
    )
    made.grow(2)
    return made


def event(available_at: int, source: int = OHLCV, **fields: Any) -> EventRows:
    """Return one event of the first ticker and kind; ``available_at`` in ms."""
    row = np.zeros(1, dtype=EVENT)
    row["tick_extreme"] = np.nan
    for name, value in {"available_at": available_at * MILLISECOND, "source": source, **fields}.items():
        row[name] = value
    return row


def told(events: EventRows) -> list[tuple[int, float, int]]:
    """Return when events were emitted (ms), their price, and how many competed."""
    return [(int(row["emitted_at"]) // MILLISECOND, float(row["price"]), int(row["merged"])) for row in events]


def test_a_window_closes_with_the_market_and_not_with_the_next_event(coordinator: Coordinator) -> None:
    """The watermark at the window's very end closes it; a moment later the event goes out, in its place."""
    ledger = Ledger()
    steps = [coordinator.step(event(100, price=7.0), 100 * MILLISECOND, ledger)]
    steps += [coordinator.step(np.empty(0, EVENT), time, ledger) for time in (WINDOW - 1, WINDOW, WINDOW + 1)]

    assert [told(step) for step in steps] == [[], [], [], [(500, 7.0, 1)]]
    assert ledger["coordinator.emitted"] == 1


def test_an_event_that_waits_competes_with_all_that_come_in_later_steps(coordinator: Coordinator) -> None:
    """A bar beats a fair value of before, a later bar beats both, an earlier window is not touched."""
    ledger = Ledger()
    for available_at, source, price in ((100, FMV, 1.0), (200, OHLCV, 2.0), (499, OHLCV, 3.0), (500, OHLCV, 4.0)):
        coordinator.step(event(available_at, source, price=price), available_at * MILLISECOND, ledger)

    assert told(coordinator.finish(ledger)) == [(500, 3.0, 3), (1000, 4.0, 1)]
    assert (ledger["coordinator.superseded"], coordinator.pending()) == (2, 0)


def test_a_tick_replaces_a_waiting_event_and_is_not_replaced(coordinator: Coordinator) -> None:
    """It goes out at its own time, as one of two; the tick and the bar behind it, a step later, are superseded."""
    ledger = Ledger()
    coordinator.step(event(100), 100 * MILLISECOND, ledger)
    coordinator.step(event(150, TICK, price=5.0), 150 * MILLISECOND, ledger)
    released = coordinator.step(np.concatenate([event(160, TICK), event(170)]), 170 * MILLISECOND, ledger)

    assert told(released) == [(150, 5.0, 2)]
    assert told(coordinator.finish(ledger)) == []
    assert ledger["coordinator.superseded"] == 3


@pytest.mark.parametrize(
    ("price", "direction", "redundant"),
    [(103.1, 1, 1), (103.103, 1, 0), (102.0, 1, 1), (102.9, -1, 1), (102.897, -1, 0)],
)
def test_an_extreme_is_redundant_within_a_tenth_of_a_percent_of_that_of_ticks(
    coordinator: Coordinator, price: float, direction: int, redundant: int
) -> None:
    """Ticks told 103.00; exactly 0.103 beyond is news, and a bar's extreme short of it is not."""
    ledger = Ledger()
    coordinator.step(event(100, price=price, direction=direction, tick_extreme=103.0), 0, ledger)

    assert ledger["coordinator.redundant"] == redundant
    assert len(coordinator.finish(ledger)) == 1 - redundant

"""Section 3: what becomes of a signal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.oracle.backtest.inputs import Event


@dataclass
class Signal:
    """An event that belongs to a rule; ``outcome`` is ``taken`` or why it was ignored."""

    event: Event
    rule: int
    ticker: str
    side: int
    decision: int
    outcome: str = ""


def shares_of(strategy: Mapping[str, Any], equity: int, mark: int) -> int:
    """Return the shares to order; ``equity`` and ``mark`` in micro-dollars."""
    size = strategy["size"]
    value: float = size["value"]
    stop: float = strategy["exit"]["stop_percent"]
    if size["rule"] == "notional":
        return math.floor(value * 1e6 / mark)
    if size["rule"] == "equity_percent":
        return math.floor(value * equity / 100 / mark)
    return math.floor(equity * value / 100 / (mark * stop / 100))

"""A detector that cheats, and a strategy that is never the same, for the check that is there to find them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.events import EventRows
from tickstock_cli.detectors.highlow import HighLow
from tickstock_cli.kernels.rows import TickRows
from tickstock_cli.trading.protocol import BUY, MarketOrder, Portfolio, ToldEvent, TradingStrategy

CLAIRVOYANT = "tests.unit.backtest.planted:Clairvoyant"
AHEAD = 4


class Clairvoyant(HighLow):
    """Keeps a high or low only if the batch shows that the price goes on that way."""

    compiled = False

    def scan(self, rows: TickRows, out: EventRows, counts: NDArray[np.int64]) -> int:
        """Look ahead of each event, and drop those that do not pay."""
        found = super().scan(rows, out, counts)
        kept = [place for place in range(found) if _pays(rows, out[place])]
        out[: len(kept)] = out[kept]
        return len(kept)


def _pays(rows: TickRows, event: Any) -> bool:
    group = int(np.flatnonzero(rows.groups.code == event["code"])[0])
    mine = slice(int(rows.groups.start[group]), int(rows.groups.start[group + 1]))
    later = rows.price[mine][rows.timestamp[mine] > event["timestamp"]][:AHEAD]
    return len(later) == AHEAD and bool(event["direction"] * (later[-1] - event["price"]) > 0)


class Moody(TradingStrategy):
    """Buys more in every run."""

    runs = 0

    def __init__(self) -> None:
        Moody.runs += 1
        self._shares = 10 * Moody.runs

    def on_event(self, event: ToldEvent, portfolio: Portfolio) -> list[MarketOrder]:  # noqa: ARG002 - the protocol's
        """Follow every event upwards."""
        return [MarketOrder(event.ticker, BUY, self._shares)] if event.direction > 0 else []

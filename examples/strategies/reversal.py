"""A strategy in Python: it fades surges that have lost a third of their move.

cd examples/strategies && tickstock backtest ../../sample_data --strategy reversal:FadeSurges
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.trading.protocol import BUY, SELL, MarketOrder, Portfolio, ToldEvent, ToldPrint, TradingStrategy

GIVEN_BACK = 1 / 3
SHARES = 100


class FadeSurges(TradingStrategy):
    """Waits after a surge until a third of its move is given back, then trades against it.

    Stop, time and the session's end close the position, as those of a file of rules.
    """

    settings: ClassVar[Mapping[str, Any]] = {"exit": {"stop_percent": 1, "after": "20m"}}

    def __init__(self) -> None:
        self._surges: dict[str, tuple[float, float]] = {}  # by ticker: where the surge began, and its price

    def on_event(self, event: ToldEvent, portfolio: Portfolio) -> Iterable[MarketOrder]:  # noqa: ARG002 - the protocol's
        if event.kind == "surge" and event.previous is not None:
            self._surges[event.ticker] = (event.previous, event.price)
        return ()

    def on_print(self, told: ToldPrint, portfolio: Portfolio) -> Iterable[MarketOrder]:
        surge = self._surges.get(told.ticker)
        if surge is None:
            return
        began, reached = surge
        move = reached - began
        if (reached - told.close) * move >= GIVEN_BACK * move * move:
            del self._surges[told.ticker]
            if not portfolio.shares(told.ticker) and not portfolio.is_working(told.ticker):
                yield MarketOrder(told.ticker, SELL if move > 0 else BUY, SHARES, "given back")

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the surges that are waited for, for checkpoints."""
        prices = np.array(list(self._surges.values()), dtype=np.float64).reshape(-1, 2)
        tickers = "\n".join(self._surges).encode()
        return {"prices": prices, "tickers": np.frombuffer(tickers, dtype=np.uint8)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replace the surges by those of ``state``."""
        names = bytes(state["tickers"]).decode()
        pairs = [(float(began), float(reached)) for began, reached in state["prices"]] if "prices" in state else []
        self._surges = dict(zip(names.split("\n") if names else [], pairs, strict=True))

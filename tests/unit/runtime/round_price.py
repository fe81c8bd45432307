"""A detector of an embedding program, in plain Python: a tick reaches or crosses a round price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tickstock_cli.core.events import EventRows
from tickstock_cli.core.growth import grown
from tickstock_cli.core.kinds import Kind
from tickstock_cli.detectors.base import Params, kind_codes
from tickstock_cli.kernels.emit import TICK, put_event
from tickstock_cli.kernels.rows import TickRows


class RoundPriceParams(Params):
    """What a round price is."""

    step: float = Field(10.0, gt=0, description="distance between two round prices, in dollars")


class RoundPrice:
    """Crossings of round prices. One float64 a ticker: the last price, NaN before the first."""

    channel = "tick"
    enabled_by_default = False
    kinds = (Kind("round_price", 3),)
    counters = ()
    events_per_row = 1
    compiled = False
    Params = RoundPriceParams

    def __init__(self, params: RoundPriceParams, kinds: Mapping[str, int]) -> None:
        (self._kind,) = kind_codes(kinds, self.kinds)
        self._step = params.step
        self._last = np.empty(0)

    def grow(self, tickers: int) -> None:
        self._last = grown(self._last, tickers, np.nan)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"last": self._last}

    def scan(self, rows: TickRows, out: EventRows, counts: NDArray[np.int64]) -> int:  # noqa: ARG002 - counts nothing
        events = 0
        groups = rows.groups
        for group, code in enumerate(groups.code):
            for i in range(groups.start[group], groups.start[group + 1]):
                before, price = self._last[code], rows.price[i]
                self._last[code] = price
                if before // self._step != price // self._step and not np.isnan(before):
                    direction = 1 if price > before else -1
                    put_event(out[events], rows, i, code, self._kind, TICK, rows.timestamp[i], rows.phase[i], direction)
                    out[events]["price"] = price
                    events += 1
        return events

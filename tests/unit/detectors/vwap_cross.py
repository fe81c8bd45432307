"""A detector as a newcomer writes it: two kinds with long names, a column and a trigger word of their own.

A tick whose price is on the other side of the session's volume-weighted average price than the tick before is an
event. It is registered within tests only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tickstock_cli.build import settings_model
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.growth import grown
from tickstock_cli.core.kinds import Column, Columns, Kind, KindCodes, Limit, Mark
from tickstock_cli.core.rule_verdict import Ending, RuleVerdict, judge
from tickstock_cli.detectors import PARTS
from tickstock_cli.detectors.base import Params, at_least, figure
from tickstock_cli.kernels.emit import TICK, put_event
from tickstock_cli.kernels.rows import NO_BEGIN, TickRows

NAME = "vwap_cross"
STATE = np.dtype([("value", "f8"), ("shares", "f8"), ("side", "i8")], align=True)


class VwapCrossParams(Params):
    """Settings of the VWAP cross detector."""

    min_distance_percent: float = Field(0.1, ge=0, description="least distance from the average, in percent of it")
    heavy_shares: float = Field(1000.0, gt=0, description="least shares of a tick that crosses on heavy volume")


def _distance(events: Columns) -> NDArray[np.float64]:
    distance: NDArray[np.float64] = np.abs(events["price"] - events["vwap"]) / events["vwap"] * 100.0
    return distance


def _crossing(name: str, shape: Any) -> Kind:
    return Kind(
        name,
        priority=2,
        description="the price crosses the session's volume-weighted average price",
        columns=(Column("vwap", "$", "volume-weighted average price of the session before the tick"),),
        words={"heavy_volume": "on heavy volume"},
        mark=Mark(shape),
        limits=(Limit("min_distance_percent", "%", _distance),),
    )


class VwapCross:
    """Crossings of the session's volume-weighted average price, in plain Python. 24 bytes a ticker."""

    channel = "tick"
    enabled_by_default = False
    kinds = (_crossing("vwap_cross_up", "up"), _crossing("vwap_cross_down", "down"))
    counters = ()
    events_per_row = 1
    compiled = False
    Params = VwapCrossParams

    def __init__(self, params: VwapCrossParams, kinds: KindCodes) -> None:
        self._params = params
        self._codes = {1: kinds["vwap_cross_up"], -1: kinds["vwap_cross_down"]}
        self._heavy = kinds.word("heavy_volume")
        self._states = np.empty(0, dtype=STATE)

    def grow(self, tickers: int) -> None:
        self._states = grown(self._states, tickers, None)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"states": self._states}

    def scan(self, rows: TickRows, out: EventRows, counts: NDArray[np.int64]) -> int:  # noqa: ARG002 - counts nothing
        events = 0
        for group, code in enumerate(rows.groups.code):
            for i in range(rows.groups.start[group], rows.groups.start[group + 1]):
                vwap, side, crosses = self._read(rows, i, code)
                if crosses:
                    self._put(out[events], rows, i, int(code), side, vwap)
                    events += 1
                self._add(rows, i, int(code), side)
        return events

    def explain(self, rows: TickRows, i: int, code: int) -> tuple[RuleVerdict, ...]:
        """Return the verdicts on tick ``i``; the state must be that right before it."""
        vwap, side, crosses = self._read(rows, i, code)
        distance = abs(rows.price[i] - vwap) / vwap * 100.0 if vwap else np.nan
        least = self._params.min_distance_percent
        verdicts = []
        for direction, kind in zip((1, -1), self.kinds, strict=True):
            check = at_least("distance", distance, least, "%", Ending.BELOW)
            fired = crosses and side == direction
            verdict = judge(kind.name, [figure("vwap", vwap, "$"), check])
            ending = verdict.ending if verdict.ending is not Ending.FIRED or fired else Ending.NOTHING_NEW
            verdicts.append(RuleVerdict(kind.name, ending, verdict.checks))
        return tuple(verdicts)

    def _read(self, rows: TickRows, i: int, code: Any) -> tuple[float, int, bool]:
        """Return the average before the tick, the side of its price, and whether that is an event."""
        state = self._states[code]
        if rows.begin[i] != NO_BEGIN or not state["shares"]:
            return 0.0, 0, False
        vwap, price = float(state["value"] / state["shares"]), float(rows.price[i])
        if abs(price - vwap) / vwap * 100.0 < self._params.min_distance_percent:
            return vwap, int(state["side"]), False
        side = 1 if price > vwap else -1
        return vwap, side, state["side"] == -side

    def _add(self, rows: TickRows, i: int, code: int, side: int) -> None:
        state = self._states[code]
        if rows.begin[i] != NO_BEGIN:
            self._states[code] = 0
        state["value"] += rows.price[i] * rows.size[i]
        state["shares"] += rows.size[i]
        state["side"] = side

    def _put(self, event: Any, rows: TickRows, i: int, code: int, side: int, vwap: float) -> None:
        put_event(event, rows, i, code, self._codes[side], TICK, rows.timestamp[i], rows.phase[i], side)
        event["price"] = rows.price[i]
        event["own0"] = vwap
        event["tie_break"] = abs(rows.price[i] - vwap)
        if rows.size[i] >= self._params.heavy_shares * 1e6:
            event["trigger"] = self._heavy


@contextmanager
def registered() -> Iterator[None]:
    """Register the detector, off by default, for as long as it is wanted."""
    PARTS[NAME] = f"{__name__}:VwapCross"
    settings_model.cache_clear()
    try:
        yield
    finally:
        del PARTS[NAME]
        settings_model.cache_clear()

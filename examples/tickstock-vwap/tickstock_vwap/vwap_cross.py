"""VWAP cross: the price moves from one side of the session's volume-weighted average price to the other.

1. A new segment of the session begins with empty sums.
2. A trade whose volume counts adds price times size, and size; VWAP is their quotient.
3. A trade that may set the last price is above VWAP if it is at least the least distance above, below likewise. In
   between it is on neither side, and the side before remains.
4. A change of sides, once there are enough trades, is an event, unless one of the same direction is too recent.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tickstock_cli.core.events import EventRows
from tickstock_cli.core.growth import grown
from tickstock_cli.core.kinds import Column, Kind, KindCodes, Limit, Mark
from tickstock_cli.core.rule_verdict import Check, Ending, Relation, RuleVerdict, judge
from tickstock_cli.detectors.base import HIDDEN_LAST, Params, cooldown_at, figure, holds
from tickstock_cli.kernels.admission import HIDES_LAST, HIDES_VOLUME
from tickstock_cli.kernels.compare import NEVER, cooldown_ns, reaches, within_cooldown
from tickstock_cli.kernels.emit import TICK, put_event
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.kernels.rows import NO_BEGIN, TickRows

STATE = np.dtype(
    [
        ("value", "f8"),  # sum of price times size, in dollars
        ("volume", "f8"),  # sum of sizes, in shares
        ("trades", "i8"),
        ("side", "i8"),  # 1 above VWAP, -1 below, 0 unknown
        ("up_time", "i8"),  # of the latest event in each direction, ns UTC
        ("down_time", "i8"),
    ],
    align=True,
)
"""One entry a ticker."""
BLANK = np.array([(0.0, 0.0, 0, 0, NEVER, NEVER)], dtype=STATE)


class VwapCrossParams(Params):
    """Settings of the VWAP cross detector."""

    min_distance_percent: float = Field(0.05, ge=0, description="least distance from VWAP on the new side, in percent")
    min_trades: int = Field(20, ge=1, description="trades of the segment before a cross counts")
    cooldown_seconds: float = Field(
        60.0, ge=0, description="quiet time after an event of the same ticker and direction"
    )


class VwapCrossRule(NamedTuple):
    """The settings as plain numbers, for the kernel; durations in ns, and the codes of the kinds."""

    min_distance_percent: float
    min_trades: int
    cooldown: int
    up: int
    down: int


class VwapInputs(NamedTuple):
    """What the rule finds at one trade: VWAP in dollars, the distance from it in percent, trades so far, the side."""

    vwap: float
    distance: float
    trades: int
    side: int


def _kind(name: str, description: str, mark: Mark) -> Kind:
    return Kind(
        name,
        priority=2,
        description=description,
        columns=(Column("vwap", "$", "volume-weighted average price of the session's segment"),),
        mark=mark,
        details=("VWAP {vwap}",),
        limits=(Limit("min_distance_percent", "%", "percent_change"),),
        cooldown="cooldown_seconds",
    )


class VwapCross:
    """Crosses of the session's VWAP by trades. Costs about 10 ns a trade and 48 bytes a ticker."""

    channel = "tick"
    enabled_by_default = False
    kinds = (
        _kind("vwap_cross_up", "the price rises above VWAP", Mark("up", light="#1b7f3b", dark="#58c27d")),
        _kind("vwap_cross_down", "the price falls below VWAP", Mark("down", light="#b3261e", dark="#f08a80")),
    )
    counters = ("suppressed.cooldown.vwap_cross_up", "suppressed.cooldown.vwap_cross_down")
    events_per_row = 1
    compiled = True
    Params = VwapCrossParams

    def __init__(self, params: VwapCrossParams, kinds: KindCodes) -> None:
        self._rule = VwapCrossRule(
            params.min_distance_percent,
            params.min_trades,
            cooldown_ns(params.cooldown_seconds),
            kinds["vwap_cross_up"],
            kinds["vwap_cross_down"],
        )
        self._states = np.empty(0, dtype=STATE)

    def grow(self, tickers: int) -> None:
        self._states = grown(self._states, tickers, BLANK)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"states": self._states}

    def scan(self, rows: TickRows, out: EventRows, counts: NDArray[np.int64]) -> int:
        return int(scan_ticks(rows, self._states, self._rule, BLANK, out, counts))

    def explain(self, rows: TickRows, i: int, code: int) -> tuple[RuleVerdict, ...]:
        """Return the verdicts on trade ``i``; the state must be that right before it."""
        state = self._states[code] if rows.begin[i] == NO_BEGIN else BLANK[0]
        inputs = read_tick(rows, i, state, self._rule)
        last = {1: int(state["up_time"]), -1: int(state["down_time"])}
        verdicts = []
        for name, direction, other in (("vwap_cross_up", 1, "below"), ("vwap_cross_down", -1, "above")):
            checks = [
                figure("VWAP", inputs.vwap, "$"),
                holds("may set the last price", not rows.flags[i] & HIDES_LAST, Ending.HIDDEN, HIDDEN_LAST),
                Check(
                    "trades", inputs.trades, "", Relation.AT_LEAST, self._rule.min_trades,
                    inputs.trades >= self._rule.min_trades, Ending.WAITING,
                ),
                holds(
                    f"was {other} VWAP", state["side"] == -direction, Ending.NOTHING_NEW,
                    f"the price was not {other} VWAP before",
                ),
                Check(
                    "distance from VWAP", float(inputs.distance * direction), "%", Relation.AT_LEAST,
                    self._rule.min_distance_percent, inputs.side == direction, Ending.BELOW,
                ),
            ]  # fmt: skip
            cooldown = cooldown_at(rows.timestamp[i], last[direction], self._rule.cooldown)
            verdicts.append(judge(name, checks, cooldown))
        return tuple(verdicts)


@kernel
def read_tick(rows: TickRows, i: int, state: Any, rule: VwapCrossRule) -> VwapInputs:
    """Return VWAP with trade ``i`` in it, and where the trade stands to it; no state changes."""
    value = state["value"]
    volume = state["volume"]
    if not rows.flags[i] & HIDES_VOLUME:
        size = rows.size[i] / 1e6  # sizes are millionths of a share
        value += rows.price[i] * size
        volume += size
    if volume <= 0.0:
        return VwapInputs(np.nan, np.nan, state["trades"] + 1, 0)
    vwap = value / volume
    distance = (rows.price[i] - vwap) / vwap * 100.0
    side = 0
    if reaches(distance, rule.min_distance_percent):
        side = 1
    elif reaches(-distance, rule.min_distance_percent):
        side = -1
    return VwapInputs(vwap, distance, state["trades"] + 1, side)


@kernel
def scan_ticks(
    rows: TickRows,
    states: NDArray[Any],
    rule: VwapCrossRule,
    blank: NDArray[Any],
    out: EventRows,
    counts: NDArray[np.int64],
) -> int:
    """Run the rule over grouped trades, and return the number of events written to ``out``."""
    events = 0
    groups = rows.groups
    for g in range(len(groups.code)):
        code = groups.code[g]
        state = states[code]
        for i in range(groups.start[g], groups.start[g + 1]):
            if rows.begin[i] != NO_BEGIN:
                states[code] = blank[0]
            inputs = read_tick(rows, i, state, rule)
            if not rows.flags[i] & HIDES_VOLUME:
                state["value"] += rows.price[i] * (rows.size[i] / 1e6)
                state["volume"] += rows.size[i] / 1e6
            state["trades"] += 1
            if rows.flags[i] & HIDES_LAST or inputs.side == 0:
                continue
            before = state["side"]
            state["side"] = inputs.side
            if before != -inputs.side or inputs.trades < rule.min_trades:
                continue
            timestamp = rows.timestamp[i]
            last = state["up_time"] if inputs.side > 0 else state["down_time"]
            if within_cooldown(timestamp, last, rule.cooldown):
                counts[0 if inputs.side > 0 else 1] += 1
                continue
            kind = rule.up if inputs.side > 0 else rule.down
            event = out[events]
            put_event(event, rows, i, code, kind, TICK, timestamp, rows.phase[i], inputs.side)
            event["price"] = rows.price[i]
            event["percent_change"] = inputs.distance
            event["volume"] = rows.size[i] / 1e6
            event["own0"] = inputs.vwap
            event["tie_break"] = abs(inputs.distance)
            events += 1
            if inputs.side > 0:
                state["up_time"] = timestamp
            else:
                state["down_time"] = timestamp
    return events

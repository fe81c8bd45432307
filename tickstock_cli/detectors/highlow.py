"""High/low: a new session high or low, at a least distance from the last one that was reported.

A price above the high becomes the high. If its distance from the high's reference reaches the threshold, it is an
event and becomes the reference; within the cooldown of the last high event it is suppressed and the reference stays.
So a slow climb in small steps is reported once its sum reaches the threshold. Lows mirror this.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tickstock_cli.core.calendar import REGULAR
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.growth import grown
from tickstock_cli.core.kinds import Columns, Extreme, Kind, KindCodes, Limit, Mark
from tickstock_cli.core.rule_verdict import Check, Ending, Relation, RuleVerdict, judge
from tickstock_cli.detectors.base import Params, at_least, cooldown_at, figure, holds, kind_codes
from tickstock_cli.kernels.admission import HIDES_EXTREMES
from tickstock_cli.kernels.compare import NEVER, cooldown_ns, extreme_distance, reaches, within_cooldown
from tickstock_cli.kernels.emit import TICK, put_event
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.kernels.rows import NO_BEGIN, REGULAR_TO_POST, TickRows

STATE = np.dtype(
    [
        ("high", "f8"),  # NaN = no price seen yet
        ("low", "f8"),
        ("high_reference", "f8"),
        ("low_reference", "f8"),
        ("high_event_time", "i8"),
        ("low_event_time", "i8"),
        ("high_event_price", "f8"),  # of the latest event since the state began; NaN = none
        ("low_event_price", "f8"),
    ],
    align=True,
)
BLANK = np.array([(np.nan, np.nan, np.nan, np.nan, NEVER, NEVER, np.nan, np.nan)], dtype=STATE)


class HighLowParams(Params):
    """Settings of the high/low detector."""

    min_price_change: float = Field(0.01, ge=0, description="least distance from the reference, in dollars")
    min_percent_change: float = Field(0.1, ge=0, description="least distance from the reference, in percent of it")
    cooldown_seconds: float = Field(1.0, ge=0, description="quiet time after an event of the same ticker and side")
    extended_hours_multiplier: float = Field(2.0, ge=0, description="factor on both distances outside regular hours")
    post_continues: bool = Field(True, description="highs and lows go on from regular hours into post of the same date")


class HighLowRule(NamedTuple):
    """The settings as plain numbers: ``cooldown`` in ns, the codes of the kinds, their numbers as extremes."""

    min_price_change: float
    min_percent_change: float
    multiplier: float
    cooldown: int
    post_continues: bool
    high: int
    low: int
    high_extreme: int
    low_extreme: int


def _extreme(name: str, direction: Literal[1, -1], mark: Mark) -> Kind:
    extreme = Extreme(
        direction, "min_price_change", "min_percent_change", "extended_hours_multiplier", "post_continues"
    )

    def least(settings: HighLowParams, events: Columns) -> NDArray[np.float64]:
        return extreme.least_distance(settings, events["previous"], events["phase"] != "regular")

    return Kind(
        name,
        priority=1,
        description=f"a new {name} of the session",
        mark=mark,
        details=("was {previous}", "{rel_volume} volume"),
        labels={direction: f"new {name}"},
        family="extremes",
        limits=(Limit("min_percent_change", "$", _distance, least),),
        cooldown="cooldown_seconds",
        extreme=extreme,
    )


def _distance(events: Columns) -> NDArray[np.float64]:
    distance: NDArray[np.float64] = np.abs(events["price"] - events["previous"])
    return distance


class HighLow:
    """Session highs and lows of ticks. Costs about 10 ns a tick and 64 bytes a ticker."""

    channel = "tick"
    enabled_by_default = True
    kinds = (
        _extreme("high", 1, Mark("up", light="#0a7a3c", dark="#4cc67a")),
        _extreme("low", -1, Mark("down", light="#c02626", dark="#ff7b76")),
    )
    counters = ("suppressed.cooldown.high", "suppressed.cooldown.low")
    events_per_row = 1
    compiled = True
    Params = HighLowParams

    def __init__(self, params: HighLowParams, kinds: KindCodes) -> None:
        high, low = kind_codes(kinds, self.kinds)
        self._settings = HighLowRule(
            params.min_price_change,
            params.min_percent_change,
            params.extended_hours_multiplier,
            cooldown_ns(params.cooldown_seconds),
            params.post_continues,
            high,
            low,
            kinds.extreme("high"),
            kinds.extreme("low"),
        )
        self._states = np.empty(0, dtype=STATE)

    def grow(self, tickers: int) -> None:
        self._states = grown(self._states, tickers, BLANK)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"states": self._states}

    def scan(self, rows: TickRows, out: EventRows, counts: NDArray[np.int64]) -> int:
        return int(scan_ticks(rows, self._states, self._settings, BLANK, out, counts))

    def explain(self, rows: TickRows, i: int, code: int) -> tuple[RuleVerdict, ...]:
        """Return the verdicts on tick ``i``; the state must be that right before it."""
        begin = rows.begin[i]
        goes_on = begin == NO_BEGIN or (begin == REGULAR_TO_POST and self._settings.post_continues)
        state = self._states[code] if goes_on else BLANK[0]
        return self._explain_side("high", 1, rows, i, state), self._explain_side("low", -1, rows, i, state)

    def _explain_side(self, side: str, direction: int, rows: TickRows, i: int, state: Any) -> RuleVerdict:
        settings = self._settings
        price, extreme, reference = float(rows.price[i]), float(state[side]), float(state[f"{side}_reference"])
        beyond = (price - extreme) * direction > 0
        relation = Relation.ABOVE if direction > 0 else Relation.BELOW
        known = None if np.isnan(extreme) else extreme
        checks = [figure("reference, the last one told", reference, "$")]
        if rows.flags[i] & HIDES_EXTREMES:
            unmet = "its flags keep the price from being a high or low"
            checks.append(holds("may be a high or low", False, Ending.HIDDEN, unmet))
        elif known is None:
            checks.append(Check(f"earlier {side}", None, "$", Relation.ABOVE, 0.0, False, Ending.WAITING))
        else:
            multiplier = 1.0 if rows.phase[i] == REGULAR else settings.multiplier
            least = extreme_distance(reference, settings.min_price_change, settings.min_percent_change) * multiplier
            distance = (price - reference) * direction
            checks.append(Check("price", price, "$", relation, known, beyond, Ending.NOTHING_NEW))
            checks.append(at_least("distance from the reference", distance, least, "$", Ending.BELOW))
        last = 0 if known is None else int(state[f"{side}_event_time"])
        return judge(side, checks, cooldown_at(rows.timestamp[i], last, settings.cooldown))


@kernel
def scan_ticks(
    rows: TickRows,
    states: NDArray[Any],
    settings: HighLowRule,
    blank: NDArray[Any],
    out: EventRows,
    counts: NDArray[np.int64],
) -> int:
    """Run the rule over grouped ticks, and return the number of events written to ``out``."""
    events = 0
    groups = rows.groups
    for g in range(len(groups.code)):
        code = groups.code[g]
        state = states[code]
        lookup = groups.lookup_start[g]
        lookup_end = groups.lookup_start[g + 1]
        for i in range(groups.start[g], groups.start[g + 1]):
            while lookup < lookup_end and rows.lookups[lookup]["rows_before"] <= rows.row[i]:
                _answer(rows.lookups[lookup], state, settings)
                lookup += 1
            begin = rows.begin[i]
            if begin != NO_BEGIN and not (begin == REGULAR_TO_POST and settings.post_continues):
                states[code] = blank[0]
            if rows.flags[i] & HIDES_EXTREMES:
                continue
            price = rows.price[i]
            if np.isnan(state["high"]):
                state["high"] = price
                state["low"] = price
                state["high_reference"] = price
                state["low_reference"] = price
            elif price > state["high"]:
                state["high"] = price
                previous = state["high_reference"]
                multiplier = 1.0 if rows.phase[i] == REGULAR else settings.multiplier
                least = extreme_distance(previous, settings.min_price_change, settings.min_percent_change) * multiplier
                if reaches(price - previous, least):
                    timestamp = rows.timestamp[i]
                    if within_cooldown(timestamp, state["high_event_time"], settings.cooldown):
                        counts[0] += 1
                    else:
                        _put(out[events], rows, i, code, settings.high, 1, previous)
                        events += 1
                        state["high_reference"] = price
                        state["high_event_time"] = timestamp
                        state["high_event_price"] = price
            elif price < state["low"]:
                state["low"] = price
                previous = state["low_reference"]
                multiplier = 1.0 if rows.phase[i] == REGULAR else settings.multiplier
                least = extreme_distance(previous, settings.min_price_change, settings.min_percent_change) * multiplier
                if reaches(previous - price, least):
                    timestamp = rows.timestamp[i]
                    if within_cooldown(timestamp, state["low_event_time"], settings.cooldown):
                        counts[1] += 1
                    else:
                        _put(out[events], rows, i, code, settings.low, -1, previous)
                        events += 1
                        state["low_reference"] = price
                        state["low_event_time"] = timestamp
                        state["low_event_price"] = price
        while lookup < lookup_end:
            _answer(rows.lookups[lookup], state, settings)
            lookup += 1
    return events


@kernel
def _put(event: Any, rows: TickRows, i: int, code: int, kind: int, direction: int, previous: float) -> None:
    put_event(event, rows, i, code, kind, TICK, rows.timestamp[i], rows.phase[i], direction)
    price = rows.price[i]
    event["price"] = price
    event["previous"] = previous
    event["percent_change"] = (price - previous) / previous * 100.0
    event["volume"] = rows.size[i] / 1e6
    event["tie_break"] = price * direction


@kernel
def _answer(lookup: Any, state: Any, settings: HighLowRule) -> None:
    lookup["extremes"][settings.high_extreme] = state["high_event_price"]
    lookup["extremes"][settings.low_extreme] = state["low_event_price"]

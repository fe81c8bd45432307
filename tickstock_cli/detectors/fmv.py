"""FMV: a fair market value that deviates from the market price by at least one threshold and at most another.

Filters, in order: no market price, confidence, deviation too small, deviation too large. Then the cooldown, which
goes on from segment to segment. The channel has filtered market hours before.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tickstock_cli.core.events import EventRows
from tickstock_cli.core.growth import grown
from tickstock_cli.core.kinds import Kind, KindCodes, Limit, Mark
from tickstock_cli.core.rule_verdict import Check, Ending, Relation, RuleVerdict, judge
from tickstock_cli.detectors.base import Params, at_least, cooldown_at, figure, plain
from tickstock_cli.kernels.compare import SECOND_NS, cooldown_ns, reaches, sign, within_cooldown
from tickstock_cli.kernels.emit import FMV, put_event
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.kernels.rows import FmvRows

STATE = np.dtype([("event_time", "i8")], align=True)


class FmvParams(Params):
    """Settings of the fair value detector."""

    min_confidence: float = Field(0.7, ge=0, le=1, description="least confidence of the row")
    deviation_percent: float = Field(1.0, ge=0, description="least size of the deviation from the market, in percent")
    max_deviation_percent: float = Field(5.0, ge=0, description="a deviation above this is taken for an error")
    cooldown_seconds: float = Field(60.0, ge=0, description="quiet time after a ticker's event")
    max_staleness_seconds: float = Field(900.0, ge=0, description="a tick older than this gives no market price")


class FmvRule(NamedTuple):
    """The settings as plain numbers, for the kernel; durations in ns, and the codes of kind and trigger words."""

    min_confidence: float
    deviation_percent: float
    max_deviation_percent: float
    cooldown: int
    max_staleness: int
    kind: int
    undervalued: int
    overvalued: int


class FmvInputs(NamedTuple):
    """A fair value against its market price, and the position in ``Fmv.counters`` of the filter it fails, or -1."""

    market_price: float
    deviation: float
    stopped: int


class Fmv:
    """Mispricings by a vendor's fair market value. Costs about 20 ns a row and 8 bytes a ticker."""

    channel = "fmv"
    enabled_by_default = True
    kinds = (
        Kind(
            "fmv",
            priority=4,
            description="a fair market value above or below the market price",
            words={"undervalued": "undervalued", "overvalued": "overvalued"},
            mark=Mark("circle", light="#00728a", dark="#4cc3dc", at="previous"),
            details=("{trigger}",),
            more=("market {previous}",),
            labels={1: "undervalued", -1: "overvalued"},
            limits=(
                Limit("deviation_percent", "%", "percent_change"),
                Limit("max_deviation_percent", "%", "percent_change", upper=True),
                Limit("min_confidence", "", "confidence"),
            ),
            cooldown="cooldown_seconds",
        ),
    )
    counters = (
        "filtered.no_market_price",
        "filtered.confidence",
        "filtered.deviation",
        "filtered.max_deviation",
        "suppressed.cooldown.fmv",
    )
    events_per_row = 1
    compiled = True
    Params = FmvParams

    def __init__(self, params: FmvParams, kinds: KindCodes) -> None:
        self._settings = FmvRule(
            params.min_confidence,
            params.deviation_percent,
            params.max_deviation_percent,
            cooldown_ns(params.cooldown_seconds),
            cooldown_ns(params.max_staleness_seconds),
            kinds["fmv"],
            kinds.word("undervalued"),
            kinds.word("overvalued"),
        )
        self._states = np.empty(0, dtype=STATE)

    def grow(self, tickers: int) -> None:
        self._states = grown(self._states, tickers, None)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"states": self._states}

    def scan(self, rows: FmvRows, out: EventRows, counts: NDArray[np.int64]) -> int:
        return int(scan_fmvs(rows, self._states, self._settings, out, counts))

    def explain(self, rows: FmvRows, i: int, code: int) -> tuple[RuleVerdict, ...]:
        """Return the verdict on fair value ``i``; the state must be that right before it."""
        settings = self._settings
        reading = read_fmv(rows, i, settings)
        market, size, most = plain(reading.market_price), abs(reading.deviation), settings.max_deviation_percent
        checks = [figure("fair value", rows.fmv[i], "$")]
        if np.isnan(rows.market_price[i]) and not np.isnan(rows.tick_price[i]):
            age, oldest = int(rows.timestamp[i] - rows.tick_time[i]), settings.max_staleness
            fresh = age <= oldest
            checks.append(
                Check("age of the last tick", age / SECOND_NS, "s", Relation.AT_MOST, oldest / SECOND_NS, fresh)
            )
        checks += [
            Check("market price", market, "$", Relation.ABOVE, 0.0, market is not None, Ending.FILTERED),
            at_least("confidence", rows.confidence[i], settings.min_confidence, "", Ending.FILTERED),
            at_least("size of the deviation", size, settings.deviation_percent, "%", Ending.FILTERED),
            Check(
                "size of the deviation", plain(size), "%", Relation.AT_MOST, most, bool(size <= most), Ending.FILTERED
            ),
        ]
        last = self._states[code]["event_time"]
        return (judge("fmv", checks, cooldown_at(rows.timestamp[i], last, settings.cooldown)),)


@kernel
def read_fmv(rows: FmvRows, i: int, settings: FmvRule) -> FmvInputs:
    """Measure fair value ``i`` against its own market price, or else the last tick's if it is fresh enough."""
    market = rows.market_price[i]
    if np.isnan(market) and rows.timestamp[i] - rows.tick_time[i] <= settings.max_staleness:
        market = rows.tick_price[i]
    if np.isnan(market):
        return FmvInputs(market, np.nan, 0)
    deviation = (rows.fmv[i] - market) / market * 100.0
    if not reaches(rows.confidence[i], settings.min_confidence):
        return FmvInputs(market, deviation, 1)
    if not reaches(abs(deviation), settings.deviation_percent):
        return FmvInputs(market, deviation, 2)
    if abs(deviation) > settings.max_deviation_percent:
        return FmvInputs(market, deviation, 3)
    return FmvInputs(market, deviation, -1)


@kernel
def scan_fmvs(rows: FmvRows, states: NDArray[Any], settings: FmvRule, out: EventRows, counts: NDArray[np.int64]) -> int:
    """Run the rule over grouped fair values, and return the number of events written to ``out``."""
    events = 0
    groups = rows.groups
    for g in range(len(groups.code)):
        code = groups.code[g]
        state = states[code]
        for i in range(groups.start[g], groups.start[g + 1]):
            reading = read_fmv(rows, i, settings)
            if reading.stopped >= 0:
                counts[reading.stopped] += 1
                continue
            timestamp = rows.timestamp[i]
            if within_cooldown(timestamp, state["event_time"], settings.cooldown):
                counts[4] += 1
                continue
            state["event_time"] = timestamp
            event = out[events]
            direction = sign(reading.deviation)
            put_event(event, rows, i, code, settings.kind, FMV, timestamp, rows.phase[i], direction)
            event["price"] = rows.fmv[i]
            event["previous"] = reading.market_price
            event["percent_change"] = reading.deviation
            event["confidence"] = rows.confidence[i]
            if direction != 0:
                event["trigger"] = settings.undervalued if direction > 0 else settings.overvalued
            event["tie_break"] = abs(reading.deviation)
            events += 1
    return events

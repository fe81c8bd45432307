"""OHLCV: highs, lows, surges and trends of finished bars that are in hours and moved on enough volume.

Every accepted bar changes the state (segment high and low, previous close, volumes, last closes). The filters decide
only whether it may cause events: market hours, warm-up, volume, price change, in this order.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tickstock_cli.core.calendar import PHASE_MASK, REGULAR
from tickstock_cli.core.events import PHASES, EventRows
from tickstock_cli.core.growth import grown
from tickstock_cli.core.kinds import Kind, KindCodes, Limit
from tickstock_cli.core.rule_verdict import Check, Ending, Relation, RuleVerdict, judge
from tickstock_cli.detectors.base import Params, at_least, figure, holds, kind_codes, plain
from tickstock_cli.kernels.compare import cooldown_ns, micro_shares, reaches, sign
from tickstock_cli.kernels.emit import OHLCV, put_event
from tickstock_cli.kernels.jit import inlined_kernel, kernel
from tickstock_cli.kernels.rows import BarRows

STATE = np.dtype(
    [
        ("segment", "i8"),  # -1 = no bar yet
        ("high", "f8"),
        ("low", "f8"),
        ("previous_close", "f8"),
        ("previous_end", "i8"),
        ("closes", "i8"),  # of this segment so far
        ("close_place", "i8"),  # of the next one in the ring
    ],
    align=True,
)
BLANK = np.array([(-1, np.nan, np.nan, np.nan, 0, 0, 0)], dtype=STATE)
VOLUME_SUM = np.dtype([("bars", "i8"), ("place", "i8"), ("shares", "i8"), ("micros", "i8")], align=True)
"""Of a phase: bars so far, place of the next volume in the ring, and the sum of those in it, see ``micro_shares``."""


class OhlcvParams(Params):
    """Settings of the bar detector."""

    regular_hours_only: bool = Field(True, description="bars of other phases move state but tell nothing")
    required_volume_multiple: float = Field(1.5, ge=0, description="least volume over the average")
    min_percent_change: float = Field(1.0, ge=0, description="least size of the bar's move, in percent")
    surge_volume_multiple: float = Field(3.0, ge=0, description="least volume over the average for a surge")
    window_bars: int = Field(5, ge=2, le=10_000, description="closes that must rise or fall strictly for a trend")
    window_move_percent: float = Field(2.0, ge=0, description="least net change over those closes, in percent")
    average_bars: int = Field(20, ge=1, le=10_000, description="earlier bars of the same phase in the average")
    average_min_bars: int = Field(5, ge=1, description="least earlier bars for an average")
    max_gap_seconds: float = Field(300.0, ge=0, description="a previous close older than this is not measured from")
    trust_percent_change: bool = Field(False, description="take the row's own percent_change where it has one")
    close_at_extreme: bool = Field(
        False, description="a bar closing at its extreme tells of it, even if it is no new one"
    )
    quick_move_percent: float = Field(2.0, ge=0, description="least move for close_at_extreme, in percent")


class BarRule(NamedTuple):
    """The settings as plain numbers, for the kernel; ``max_gap`` in ns, the last four are kind codes."""

    regular_hours_only: bool
    required_volume_multiple: float
    min_percent_change: float
    surge_volume_multiple: float
    window_bars: int
    window_move_percent: float
    average_bars: int
    average_min_bars: int
    max_gap: int
    trust_percent_change: bool
    close_at_extreme: bool
    quick_move_percent: float
    high: int
    low: int
    surge: int
    trend: int


class LastBar(NamedTuple):
    """The bar before a bar of the ticker."""

    segment: int
    close: float
    end: int


NO_BAR = LastBar(-1, np.nan, 0)


class BarInputs(NamedTuple):
    """Inputs of the rules at one bar. ``previous`` is NaN if the change is the row's own value."""

    percent_change: float
    previous: float
    average: float


FILTERED = (
    Limit("required_volume_multiple", "x", "rel_volume"),
    Limit("min_percent_change", "%", "percent_change"),
)
"""What every event of a bar has reached."""


class Ohlcv:
    """Highs, lows, surges and trends of bars. Costs about 100 ns a bar and 1 kB a ticker."""

    channel = "ohlcv"
    enabled_by_default = True
    kinds = (
        Kind("high", priority=1, limits=FILTERED),
        Kind("low", priority=1, limits=FILTERED),
        Kind("surge", priority=2, limits=(Limit("surge_volume_multiple", "x", "rel_volume"), FILTERED[1])),
        Kind("trend", priority=3, limits=(*FILTERED, Limit("window_move_percent", "%", "score"))),
    )
    counters = ("filtered.market_hours", "filtered.warmup", "filtered.volume", "filtered.price_change")
    events_per_row = 4
    compiled = True
    Params = OhlcvParams

    def __init__(self, params: OhlcvParams, kinds: KindCodes) -> None:
        self._settings = BarRule(
            params.regular_hours_only,
            params.required_volume_multiple,
            params.min_percent_change,
            params.surge_volume_multiple,
            params.window_bars,
            params.window_move_percent,
            params.average_bars,
            params.average_min_bars,
            cooldown_ns(params.max_gap_seconds),
            params.trust_percent_change,
            params.close_at_extreme,
            params.quick_move_percent,
            *kind_codes(kinds, self.kinds),
        )
        self._states = np.empty(0, dtype=STATE)
        self._closes = np.empty((0, params.window_bars), dtype=np.float64)
        self._volumes = np.empty((0, len(PHASES), params.average_bars), dtype=np.int64)
        self._volume_sums = np.empty((0, len(PHASES)), dtype=VOLUME_SUM)

    def grow(self, tickers: int) -> None:
        self._states = grown(self._states, tickers, BLANK)
        self._closes = grown(self._closes, tickers, None)
        self._volumes = grown(self._volumes, tickers, None)
        self._volume_sums = grown(self._volume_sums, tickers, None)

    def state(self) -> dict[str, NDArray[Any]]:
        return {
            "states": self._states,
            "closes": self._closes,
            "volumes": self._volumes,
            "volume_sums": self._volume_sums,
        }

    def scan(self, rows: BarRows, out: EventRows, counts: NDArray[np.int64]) -> int:
        return int(
            scan_bars(
                rows,
                self._states,
                self._closes,
                self._volumes,
                self._volume_sums,
                self._settings,
                out,
                counts,
            )
        )

    def explain(self, rows: BarRows, i: int, code: int) -> tuple[RuleVerdict, ...]:
        """Return the verdicts on bar ``i``; the state must be that right before it."""
        settings, segment = self._settings, rows.segment[i]
        state = self._states[code] if segment == self._states[code]["segment"] else BLANK[0]
        phase = segment & PHASE_MASK
        volumes = self._volume_sums[code, phase]
        before = LastBar(state["segment"], state["previous_close"], state["previous_end"])
        reading = read_bar(rows, i, before, volumes, settings)
        rel_volume = rows.volume[i] / 1e6 / reading.average if reading.average > 0 else np.nan
        filters = self._filters(rows, i, reading, rel_volume, min(int(volumes["bars"]), settings.average_bars))
        quick = settings.close_at_extreme and reaches(abs(reading.percent_change), settings.quick_move_percent)
        return (
            judge("high", [*filters, *_extreme("high", 1, rows, i, state["high"], reading, quick)]),
            judge("low", [*filters, *_extreme("low", -1, rows, i, state["low"], reading, quick)]),
            judge(
                "surge",
                [*filters, at_least("volume", rel_volume, settings.surge_volume_multiple, "x average", Ending.BELOW)],
            ),
            judge("trend", [*filters, *self._closes_with(rows.close[i], state, code)]),
        )

    def _filters(self, rows: BarRows, i: int, reading: BarInputs, rel_volume: float, bars: int) -> list[Check]:
        """Return the figures that decide whether the bar may cause events, in the order of the filters."""
        settings, change = self._settings, reading.percent_change
        phase = PHASES[rows.segment[i] & PHASE_MASK]
        open_market = phase == "regular" or not settings.regular_hours_only
        hours = Check("phase", phase, "", Relation.IS, "regular", open_market, Ending.FILTERED)
        own = not np.isnan(rows.avg_volume[i])
        source = "the row's own" if own else f"of {bars} {'bar' if bars == 1 else 'bars'}"
        enough = at_least("earlier bars of the phase", bars, settings.average_min_bars, "", Ending.FILTERED)
        known = bool(reading.average > 0)
        return [
            hours if settings.regular_hours_only else figure("phase", phase),
            *([] if own else [enough]),
            Check(
                f"average volume, {source}",
                plain(reading.average),
                "shares",
                Relation.ABOVE,
                0.0,
                known,
                Ending.FILTERED,
            ),
            at_least("volume", rel_volume, settings.required_volume_multiple, "x average", Ending.FILTERED),
            figure("measured from", reading.previous, "$"),
            figure("change", change, "%"),
            at_least("size of the change", abs(change), settings.min_percent_change, "%", Ending.FILTERED),
        ]

    def _closes_with(self, close: float, state: Any, code: int) -> list[Check]:
        """Return the figures of the segment's last closes, with ``close`` after those before it."""
        settings, ring, closes = self._settings, self._closes[code].copy(), int(state["closes"])
        size = settings.window_bars
        newest = int(state["close_place"])
        ring[newest] = close
        checks = [at_least("closes of the segment", closes + 1, size, "", Ending.WAITING)]
        if closes + 1 >= size:
            first = ring[(newest + 1) % size]
            net = (close - first) / first * 100.0
            checks += [
                holds(
                    "all rise or all fall",
                    is_monotonic(ring, newest),
                    Ending.BELOW,
                    f"the {size} closes do not all rise or all fall",
                ),
                figure(f"net change of {size} closes", net, "%"),
                at_least("size of the net change", abs(net), settings.window_move_percent, "%", Ending.BELOW),
            ]
        return checks


def _extreme(
    side: str, direction: int, rows: BarRows, i: int, earlier: float, reading: BarInputs, quick: bool
) -> list[Check]:
    """Return whether a bar is a new high or low, or closed at one after a quick move."""
    own, close = getattr(rows, side)[i], rows.close[i]
    new = bool((own - earlier) * direction > 0)
    closed_there = bool(quick and reading.percent_change * direction > 0 and close == own)
    relation = Relation.ABOVE if direction > 0 else Relation.BELOW
    told = new or closed_there
    checks = [Check(f"{side} of the bar", plain(own), "$", relation, plain(earlier), told, Ending.NOTHING_NEW)]
    if closed_there and not new:
        checks.insert(0, figure("close at the extreme after a quick move", close, "$"))
    return checks


@inlined_kernel
def read_bar(rows: BarRows, i: int, before: LastBar, volumes: Any, settings: BarRule) -> BarInputs:
    """Measure bar ``i`` against the bars before it; ``volumes`` is the sum of its phase.

    The average is in shares, NaN if there is none.
    """
    own = rows.percent_change[i]
    if settings.trust_percent_change and not np.isnan(own):
        change = own
        previous = np.nan
    else:
        near = rows.timestamp[i] - before.end <= settings.max_gap
        previous = before.close if before.segment == rows.segment[i] and near else rows.open[i]
        change = (rows.close[i] - previous) / previous * 100.0
    average = rows.avg_volume[i]
    used = min(volumes["bars"], settings.average_bars)
    if np.isnan(average) and used >= settings.average_min_bars:
        average = micro_shares(volumes["shares"], volumes["micros"]) / used / 1e6
    return BarInputs(change, previous, average)


@inlined_kernel
def whole_shares(volume: int) -> Any:
    """Return a volume, which is not below 0, without the fraction of its last share."""
    return np.int64(np.uint64(volume) // np.uint64(1_000_000))  # division without a sign takes a third of the time


@inlined_kernel
def add_volume(sums: Any, rings: NDArray[np.int64], code: int, phase: int, volume: int) -> None:
    """Add a bar's volume to those of its ticker and phase, in place of the oldest one if the ring is full."""
    size = rings.shape[2]
    place = sums["place"]
    if sums["bars"] >= size:
        leaving = rings[code, phase, place]
        shares = whole_shares(leaving)
        sums["shares"] -= shares
        sums["micros"] -= leaving - shares * 1_000_000
    rings[code, phase, place] = volume
    shares = whole_shares(volume)
    sums["shares"] += shares
    sums["micros"] += volume - shares * 1_000_000
    sums["bars"] += 1
    sums["place"] = place + 1 if place + 1 < size else 0


@inlined_kernel
def first_filter(rows: BarRows, i: int, reading: BarInputs, settings: BarRule) -> int:
    """Return the position in ``Ohlcv.counters`` of the first filter that the bar fails, or -1."""
    if settings.regular_hours_only and rows.segment[i] & PHASE_MASK != REGULAR:
        return 0
    if not reading.average > 0:
        return 1
    if not reaches(rows.volume[i] / 1e6 / reading.average, settings.required_volume_multiple):
        return 2
    if not reaches(abs(reading.percent_change), settings.min_percent_change):
        return 3
    return -1


@kernel
def is_monotonic(closes: NDArray[np.float64], newest: int) -> bool:
    """Return whether a full ring of closes, the newest at ``newest``, rises strictly or falls strictly."""
    size = len(closes)
    rising = True
    falling = True
    for k in range(1, size):
        step = closes[(newest + 1 + k) % size] - closes[(newest + k) % size]
        rising = rising and step > 0
        falling = falling and step < 0
    return rising or falling


@kernel
def scan_bars(
    rows: BarRows,
    states: NDArray[Any],
    all_closes: NDArray[np.float64],
    all_volumes: NDArray[np.int64],
    volume_sums: NDArray[Any],
    settings: BarRule,
    out: EventRows,
    counts: NDArray[np.int64],
) -> int:
    """Run the rule over grouped bars, and return the number of events written to ``out``."""
    events = 0
    groups = rows.groups
    for g in range(len(groups.code)):
        code = groups.code[g]
        state = states[code]
        before = LastBar(state["segment"], state["previous_close"], state["previous_end"])
        segment_high, segment_low = state["high"], state["low"]
        bars, place = state["closes"], state["close_place"]
        for i in range(groups.start[g], groups.start[g + 1]):
            segment = rows.segment[i]
            phase = segment & PHASE_MASK
            volumes = volume_sums[code, phase]
            if segment != before.segment:
                before = NO_BAR
                segment_high, segment_low = np.nan, np.nan
                bars, place = 0, 0
            reading = read_bar(rows, i, before, volumes, settings)
            earlier_high, earlier_low, newest = segment_high, segment_low, place
            high = rows.high[i]
            low = rows.low[i]
            close = rows.close[i]
            before = LastBar(segment, close, rows.end[i])
            segment_high = high if np.isnan(earlier_high) else max(earlier_high, high)
            segment_low = low if np.isnan(earlier_low) else min(earlier_low, low)
            all_closes[code, newest] = close
            place = newest + 1 if newest + 1 < settings.window_bars else 0
            bars += 1
            add_volume(volumes, all_volumes, code, phase, rows.volume[i])
            stopped = first_filter(rows, i, reading, settings)
            if stopped >= 0:
                counts[stopped] += 1
                continue
            change = reading.percent_change
            quick = settings.close_at_extreme and reaches(abs(change), settings.quick_move_percent)
            rel_volume = rows.volume[i] / 1e6 / reading.average
            if high > earlier_high or (quick and change > 0 and close == high):
                event = _put(out[events], rows, i, code, settings.high, 1, change, rel_volume)
                event["price"] = high
                event["previous"] = earlier_high
                event["tie_break"] = high
                events += 1
            if low < earlier_low or (quick and change < 0 and close == low):
                event = _put(out[events], rows, i, code, settings.low, -1, change, rel_volume)
                event["price"] = low
                event["previous"] = earlier_low
                event["tie_break"] = -low
                events += 1
            if reaches(rel_volume, settings.surge_volume_multiple):
                event = _put(out[events], rows, i, code, settings.surge, sign(change), change, rel_volume)
                event["price"] = close
                event["previous"] = reading.previous
                event["tie_break"] = rel_volume
                events += 1
            closes = all_closes[code]
            if bars >= settings.window_bars and is_monotonic(closes, newest):
                first = closes[(newest + 1) % settings.window_bars]
                net = (close - first) / first * 100.0
                if reaches(abs(net), settings.window_move_percent):
                    event = _put(out[events], rows, i, code, settings.trend, sign(net), change, rel_volume)
                    event["price"] = close
                    event["previous"] = first
                    event["score"] = net
                    event["tie_break"] = abs(net)
                    events += 1
        state["segment"], state["previous_close"], state["previous_end"] = before
        state["high"], state["low"] = segment_high, segment_low
        state["closes"], state["close_place"] = bars, place
    return events


@kernel
def _put(
    event: Any, rows: BarRows, i: int, code: int, kind: int, direction: int, change: float, rel_volume: float
) -> Any:
    put_event(event, rows, i, code, kind, OHLCV, rows.end[i], rows.segment[i] & PHASE_MASK, direction)
    event["percent_change"] = change
    event["volume"] = rows.volume[i] / 1e6
    event["rel_volume"] = rel_volume
    return event

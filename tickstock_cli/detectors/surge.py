"""Surge: a fast price move, and a volume far above the ticker's own recent pace.

Ticks fall into one-second buckets. At each tick of bucket b that may set the last price:

1. window = buckets in (b - W, b], baseline = buckets in (b - W - B, b - W];
2. move = percent from the baseline's last price (or the window's oldest) to this price;
3. relative volume = window volume per second / baseline volume per second, once the baseline can be trusted;
4. the trigger decides which of the two must reach its threshold; then the cooldown.

``surge_window`` keeps the sums.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tickstock_cli.core.events import EventRows
from tickstock_cli.core.growth import grown
from tickstock_cli.core.kinds import Columns, Kind, KindCodes, Limit, Mark
from tickstock_cli.core.rule_verdict import Check, Ending, RuleVerdict, judge
from tickstock_cli.detectors.base import HIDDEN_LAST, Params, at_least, cooldown_at, figure, holds
from tickstock_cli.detectors.surge_window import (
    BUCKET,
    WINDOW_FIELDS,
    Window,
    add_tick,
    base_count,
    base_start,
    load_window,
    new_window,
    open_second,
    place_of,
    reference_of,
    store_window,
    volume_between,
    whole,
    window_count,
)
from tickstock_cli.kernels.admission import HIDES_LAST, HIDES_VOLUME
from tickstock_cli.kernels.compare import (
    NEVER,
    SECOND_NS,
    cooldown_ns,
    reaches,
    sign,
    within_cooldown,
)
from tickstock_cli.kernels.emit import TICK, put_event
from tickstock_cli.kernels.jit import inlined_kernel, kernel
from tickstock_cli.kernels.prefetch import TICKERS_AHEAD, prefetch
from tickstock_cli.kernels.rows import NO_BEGIN, TickRows

STATE = np.dtype(
    [
        ("first_second", "i8"),  # of the segment's first row, any flags
        ("event_time", "i8"),
        *WINDOW_FIELDS,
    ],
    align=True,
)
TRIGGERS = ("any", "both", "price", "volume")
ANY, BOTH, PRICE, VOLUME = range(4)
PRICE_DECIDES = (BOTH, PRICE)
"""Triggers under which nothing fires unless the price threshold is reached: most ticks end there."""
NO_HIT, HIT_BOTH, HIT_PRICE, HIT_VOLUME = range(4)
"""Which thresholds were reached."""
HITS = ("nothing", "price and volume", "price", "volume")
WORDS = {"price_and_volume": "", "price": "price", "volume": "volume"}
"""What the column ``trigger`` holds, in the order of the hits; both is the usual case and not shown."""


class SurgeParams(Params):
    """Settings of the surge detector."""

    interval_seconds: int = Field(20, ge=1, le=3600, description="length of the window, in seconds")
    baseline_seconds: int = Field(300, ge=1, le=14_400, description="length of the baseline before it, in seconds")
    baseline_min_seconds: int = Field(60, ge=0, description="least seconds of baseline before volume is compared")
    price_threshold_percent: float = Field(0.4, gt=0, description="least price move, in percent")
    volume_threshold: float = Field(3.0, gt=0, description="least relative volume, a multiple")
    price_alone_multiple: float = Field(
        3.0, ge=1, description="with trigger both: this many times the price threshold is enough without volume"
    )
    max_rel_volume: float = Field(100.0, gt=0, description="relative volume is cut off here")
    min_data_points: int = Field(8, ge=1, description="least ticks in the window, and in the baseline")
    trigger: Literal["any", "both", "price", "volume"] = Field("both", description="which thresholds must be reached")
    cooldown_seconds: float = Field(20.0, ge=0, description="quiet time after a ticker's event, any direction")


class SurgeRule(NamedTuple):
    """The settings as plain numbers, for the kernel; ``cooldown`` in ns, ``words`` are word codes by hit."""

    interval: int
    baseline: int
    baseline_min: int
    price_threshold: float
    volume_threshold: float
    alone_multiple: float
    max_rel_volume: float
    min_data_points: int
    trigger: int
    cooldown: int
    kind: int
    words: NDArray[np.int8]


class SurgeInputs(NamedTuple):
    """The rule's inputs at one tick, and its decision before the cooldown."""

    window_count: int
    base_count: int
    reference: float
    move: float
    span: int
    window_volume: float
    base_volume: float
    rel_volume: float
    hit: int


def _least_move(settings: SurgeParams, events: Columns) -> NDArray[np.float64]:
    """Return the least move in percent; NaN where the price did not decide.

    An event's trigger is what its own settings had asked for, and may differ from that of ``settings``.
    """
    threshold, by_price = settings.price_threshold_percent, events["trigger"] == "price"
    if settings.trigger == "both":
        return np.where(by_price, settings.price_alone_multiple * threshold, threshold)
    if settings.trigger == "any":
        return np.where(by_price, threshold, np.nan)
    return np.full(len(by_price), threshold if settings.trigger == "price" else np.nan)


def _least_volume(settings: SurgeParams, events: Columns) -> NDArray[np.float64]:
    """Return the least relative volume; NaN where the volume did not decide. A null trigger decides by none."""
    words = events["trigger"]
    if settings.trigger == "both":
        decides = np.array([word not in ("price", None) for word in words], dtype=bool)
    else:
        decides = words == "volume" if settings.trigger == "any" else np.full(len(words), settings.trigger == "volume")
    return np.where(decides, settings.volume_threshold, np.nan)


class Surge:
    """Price and volume surges of ticks. Costs about 15 ns a tick and 13 kB a ticker."""

    channel = "tick"
    enabled_by_default = True
    kinds = (
        Kind(
            "surge",
            priority=2,
            description="a fast move, or one on unusual volume",
            words=WORDS,
            mark=Mark("diamond", light="#9a5b00", dark="#f0b341"),
            details=("{rel_volume} volume", "{trigger}", "score {score}"),
            more=("from {previous}",),
            limits=(
                Limit("price_threshold_percent", "%", "percent_change", _least_move),
                Limit("volume_threshold", "x", "rel_volume", _least_volume),
            ),
            cooldown="cooldown_seconds",
        ),
    )
    counters = ("suppressed.cooldown.surge",)
    events_per_row = 1
    compiled = True
    Params = SurgeParams

    def __init__(self, params: SurgeParams, kinds: KindCodes) -> None:
        self._settings = SurgeRule(
            params.interval_seconds,
            params.baseline_seconds,
            params.baseline_min_seconds,
            params.price_threshold_percent,
            params.volume_threshold,
            params.price_alone_multiple,
            params.max_rel_volume,
            params.min_data_points,
            TRIGGERS.index(params.trigger),
            cooldown_ns(params.cooldown_seconds),
            kinds["surge"],
            np.array([0, *map(kinds.word, WORDS)], dtype=np.int8),
        )
        self._states = np.empty(0, dtype=STATE)
        # One more than window and baseline hold: a bucket is dropped before the next one is added.
        self._rings = np.empty((0, params.interval_seconds + params.baseline_seconds + 1), dtype=BUCKET)

    def grow(self, tickers: int) -> None:
        self._states = grown(self._states, tickers, None)
        self._rings = grown(self._rings, tickers, None)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"states": self._states, "rings": self._rings}

    def scan(self, rows: TickRows, out: EventRows, counts: NDArray[np.int64]) -> int:
        return int(scan_ticks(rows, self._states, self._rings, self._settings, out, counts))

    def explain(self, rows: TickRows, i: int, code: int) -> tuple[RuleVerdict, ...]:
        """Return the verdict on tick ``i``; the state must be that right before it."""
        settings, state, ring = self._settings, self._states[code], self._rings[code].copy()
        timestamp, price, flags = int(rows.timestamp[i]), float(rows.price[i]), int(rows.flags[i])
        begins = rows.begin[i] != NO_BEGIN
        first_second = timestamp // SECOND_NS if begins else int(state["first_second"])
        window = new_window() if begins else load_window(state)
        second = timestamp // SECOND_NS - first_second
        if second != window.second:
            window = open_second(window, ring, second, settings.interval)
        window = add_tick(window, price, int(rows.size[i]), not flags & HIDES_VOLUME, not flags & HIDES_LAST)
        points = window_count(window)
        checks = [at_least("ticks in the window", points, settings.min_data_points, "", Ending.WAITING)]
        if flags & HIDES_LAST:
            checks.insert(0, holds("may be a last price", False, Ending.HIDDEN, HIDDEN_LAST))
        elif points >= settings.min_data_points:
            base = base_start(window, ring, 0, settings.interval + settings.baseline)
            checks += self._figures(read_surge(window, ring, base, price, settings))
        last = NEVER if begins else state["event_time"]
        return (judge("surge", checks, cooldown_at(timestamp, last, settings.cooldown)),)

    def _figures(self, reading: SurgeInputs) -> list[Check]:
        """Return the rule's inputs, and last the decision of the trigger.

        Without a hit, the first value that the trigger lacks decides; with trigger any, one of two would do.
        """
        settings, size = self._settings, abs(reading.move)
        lacks_price = reading.hit == NO_HIT and settings.trigger in PRICE_DECIDES
        lacks_volume = reading.hit == NO_HIT and settings.trigger in (BOTH, VOLUME)
        by_price = Ending.BELOW if lacks_price else None
        by_volume = Ending.BELOW if lacks_volume else None
        alone = settings.alone_multiple * settings.price_threshold
        return [
            figure("reference price", reading.reference, "$"),
            figure("move", reading.move, "%"),
            at_least("size of the move", size, settings.price_threshold, "%", by_price),
            *([at_least("size of the move, alone", size, alone, "%")] if settings.trigger == BOTH else ()),
            figure("volume of the window", reading.window_volume, "shares"),
            at_least("baseline", max(0, reading.span), settings.baseline_min, "s", by_volume),
            at_least("ticks in the baseline", reading.base_count, settings.min_data_points, "", by_volume),
            figure("volume of the baseline", reading.base_volume, "shares"),
            at_least("relative volume", reading.rel_volume or np.nan, settings.volume_threshold, "x", by_volume),
            figure("score", score_of(reading, settings)),
            Check(
                f"trigger {TRIGGERS[settings.trigger]}",
                "not met" if reading.hit == NO_HIT else f"met by {HITS[reading.hit]}",
                passes=reading.hit != NO_HIT,
                otherwise=Ending.BELOW,
            ),
        ]


@inlined_kernel
def move_from(reference: float, price: float) -> float:
    """Return the move from the reference, in percent."""
    return (price - reference) / reference * 100.0


@kernel
def read_surge(window: Window, ring: NDArray[Any], base: int, price: float, settings: SurgeRule) -> SurgeInputs:
    """Evaluate the rule at a tick that may set the last price and was added before; ``base`` begins the baseline."""
    reference = reference_of(window, ring, settings.interval + settings.baseline)
    move = move_from(reference, price)
    span = min(settings.baseline, window.second - settings.interval + 1)
    window_volume = volume_between(window, ring, window.oldest, window.closed + 1)
    base_volume = volume_between(window, ring, base, window.oldest)
    prices = base_count(window, ring, base)
    rel_volume = 0.0
    if span >= settings.baseline_min and prices >= settings.min_data_points and base_volume > 0:
        rel_volume = min(
            settings.max_rel_volume, window_volume * float(span) / (base_volume * float(settings.interval))
        )
    size = abs(move)
    price_hit = reaches(size, settings.price_threshold)
    volume_hit = rel_volume > 0 and reaches(rel_volume, settings.volume_threshold)
    if settings.trigger == ANY:
        fires = price_hit or volume_hit
    elif settings.trigger == BOTH:
        alone = reaches(size, settings.alone_multiple * settings.price_threshold)
        fires = (price_hit and volume_hit) or alone
    elif settings.trigger == PRICE:
        fires = price_hit
    else:
        fires = volume_hit
    hit = NO_HIT
    if fires:
        hit = HIT_BOTH if price_hit and volume_hit else (HIT_PRICE if price_hit else HIT_VOLUME)
    return SurgeInputs(
        window_count(window),
        prices,
        reference,
        move,
        span,
        window_volume / 1e6,
        base_volume / 1e6,
        rel_volume,
        hit,
    )


@inlined_kernel
def score_of(reading: SurgeInputs, settings: SurgeRule) -> float:
    """Return the event's score, 0 to 100: half for the move, half for the volume, each full at twice its threshold."""
    return 50.0 * min(1.0, abs(reading.move) / (2.0 * settings.price_threshold)) + 50.0 * min(
        1.0, reading.rel_volume / (2.0 * settings.volume_threshold)
    )


@inlined_kernel
def ask_for_later(codes: NDArray[np.int32], g: int, states: NDArray[Any], rings: NDArray[Any]) -> None:
    """Ask for the state of later tickers than ``codes[g]``, and for the ends of the window that it points to."""
    if g + TICKERS_AHEAD < len(codes):
        prefetch(states, codes[g + TICKERS_AHEAD])
    later = g + TICKERS_AHEAD // 2
    if later < len(codes):
        ring = rings[codes[later]]
        state = states[codes[later]]
        closed = whole(state["closed"])
        place = whole(state["place"])
        prefetch(ring, place)
        prefetch(ring, place_of(whole(state["oldest"]), closed, place, len(ring)))


@kernel
def scan_ticks(
    rows: TickRows,
    states: NDArray[Any],
    rings: NDArray[Any],
    settings: SurgeRule,
    out: EventRows,
    counts: NDArray[np.int64],
) -> int:
    """Run the rule over grouped ticks, and return the number of events written to ``out``."""
    events = 0
    groups = rows.groups
    reach = settings.interval + settings.baseline
    for g in range(len(groups.code)):
        ask_for_later(groups.code, g, states, rings)
        code = groups.code[g]
        state = states[code]
        ring = rings[code]
        first_second = state["first_second"]
        window = load_window(state)
        second_end = np.int64(0)
        for i in range(groups.start[g], groups.start[g + 1]):
            timestamp = rows.timestamp[i]
            if rows.begin[i] != NO_BEGIN:
                first_second = timestamp // SECOND_NS
                state["first_second"] = first_second
                state["event_time"] = NEVER
                state["base"] = 0
                window = new_window()
                second_end = np.int64(0)
            if timestamp >= second_end:  # a later second, or the group's first row
                absolute = timestamp // SECOND_NS
                second_end = (absolute + 1) * SECOND_NS
                if absolute - first_second != window.second:
                    window = open_second(window, ring, absolute - first_second, settings.interval)
            flags = rows.flags[i]
            price = rows.price[i]
            hidden = flags & HIDES_LAST != 0
            window = add_tick(window, price, rows.size[i], flags & HIDES_VOLUME == 0, not hidden)
            if hidden or window_count(window) < settings.min_data_points:
                continue
            if settings.trigger in PRICE_DECIDES and not reaches(
                abs(move_from(reference_of(window, ring, reach), price)), settings.price_threshold
            ):
                continue
            base = base_start(window, ring, whole(state["base"]), reach)
            state["base"] = base
            reading = read_surge(window, ring, base, price, settings)
            if reading.hit == NO_HIT:
                continue
            if within_cooldown(timestamp, state["event_time"], settings.cooldown):
                counts[0] += 1
                continue
            state["event_time"] = timestamp
            event = out[events]
            put_event(event, rows, i, code, settings.kind, TICK, timestamp, rows.phase[i], sign(reading.move))
            event["price"] = price
            event["previous"] = reading.reference
            event["percent_change"] = reading.move
            event["volume"] = reading.window_volume
            event["rel_volume"] = reading.rel_volume
            event["trigger"] = settings.words[reading.hit]
            event["score"] = score_of(reading, settings)
            event["tie_break"] = event["score"]
            events += 1
        store_window(state, window)
    return events

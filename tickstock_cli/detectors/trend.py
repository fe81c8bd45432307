"""Trend: a price that moves one way over several windows at once, more steadily than a random walk.

Buckets keep their last price. The first tick of a new bucket closes the former one and evaluates:

1. a window is valid if enough closed buckets lie in it and they span at least half of it;
2. its rate is the change from its first to its last close, in percent per minute;
3. the score is the weighted mean of the valid windows' rates;
4. a small score makes the state neutral; a large one, with all rates of one sign and every window efficient
   enough, is a direction with a strength; a new direction or more strength is an event, unless it cools down.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tickstock_cli.core.events import EventRows
from tickstock_cli.core.growth import grown
from tickstock_cli.core.kinds import Kind, KindCodes, Limit, Mark
from tickstock_cli.core.rule_verdict import Check, Ending, Relation, RuleVerdict, judge
from tickstock_cli.detectors.base import HIDDEN_LAST, Params, at_least, cooldown_at, figure, holds, kind_codes
from tickstock_cli.kernels.admission import HIDES_LAST
from tickstock_cli.kernels.compare import NEVER, SECOND_NS, cooldown_ns, reaches, sign, within_cooldown
from tickstock_cli.kernels.emit import TICK, put_event
from tickstock_cli.kernels.jit import inlined_kernel, kernel
from tickstock_cli.kernels.prefetch import TICKERS_AHEAD, prefetch
from tickstock_cli.kernels.rows import NO_BEGIN, TickRows

STATE = np.dtype(
    [
        ("first_time", "i8"),  # of the segment's first row, any flags
        ("event_time", "i8"),
        ("bucket", "i8"),  # the open one; -1 = none
        ("bucket_end", "i8"),  # ns; 0 = none is open
        ("close", "f8"),  # last price of the open bucket
        ("tail", "i8"),  # how many buckets were closed; the ring's place is this modulo its length, a power of two
        ("direction", "i4"),
        ("strength", "i4"),
    ],
    align=True,
)
CLOSED = np.dtype([("bucket", "i8"), ("close", "f8")], align=True)
BUCKETS_A_LINE = 64 // CLOSED.itemsize
"""Closed buckets in a line of the processor's cache."""
HEAD = np.dtype(
    [
        ("number", "i8"),  # of the window's oldest closed bucket; the state's tail if it has none
        ("bucket", "i8"),  # a copy of that bucket: the ring is long, and most of it has left the cache
        ("close", "f8"),
    ],
    align=True,
)


class TrendParams(Params):
    """Settings of the trend detector."""

    windows_seconds: list[int] = Field([180, 360, 600], min_length=1, description="windows, in seconds")
    weights: list[float] = Field([0.5, 0.3, 0.2], min_length=1, description="weight of each window's rate")
    bucket_seconds: int = Field(10, ge=1, description="length of a bucket, in seconds; windows are multiples of it")
    direction_threshold: float = Field(0.025, gt=0, description="least score, in percent per minute")
    strength_threshold: float = Field(0.05, gt=0, description="score of strength 2; twice it is strength 3")
    min_data_points: int = Field(8, ge=2, description="least closed buckets in a valid window")
    min_windows: int = Field(2, ge=1, description="least valid windows")
    min_efficiency: float = Field(0.35, ge=0, le=1, description="least net change over path, in every valid window")
    warmup_seconds: float = Field(90.0, ge=0, description="quiet time after the segment's first row")
    cooldown_seconds: float = Field(60.0, ge=0, description="quiet time after a ticker's event")

    @model_validator(mode="after")
    def _windows_fit(self) -> Self:
        if len(self.weights) != len(self.windows_seconds):
            raise ValueError(f"needs one weight a window: {len(self.windows_seconds)} windows, {self.weights}")
        if any(weight <= 0 for weight in self.weights):
            raise ValueError(f"weights must be above 0, were {self.weights}")
        for window in self.windows_seconds:
            if window <= 0 or window % self.bucket_seconds or window > 86_400:
                raise ValueError(
                    f"windows_seconds must be multiples of bucket_seconds ({self.bucket_seconds}) up to a day, "
                    f"one was {window}"
                )
        return self


class TrendRule(NamedTuple):
    """The settings as plain numbers and arrays, for the kernel; windows in buckets, durations in ns."""

    windows: NDArray[np.int64]
    weights: NDArray[np.float64]
    bucket_seconds: int
    direction_threshold: float
    strength_threshold: float
    min_data_points: int
    min_windows: int
    min_efficiency: float
    warmup: int
    cooldown: int
    kind: int


class TrendInputs(NamedTuple):
    """What the windows show at the opening of a bucket."""

    valid: int
    score: float
    one_sign: bool
    strength: int


class Trend:
    """Trends of ticks. Costs about 15 ns a tick, a few hundred at the opening of a bucket, and 1 kB a ticker."""

    channel = "tick"
    enabled_by_default = True
    kinds = (
        Kind(
            "trend",
            priority=3,
            description="a steady move one way",
            mark=Mark("square", light="#6d3fc0", dark="#b99af5"),
            details=("{rel_volume} volume", "strength {strength}", "score {score}"),
            more=("from {previous}",),
            limits=(Limit("direction_threshold", "%/min", "score"),),
            cooldown="cooldown_seconds",
            grace_seconds=120,  # it is measured over minutes
        ),
    )
    counters = ("suppressed.cooldown.trend",)
    events_per_row = 1
    compiled = True
    Params = TrendParams

    def __init__(self, params: TrendParams, kinds: KindCodes) -> None:
        windows = np.array(params.windows_seconds, dtype=np.int64) // params.bucket_seconds
        self._settings = TrendRule(
            windows,
            np.array(params.weights, dtype=np.float64),
            params.bucket_seconds,
            params.direction_threshold,
            params.strength_threshold,
            params.min_data_points,
            params.min_windows,
            params.min_efficiency,
            cooldown_ns(params.warmup_seconds),
            cooldown_ns(params.cooldown_seconds),
            *kind_codes(kinds, self.kinds),
        )
        self._states = np.empty(0, dtype=STATE)
        # Ids rise strictly, so what lies this far back has left the longest window.
        self._rings = np.empty((0, 1 << int(windows.max()).bit_length()), dtype=CLOSED)
        self._heads = np.empty((0, len(windows)), dtype=HEAD)

    def grow(self, tickers: int) -> None:
        self._states = grown(self._states, tickers, None)
        self._rings = grown(self._rings, tickers, None)
        self._heads = grown(self._heads, tickers, None)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"states": self._states, "rings": self._rings, "heads": self._heads}

    def scan(self, rows: TickRows, out: EventRows, counts: NDArray[np.int64]) -> int:
        return int(scan_ticks(rows, self._states, self._rings, self._heads, self._settings, out, counts))

    def explain(self, rows: TickRows, i: int, code: int) -> tuple[RuleVerdict, ...]:
        """Return the verdict on tick ``i``; the state must be that right before it.

        Within an open bucket the figures are those of its opening.
        """
        settings, state = self._settings, self._states[code].copy()
        ring, heads, timestamp = self._rings[code].copy(), self._heads[code].copy(), rows.timestamp[i]
        if rows.begin[i] != NO_BEGIN:
            start_segment(state, heads, timestamp)
        checks = []
        if rows.flags[i] & HIDES_LAST:
            checks.append(holds("may be a last price", False, Ending.HIDDEN, HIDDEN_LAST))
        elif timestamp < state["bucket_end"] or state["bucket"] < 0:
            if state["bucket"] >= 0:
                checks.append(figure("time until the bucket ends", (state["bucket_end"] - timestamp) / SECOND_NS, "s"))
            here = "is within one" if state["bucket"] >= 0 else "begins the first"
            unmet = f"a trend is judged when a bucket of {settings.bucket_seconds} s ends; this tick {here}"
            checks.append(holds("closes a bucket", False, Ending.WAITING, unmet))
            if state["tail"] > 0:
                checks += self._figures(state, ring, heads)
        else:
            close_bucket(state, ring, heads, timestamp // (settings.bucket_seconds * SECOND_NS), settings.windows)
            quiet = int(timestamp - state["first_time"])
            # Held against in ns: the kernel asks so, and a quotient in seconds may round over the border.
            warm = Check(
                "time since the first row",
                quiet / SECOND_NS,
                "s",
                Relation.AT_LEAST,
                settings.warmup / SECOND_NS,
                quiet >= settings.warmup,
                Ending.WAITING,
            )
            checks += [warm, *self._figures(state, ring, heads)]
        return (judge("trend", checks, cooldown_at(timestamp, state["event_time"], settings.cooldown)),)

    def _figures(self, state: Any, ring: NDArray[Any], heads: NDArray[Any]) -> list[Check]:
        """Return the rule's inputs from the closed buckets."""
        settings, reading = self._settings, read_trend(state, ring, heads, self._settings)
        direction, before = sign(reading.score), (int(state["direction"]), int(state["strength"]))
        if abs(reading.score) < settings.direction_threshold / 2.0:
            before = (0, 0)
        news = direction != 0 and (direction != before[0] or reading.strength > before[1])
        smallest = smallest_efficiency(state, ring, heads, settings, 0.0) if reading.valid else np.nan
        return [
            *(check for w in range(len(heads)) for check in self._window(state, ring, heads, w)),
            at_least("valid windows", reading.valid, settings.min_windows, "", Ending.WAITING),
            figure("score", reading.score, "%/min"),
            at_least("size of the score", abs(reading.score), settings.direction_threshold, "%/min", Ending.BELOW),
            holds("rates have one sign", reading.one_sign, Ending.BELOW, "the rates do not all have one sign"),
            at_least("smallest efficiency", smallest, settings.min_efficiency, "", Ending.BELOW),
            Check(
                "direction and strength",
                _words(direction, reading.strength),
                "",
                Relation.ABOVE,
                _words(*before),
                news,
                Ending.NOTHING_NEW,
            ),
        ]

    def _window(self, state: Any, ring: NDArray[Any], heads: NDArray[Any], w: int) -> list[Check]:
        """Return the figures of one window."""
        settings, head = self._settings, heads[w]
        name = f"{int(settings.windows[w]) * settings.bucket_seconds} s"
        closes = int(state["tail"] - head["number"])
        span = last_of(state, ring)["bucket"] - head["bucket"] if closes else 0
        half = int(settings.windows[w]) * settings.bucket_seconds / 2
        checks = [
            at_least(f"{name}: closes", closes, settings.min_data_points),
            at_least(f"{name}: from first to last", int(span) * settings.bucket_seconds, half, "s"),
        ]
        if is_valid(state, last_of(state, ring), head, settings.windows[w], settings.min_data_points):
            rate = rate_of(last_of(state, ring), head, settings.bucket_seconds)
            checks.append(figure(f"{name}: rate", rate, "%/min"))
            checks.append(figure(f"{name}: efficiency", efficiency_of(state, ring, head)))
        return checks


def _words(direction: int, strength: int) -> str:
    return f"{'up' if direction > 0 else 'down'} {strength}" if direction else "neutral"


@inlined_kernel
def start_segment(state: Any, heads: NDArray[Any], timestamp: int) -> None:
    """Clear the state; the segment's first row is at ``timestamp``."""
    state["first_time"] = timestamp
    state["event_time"] = NEVER
    state["bucket"] = -1
    state["bucket_end"] = 0
    state["tail"] = 0
    state["direction"] = 0
    state["strength"] = 0
    for w in range(len(heads)):
        heads[w]["number"] = 0


@inlined_kernel
def close_bucket(state: Any, ring: NDArray[Any], heads: NDArray[Any], bucket: int, windows: NDArray[np.int64]) -> None:
    """Close the open bucket before a tick of ``bucket``, and advance the head of every window (in buckets)."""
    mask = len(ring) - 1
    newest = state["tail"]
    closed = ring[newest & mask]
    closed["bucket"] = state["bucket"]
    closed["close"] = state["close"]
    state["tail"] = newest + 1
    for w in range(len(windows)):
        head = heads[w]
        number = head["number"]
        if number == newest:  # the window was empty
            head["bucket"] = closed["bucket"]
            head["close"] = closed["close"]
        oldest = bucket - windows[w]
        while number <= newest and head["bucket"] < oldest:
            number += 1
            following = ring[number & mask]
            head["bucket"] = following["bucket"]
            head["close"] = following["close"]
        head["number"] = number


@inlined_kernel
def read_trend(state: Any, ring: NDArray[Any], heads: NDArray[Any], settings: TrendRule) -> TrendInputs:
    """Evaluate the windows over the closed buckets."""
    last = last_of(state, ring)
    valid = 0
    weighted = 0.0
    weight = 0.0
    positive = 0
    negative = 0
    for w in range(len(settings.windows)):
        if not is_valid(state, last, heads[w], settings.windows[w], settings.min_data_points):
            continue
        rate = rate_of(last, heads[w], settings.bucket_seconds)
        valid += 1
        weighted += settings.weights[w] * rate
        weight += settings.weights[w]
        positive += rate > 0
        negative += rate < 0
    score = weighted / weight if valid else 0.0
    size = abs(score)
    strength = 1
    if reaches(size, 2.0 * settings.strength_threshold):
        strength = 3
    elif reaches(size, settings.strength_threshold):
        strength = 2
    return TrendInputs(valid, score, valid > 0 and (positive == valid or negative == valid), strength)


@inlined_kernel
def last_of(state: Any, ring: NDArray[Any]) -> Any:
    """Return the last closed bucket."""
    return ring[(state["tail"] - 1) & (len(ring) - 1)]


@inlined_kernel
def is_valid(state: Any, last: Any, head: Any, window: int, min_data_points: int) -> bool:
    """Return whether a window (in buckets) holds enough closed buckets over at least half its length."""
    return bool(state["tail"] - head["number"] >= min_data_points and 2 * (last["bucket"] - head["bucket"]) >= window)


@inlined_kernel
def count_valid(state: Any, ring: NDArray[Any], heads: NDArray[Any], settings: TrendRule) -> int:
    """Return the number of valid windows."""
    last = last_of(state, ring)
    valid = 0
    for w in range(len(settings.windows)):
        valid += is_valid(state, last, heads[w], settings.windows[w], settings.min_data_points)
    return valid


@inlined_kernel
def rate_of(last: Any, first: Any, bucket_seconds: int) -> float:
    """Return the rate from a valid window's first close to its last, in percent per minute."""
    minutes = (last["bucket"] - first["bucket"]) * bucket_seconds / 60.0
    return float((last["close"] - first["close"]) / first["close"] * 100.0 / minutes)


@inlined_kernel
def efficiency_of(state: Any, ring: NDArray[Any], head: Any) -> float:
    """Return a window's net change over its path, 0 to 1; 0 if the price never moved."""
    mask = len(ring) - 1
    first = head["close"]
    former = first
    path = 0.0
    for k in range(head["number"] + 1, state["tail"]):
        close = ring[k & mask]["close"]
        path += abs(close - former)
        former = close
    return abs(former - first) / path if path > 0 else 0.0


@inlined_kernel
def smallest_efficiency(
    state: Any, ring: NDArray[Any], heads: NDArray[Any], settings: TrendRule, enough: float
) -> float:
    """Return the smallest efficiency of the valid windows, or the first one that is below ``enough``."""
    last = last_of(state, ring)
    smallest = np.inf
    for w in range(len(settings.windows)):
        if is_valid(state, last, heads[w], settings.windows[w], settings.min_data_points):
            smallest = min(smallest, efficiency_of(state, ring, heads[w]))
            if not reaches(smallest, enough):
                break
    return smallest


@inlined_kernel
def ask_for_later(
    codes: NDArray[np.int32], g: int, states: NDArray[Any], rings: NDArray[Any], all_heads: NDArray[Any]
) -> None:
    """Ask for the state of later tickers than ``codes[g]``, and for the closed buckets that it points to."""
    if g + TICKERS_AHEAD < len(codes):
        heads = all_heads[codes[g + TICKERS_AHEAD]]
        prefetch(states, codes[g + TICKERS_AHEAD])
        prefetch(heads, 0)
        prefetch(heads, len(heads) - 1)
    later = g + TICKERS_AHEAD // 2
    if later < len(codes):
        ring = rings[codes[later]]
        mask = len(ring) - 1
        heads = all_heads[codes[later]]
        for some in (0, BUCKETS_A_LINE):
            prefetch(ring, (states[codes[later]]["tail"] + some) & mask)
            for w in range(len(heads)):
                prefetch(ring, (heads[w]["number"] + 1 + some) & mask)


@kernel
def scan_ticks(
    rows: TickRows,
    states: NDArray[Any],
    rings: NDArray[Any],
    all_heads: NDArray[Any],
    settings: TrendRule,
    out: EventRows,
    counts: NDArray[np.int64],
) -> int:
    """Run the rule over grouped ticks, and return the number of events written to ``out``."""
    events = 0
    groups = rows.groups
    bucket_ns = settings.bucket_seconds * SECOND_NS
    for g in range(len(groups.code)):
        ask_for_later(groups.code, g, states, rings, all_heads)
        code = groups.code[g]
        state = states[code]
        ring = rings[code]
        heads = all_heads[code]
        for i in range(groups.start[g], groups.start[g + 1]):
            timestamp = rows.timestamp[i]
            if rows.begin[i] != NO_BEGIN:
                start_segment(state, heads, timestamp)
            if rows.flags[i] & HIDES_LAST:
                continue
            price = rows.price[i]
            if timestamp < state["bucket_end"]:
                state["close"] = price
                continue
            bucket = timestamp // bucket_ns
            opened_first = state["bucket"] < 0
            if not opened_first:
                close_bucket(state, ring, heads, bucket, settings.windows)
            state["bucket"] = bucket
            state["bucket_end"] = (bucket + 1) * bucket_ns
            state["close"] = price
            if opened_first or timestamp - state["first_time"] < settings.warmup:
                continue
            if count_valid(state, ring, heads, settings) < settings.min_windows:
                continue
            reading = read_trend(state, ring, heads, settings)
            size = abs(reading.score)
            if size < settings.direction_threshold / 2.0:
                state["direction"] = 0
                state["strength"] = 0
                continue
            direction = sign(reading.score)
            # The efficiency costs most by far, so it is asked last; the order of conditions changes no result.
            if (
                not reaches(size, settings.direction_threshold)
                or not reading.one_sign
                or (direction == state["direction"] and reading.strength <= state["strength"])
                or not reaches(
                    smallest_efficiency(state, ring, heads, settings, settings.min_efficiency), settings.min_efficiency
                )
            ):
                continue
            if within_cooldown(timestamp, state["event_time"], settings.cooldown):
                counts[0] += 1
                continue
            state["event_time"] = timestamp
            state["direction"] = direction
            state["strength"] = reading.strength
            event = out[events]
            put_event(event, rows, i, code, settings.kind, TICK, timestamp, rows.phase[i], direction)
            event["price"] = price
            event["score"] = reading.score
            event["strength"] = reading.strength
            event["tie_break"] = size
            events += 1
    return events

"""Section 3, trend: the buckets' closes are made anew from the segment's rows at every evaluation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from tests.oracle.records import SECOND, Event, nanoseconds, reaches, sign, within
from tests.oracle.settings import Settings
from tests.oracle.tick_state import Tick, TickState


@dataclass(frozen=True)
class Window:
    """A valid window: ``rate`` in percent per minute."""

    weight: float
    rate: float
    efficiency: float


def find_trend(state: TickState, tick: Tick, settings: Settings, ledger: Counter[str]) -> list[Event]:
    """Look for a trend at a tick not flagged 1, which is already the last row of ``state.seen``."""
    width = settings["trend.bucket_seconds"] * SECOND
    bucket = tick.time // width
    prices = [(seen.time // width, seen.price) for seen in state.seen if seen.price is not None]
    opens_bucket = [number for number, _ in prices].count(bucket) == 1
    if not opens_bucket or tick.time - state.first < nanoseconds(settings["trend.warmup_seconds"]):
        return []
    closes = {number: price for number, price in prices if number < bucket}
    windows = _valid_windows(closes, bucket, settings)
    if len(windows) < settings["trend.min_windows"]:
        return []

    score = sum(window.weight * window.rate for window in windows) / sum(window.weight for window in windows)
    if abs(score) < settings["trend.direction_threshold"] / 2:
        state.trend_direction = 0
        state.trend_strength = 0
        return []
    signs = {sign(window.rate) for window in windows}
    agreed = len(signs) == 1 and signs != {0}
    efficient = reaches(min(window.efficiency for window in windows), settings["trend.min_efficiency"])
    if not (reaches(abs(score), settings["trend.direction_threshold"]) and agreed and efficient):
        return []
    direction, strength = sign(score), _strength(abs(score), settings)
    if direction == state.trend_direction and strength <= state.trend_strength:
        return []
    if within(tick.time, state.trended_at, settings["trend.cooldown_seconds"]):
        ledger["tick.suppressed.cooldown.trend"] += 1
        return []
    state.trend_direction = direction
    state.trend_strength = strength
    state.trended_at = tick.time
    event = tick.event("trend", direction, measure=abs(score))
    event.score = score
    event.strength = strength
    return [event]


def _strength(size: float, settings: Settings) -> int:
    threshold = settings["trend.strength_threshold"]
    if reaches(size, 2 * threshold):
        return 3
    return 2 if reaches(size, threshold) else 1


def _valid_windows(closes: dict[int, float], bucket: int, settings: Settings) -> list[Window]:
    bucket_seconds = settings["trend.bucket_seconds"]
    windows = []
    for seconds, weight in zip(settings["trend.windows_seconds"], settings["trend.weights"], strict=True):
        numbers = sorted(number for number in closes if number >= bucket - seconds // bucket_seconds)
        if len(numbers) < settings["trend.min_data_points"]:
            continue
        covered = (numbers[-1] - numbers[0]) * bucket_seconds
        if covered < seconds / 2:
            continue
        path = [closes[number] for number in numbers]
        rate = (path[-1] - path[0]) / path[0] * 100 / (covered / 60)
        windows.append(Window(weight, rate, _efficiency(path)))
    return windows


def _efficiency(path: list[float]) -> float:
    travelled = 0.0
    for earlier, later in pairwise(path):
        travelled += abs(later - earlier)
    return abs(path[-1] - path[0]) / travelled if travelled > 0 else 0.0

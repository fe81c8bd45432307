"""Section 3, surge: a second's buckets are made anew from the segment's rows at every tick."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.oracle.records import MICROS, SECOND, Event, reaches, sign, within
from tests.oracle.settings import Settings
from tests.oracle.tick_state import Seen, Tick, TickState


def find_surge(state: TickState, tick: Tick, settings: Settings, ledger: Counter[str]) -> list[Event]:
    """Look for a surge at a tick not flagged 1, which is already the last row of ``state.seen``."""
    length = settings["surge.interval_seconds"]
    baseline_length = settings["surge.baseline_seconds"]
    bucket = tick.time // SECOND
    window = [seen for seen in state.seen if bucket - length < seen.second <= bucket]
    baseline = [seen for seen in state.seen if bucket - length - baseline_length < seen.second <= bucket - length]
    if _count(window) < settings["surge.min_data_points"]:
        return []

    reference = _last_price(baseline)
    if reference is None:
        reference = _price_of_oldest_bucket(window)
    move = (tick.price - reference) / reference * 100
    volume = _volume(window)
    relative = 0.0
    span = min(baseline_length, bucket - length + 1 - state.first // SECOND)
    if (
        span >= settings["surge.baseline_min_seconds"]
        and _count(baseline) >= settings["surge.min_data_points"]
        and _volume(baseline) > 0
    ):
        relative = min(float(settings["surge.max_rel_volume"]), volume * span / (_volume(baseline) * length))

    trigger = _trigger(abs(move), relative, settings)
    if trigger is None:
        return []
    if within(tick.time, state.surged_at, settings["surge.cooldown_seconds"]):
        ledger["tick.suppressed.cooldown.surge"] += 1
        return []
    state.surged_at = tick.time
    score = 50 * min(1.0, abs(move) / (2 * settings["surge.price_threshold_percent"]))
    score += 50 * min(1.0, relative / (2 * settings["surge.volume_threshold"]))
    event = tick.event("surge", sign(move), measure=score)
    event.previous = reference
    event.percent_change = move
    event.volume = volume / MICROS
    event.rel_volume = relative
    event.score = score
    event.trigger = trigger
    return [event]


def _trigger(move: float, relative: float, settings: Settings) -> str | None:
    threshold = settings["surge.price_threshold_percent"]
    by_price = reaches(move, threshold)
    by_volume = relative > 0 and reaches(relative, settings["surge.volume_threshold"])
    fires = {
        "any": by_price or by_volume,
        "both": (by_price and by_volume) or reaches(move, settings["surge.price_alone_multiple"] * threshold),
        "price": by_price,
        "volume": by_volume,
    }
    if not fires[settings["surge.trigger"]]:
        return None
    if by_price and by_volume:
        return "price_and_volume"
    return "volume" if by_volume else "price"


def _count(rows: Sequence[Seen]) -> int:
    return sum(seen.price is not None for seen in rows)


def _volume(rows: Sequence[Seen]) -> int:
    return sum(seen.micros for seen in rows)


def _last_price(rows: Sequence[Seen]) -> float | None:
    prices = [seen.price for seen in rows if seen.price is not None]
    return prices[-1] if prices else None


def _price_of_oldest_bucket(rows: Sequence[Seen]) -> float:
    priced = [seen for seen in rows if seen.price is not None]
    price = _last_price([seen for seen in priced if seen.second == priced[0].second])
    assert price is not None  # the tick under examination is in the window
    return price

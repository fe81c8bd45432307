"""Section 3, high/low."""

from __future__ import annotations

from collections import Counter

from tests.oracle.records import MICROS, Event, reaches, within
from tests.oracle.settings import Settings
from tests.oracle.tick_state import Side, Tick, TickState


def find_extremes(state: TickState, tick: Tick, settings: Settings, ledger: Counter[str]) -> list[Event]:
    """Take in a tick not hidden from high/low and give its high or its low, if it is one."""
    if state.sides is None:
        state.sides = (Side(1, tick.price, tick.price), Side(-1, tick.price, tick.price))
        return []
    highs, lows = state.sides
    if tick.price > highs.extreme:
        return _move(highs, "high", tick, settings, ledger)
    if tick.price < lows.extreme:
        return _move(lows, "low", tick, settings, ledger)
    return []


def _move(side: Side, kind: str, tick: Tick, settings: Settings, ledger: Counter[str]) -> list[Event]:
    side.extreme = tick.price
    threshold = least_change(side.reference, settings)
    if tick.phase != "regular":
        threshold *= settings["highlow.extended_hours_multiplier"]
    if not reaches(side.sign * (tick.price - side.reference), threshold):
        return []
    if within(tick.time, side.told_at, settings["highlow.cooldown_seconds"]):
        ledger[f"tick.suppressed.cooldown.{kind}"] += 1
        return []
    event = tick.event(kind, side.sign, measure=side.sign * tick.price)
    event.previous = side.reference
    event.percent_change = (tick.price - side.reference) / side.reference * 100
    event.volume = tick.micros / MICROS
    side.reference = tick.price
    side.told_at = tick.time
    side.told_price = tick.price
    return [event]


def least_change(reference: float, settings: Settings) -> float:
    """Return the smallest move from ``reference`` that makes a new high or low."""
    by_percent = reference * settings["highlow.min_percent_change"] / 100
    return max(float(settings["highlow.min_price_change"]), float(by_percent))

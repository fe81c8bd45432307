"""Settings of prices and study, and strategies, from a generator of random numbers."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.oracle.variations import LIVELY

PHASES = (
    ["regular"],
    ["regular"],
    ["regular"],
    ["regular", "post"],
    ["pre", "regular", "post"],
    ["pre", "post"],
    ["overnight", "regular"],
    ["overnight"],
    ["regular", "closed"],
)


FUTURES: dict[str, Any] = {
    "session.zone": "America/Chicago",
    "session.hours": [
        {"phase": "pre", "start": "23:59", "end": "00:00"},
        {"phase": "regular", "start": "00:00", "end": "13:00"},
        {"phase": "regular", "start": "13:30", "end": "16:00"},
        {"phase": "post", "start": "16:00", "end": "23:00"},
    ],
    "session.weekdays": ["sun", "mon", "tue", "wed", "thu"],
    "session.holidays": [],
    "session.half_days": [],
    "session.half_day_end": "13:00",
}
"""A day that begins on the evening before, with a pause at noon."""


def draw_settings(rng: Random, kind: str) -> dict[str, Any]:
    """Return flat settings of detectors, prices and study, without horizons; ``kind``: ticks, bars or both."""
    calendar = rng.choice(("24/7", "24/7", "custom", *["XNYS"] * 7))
    source = rng.choice(("auto", "auto", "tick", "ohlcv")) if kind == "both" else "auto"
    return {
        **LIVELY,
        "session.calendar": calendar,
        **(FUTURES if calendar == "custom" else {}),
        "session.phases": ["pre", "regular", "post", "closed", "overnight"],
        "prices.source": source,
        "prices.phases": ["regular"] if calendar == "24/7" else rng.choice(PHASES),
        "prices.open_slack_ms": rng.choice((1000, 1000, 0, 5000)),
        "study.latency_ms": rng.choice((100, 100, 0, 1000)),
        "study.end_slack_seconds": rng.choice((300, 0, 60, 7200)),
        "study.max_wait_seconds": rng.choice((60, 60, 1, 5)),
        "study.max_wait_bars_seconds": rng.choice((300, 60)),
        "study.placebo_days": rng.choice((5, 5, 1, 2, 0)),
        "study.thin": rng.choice((30, 2, 3, 5)),
    }


def draw_strategy(rng: Random) -> dict[str, Any]:
    """Return a strategy by section."""
    exits = {
        "stop_percent": rng.choice((0, _move(rng), _move(rng))),
        "trail_percent": rng.choice((0, 0, _move(rng))),
        "target_percent": rng.choice((0, _move(rng))),
        "after": rng.choice(("10m", "1s", "30s", "2m", "", "")),
        "session_end": rng.choice(("5m", "5m", "30s", "", "")),
        "on_opposite": rng.random() < 0.5,
    }
    if rng.random() < 0.15:  # held until the data end
        exits = {"after": "", "session_end": "", "stop_percent": rng.choice((0, 2.0)), "on_opposite": False}
    rules = ["notional", "equity_percent"] + (["risk"] if exits["stop_percent"] else [])
    rule = rng.choice(rules)
    values = {"notional": (500, 2000, 10_000), "equity_percent": (1, 10, 33.3), "risk": (0.1, 1)}
    return {
        "name": "drawn",
        "strategy": {"latency_ms": rng.choice((100, 100, 0, 1000)), "cash": rng.choice((100_000, 10_000, 3000))},
        "enter": [_rule(rng) for _ in range(rng.choice((0, 1, 2)))] + [{"side": rng.choice(_SIDES)}],
        "exit": exits,
        "size": {
            "rule": rule,
            "value": rng.choice(values[rule]),
            "max_positions": rng.choice((10, 1, 2)),
            "max_gross_percent": rng.choice((100, 50, 400)),
        },
        "fill": _fill(rng),
        "fees": rng.choice(
            ({}, {"minimum": 1.0}, {"per_share": 0.0, "bps": 0.5}, {"minimum": 0.35, "per_share": 0.0035, "bps": 2})
        ),
    }


_SIDES = ("follow", "follow", "fade", "long", "short")


def _move(rng: Random) -> float:
    """Return a move in percent that recordings hold exactly: some steps of their prices, from one of their prices."""
    return 100 * rng.choice((1, 2, 4)) / (200 + rng.choice((0, 0, -2, -1, 1, 2)))


def _rule(rng: Random) -> dict[str, Any]:
    rule: dict[str, Any] = {"side": rng.choice(_SIDES)}
    offered: dict[str, Any] = {
        "kinds": ["surge", "high"],
        "directions": [rng.choice((-1, 1))],
        "sources": ["tick"],
        "phases": ["regular"],
        "tickers": ["AAPL", "MSFT"],
        "between": rng.choice((["09:45", "15:30"], ["10:15:10", "15:58:00"])),
        "min_score": rng.choice((0.1, 50.0)),
        "min_strength": 2,
        "min_rel_volume": 3.0,
        "min_abs_percent_change": 0.5,
    }
    for name in rng.sample(sorted(offered), rng.choice((1, 1, 2))):
        rule[name] = offered[name]
    return rule


def _fill(rng: Random) -> dict[str, Any]:
    free = {"half_spread_bps": 0, "half_spread_min": 0, "slippage_bps": 0}
    costs = rng.choice((free, free, {}, {"half_spread_bps": 7, "slippage_bps": 3.5}))
    return costs | {
        "participation": rng.choice((0.1, 0.1, 0.25, 1.0, 0)),
        "timeout_seconds": rng.choice((60, 1, 5)),
        "timeout_bars_seconds": rng.choice((300, 30)),
    }

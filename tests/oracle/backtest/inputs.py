"""What goes into the oracle of a backtest, its settings, and arithmetic that all of it shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.oracle.records import SECOND

MILLISECOND = 1_000_000
MINUTE = 60 * SECOND

Event = Mapping[str, Any]
"""A released event: the columns of the output by name."""


@dataclass(frozen=True)
class TickRow:
    """An accepted tick. ``size`` in 1e-6 shares; ``flags`` as recorded; ``phase`` that of its timestamp."""

    ticker: str
    timestamp: int
    available_at: int
    price: float
    size: int
    flags: int
    suspect: bool
    phase: str
    order: int


@dataclass(frozen=True)
class BarRow:
    """An accepted bar. ``interval`` in ns, ``volume`` in 1e-6 shares; ``phase`` that of its start."""

    ticker: str
    timestamp: int
    available_at: int
    interval: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    phase: str
    order: int


@dataclass
class Judged:
    """The accepted rows of a recording in merge order, and whether it holds a file of ticks."""

    ticks: list[TickRow] = field(default_factory=list)
    bars: list[BarRow] = field(default_factory=list)
    has_ticks: bool = False


DEFAULTS: dict[str, Any] = {
    "session.calendar": "XNYS",
    "prices.source": "auto",
    "prices.phases": ["regular"],
    "prices.open_slack_ms": 1000,
    "study.latency_ms": 100,
    "study.end_slack_seconds": 300,
    "study.max_wait_seconds": 60,
    "study.max_wait_bars_seconds": 300,
    "study.horizons": ["1m", "5m", "30m", "close"],
    "study.placebo_days": 5,
    "study.thin": 30,
}
"""Settings of prices and of the study, flat and dotted."""

STRATEGY: dict[str, Any] = {
    "strategy": {"latency_ms": 100, "cash": 100_000},
    "exit": {
        "stop_percent": 0,
        "trail_percent": 0,
        "target_percent": 0,
        "after": "10m",
        "session_end": "5m",
        "on_opposite": False,
    },
    "size": {"rule": "notional", "value": 10_000, "max_positions": 10, "max_gross_percent": 100},
    "fill": {
        "participation": 0.1,
        "half_spread_bps": 1,
        "half_spread_min": 0.005,
        "slippage_bps": 1,
        "timeout_seconds": 60,
        "timeout_bars_seconds": 300,
    },
    "fees": {"minimum": 0, "per_share": 0.005, "bps": 0},
}
"""Settings of a strategy, by section; ``name`` and the list ``enter`` have no default."""


def complete(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Lay flat settings over the defaults; those of other parts may be among them."""
    return {**DEFAULTS, **settings}


def complete_strategy(strategy: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a strategy over the defaults.

    Raises
    ------
    ValueError
        A section holds an unknown key, or the size rule needs a stop that is off.
    """
    whole = {name: {**section, **strategy.get(name, {})} for name, section in STRATEGY.items()}
    unknown = [key for name, section in whole.items() for key in section if key not in STRATEGY[name]]
    if unknown:
        raise ValueError(f"unknown settings of a strategy: {', '.join(unknown)}")
    if whole["size"]["rule"] == "risk" and not whole["exit"]["stop_percent"]:
        raise ValueError("size.rule risk needs exit.stop_percent")
    return {"name": strategy.get("name", ""), "enter": list(strategy.get("enter", [])), **whole}


def duration(text: str) -> int:
    """Return ``30s``, ``5m`` or ``2h`` in ns."""
    unit = {"s": SECOND, "m": MINUTE, "h": 60 * MINUTE}[text[-1]]
    return int(Fraction(text[:-1]) * unit)


def milliseconds(value: float) -> int:
    """Return a setting in milliseconds as ns."""
    return round(value * MILLISECOND)


def total(values: Iterable[float]) -> float:
    """Return the plain sum in the order of the values; the built-in one compensates in later Pythons."""
    added = 0.0
    for value in values:
        added += value
    return added


def mean(values: Sequence[float]) -> float | None:
    """Return the mean; of nothing, None."""
    return total(values) / len(values) + 0.0 if values else None


def money(dollars: float) -> int:
    """Return dollars in micro-dollars, rounded half to even."""
    return round(dollars * 1e6)

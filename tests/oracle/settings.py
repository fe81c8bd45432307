"""Every key of the specification with its default, flat and dotted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Settings = Mapping[str, Any]

DEFAULTS: dict[str, Any] = {
    "session.calendar": "XNYS",
    "session.zone": "",
    "session.hours": [],
    "session.weekdays": ["mon", "tue", "wed", "thu", "fri"],
    "session.holidays": [],
    "session.half_days": [],
    "session.half_day_end": "13:00",
    "session.phases": ["pre", "regular", "post"],
    "recordings.interval_seconds": 60,
    "recordings.interval_unit": "s",
    "guard.outlier_percent": 10,
    "guard.confirm_rows": 3,
    "highlow.post_continues": True,
    "highlow.min_price_change": 0.01,
    "highlow.min_percent_change": 0.1,
    "highlow.cooldown_seconds": 1,
    "highlow.extended_hours_multiplier": 2.0,
    "surge.interval_seconds": 20,
    "surge.baseline_seconds": 300,
    "surge.baseline_min_seconds": 60,
    "surge.price_threshold_percent": 0.4,
    "surge.volume_threshold": 3.0,
    "surge.price_alone_multiple": 3.0,
    "surge.max_rel_volume": 100,
    "surge.min_data_points": 8,
    "surge.trigger": "both",
    "surge.cooldown_seconds": 20,
    "trend.windows_seconds": [180, 360, 600],
    "trend.weights": [0.5, 0.3, 0.2],
    "trend.bucket_seconds": 10,
    "trend.direction_threshold": 0.025,
    "trend.strength_threshold": 0.05,
    "trend.min_data_points": 8,
    "trend.min_windows": 2,
    "trend.min_efficiency": 0.35,
    "trend.warmup_seconds": 90,
    "trend.cooldown_seconds": 60,
    "ohlcv.max_gap_seconds": 300,
    "ohlcv.trust_percent_change": False,
    "ohlcv.average_bars": 20,
    "ohlcv.average_min_bars": 5,
    "ohlcv.window_bars": 5,
    "ohlcv.regular_hours_only": True,
    "ohlcv.required_volume_multiple": 1.5,
    "ohlcv.min_percent_change": 1.0,
    "ohlcv.surge_volume_multiple": 3.0,
    "ohlcv.window_move_percent": 2.0,
    "ohlcv.close_at_extreme": False,
    "ohlcv.quick_move_percent": 2.0,
    "fmv.max_staleness_seconds": 900,
    "fmv.min_confidence": 0.7,
    "fmv.deviation_percent": 1.0,
    "fmv.max_deviation_percent": 5.0,
    "fmv.cooldown_seconds": 60,
    "coordinator.window_ms": 500,
    "coordinator.hold_top_source": False,
    "coordinator.key": "kind",
    "coordinator.dedupe_extremes": True,
    "priority.core_universe": [],
}


def complete(settings: Settings | None) -> dict[str, Any]:
    """Lay ``settings`` over the defaults.

    Raises
    ------
    KeyError
        A key is unknown.
    """
    unknown = sorted(set(settings or {}) - set(DEFAULTS))
    if unknown:
        raise KeyError(f"unknown settings: {', '.join(unknown)}")
    return {**DEFAULTS, **(settings or {})}

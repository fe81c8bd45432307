"""Settings under which short recordings are rich in events, and settings off the beaten track."""

from __future__ import annotations

from typing import Any

CONFIRMED: dict[str, Any] = {"recordings.interval_unit": "s"}
"""Drawn bars of a second can be minutes apart: a replay would ask whether their lengths are seconds."""

LIVELY: dict[str, Any] = {
    "surge.interval_seconds": 4,
    "surge.baseline_seconds": 12,
    "surge.baseline_min_seconds": 3,
    "surge.price_threshold_percent": 0.2,
    "surge.volume_threshold": 1.5,
    "surge.min_data_points": 2,
    "surge.cooldown_seconds": 5,
    "trend.windows_seconds": [30, 60, 90],
    "trend.bucket_seconds": 5,
    "trend.min_data_points": 3,
    "trend.warmup_seconds": 15,
    "trend.cooldown_seconds": 150,
    "ohlcv.average_bars": 4,
    "ohlcv.average_min_bars": 2,
    "ohlcv.window_bars": 3,
    "ohlcv.required_volume_multiple": 1.1,
    "ohlcv.min_percent_change": 0.05,
    "ohlcv.surge_volume_multiple": 1.5,
    "ohlcv.window_move_percent": 0.2,
    "ohlcv.quick_move_percent": 0.3,
    "fmv.cooldown_seconds": 10,
}
"""Windows, cooldowns and counts made small."""

VARIATIONS: tuple[tuple[dict[str, Any], ...], ...] = (
    (
        {"session.calendar": "24/7"},
        {
            "session.calendar": "custom",
            "session.zone": "America/Chicago",
            "session.hours": [
                {"phase": "pre", "start": "16:45", "end": "17:00"},
                {"phase": "regular", "start": "17:00", "end": "09:15"},
                {"phase": "regular", "start": "12:00", "end": "15:00"},
                {"phase": "post", "start": "15:00", "end": "16:00"},
            ],
            "session.holidays": ["2024-06-12", "2024-11-04"],
            "session.half_days": ["2024-03-11", "2024-11-01"],
            "session.half_day_end": "12:15",
        },
    ),
    (
        {"session.phases": ["regular"]},
        {"session.phases": ["pre", "regular", "post", "closed"]},
        {"session.phases": ["closed", "post"]},
        {"session.phases": ["pre", "regular", "post", "overnight"]},
        {"session.phases": ["overnight", "closed"]},
    ),
    ({"recordings.interval_seconds": 300},),
    ({"guard.outlier_percent": 0}, {"guard.outlier_percent": 2}, {"guard.outlier_percent": 0.5}),
    ({"guard.confirm_rows": 1}, {"guard.confirm_rows": 2}, {"guard.confirm_rows": 5}),
    ({"highlow.cooldown_seconds": 0}, {"highlow.cooldown_seconds": 10}, {"highlow.cooldown_seconds": 0.25}),
    ({"highlow.min_percent_change": 0}, {"highlow.min_percent_change": 0.5}, {"highlow.min_price_change": 0.5}),
    ({"highlow.post_continues": False},),
    ({"highlow.extended_hours_multiplier": 1.0},),
    ({"surge.trigger": "any"}, {"surge.trigger": "price"}, {"surge.trigger": "volume"}),
    ({"surge.cooldown_seconds": 0}, {"surge.price_alone_multiple": 1.0}, {"surge.max_rel_volume": 2}),
    ({"surge.baseline_min_seconds": 0}, {"surge.min_data_points": 1}, {"surge.interval_seconds": 1}),
    ({"trend.cooldown_seconds": 0}, {"trend.min_efficiency": 0}, {"trend.min_windows": 1}),
    ({"trend.warmup_seconds": 0}, {"trend.min_data_points": 2}, {"trend.direction_threshold": 0.2}),
    ({"trend.windows_seconds": [20], "trend.weights": [1], "trend.min_windows": 1},),
    ({"ohlcv.regular_hours_only": False},),
    ({"ohlcv.trust_percent_change": True},),
    ({"ohlcv.close_at_extreme": True},),
    ({"ohlcv.max_gap_seconds": 0}, {"ohlcv.average_min_bars": 1}, {"ohlcv.window_bars": 2}),
    ({"ohlcv.required_volume_multiple": 0}, {"ohlcv.min_percent_change": 0}),
    ({"fmv.cooldown_seconds": 0}, {"fmv.max_staleness_seconds": 1}, {"fmv.min_confidence": 0}),
    ({"fmv.max_deviation_percent": 100}, {"fmv.deviation_percent": 0.1}),
    ({"coordinator.window_ms": 1}, {"coordinator.window_ms": 5000}, {"coordinator.window_ms": 60_000}),
    ({"coordinator.hold_top_source": True},),
    ({"coordinator.key": "ticker"},),
    ({"coordinator.dedupe_extremes": False},),
    ({"priority.core_universe": ["AAPL", "MSFT"]},),
)
"""Groups of alternatives. At most one of a group is laid over a case's settings."""

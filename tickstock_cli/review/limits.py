"""Thresholds and cooldowns, as expressions over event columns: how close an event came to not being told.

What an event is measured by stands in its columns, so a file alone tells which events another threshold would have
kept silent. Kinds that are not listed here have no threshold that a file could show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from tickstock_cli.build import detector_classes
from tickstock_cli.config.settings import Settings
from tickstock_cli.detectors.fmv import FmvParams
from tickstock_cli.detectors.highlow import HighLowParams
from tickstock_cli.detectors.ohlcv import OhlcvParams
from tickstock_cli.detectors.surge import SurgeParams
from tickstock_cli.detectors.trend import TrendParams
from tickstock_cli.kernels.compare import cooldown_ns


@dataclass(frozen=True, slots=True)
class Limit:
    """A threshold that events of one kind and source have reached.

    ``value`` and ``least`` are expressions in ``unit``; where either is null the limit does not apply to an event.
    If ``upper``, the value must not exceed ``least`` instead.
    """

    kind: str
    source: str
    setting: str
    unit: str
    value: pl.Expr
    least: pl.Expr
    upper: bool = False

    def margin(self) -> pl.Expr:
        """Return value over threshold (upper: the inverse): 1 at the threshold, below 1 not reached.

        Null where the limit does not apply; of events of its kind and source.
        """
        ratio = self.least / self.value if self.upper else self.value / self.least
        return pl.when(ratio.is_finite()).then(ratio)


def limits_of(settings: Settings) -> list[Limit]:
    """Return every limit that a file of events can show."""
    change, volume, score = pl.col("percent_change").abs(), pl.col("rel_volume"), pl.col("score").abs()
    surge, trend = settings.section("surge", SurgeParams), settings.section("trend", TrendParams)
    ohlcv, fmv = settings.section("ohlcv", OhlcvParams), settings.section("fmv", FmvParams)
    found = []
    for kind in ("high", "low"):
        distance = (pl.col("price") - pl.col("previous")).abs()
        found.append(Limit(kind, "tick", "highlow.min_percent_change", "$", distance, least_distance(settings)))
    price, least_volume = _surge_needs(surge)
    found += [
        Limit("surge", "tick", "surge.price_threshold_percent", "%", change, price),
        Limit("surge", "tick", "surge.volume_threshold", "x", volume, least_volume),
        Limit("trend", "tick", "trend.direction_threshold", "%/min", score, pl.lit(trend.direction_threshold)),
    ]
    for kind in ("high", "low", "surge", "trend"):
        multiple = ohlcv.surge_volume_multiple if kind == "surge" else ohlcv.required_volume_multiple
        name = "surge_volume_multiple" if kind == "surge" else "required_volume_multiple"
        found.append(Limit(kind, "ohlcv", f"ohlcv.{name}", "x", volume, pl.lit(float(multiple))))
        found.append(Limit(kind, "ohlcv", "ohlcv.min_percent_change", "%", change, pl.lit(ohlcv.min_percent_change)))
    return [
        *found,
        Limit("trend", "ohlcv", "ohlcv.window_move_percent", "%", score, pl.lit(ohlcv.window_move_percent)),
        Limit("fmv", "fmv", "fmv.deviation_percent", "%", change, pl.lit(fmv.deviation_percent)),
        Limit("fmv", "fmv", "fmv.max_deviation_percent", "%", change, pl.lit(fmv.max_deviation_percent), upper=True),
        Limit("fmv", "fmv", "fmv.min_confidence", "", pl.col("confidence"), pl.lit(fmv.min_confidence)),
    ]


def _surge_needs(surge: SurgeParams) -> tuple[pl.Expr, pl.Expr]:
    """Return the least move (percent) and relative volume of a surge of ticks; null where it needs none.

    What an event was told for, its ``trigger``, need not be what these settings ask for.
    """
    told_for = pl.col("trigger")
    multiple = {
        "both": pl.when(told_for == "price").then(surge.price_alone_multiple).otherwise(1.0),
        "any": pl.when(told_for == "price").then(1.0),
        "price": pl.lit(1.0),
        "volume": pl.lit(None, pl.Float64),
    }[surge.trigger]
    needs_volume = {
        "both": told_for != "price",
        "any": told_for == "volume",
        "price": pl.lit(False),
        "volume": pl.lit(True),
    }[surge.trigger]
    return multiple * surge.price_threshold_percent, pl.when(needs_volume).then(surge.volume_threshold)


def least_distance(settings: Settings, reference: str = "previous") -> pl.Expr:
    """Return how far, in dollars, a high or low must lie from the one told before it, whose price is ``reference``.

    Outside regular hours those of ticks must lie farther.
    """
    highlow = settings.section("highlow", HighLowParams)
    least = pl.max_horizontal(pl.lit(highlow.min_price_change), pl.col(reference) * highlow.min_percent_change / 100.0)
    plain = (pl.col("phase") == "regular") | (pl.col("source") != "tick")
    return least * pl.when(plain).then(1.0).otherwise(highlow.extended_hours_multiplier)


def smallest(columns: Mapping[int, pl.Expr]) -> tuple[pl.Expr, pl.Expr]:
    """Return the smallest of some columns, and the key of the one that has it; nulls do not count."""
    if not columns:
        return pl.lit(None, pl.Float64), pl.lit(None, pl.Int32)
    least = pl.min_horizontal(*columns.values())
    return least, pl.coalesce(pl.when(column == least).then(pl.lit(key, pl.Int32)) for key, column in columns.items())


def cooldowns_of(settings: Settings) -> pl.DataFrame:
    """Give, of every detector that has a cooldown, kind, source, ``by_cooldown`` (int64 ns) and ``by_setting``."""
    rows = [
        (kind.name, cls.channel, cooldown_ns(getattr(settings, name).cooldown_seconds), f"{name}.cooldown_seconds")
        for name, cls in detector_classes(settings).items()
        if hasattr(getattr(settings, name), "cooldown_seconds")
        for kind in cls.kinds
    ]
    schema = {"kind": pl.String, "source": pl.String, "by_cooldown": pl.Int64, "by_setting": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row").unique(["kind", "source"], keep="first", maintain_order=True)

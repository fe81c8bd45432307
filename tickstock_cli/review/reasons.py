"""Why an event stands in one file and not in the other, as far as the files and the settings can tell.

In this order, because each is weaker evidence than the one before:

1. threshold: the event stays below every event of its kind and source in the other file or, if there are few
   of those, below a threshold of the settings;
2. window: the other file's event of its coordination window is another one;
3. cooldown: the other file has an event of its kind less than a cooldown before it;
4. threshold: the other file had told of a high or low so near that this one is not worth telling;
5. missing_data: the other file has nothing of its ticker, of its kind and source, or of its time;
6. threshold: it came so close to a threshold that a slightly higher one would have kept it silent;
7. unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from tickstock_cli.review.limits import Limit, cooldowns_of, least_distance, limits_of, smallest

THRESHOLD, WINDOW, COOLDOWN, MISSING_DATA, VALUE, UNKNOWN = (
    "threshold",
    "window",
    "cooldown",
    "missing_data",
    "value",
    "unknown",
)

ENOUGH = 10
"""Events of a kind and source in the other file before the least of them is taken for a threshold."""
NEAR = 1.2
"""Margin below which an event counts as close to its threshold."""
TOLERANCE = 1e-9
"""That of the kernels' comparisons."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What reasons are found by."""

    limits: list[Limit]
    cooldowns: pl.DataFrame
    window: int
    key: list[str]
    settings: Any

    @classmethod
    def of(cls, settings: Any) -> Rules:
        """Take them from settings."""
        key = ["ticker"] if settings.coordinator.key == "ticker" else ["ticker", "kind"]
        window = settings.coordinator.window_ms * 1_000_000
        return cls(limits_of(settings), cooldowns_of(settings), window, key, settings)

    def window_of(self) -> pl.Expr:
        """Give the number of an event's coordination window."""
        return (pl.col("available_at") // self.window).alias("window")


def find_reasons(mine: pl.DataFrame, other: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Give ``mine`` with the reason why ``other`` lacks each event, and the evidence for it.

    Parameters
    ----------
    mine
        Events of one file that the other lacks, with their place in the file as ``row``.
    other
        All events of the other file.

    Returns
    -------
    polars.DataFrame
        As many rows, in the same order; evidence columns begin with ``by_``.
    """
    found = mine.with_row_index("place")
    for add in (_add_margin, _add_window, _add_last, _add_coverage):
        found = add(found, other, rules)
    cooled = pl.col("timestamp") - pl.col("by_last_time") < pl.col("cooldown")
    told = (pl.col("price") - pl.col("by_last_price")) * pl.col("direction")
    reached = told >= least_distance(rules.settings, "by_last_price") * (1 - TOLERANCE)
    extreme = pl.col("kind").is_in(["high", "low"]) & (pl.col("phase") == pl.col("by_last_phase"))
    reason = (
        pl.when(pl.col("by_relative") < 1 - TOLERANCE)
        .then(pl.lit(THRESHOLD))
        .when(pl.col("by_window_time").is_not_null())
        .then(pl.lit(WINDOW))
        .when(cooled)
        .then(pl.lit(COOLDOWN))
        .when(extreme & ~reached)
        .then(pl.lit(THRESHOLD))
        .when(pl.col("by_missing").is_not_null())
        .then(pl.lit(MISSING_DATA))
        .when(pl.col("by_margin") < NEAR)
        .then(pl.lit(THRESHOLD))
        .otherwise(pl.lit(UNKNOWN))
    )
    nearer = (extreme & ~reached).fill_null(False).alias("by_nearer")
    return found.with_columns(reason.alias("reason"), nearer).sort("place").drop("place")


def _add_margin(found: pl.DataFrame, other: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Add how close an event came to its limits.

    ``by_relative``: the smallest margin relative to the least one that the other file's events have of the same
    limit, or to 1 where it has few events; ``by_limit``: whose that is; ``by_margin``, ``by_near_limit``: the same for
    the plain margins.
    """
    names = [f"margin_{place}" for place in range(len(rules.limits))]
    margins = [limit.margin().alias(name) for limit, name in zip(rules.limits, names, strict=True)]
    least = (
        other.select("kind", "source", *margins)
        .group_by("kind", "source")
        .agg(pl.len().alias("by_others"), *(pl.col(name).min().name.suffix("_least") for name in names))
        .filter(pl.col("by_others") >= ENOUGH)
    )
    found = found.with_columns(margins).join(least, on=["kind", "source"], how="left")
    relative, place = smallest([pl.col(name) / pl.coalesce(f"{name}_least", pl.lit(1.0)) for name in names])
    margin, near = smallest([pl.col(name) for name in names])
    found = found.with_columns(
        relative.alias("by_relative"), place.alias("by_limit"), margin.alias("by_margin"), near.alias("by_near_limit")
    )
    return found.drop(names, [f"{name}_least" for name in names])


def _add_window(found: pl.DataFrame, other: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Add time, kind and source of the event that the other file has in the same coordination window."""
    winners = other.select(
        *rules.key,
        rules.window_of(),
        pl.col("timestamp").alias("by_window_time"),
        pl.col("kind").alias("by_window_kind"),
        pl.col("source").alias("by_window_source"),
        pl.col("merged").alias("by_window_merged"),
    ).unique([*rules.key, "window"], keep="first")
    return found.with_columns(rules.window_of()).join(winners, on=[*rules.key, "window"], how="left")


def _add_last(found: pl.DataFrame, other: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Add the last event of the same ticker, kind and source that the other file has at or before this one."""
    same = ["ticker", "kind", "source"]
    last = other.select(
        *same,
        "timestamp",
        pl.col("timestamp").alias("by_last_time"),
        pl.col("price").alias("by_last_price"),
        pl.col("phase").alias("by_last_phase"),
    ).sort("timestamp")
    joined = found.sort("timestamp").join_asof(last, on="timestamp", by=same, check_sortedness=False)
    return joined.join(rules.cooldowns, on=["kind", "source"], how="left")


def _add_coverage(found: pl.DataFrame, other: pl.DataFrame, rules: Rules) -> pl.DataFrame:  # noqa: ARG001 - as the others
    """Add what the other file has nothing of: ``ticker``, ``kind``, ``before`` or ``after``; null if nothing."""
    tickers = other.select("ticker").unique().with_columns(pl.lit(True).alias("has_ticker"))
    kinds = other.select("kind", "source").unique().with_columns(pl.lit(True).alias("has_kind"))
    time = pl.col("timestamp")
    missing = (
        pl.when(pl.col("has_kind").is_null())
        .then(pl.lit("kind"))
        .when(pl.col("has_ticker").is_null())
        .then(pl.lit("ticker"))
        .when(time < other["timestamp"].min())
        .then(pl.lit("before"))
        .when(time > other["timestamp"].max())
        .then(pl.lit("after"))
    )
    joined = found.join(tickers, on="ticker", how="left").join(kinds, on=["kind", "source"], how="left")
    return joined.with_columns(missing.alias("by_missing")).drop("has_ticker", "has_kind")

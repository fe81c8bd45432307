"""Matches the events of two files.

1. Events with the same ticker, kind, source and time match; several such events match in file order.
2. Of the rest, an event of a ticker and kind moved if both files have one in the same coordination window, or if they
   are nearest to each other within `NEAR_NS`.
"""

from __future__ import annotations

import polars as pl

from tickstock_cli.review.reasons import Rules, window_of

KEY = ["ticker", "kind", "source", "timestamp"]
NEAR_NS = 5_000_000_000


def same_events(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
    """Return ``row_a`` and ``row_b`` of every event that both files have, in the order of A."""
    both = _numbered(a).join(_numbered(b), on=[*KEY, "repeat"], how="inner", suffix="_b", maintain_order="left")
    return both.select(pl.col("row").alias("row_a"), "row_b")


def moved_events(only_a: pl.DataFrame, only_b: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Return ``row_a`` and ``row_b`` of events that moved, each in one pair at most.

    Parameters
    ----------
    only_a, only_b
        Events without a match: row, ticker, kind, timestamp, available_at.
    rules
        Windows, and the columns of competing events.
    """
    windows = [*rules.key, "window"]
    in_a, in_b = (found.with_columns(window_of(rules).alias("window")) for found in (only_a, only_b))
    same = (
        in_a.unique(windows, keep="first", maintain_order=True)
        .join(in_b.unique(windows, keep="first"), on=windows, how="inner", suffix="_b")
        .select(pl.col("row").alias("row_a"), "row_b")
    )
    rest_a = only_a.join(same, left_on="row", right_on="row_a", how="anti")
    rest_b = only_b.join(same, left_on="row", right_on="row_b", how="anti")
    there = _nearest(rest_a, rest_b)
    back = _nearest(rest_b, rest_a).rename({"row": "row_b", "row_near": "row"})
    near = there.rename({"row_near": "row_b"}).join(back, on=["row", "row_b"], how="inner")
    return pl.concat([same, near.select(pl.col("row").alias("row_a"), "row_b")])


def _numbered(events: pl.DataFrame) -> pl.DataFrame:
    """Return the key of every event, its row, and which one of equal keys it is."""
    keys = events.select(KEY).with_row_index("row")
    if not keys.select(KEY).is_duplicated().any():
        return keys.with_columns(pl.lit(0, pl.UInt32).alias("repeat"))
    return keys.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).over(KEY).alias("repeat"))


def _nearest(mine: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Return for each event the row of the other file's nearest one of its ticker and kind."""
    columns = ["timestamp", "ticker", "kind"]
    return (
        mine.select("row", *columns)
        .sort("timestamp", "row")
        .join_asof(
            other.select(pl.col("row").alias("row_near"), *columns).sort("timestamp", "row_near"),
            on="timestamp",
            by=["ticker", "kind"],
            strategy="nearest",
            tolerance=NEAR_NS,
            check_sortedness=False,
        )
        .drop_nulls("row_near")
        .select("row", "row_near")
    )

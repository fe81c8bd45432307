"""The event study of docs/backtest.md on minute bars, as a plain polars script.

Run by an interpreter that has polars: ``python polars_study.py BARS EVENTS [OBSERVATIONS]``. It prints a line of JSON:
seconds, CPU seconds, observed rows and, with observations of tickstock, how many of those differ from its own.
"""

from __future__ import annotations

import json
import sys
import time

import polars as pl

MINUTE, DAY_END, DAY_START = 60 * 10**9, 16 * 60, 9 * 60 + 30
LATENCY, SLACK, WAIT, END_SLACK = 100_000_000, 10**9, 300 * 10**9, 300 * 10**9
LENGTHS = {"5m": 5 * MINUTE, "30m": 30 * MINUTE, "close": None}
PLACEBO_DAYS, REACH_DAYS = 5, 14
ZONE = "America/New_York"


def local(time_ns: pl.Expr) -> pl.Expr:
    """Return New York's wall time of times in ns."""
    return pl.from_epoch(time_ns, "ns").dt.replace_time_zone("UTC").dt.convert_time_zone(ZONE)


def minutes(wall: pl.Expr) -> pl.Expr:
    """Return the minute of the day."""
    return wall.dt.hour().cast(pl.Int32) * 60 + wall.dt.minute()


def at(day: pl.Expr, since_midnight: pl.Expr) -> pl.Expr:
    """Return the ns of a wall time of a date."""
    midnight = day.cast(pl.Datetime("ns")).dt.replace_time_zone(ZONE).dt.epoch("ns")
    return midnight + since_midnight


def study(bars_path: str, events_path: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what followed each event at each horizon, and the table by kind."""
    bars = (
        pl.scan_parquet(bars_path)
        .select("ticker", "open", "close", opening=pl.col("timestamp").dt.epoch("ns"))
        .with_columns(closing=pl.col("opening") + MINUTE, wall=local(pl.col("opening")))
        .filter(minutes(pl.col("wall")).is_between(DAY_START, DAY_END - 1))
        .with_columns(day=pl.col("wall").dt.date())
        .drop("wall")
        .sort("ticker", "opening")
        .with_row_index("row")
        .collect()
    )
    last = bars.group_by("day").agg(last=pl.col("closing").max()).sort("day")
    close = at(pl.col("day"), pl.lit(DAY_END * MINUTE))
    days = last.with_columns(end=close).with_columns(
        covered=pl.when(pl.col("last") >= pl.col("end") - END_SLACK).then("end").otherwise("last"),
    )
    events = (
        pl.scan_parquet(events_path)
        .select(
            "event_id", "ticker", "kind", "direction", "source", decision=pl.col("emitted_at").cast(pl.Int64) + LATENCY
        )
        .filter(pl.col("direction") != 0)
        .with_columns(pl.col("ticker", "kind", "source").cast(pl.String), wall=local(pl.col("decision")))
        .filter(minutes(pl.col("wall")).is_between(DAY_START, DAY_END - 1))
        .with_columns(own_day=pl.col("wall").dt.date())
        .with_columns(since=pl.col("decision") - at(pl.col("own_day"), pl.lit(0)))
        .drop("wall", "decision")
        .collect()
    )
    following = [
        {"own_day": own, "placebo": number, "day": other}
        for place, own in enumerate(days["day"])
        for number, other in enumerate(days["day"][place : place + PLACEBO_DAYS + 1])
        if (other - own).days <= REACH_DAYS
    ]
    moments = (
        events.join(pl.DataFrame(following), on="own_day")
        .join(days.select("day", "end", "covered"), on="day")
        .with_columns(decision=at(pl.col("day"), pl.col("since")))
        .with_columns(key=pl.col("decision") - SLACK)
        .sort("key")
        .join_asof(
            bars.select("ticker", "opening", "row", bar_day="day", entry_price="open").sort("opening"),
            left_on="key", right_on="opening", by="ticker", strategy="forward", check_sortedness=False,
        )
        .filter(pl.col("bar_day") == pl.col("day"), pl.col("opening") <= pl.col("decision") + WAIT)
        .with_columns(entry_time=pl.max_horizontal("opening", "decision"))
    )  # fmt: skip
    prices = bars.select("ticker", "closing", last_row="row", last="close").sort("closing")
    found = []
    for horizon, length in LENGTHS.items():
        ends = moments.with_columns(at=pl.col("end") if length is None else pl.col("entry_time") + length)
        moves = (
            ends.filter(pl.col("at") <= pl.col("covered"))
            .sort("at")
            .join_asof(
                prices, left_on="at", right_on="closing", by="ticker", strategy="backward", check_sortedness=False
            )
            .with_columns(
                price=pl.when(pl.col("last_row") >= pl.col("row")).then("last").otherwise("entry_price")
            )
            .with_columns(
                move=pl.col("direction").cast(pl.Float64)
                * (pl.col("price") - pl.col("entry_price")) / pl.col("entry_price") * 1e4
            )
        )  # fmt: skip
        placebo = moves.filter(pl.col("placebo") > 0).group_by("event_id").agg(placebo_bps=pl.col("move").mean())
        own = moves.filter(pl.col("placebo") == 0).select(
            "event_id", "kind", "direction", "source", horizon=pl.lit(horizon), return_bps="move"
        )
        found.append(own.join(placebo, on="event_id", how="left"))
    rows = pl.concat(found)
    cells = rows.group_by("kind", "direction", "source", "horizon").agg(
        n=pl.len(), mean=pl.col("return_bps").mean(), excess=(pl.col("return_bps") - pl.col("placebo_bps")).mean()
    )
    return rows, cells.sort("kind", "direction", "source", "horizon")


def differing(rows: pl.DataFrame, observations_path: str) -> int:
    """Return how many observed rows of tickstock and of this script are not the same."""
    keys = ["event_id", "horizon"]
    theirs = pl.read_parquet(observations_path).filter(pl.col("status") == "observed")
    both = rows.join(theirs.select(*keys, "return_bps", "placebo_bps"), on=keys, how="full", suffix="_of_tickstock")

    def is_same(name: str) -> pl.Expr:
        other = pl.col(f"{name}_of_tickstock")
        return ((pl.col(name) - other).abs() < 1e-6).fill_null(pl.col(name).is_null() & other.is_null())

    found = both.filter(
        pl.col("event_id").is_null()
        | pl.col("event_id_of_tickstock").is_null()
        | ~is_same("return_bps")
        | ~is_same("placebo_bps")
    )
    return found.height


def main() -> None:
    """Run it twice, the first time to warm up."""
    bars, events, *observations = sys.argv[1:]
    study(bars, events)
    wall, cpu = time.perf_counter(), time.process_time()
    rows, _ = study(bars, events)
    told = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu, "rows": rows.height}
    if observations:
        told["differing"] = differing(rows, observations[0])
    print(json.dumps(told))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()

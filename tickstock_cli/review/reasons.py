"""Reasons why an event is in one file and not in the other, as far as the files and the settings show them.

There are seven sorts of evidence. Each is weaker than the one before, so the first that applies counts:

1. below: the event does not reach a threshold of the other file's settings;
2. beaten: in its coordination window the other file has an event that wins against this one;
3. cooling: the other file has an event of its kind less than a cooldown before it;
4. told: the other file has a session extreme of its kind before it, nearer than the least distance;
5. least: it measures less than any event of its kind and source in the other file, which has some;
6. absent: the other file has nothing of its ticker, of its kind and source, or of its time;
7. close: it is so close to a threshold that a slightly higher one would have suppressed it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import polars.selectors as cs

from tickstock_cli.build import DeclaredExtreme, declarations, declared_extremes
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.calendar import SEGMENT_DAY, Calendar
from tickstock_cli.core.declarations import DetectorDeclaration
from tickstock_cli.core.events import SOURCES
from tickstock_cli.review.limits import DetectorLimit, cooldowns_of, limits_of, smallest

THRESHOLD, WINDOW, COOLDOWN, MISSING_DATA, VALUE, UNKNOWN = (
    "threshold",
    "window",
    "cooldown",
    "missing_data",
    "value",
    "unknown",
)
"""Reasons of a difference. ``value``: both files have the event, with other values."""

BELOW, BEATEN, COOLING, TOLD, LEAST, ABSENT, CLOSE = "below", "beaten", "cooling", "told", "least", "absent", "close"
REASONS = {
    BELOW: THRESHOLD,
    BEATEN: WINDOW,
    COOLING: COOLDOWN,
    TOLD: THRESHOLD,
    LEAST: THRESHOLD,
    ABSENT: MISSING_DATA,
    CLOSE: THRESHOLD,
}
"""Evidence -> reason, strongest first."""

ENOUGH = 10
"""Least number of events in the other file from which a threshold, or an end of data, is inferred."""
NEAR = 1.2
"""Margin below which an event counts as close to its threshold."""
TOLERANCE = 1e-9
"""Tolerance of the kernels' comparisons."""


KEPT = ("row", "timestamp", "available_at", "ticker", "kind", "source", "phase", "direction", "price")
"""Columns that evidence needs: joins would copy the other columns of large files many times."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of one file's run, as evidence needs them.

    Parameters
    ----------
    detectors
        Those of the settings, then others that the file itself declares, with the settings that they ran with.
    extremes
        Session extremes by kind.
    window
        In ns.
    key
        Columns of events that compete.
    """

    settings: Settings
    detectors: tuple[DetectorDeclaration, ...]
    limits: list[DetectorLimit]
    extremes: dict[str, DeclaredExtreme]
    cooldowns: pl.DataFrame
    window: int
    key: list[str]
    calendar: Calendar

    @classmethod
    def of(cls, settings: Settings, declared: Sequence[DetectorDeclaration] = ()) -> Rules:
        """Return the rules of settings and, for detectors without a section there, those that a file declares."""
        own = declarations(settings)
        known = {one.name for one in own}
        detectors = (*own, *(one for one in declared if one.name not in known))
        return cls(
            settings,
            detectors,
            limits_of(detectors),
            declared_extremes(detectors),
            cooldowns_of(detectors),
            settings.coordinator.window_ms * 1_000_000,
            ["ticker"] if settings.coordinator.key == "ticker" else ["ticker", "kind"],
            Calendar(settings.session.market_calendar),
        )


def find_reasons(mine: pl.DataFrame, other: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Return the reason why ``other`` lacks each event of ``mine``, and the evidence for it.

    Parameters
    ----------
    mine
        Events of one file that the other lacks, with their place in the file as ``row``.
    other
        All events of the other file.
    rules
        Rules of the other file's run.

    Returns
    -------
    polars.DataFrame
        As many rows, in the same order, with the columns of ``KEPT``, ``reason``, ``evidence`` (null = none, the
        reason is unknown), and what the evidence rests on in columns that begin with ``by_``.
    """
    if mine.is_empty():
        other = other.clear()  # what it holds is not asked for
    found = _add_margin(mine.with_row_index("place"), other, rules).select("place", *KEPT, cs.starts_with("by_"))
    for add in (_add_window, _add_last, _add_absence):
        found = add(found, other, rules)
    holds = {
        BELOW: pl.col("by_margin") < 1 - TOLERANCE,
        BEATEN: pl.col("by_beaten"),
        COOLING: pl.col("timestamp") - pl.col("by_last_time") < pl.col("by_cooldown"),
        TOLD: pl.col("by_told"),
        LEAST: pl.col("by_relative") < 1 - TOLERANCE,
        ABSENT: pl.col("by_absent").is_not_null(),
        CLOSE: pl.col("by_margin") < NEAR,
    }
    evidence = pl.coalesce(pl.when(holds[name]).then(pl.lit(name)) for name in REASONS).alias("evidence")
    reason = pl.col("evidence").replace_strict(REASONS, default=UNKNOWN, return_dtype=pl.String).alias("reason")
    return found.with_columns(evidence).with_columns(reason).sort("place").drop("place", "window")


def _add_margin(found: pl.DataFrame, other: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Add the margins of events to their limits.

    ``by_margin``: the smallest of its margins; ``by_limit``: whose that is. ``by_relative``, ``by_relative_limit``: the
    same relative to the least margin that the other file's ``by_others`` events have of a limit, unless they are few.
    """
    parts = []
    for (kind, source), part in found.partition_by("kind", "source", as_dict=True).items():
        mine = {place: one for place, one in enumerate(rules.limits) if (one.kind, one.source) == (kind, source)}
        theirs = other.filter(pl.col("kind") == kind, pl.col("source") == source)
        parts.append(_measure(part, theirs, mine))
    return pl.concat(parts) if parts else _measure(found, other, {})


def _measure(found: pl.DataFrame, theirs: pl.DataFrame, limits: Mapping[int, DetectorLimit]) -> pl.DataFrame:
    """Add the margins of events of one kind and source; ``limits`` by their positions."""
    found = found.with_columns(limit.margins(found).alias(f"margin_{place}") for place, limit in limits.items())
    margins = {place: pl.col(f"margin_{place}") for place in limits}
    least = {place: limit.margins(theirs).min() for place, limit in limits.items() if len(theirs) >= ENOUGH}
    relatives = {place: margins[place] / pl.lit(value) for place, value in least.items() if value}
    margin, limit = smallest(margins)
    relative, its_limit = smallest(relatives)
    return found.with_columns(
        margin.alias("by_margin"),
        limit.alias("by_limit"),
        relative.alias("by_relative"),
        its_limit.alias("by_relative_limit"),
        pl.lit(len(theirs)).alias("by_others"),
    ).drop(f"margin_{place}" for place in limits)


def _add_window(found: pl.DataFrame, other: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Add the event that the other file has in the same coordination window, and whether it beats this one.

    As the coordinator judges, as far as columns tell: the source of priority wins; of one source the later event, but
    the earlier of ticks that are emitted at once. A winner that had waited for the window's end and met nobody did
    not beat anything.
    """
    winners = other.select(
        *rules.key,
        window_of(rules).alias("window"),
        pl.col("timestamp").alias("by_window_time"),
        pl.col("available_at").alias("by_window_available"),
        pl.col("kind").alias("by_window_kind"),
        pl.col("source").alias("by_window_source"),
        pl.col("merged").alias("by_window_merged"),
    ).unique([*rules.key, "window"], keep="first")
    rank, its_rank = (
        pl.col(name).replace_strict({source: place for place, source in enumerate(SOURCES)}, default=None)
        for name in ("source", "by_window_source")
    )
    at_once = (pl.col("by_window_source") == "tick") & (not rules.settings.coordinator.hold_top_source)
    lag = pl.col("by_window_available") - pl.col("available_at")
    beaten = (its_rank < rank) | ((its_rank == rank) & pl.when(at_once).then(lag <= 0).otherwise(lag >= 0))
    found = found.with_columns(window_of(rules).alias("window")).join(winners, on=[*rules.key, "window"], how="left")
    alone = (pl.col("by_window_merged") == 1) & ~at_once
    return found.with_columns((beaten & ~alone).alias("by_beaten"))


def window_of(rules: Rules) -> pl.Expr:
    """Return the number of an event's coordination window."""
    return pl.col("available_at") // rules.window


def _add_last(found: pl.DataFrame, other: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Add the last event of the same ticker, kind and source that the other file has at or before this one.

    Session extremes of bars are compared with those of the declaring detector's source, which make them redundant.
    ``by_told``: it is an extreme, and that event of the same session is nearer than the least distance.
    """
    by = ["ticker", "kind", "by_last_source"]
    last = other.select(
        "ticker",
        "kind",
        pl.col("source").alias("by_last_source"),
        "timestamp",
        pl.col("timestamp").alias("by_last_time"),
        pl.col("price").alias("by_last_price"),
        pl.col("phase").alias("by_last_phase"),
    ).sort("timestamp")
    sources = {kind: declared.source for kind, declared in rules.extremes.items()}
    declaring = pl.col("kind").replace_strict(sources, default=None, return_dtype=pl.String)
    asking = pl.coalesce(declaring, pl.col("source")).alias("by_last_source")
    found = found.with_columns(asking).sort("timestamp").join_asof(last, on="timestamp", by=by, check_sortedness=False)
    found = found.join(rules.cooldowns, on=["kind", "source"], how="left")
    days = [_days(found[name], rules.calendar) for name in ("timestamp", "by_last_time")]
    return found.with_columns((_too_near(found, rules) & (days[0] == days[1])).alias("by_told"))


def _too_near(found: pl.DataFrame, rules: Rules) -> pl.Series:
    """Return whether an event is a session extreme within the least distance of the last one of its phase."""
    near = pl.repeat(False, len(found), eager=True)
    for kind, declared in rules.extremes.items():
        asked = found["kind"] == kind
        if not rules.settings.coordinator.dedupe_extremes:
            asked &= found["source"] == declared.source
        same = found["phase"] == found["by_last_phase"]
        if declared.post_continues:
            same |= (found["phase"] == "post") & (found["by_last_phase"] == "regular")
        distance = (found["price"] - found["by_last_price"]) * declared.extreme.direction
        extended = ((found["phase"] != "regular") & (found["source"] == declared.source)).to_numpy()
        earlier = found["by_last_price"].to_numpy()
        least = pl.Series(declared.extreme.least_distance(declared.settings, earlier, extended))
        near |= (asked & same & (distance < least * (1 - TOLERANCE))).fill_null(value=False)
    return near


def _days(times: pl.Series, calendar: Calendar) -> pl.Series:
    """Return the calendar's date of each time, as a number; null of null."""
    known = times.drop_nulls()
    if not len(known):
        return pl.Series([None] * len(times), dtype=pl.Int64)
    table = calendar.table(max(1, int(known.min())), max(1, int(known.max())))  # type: ignore[arg-type]  # int64
    places = np.searchsorted(table.starts, times.fill_null(0).to_numpy(), side="right") - 1
    return pl.Series(table.segments[np.maximum(places, 0)] // SEGMENT_DAY).set(times.is_null(), None)


def _add_absence(found: pl.DataFrame, other: pl.DataFrame, rules: Rules) -> pl.DataFrame:  # noqa: ARG001 - as the others
    """Add what the other file lacks, ``by_absent``: ``ticker``, ``kind``, ``before``, ``after``, or null.

    A later begin or an earlier end of its events counts only if it has many events.
    """
    tickers = other.select("ticker").unique().with_columns(pl.lit(True).alias("has_ticker"))
    kinds = other.select("kind", "source").unique().with_columns(pl.lit(True).alias("has_kind"))
    first, last = (pl.lit(time, pl.Int64) for time in (other["timestamp"].min(), other["timestamp"].max()))
    before, after = pl.col("timestamp") < first, pl.col("timestamp") > last
    absent = (
        pl.when(pl.col("has_kind").is_null())
        .then(pl.lit("kind"))
        .when(pl.col("has_ticker").is_null())
        .then(pl.lit("ticker"))
        .when(before & (before.sum() >= ENOUGH))
        .then(pl.lit("before"))
        .when(after & (after.sum() >= ENOUGH))
        .then(pl.lit("after"))
    )
    joined = found.join(tickers, on="ticker", how="left").join(kinds, on=["kind", "source"], how="left")
    return joined.with_columns(absent.alias("by_absent")).drop("has_ticker", "has_kind")

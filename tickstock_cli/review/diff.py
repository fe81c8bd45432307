"""Compares two files of events, event by event.

1. `review.matching` finds events that both files have, and events that moved; if a column differs, they are changed.
2. The remaining events are in one file only.
3. `review.reasons` finds the reason. For a moved event it is the reason why the other file lacks the earlier one of the
   two; the later one follows from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tickstock_cli.core.declarations import DetectorDeclaration
from tickstock_cli.review.explanations import changed_columns, changes, why
from tickstock_cli.review.matching import moved_events, same_events
from tickstock_cli.review.reasons import VALUE, Rules, find_reasons
from tickstock_cli.sources.event_files import read_declarations, read_events

ONLY_A, ONLY_B, CHANGED = "only_a", "only_b", "changed"


@dataclass(frozen=True, slots=True)
class DifferenceCounts:
    """Numbers of events of one kind: in one file only, changed, equal in both."""

    only_a: int
    only_b: int
    changed: int
    equal: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    Parameters
    ----------
    status
        ``only_a``, ``only_b`` or ``changed``.
    reason, why
        One of the reasons of `review.reasons`, and its evidence.
    a, b
        The event in each file; None if the file lacks it.
    columns
        If changed: column -> value in A, value in B.
    """

    status: str
    reason: str
    why: str
    a: dict[str, Any] | None
    b: dict[str, Any] | None
    columns: dict[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class EventComparison:
    """The comparison of two files.

    Parameters
    ----------
    kinds
        Counts by kind, in the order of outputs.
    reasons
        Differences by reason, most frequent first.
    same_order
        Whether the common events are in the same order.
    differences
        The first differences, in the order of `emitted_at`.
    """

    rows_a: int
    rows_b: int
    kinds: dict[str, DifferenceCounts]
    reasons: dict[str, int]
    same_order: bool
    differences: list[Difference]

    @property
    def total(self) -> int:
        """The number of differences."""
        return sum(counts.only_a + counts.only_b + counts.changed for counts in self.kinds.values())

    @property
    def equal(self) -> bool:
        """Whether both files hold the same events in the same order."""
        return self.total == 0 and self.same_order


def compare_files(a: Path, b: Path, settings_a: Any, settings_b: Any, limit: int) -> EventComparison:
    """Compare two event files.

    Parameters
    ----------
    settings_a, settings_b
        Settings of the run of each file: their thresholds, cooldowns and windows determine the reasons. Those of a
        detector that has no section there are read from the file, if it declares them.
    limit
        Most differences to return in detail.

    Raises
    ------
    UsageError
        A file name has no known suffix.
    DataError
        A file is missing, unreadable or holds no events.
    """
    declared = read_declarations(a), read_declarations(b)
    return compare(read_events(a), read_events(b), settings_a, settings_b, limit, declared)


def compare(
    a: pl.DataFrame,
    b: pl.DataFrame,
    settings_a: Any,
    settings_b: Any,
    limit: int,
    declared: tuple[Sequence[DetectorDeclaration], Sequence[DetectorDeclaration]] = ((), ()),
) -> EventComparison:
    """Compare two tables of events, as ``compare_files`` compares files that declare their detectors."""
    rules_a, rules_b = Rules.of(settings_a, declared[0]), Rules.of(settings_b, declared[1])
    order = dict.fromkeys(kind.name for rules in (rules_a, rules_b) for one in rules.detectors for kind in one.kinds)
    if a.equals(b):
        return EventComparison(a.height, b.height, _count_kinds(a, b, _no_differences(), order), {}, True, [])
    both = same_events(a, b)
    changed = both.filter(_unequal(a, b, both))
    only_a = find_reasons(_unmatched(a, both["row_a"]), b, rules_b)
    only_b = find_reasons(_unmatched(b, both["row_b"]), a, rules_a)
    differences = pl.concat(
        [
            changed.with_columns(pl.lit(CHANGED).alias("status"), pl.lit(VALUE).alias("reason")),
            _pair(only_a, only_b, rules_b),
        ],
        how="diagonal",
    )
    times = [a["emitted_at"].gather(differences["row_a"]), b["emitted_at"].gather(differences["row_b"])]
    differences = differences.with_columns(pl.min_horizontal(*times).alias("at"))
    differences = differences.sort("at", "row_a", "row_b", nulls_last=True)
    reasons = differences.group_by("reason").len().sort(["len", "reason"], descending=[True, False])
    return EventComparison(
        a.height,
        b.height,
        _count_kinds(a, b, differences, order),
        dict(reasons.iter_rows()),
        bool(both["row_b"].is_sorted()),
        [_show(row, a, b, rules_a, rules_b) for row in differences.head(limit).iter_rows(named=True)],
    )


def _unequal(a: pl.DataFrame, b: pl.DataFrame, both: pl.DataFrame) -> pl.Series:
    """Return which pairs of rows differ in a column that both files have; one column at a time, to save memory."""
    differs = pl.repeat(False, both.height, eager=True)
    for name in (name for name in a.columns if name in b.columns):
        differs |= a[name].gather(both["row_a"]).ne_missing(b[name].gather(both["row_b"]))
    return differs


def _unmatched(events: pl.DataFrame, taken: pl.Series) -> pl.DataFrame:
    """Return the events whose rows are not ``taken``, with their ``row``."""
    free = pl.repeat(True, events.height, eager=True).scatter(taken, False)
    return events.with_row_index("row").filter(free)


def _pair(only_a: pl.DataFrame, only_b: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Return moved events as pairs, and the remaining ones, each with reason and evidence."""
    pairs = moved_events(only_a, only_b, rules)
    moved_a = pairs.join(only_a, left_on="row_a", right_on="row", how="left", maintain_order="left")
    moved_b = pairs.join(only_b, left_on="row_b", right_on="row", how="left", maintain_order="left")
    first = moved_a["timestamp"] <= moved_b["timestamp"]
    rest_a = only_a.join(pairs, left_on="row", right_on="row_a", how="anti").rename({"row": "row_a"})
    rest_b = only_b.join(pairs, left_on="row", right_on="row_b", how="anti").rename({"row": "row_b"})
    return pl.concat(
        [
            pl.concat([moved_a.filter(first), moved_b.filter(~first)]).with_columns(pl.lit(CHANGED).alias("status")),
            rest_a.with_columns(pl.lit(ONLY_A).alias("status")),
            rest_b.with_columns(pl.lit(ONLY_B).alias("status")),
        ],
        how="diagonal",
    )


def _no_differences() -> pl.DataFrame:
    return pl.DataFrame(schema={"status": pl.String, "row_a": pl.UInt32, "row_b": pl.UInt32})


def _count_kinds(
    a: pl.DataFrame, b: pl.DataFrame, differences: pl.DataFrame, order: Iterable[str]
) -> dict[str, DifferenceCounts]:
    """Return counts by kind, in the order of the declarations.

    A pair with two kinds (with the key ``ticker``) counts under the kind in A.
    """
    there = pl.concat([a["kind"], b["kind"]]).unique(maintain_order=True).to_list()
    known = [kind for kind in order if kind in there]
    kinds = [*known, *(kind for kind in there if kind not in known)]
    totals = dict(a["kind"].value_counts().iter_rows())
    of_a, of_b = a["kind"].gather(differences["row_a"]), b["kind"].gather(differences["row_b"])
    statuses = differences.select("status", of_a.zip_with(of_a.is_not_null(), of_b).alias("kind"))
    counts = {(status, kind): count for status, kind, count in statuses.group_by("status", "kind").len().iter_rows()}
    return {
        kind: DifferenceCounts(
            counts.get((ONLY_A, kind), 0),
            counts.get((ONLY_B, kind), 0),
            counts.get((CHANGED, kind), 0),
            totals.get(kind, 0) - counts.get((ONLY_A, kind), 0) - counts.get((CHANGED, kind), 0),
        )
        for kind in kinds
    }


def _show(row: dict[str, Any], a: pl.DataFrame, b: pl.DataFrame, rules_a: Rules, rules_b: Rules) -> Difference:
    in_a = a.row(row["row_a"], named=True) if row["row_a"] is not None else None
    in_b = b.row(row["row_b"], named=True) if row["row_b"] is not None else None
    columns = changed_columns(in_a, in_b) if in_a is not None and in_b is not None else {}
    if row["reason"] == VALUE:
        words = changes(columns)
    elif in_a is not None and (in_b is None or in_a["timestamp"] <= in_b["timestamp"]):
        words = why(row, in_a, "B", rules_b)
    else:
        assert in_b is not None  # a difference has at least one event
        words = why(row, in_b, "A", rules_a)
    return Difference(row["status"], row["reason"], words, in_a, in_b, columns)

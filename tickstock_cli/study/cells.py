"""Cells: what followed the events of one kind, direction and source up to one horizon, in numbers.

A *test family* is all (kind, direction, source) cells × horizons: their q values are found together. Cells of a kind
over all directions and sources repeat the same rows, so they have no q.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.inference.clustered_error import TOO_LARGE, Clusters, MeanError, clusters_of, mean_error
from tickstock_cli.inference.false_discoveries import false_discovery_rates
from tickstock_cli.inference.ordered import ordered_mean, standard_deviation
from tickstock_cli.study.horizon_rows import HorizonRows, StudyEvents, placebo_means

Value = str | float | int | bool | None

# fmt: off
CELL_KEYS = (
    "kind", "direction", "source", "horizon", "n", "mean", "median", "std", "q25", "q75", "hit_rate",
    "mean_mfe", "mean_mae", "placebo_events", "matched_mean", "placebo_mean", "excess_mean", "se", "t", "p",
    "lo", "hi", "excess_se", "excess_t", "excess_p", "excess_lo", "excess_hi", "q", "excess_q", "thin", "few",
    "excess_thin", "excess_few",
)
# fmt: on
"""Keys of a cell, in the order of its columns."""

_DESCRIBED = ("mean", "median", "std", "q25", "q75", "hit_rate", "mean_mfe", "mean_mae")

NO_OBSERVATION = "no observation"
NO_PLACEBO = "no observation has a placebo"
ONE_OBSERVATION = "one observation"


@dataclass(frozen=True, slots=True)
class StudyCell:
    """A cell.

    Attributes
    ----------
    values
        By ``CELL_KEYS``; None where a value cannot be had. Returns in basis points, shares from 0 to 1.
    unknown
        Why a value cannot be had, by key.
    """

    values: dict[str, Value]
    unknown: dict[str, str] = field(default_factory=dict)

    def named(self, names: dict[str, Value]) -> StudyCell:
        """Return the cell of the same rows under other values of kind, direction, source and horizon."""
        return StudyCell({**self.values, **names}, dict(self.unknown))


@dataclass(frozen=True, slots=True)
class CellName:
    """Places of kind, direction and source; direction and source are None over all of them."""

    kind: int
    direction: int | None
    source: int | None

    @property
    def order(self) -> tuple[bool, int, int, int]:
        """Place in the table: cells of the test family first; 1 before −1."""
        return self.direction is None, self.kind, -(self.direction or 0), self.source or 0


@dataclass(frozen=True, slots=True)
class CellRows:
    """Observed rows of a cell, in the order of the events; arrays as in ``HorizonRows``."""

    returns: NDArray[np.float64]
    mfe: NDArray[np.float64]
    mae: NDArray[np.float64]
    placebo: NDArray[np.float64]
    clusters: Clusters


_NO_ROW, _NO_VALUE = np.empty(0, np.int64), np.empty(0, np.float64)
NO_ROWS = CellRows(_NO_VALUE, _NO_VALUE, _NO_VALUE, np.empty((0, 0)), Clusters(_NO_ROW, _NO_ROW, _NO_ROW))


def rows_by_cell(events: StudyEvents, rows: NDArray[np.intp]) -> dict[CellName, NDArray[np.intp]]:
    """Return the row numbers of each cell that has some of ``rows``, rising; each row is of two cells.

    A kind with one direction and source has the same array twice.
    """
    kinds = events.kind[rows].astype(np.int64)
    sources = events.source[rows].astype(np.int64)
    width = int(sources.max(initial=0)) + 1
    keys = (kinds * 2 + (events.direction[rows] < 0)) * width + sources
    named: dict[CellName, NDArray[np.intp]] = {}
    of_kind: dict[int, list[NDArray[np.intp]]] = {}
    for key, members in _split(keys, rows):
        kind, rest = divmod(key, 2 * width)
        down, source = divmod(rest, width)
        named[CellName(kind, -1 if down else 1, source)] = members
        of_kind.setdefault(kind, []).append(members)
    for kind, parts in of_kind.items():
        named[CellName(kind, None, None)] = parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))
    return named


def cell_rows(events: StudyEvents, horizon: HorizonRows, rows: NDArray[np.intp]) -> CellRows:
    """Return what a cell is computed from: the columns of its rows, and their clusters."""
    # ``take`` is up to three times as fast as brackets.
    days = events.day.take(rows).astype(np.int64)
    moments = None if horizon.length_ns is None else horizon.entry_time.take(rows) // horizon.length_ns
    return CellRows(
        horizon.returns.take(rows),
        horizon.mfe.take(rows),
        horizon.mae.take(rows),
        horizon.placebo.take(rows, axis=0),
        clusters_of(events.code.take(rows).astype(np.int64), days, moments),
    )


def cell_of(names: dict[str, Value], rows: CellRows, thin: int) -> StudyCell:
    """Return a cell without its q.

    Parameters
    ----------
    names
        Values of kind, direction, source and horizon.
    rows
        Its rows; may be none.
    thin
        A cell of fewer rows (with a placebo) is marked ``thin`` (``excess_thin``).
    """
    cell = StudyCell({**dict.fromkeys(CELL_KEYS), **names})
    count = len(rows.returns)
    cell.values.update(n=count, thin=count < thin, few=True)
    with np.errstate(over="ignore", invalid="ignore"):
        if count:
            _describe(cell, rows)
        else:
            _set_unknown(cell, NO_OBSERVATION, *_DESCRIBED, *_tested_keys(""))
        _compare(cell, rows, thin)
    infinite = [key for key, value in cell.values.items() if isinstance(value, float) and not math.isfinite(value)]
    _set_unknown(cell, TOO_LARGE, *infinite)
    return cell


def excess_error(
    returns: NDArray[np.float64], placebo: NDArray[np.float64], clusters: Clusters
) -> tuple[float, MeanError]:
    """Return the mean of return − placebo over at least one row (float64, basis points), and its error."""
    excess = returns - placebo
    mean = ordered_mean(excess)
    return mean, mean_error(excess, mean, clusters)


def set_rates(cells: Sequence[StudyCell]) -> None:
    """Set ``q`` and ``excess_q`` of all cells of a table, or why they have none."""
    for prefix in ("", "excess_"):
        family = []
        for cell in cells:
            reason = _outside_family(cell, prefix)
            if reason:
                cell.unknown[f"{prefix}q"] = reason
            else:
                family.append(cell)
        rates = false_discovery_rates([float(cell.values[f"{prefix}p"] or 0.0) for cell in family])
        for cell, rate in zip(family, rates, strict=True):
            cell.values[f"{prefix}q"] = rate


def _split(keys: NDArray[np.int64], rows: NDArray[np.intp]) -> list[tuple[int, NDArray[np.intp]]]:
    """Return each key with its rows, in the order of keys; a stable sort keeps the rows rising."""
    if not len(keys):
        return []
    narrow = keys.astype(np.uint16) if keys.max() < 65_536 else keys  # a radix sort: eight times as fast
    order = narrow.argsort(kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
    return list(zip(ordered[starts].tolist(), np.split(rows[order], starts[1:]), strict=True))


def _describe(cell: StudyCell, rows: CellRows) -> None:
    returns, count = rows.returns, len(rows.returns)
    mean = ordered_mean(returns)
    lower, upper = np.quantile(returns, (0.25, 0.75)).tolist()
    cell.values.update(
        mean=mean,
        median=float(np.median(returns)) + 0.0,
        q25=lower + 0.0,
        q75=upper + 0.0,
        hit_rate=int(np.count_nonzero(returns > 0)) / count,
        mean_mfe=ordered_mean(rows.mfe),
        mean_mae=ordered_mean(rows.mae),
    )
    if count > 1:
        cell.values["std"] = standard_deviation(returns, mean)
    else:
        _set_unknown(cell, ONE_OBSERVATION, "std")
    _set_error(cell, "", mean_error(returns, mean, rows.clusters))


def _compare(cell: StudyCell, rows: CellRows, thin: int) -> None:
    """Set what a cell says of its rows that have a placebo."""
    placebo, number = placebo_means(rows.placebo)
    matched = number > 0
    count = int(np.count_nonzero(matched))
    cell.values.update(placebo_events=count, excess_thin=count < thin, excess_few=True)
    if not count:
        reason = NO_PLACEBO if len(matched) else NO_OBSERVATION
        _set_unknown(cell, reason, "matched_mean", "placebo_mean", "excess_mean", *_tested_keys("excess_"))
        return
    returns, placebo = rows.returns[matched], placebo[matched]
    mean, error = excess_error(returns, placebo, rows.clusters.where(matched))
    cell.values.update(matched_mean=ordered_mean(returns), placebo_mean=ordered_mean(placebo), excess_mean=mean)
    _set_error(cell, "excess_", error)


def _set_unknown(cell: StudyCell, reason: str, *keys: str) -> None:
    cell.values.update(dict.fromkeys(keys))
    cell.unknown.update(dict.fromkeys(keys, reason))


def _tested_keys(prefix: str) -> list[str]:
    return [prefix + key for key in ("se", "t", "p", "lo", "hi")]


def _set_error(cell: StudyCell, prefix: str, error: MeanError) -> None:
    keys = _tested_keys(prefix)
    cell.values[f"{prefix}few"] = error.few
    cell.values.update(zip(keys, (error.se, error.t, error.p, error.lo, error.hi), strict=True))
    if error.unknown:
        _set_unknown(cell, error.unknown, *keys)


def _outside_family(cell: StudyCell, prefix: str) -> str:
    """Return why a cell has no q; empty if it has one."""
    if cell.values["direction"] is None:
        return "the cell repeats rows of others"
    if cell.values[f"{prefix}thin"]:
        return "the cell is thin"
    return cell.unknown.get(f"{prefix}p", "")

"""Section 2: cells, their standard errors and tests, and the calibration."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from tests.oracle.backtest.inputs import duration, mean, total
from tests.oracle.backtest.student import critical, two_sided
from tests.oracle.records import KINDS, SOURCES

Placebo = float | None
"""Return (bps) of a placebo moment; None: not observed."""

Cell = tuple[str, int | None, str | None]
FEW = 10


@dataclass(frozen=True)
class Observation:
    """A row of the table of observations, and what else its cells need.

    Attributes
    ----------
    day
        Of an observed row.
    placebos
        One for each of the next recorded days.
    """

    values: dict[str, Any]
    day: date | None
    placebos: tuple[Placebo, ...]

    @property
    def clusters(self) -> tuple[Hashable, Hashable]:
        """Cluster of both kinds: (ticker, day) and (day, place of the entry on the horizon's grid)."""
        horizon = self.values["horizon"]
        place = None if horizon == "close" else self.values["entry_time"] // duration(horizon)
        return (self.values["ticker"], self.day), (self.day, place)


@dataclass(frozen=True)
class Test:
    """A mean held against 0."""

    se: float | None = None
    t: float | None = None
    p: float | None = None
    lo: float | None = None
    hi: float | None = None
    few: bool = True


def cells_of(rows: Sequence[Observation], options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the cells of a study as rows, with q."""
    observed = [row for row in rows if row.values["status"] == "observed"]
    own = _own_cells(observed)
    overall: list[Cell] = [(kind, None, None) for kind in sorted({cell[0] for cell in own}, key=_rank_of_kind)]
    table = []
    for cell in [*own, *overall]:
        for horizon in options["study.horizons"]:
            chosen = [row for row in observed if row.values["horizon"] == horizon and _is_in(row, cell)]
            table.append(_row_of(cell, horizon, chosen, options["study.thin"]))
    _add_q(table, "p", "q", "n", options["study.thin"])
    _add_q(table, "excess_p", "excess_q", "placebo_events", options["study.thin"])
    return table


def calibrate(rows: Sequence[Observation], options: Mapping[str, Any]) -> tuple[float | None, int]:
    """Return the share of tests below 0.05 where placebos take the place of returns, and the number of tests."""
    observed = [row for row in rows if row.values["status"] == "observed"]
    found: list[float] = []
    for day in range(options["study.placebo_days"]):
        replaced = [new for row in observed if (new := _replaced(row, day)) is not None]
        for cell in _own_cells(observed):
            for horizon in options["study.horizons"]:
                chosen = [row for row in replaced if row.values["horizon"] == horizon and _is_in(row, cell)]
                test = _test(chosen, "excess_bps")
                if len(chosen) >= options["study.thin"] and test.p is not None:
                    found.append(test.p)
    share = sum(p < 0.05 for p in found) / len(found) if found else None
    return share, len(found)


def variance(values: Sequence[float], clusters: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Return the variance of the mean, clustered in two ways; None if it is undefined."""
    middle = mean(values)
    if middle is None or len(set(values)) == 1:
        return None
    firsts = [first for first, _ in clusters]
    seconds = [second for _, second in clusters]
    if len(set(firsts)) < 2 or len(set(seconds)) < 2:
        return None
    residuals = [value - middle for value in values]
    of_first, of_second, of_both = (_one_way(residuals, groups) for groups in (firsts, seconds, clusters))
    found = max(of_first + of_second - of_both, of_first, of_second)
    return None if found <= (1e-12 * middle) ** 2 else found


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return a quantile by linear interpolation; of nothing, None."""
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below) + 0.0


def _own_cells(observed: Sequence[Observation]) -> list[Cell]:
    cells = {(row.values["kind"], row.values["direction"], row.values["source"]) for row in observed}
    return sorted(cells, key=lambda cell: (_rank_of_kind(cell[0]), -cell[1], _rank(cell[2], SOURCES)))


def _rank_of_kind(kind: str) -> tuple[int, str]:
    return _rank(kind, KINDS)


def _rank(word: str, words: Sequence[str]) -> tuple[int, str]:
    return (words.index(word), "") if word in words else (len(words), word)


def _is_in(row: Observation, cell: Cell) -> bool:
    kind, direction, source = cell
    if row.values["kind"] != kind:
        return False
    return direction is None or (row.values["direction"], row.values["source"]) == (direction, source)


def _row_of(cell: Cell, horizon: str, rows: Sequence[Observation], thin: int) -> dict[str, Any]:
    def column(name: str, of: Sequence[Observation]) -> list[float]:
        return [row.values[name] for row in of]

    returns = column("return_bps", rows)
    matched = [row for row in rows if row.values["placebo_n"] > 0]
    test, excess = _test(rows, "return_bps"), _test(matched, "excess_bps")
    return {
        **dict(zip(("kind", "direction", "source"), cell, strict=True)),
        "horizon": horizon,
        "n": len(rows),
        "mean": mean(returns),
        "median": quantile(returns, 0.5),
        "std": _std(returns),
        "q25": quantile(returns, 0.25),
        "q75": quantile(returns, 0.75),
        "hit_rate": sum(value > 0 for value in returns) / len(rows) if rows else None,
        "mean_mfe": mean(column("mfe_bps", rows)),
        "mean_mae": mean(column("mae_bps", rows)),
        "placebo_events": len(matched),
        "matched_mean": mean(column("return_bps", matched)),
        "placebo_mean": mean(column("placebo_bps", matched)),
        "excess_mean": mean(column("excess_bps", matched)),
        **{name: getattr(test, name) for name in ("se", "t", "p", "lo", "hi")},
        **{f"excess_{name}": getattr(excess, name) for name in ("se", "t", "p", "lo", "hi")},
        "q": None,
        "excess_q": None,
        "thin": len(rows) < thin,
        "few": test.few,
        "excess_thin": len(matched) < thin,
        "excess_few": excess.few,
    }


def _test(rows: Sequence[Observation], name: str) -> Test:
    clusters = [row.clusters for row in rows]
    values = [row.values[name] for row in rows]
    smallest = min(len({first for first, _ in clusters}), len({second for _, second in clusters}))
    found, middle = variance(values, clusters), mean(values)
    if found is None or middle is None:
        return Test(few=smallest < FEW)
    se = math.sqrt(found)
    t = middle / se + 0.0
    half = critical(smallest - 1) * se
    return Test(se, t, two_sided(t, smallest - 1), middle - half, middle + half, smallest < FEW)


def _one_way(residuals: Sequence[float], groups: Sequence[Hashable]) -> float:
    sums: dict[Hashable, float] = {}
    for residual, group in zip(residuals, groups, strict=True):
        sums[group] = sums.get(group, 0.0) + residual
    count = len(sums)
    return count / (count - 1) * total(value**2 for value in sums.values()) / len(residuals) ** 2


def _std(values: Sequence[float]) -> float | None:
    middle = mean(values)
    if middle is None or len(values) < 2:
        return None
    return math.sqrt(total((value - middle) ** 2 for value in values) / (len(values) - 1))


def _add_q(table: list[dict[str, Any]], p: str, q: str, size: str, thin: int) -> None:
    """Add Benjamini-Hochberg's q to the cells that are not thin."""
    tested = [row for row in table if row["direction"] is not None and row[p] is not None and row[size] >= thin]
    tested.sort(key=lambda row: float(row[p]))
    smallest = 1.0
    for place in range(len(tested), 0, -1):
        row = tested[place - 1]
        smallest = min(smallest, row[p] * len(tested) / place)
        row[q] = smallest


def _replaced(row: Observation, day: int) -> Observation | None:
    """Return a row whose return is the placebo of one day, held against those of the others; None if it has none."""
    if day >= len(row.placebos):
        return None
    own = row.placebos[day]
    background = mean([other for place, other in enumerate(row.placebos) if place != day and other is not None])
    if own is None or background is None:
        return None
    return replace(row, values={**row.values, "excess_bps": own - background + 0.0})

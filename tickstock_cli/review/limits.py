"""Thresholds and cooldowns of events, and the margin by which each event reaches the thresholds that its columns show.

Kinds declare both. An event's columns have its measured values, so a file shows which events another threshold would
have suppressed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel

from tickstock_cli.core.declarations import DetectorDeclaration
from tickstock_cli.core.kinds import Limit
from tickstock_cli.kernels.compare import cooldown_ns


class EventColumns(Mapping[str, NDArray[Any]]):
    """The columns of a table of events as arrays, converted on access; null numbers are NaN."""

    def __init__(self, events: pl.DataFrame) -> None:
        self._events = events

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return one column; strings are objects, None for null."""
        column = self._events[name]
        return np.array(column.to_list(), dtype=object) if column.dtype == pl.String else column.to_numpy()

    def __iter__(self) -> Iterator[str]:
        return iter(self._events.columns)

    def __len__(self) -> int:
        return self._events.width


@dataclass(frozen=True, slots=True)
class DetectorLimit:
    """A limit of the events of one kind and source, with the settings of the detector that declares it."""

    kind: str
    source: str
    detector: str
    declared: Limit
    settings: BaseModel

    @property
    def setting(self) -> str:
        """Full name of the setting."""
        return f"{self.detector}.{self.declared.setting}"

    def margins(self, events: pl.DataFrame) -> pl.Series:
        """Return value over threshold of events of its kind and source; null where the limit does not apply.

        1 is at the threshold, below 1 it is not reached.
        """
        if isinstance(self.declared.value, str) and self.declared.value not in events.columns:
            return pl.repeat(None, len(events), dtype=pl.Float64, eager=True).alias("margin")
        margins = self.declared.margins(self.settings, EventColumns(events))
        return pl.Series("margin", margins, dtype=pl.Float64).fill_nan(None)

    def measure(self, events: pl.DataFrame) -> tuple[float, float]:
        """Return value and threshold of the first event."""
        value, least = self.declared.measure(self.settings, EventColumns(events))
        return float(value[0]), float(least[0] if np.ndim(least) else least)


def limits_of(declared: Iterable[DetectorDeclaration]) -> list[DetectorLimit]:
    """Return every limit that the columns of events can show."""
    return [
        DetectorLimit(kind.name, one.source, one.name, limit, one.settings)
        for one in declared
        for kind in one.kinds
        for limit in kind.limits
    ]


def smallest(columns: Mapping[int, pl.Expr]) -> tuple[pl.Expr, pl.Expr]:
    """Return the smallest of some columns, and the key of the one that has it; nulls do not count."""
    if not columns:
        return pl.lit(None, pl.Float64), pl.lit(None, pl.Int32)
    least = pl.min_horizontal(*columns.values())
    return least, pl.coalesce(pl.when(column == least).then(pl.lit(key, pl.Int32)) for key, column in columns.items())


def cooldowns_of(declared: Iterable[DetectorDeclaration]) -> pl.DataFrame:
    """Return kind, source, ``by_cooldown`` (int64 ns) and ``by_setting`` of every kind that declares a cooldown."""
    rows = [
        (
            kind.name,
            one.source,
            cooldown_ns(getattr(one.settings, kind.cooldown)),
            f"{one.name}.{kind.cooldown}",
        )
        for one in declared
        for kind in one.kinds
        if kind.cooldown is not None
    ]
    schema = {"kind": pl.String, "source": pl.String, "by_cooldown": pl.Int64, "by_setting": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row").unique(["kind", "source"], keep="first", maintain_order=True)

"""The table of a study: its cells in order, and its calibration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.study.calibration import Calibration
from tickstock_cli.study.cells import NO_ROWS, CellName, StudyCell, Value, cell_of, cell_rows, rows_by_cell, set_rates
from tickstock_cli.study.horizon_rows import HorizonRows, StudyEvents

THREADS = 2
"""Cells that are computed at a time; memory holds the columns of each."""


@dataclass(frozen=True, slots=True)
class StudyTable:
    """Cells, and how often their tests fail where nothing happened."""

    cells: tuple[StudyCell, ...]
    calibration: Calibration


def study_table(
    events: StudyEvents, horizons: Iterable[HorizonRows], kinds: Sequence[str], sources: Sequence[str], thin: int
) -> StudyTable:
    """Return the table of a study.

    Every (kind, direction, source) with an observed row at any horizon has a cell at every horizon, in order of kind,
    direction (1, −1) and source; then every such kind over all directions and sources. Horizons are taken one at a
    time, so an iterator that reads them needs memory for one.

    Parameters
    ----------
    events
        All events of the study.
    horizons
        Rows of each horizon, in the order of the table.
    kinds, sources
        Names, by place.
    thin
        Least rows of a cell that is tested together with others (``study.thin``).
    """
    calibration = Calibration()
    tables: list[tuple[str, dict[CellName, StudyCell]]] = []

    with ThreadPoolExecutor(THREADS, "tickstock-cells") as pool:
        for horizon in horizons:
            named = rows_by_cell(events, np.flatnonzero(horizon.observed))
            texts = {name: _names(name, horizon.horizon, kinds, sources) for name in named}
            first_of = {id(rows): name for name, rows in reversed(named.items())}
            computed = list(first_of.values())
            find = partial(_cell_and_tests, events, horizon, thin)
            found: dict[CellName, StudyCell] = {}
            rows_of, texts_of = map(named.__getitem__, computed), map(texts.__getitem__, computed)
            for name, (cell, tests) in zip(computed, pool.map(find, computed, rows_of, texts_of), strict=True):
                found[name] = cell
                calibration.join(tests)
            for name, rows in named.items():
                if name not in found:
                    found[name] = found[first_of[id(rows)]].named(texts[name])
            tables.append((horizon.horizon, found))
            del horizon, find  # the next one is read without it
    names = sorted({name for _, found in tables for name in found}, key=lambda name: name.order)
    cells = tuple(
        found.get(name) or cell_of(_names(name, horizon, kinds, sources), NO_ROWS, thin)
        for name in names
        for horizon, found in tables
    )
    set_rates(cells)
    return StudyTable(cells, calibration)


def _cell_and_tests(
    events: StudyEvents,
    horizon: HorizonRows,
    thin: int,
    name: CellName,
    rows: NDArray[np.intp],
    texts: dict[str, Value],
) -> tuple[StudyCell, Calibration]:
    """Return a cell, and its tests without an effect."""
    columns, tests = cell_rows(events, horizon, rows), Calibration()
    if name.direction is not None:
        tests.add(columns, thin)
    return cell_of(texts, columns, thin), tests


def _names(name: CellName, horizon: str, kinds: Sequence[str], sources: Sequence[str]) -> dict[str, Value]:
    source = None if name.source is None else sources[name.source]
    return {"kind": kinds[name.kind], "direction": name.direction, "source": source, "horizon": horizon}

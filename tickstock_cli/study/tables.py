"""The table of a study: its cells in order, and its calibration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tickstock_cli.study.calibration import Calibration
from tickstock_cli.study.cells import NO_ROWS, CellName, StudyCell, Value, cell_of, cell_rows, rows_by_cell, set_rates
from tickstock_cli.study.horizon_rows import HorizonRows, StudyEvents


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
    time, so an iterator that reads them needs memory for one: up to 330 bytes an event.

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
    for horizon in horizons:
        found: dict[CellName, StudyCell] = {}
        for name, rows in rows_by_cell(events, np.flatnonzero(horizon.observed)).items():
            columns = cell_rows(events, horizon, rows)
            found[name] = cell_of(_names(name, horizon.horizon, kinds, sources), columns, thin)
            if name.direction is not None:
                calibration.add(columns, thin)
        tables.append((horizon.horizon, found))
    names = sorted({name for _, found in tables for name in found}, key=lambda name: name.order)
    cells = tuple(
        found.get(name) or cell_of(_names(name, horizon, kinds, sources), NO_ROWS, thin)
        for name in names
        for horizon, found in tables
    )
    set_rates(cells)
    return StudyTable(cells, calibration)


def _names(name: CellName, horizon: str, kinds: Sequence[str], sources: Sequence[str]) -> dict[str, Value]:
    source = None if name.source is None else sources[name.source]
    return {"kind": kinds[name.kind], "direction": name.direction, "source": source, "horizon": horizon}

"""The results of an event study, computed from its observations on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.config.analysis import horizon_ns
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.event_names import EventNames
from tickstock_cli.errors import LedgerError
from tickstock_cli.study.horizon_rows import HorizonRows, StudyEvents
from tickstock_cli.study.observation_files import ObservationFiles
from tickstock_cli.study.observations import STATUSES
from tickstock_cli.study.tables import StudyTable, study_table


@dataclass(frozen=True, slots=True)
class StudyResult:
    """The results of an event study.

    Parameters
    ----------
    horizons
        Names of the horizons, in the order of outputs.
    counts
        ``events``, and the observations (events × horizons) by status.
    table
        Cells and calibration.
    """

    horizons: tuple[str, ...]
    counts: dict[str, int]
    table: StudyTable

    def as_dict(self) -> dict[str, Any]:
        """Return the entry ``study`` of the results."""
        calibration = self.table.calibration
        return {
            "cells": [dict(cell.values) for cell in self.table.cells],
            "null_share_05": calibration.share,
            "null_tests": calibration.tests,
            "counts": dict(self.counts),
        }


def study_result(observations: ObservationFiles, names: EventNames, settings: Settings) -> StudyResult:
    """Return the results of a study whose observations are all on disk.

    Memory holds the events' codes, and one horizon of the observations at a time.

    Raises
    ------
    LedgerError
        An event is unaccounted for.
    """
    horizons = settings.study.horizons
    by_status = np.zeros(len(STATUSES), dtype=np.int64)
    columns: list[list[NDArray[Any]]] = [[observations.read(stop=0).records[name]] for name in _EVENT_COLUMNS]
    for chunk in observations.records():
        by_status += np.bincount(chunk["status"].ravel(), minlength=len(STATUSES))
        for column, name in zip(columns, _EVENT_COLUMNS, strict=True):
            column.append(chunk[name].copy())  # a view would hold the chunk
    if by_status.sum() != len(observations) * len(horizons):
        raise LedgerError(f"{len(observations) * len(horizons):,} observations, but {by_status.sum():,} statuses")
    counts = {"events": len(observations), **dict(zip(STATUSES, by_status.tolist(), strict=True))}
    events = StudyEvents(*map(np.concatenate, columns))
    rows = _horizon_rows(observations, horizons)
    return StudyResult(horizons, counts, study_table(events, rows, names.kinds, names.sources, settings.study.thin))


def horizon_rows(observations: ObservationFiles, position: int, horizon: str) -> HorizonRows:
    """Return the rows of one horizon; raises OutputError if some are lost."""
    counts = len(observations), observations.placebo_days
    return HorizonRows.gathered(observations.chunks(), *counts, position, horizon, horizon_ns(horizon))


def _horizon_rows(observations: ObservationFiles, horizons: Sequence[str]) -> Iterator[HorizonRows]:
    for position, horizon in enumerate(horizons):
        yield horizon_rows(observations, position, horizon)


_EVENT_COLUMNS = ("kind", "source", "direction", "code", "day")

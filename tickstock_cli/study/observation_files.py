"""Observations on disk, in the order of the events: a file of records, and one of placebos for each placebo day.

The files grow one behind the other: placebos of a day come days after the records of their events.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.record_file import RecordFile
from tickstock_cli.study.observations import FoundResults, Observations, observation_dtype, placebo_dtype

_CHUNK_RECORDS = 8_192
"""So few that their columns, read one after the other, come from a cache."""


class ObservationFiles:
    """Observations in files of a folder; they are open from the first ``append`` to ``close``.

    Parameters
    ----------
    folder
        Made if it is not there.
    horizons, placebo_days
        Numbers of them.
    """

    def __init__(self, folder: Path, horizons: int, placebo_days: int) -> None:
        self._records = RecordFile(folder / "observations", observation_dtype(horizons))
        self._placebos = [
            RecordFile(folder / f"placebos-{day}", placebo_dtype(horizons)) for day in range(1, placebo_days + 1)
        ]
        self._horizons = horizons

    def __len__(self) -> int:
        return len(self._records)

    @property
    def placebo_days(self) -> int:
        """Number of placebo days."""
        return len(self._placebos)

    @property
    def files(self) -> list[RecordFile]:
        """All files."""
        return [self._records, *self._placebos]

    def append(self, found: FoundResults) -> None:
        """Write results behind the others. Raises OutputError if a file cannot be written."""
        self._records.append(found.records)
        for file, parts in zip(self._placebos, found.placebos, strict=True):
            for part in parts:
                file.append(np.ascontiguousarray(part).view(placebo_dtype(self._horizons))[:, 0])

    def records(self) -> Iterator[NDArray[Any]]:
        """Yield the records without placebos, in order, some at a time; raises OutputError if some are lost."""
        return self._records.chunks()

    def read(self, start: int = 0, stop: int | None = None) -> Observations:
        """Return the observations of events ``[start, stop)``; raises OutputError if some are lost."""
        records = self._records.read(start, stop)
        placebo = np.empty((len(self._placebos), len(records), self._horizons))
        for day, file in enumerate(self._placebos):
            placebo[day] = file.read(start, start + len(records))["bps"]
        return Observations(records, placebo.transpose(1, 0, 2))

    def chunks(self) -> Iterator[Observations]:
        """Yield all observations in order, some at a time."""
        for start in range(0, len(self), _CHUNK_RECORDS):
            yield self.read(start, start + _CHUNK_RECORDS)

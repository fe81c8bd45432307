"""What the statistics of a study are made of: events, and what followed each up to one horizon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel
from tickstock_cli.study.observations import OBSERVED, Observations


@dataclass(frozen=True, slots=True)
class StudyEvents:
    """Events in the order of the output: equally long arrays of any integer type.

    Attributes
    ----------
    kind, source
        Places in the study's orders of kinds and of sources.
    direction
        1, −1, or 0 (never observed).
    code, day
        Number of the ticker, and of the date of the decision.
    """

    kind: NDArray[np.integer]
    source: NDArray[np.integer]
    direction: NDArray[np.integer]
    code: NDArray[np.integer]
    day: NDArray[np.integer]

    @classmethod
    def of(cls, records: NDArray[Any]) -> StudyEvents:
        """Return the events of records of ``observation_dtype``, without a copy."""
        return cls(records["kind"], records["source"], records["direction"], records["code"], records["day"])


@dataclass(frozen=True, slots=True)
class HorizonRows:
    """The rows of one horizon, one an event; what is not observed may hold anything.

    Attributes
    ----------
    horizon, length_ns
        Name of the horizon, and its length; None for ``close``.
    observed
        bool.
    entry_time
        int64 ns UTC.
    returns, mfe, mae
        float64, basis points.
    placebo
        float64, basis points, events × placebo days; NaN where the placebo of a day is not observed.
    """

    horizon: str
    length_ns: int | None
    observed: NDArray[np.bool_]
    entry_time: NDArray[np.int64]
    returns: NDArray[np.float64]
    mfe: NDArray[np.float64]
    mae: NDArray[np.float64]
    placebo: NDArray[np.float64]

    @classmethod
    def of(cls, observations: Observations, position: int, horizon: str, length_ns: int | None) -> HorizonRows:
        """Return the rows of the horizon at a position in observations, without a copy."""
        records = observations.records
        return cls(
            horizon,
            length_ns,
            records["status"][:, position] == OBSERVED,
            records["entry_time"],
            records["return_bps"][:, position],
            records["mfe_bps"][:, position],
            records["mae_bps"][:, position],
            observations.placebo[:, :, position],
        )

    @classmethod
    def joined(cls, parts: Sequence[HorizonRows]) -> HorizonRows:
        """Return the rows of consecutive events, at least one part, as copies of their own."""
        names = [field.name for field in fields(cls)][2:]
        columns = (_joined([getattr(part, name) for part in parts]) for name in names)
        return cls(parts[0].horizon, parts[0].length_ns, *columns)


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return arrays one after the other, each row in one piece of memory: rows are taken one by one later."""
    whole = np.empty((sum(map(len, arrays)), *arrays[0].shape[1:]), dtype=arrays[0].dtype)
    return np.concatenate(arrays, out=whole)


def placebo_means(
    placebo: NDArray[np.float64], *, without: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the mean of each row's observed placebos, and their number.

    Parameters
    ----------
    placebo
        float64, rows × placebo days, NaN = not observed. Added in the order of days.
    without
        A placebo day left out.

    Returns
    -------
        Means, float64, NaN where the number is 0; numbers, int64.
    """
    means, number = np.empty(len(placebo)), np.empty(len(placebo), np.int64)
    _mean_by_row(placebo, -1 if without is None else without, means, number)
    return means, number


@kernel
def _mean_by_row(
    placebo: NDArray[np.float64], without: int, means: NDArray[np.float64], number: NDArray[np.int64]
) -> None:
    for row in range(len(placebo)):
        total, seen = 0.0, 0
        for day in range(placebo.shape[1]):
            if day != without and not np.isnan(placebo[row, day]):
                total += placebo[row, day]
                seen += 1
        means[row] = total / seen if seen else np.nan
        number[row] = seen

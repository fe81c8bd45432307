"""What the statistics of a study are made of: events, and what followed each up to one horizon."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import inlined_kernel, kernel
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
    def gathered(
        cls, chunks: Iterable[Observations], events: int, days: int, position: int, horizon: str, length_ns: int | None
    ) -> HorizonRows:
        """Return the rows of the horizon at a position in consecutive observations, as copies of their own.

        Parameters
        ----------
        events, days
            Numbers of all events and of placebo days.
        """
        of_placebo = np.empty((events, days))  # a row in one piece of memory: rows are taken one by one later
        observed, entry_time = np.empty(events, np.bool_), np.empty(events, np.int64)
        returns, mfe, mae = (np.empty(events) for _ in range(3))
        whole = cls(horizon, length_ns, observed, entry_time, returns, mfe, mae, of_placebo)
        start = 0
        for chunk in chunks:
            part = cls.of(chunk, position, horizon, length_ns)
            stop = start + len(part.returns)
            for name in [field.name for field in fields(cls)][2:]:
                getattr(whole, name)[start:stop] = getattr(part, name)
            start = stop
        return whole


def placebo_means(placebo: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the mean of each row's observed placebos, and their number.

    Parameters
    ----------
    placebo
        float64, rows × placebo days, NaN = not observed.

    Returns
    -------
        Means, float64, NaN where the number is 0; numbers, int64.
    """
    means, number = np.empty(len(placebo)), np.empty(len(placebo), np.int64)
    _mean_by_row(placebo, means, number)
    return means, number


@inlined_kernel
def placebo_mean(placebo: NDArray[np.float64], row: int, without: int) -> tuple[float, int]:
    """Return the mean of a row's observed placebos but that of one day (−1: of all), added in the order of days.

    Returns
    -------
        Mean, NaN of none; their number.
    """
    total, seen = 0.0, 0
    for day in range(placebo.shape[1]):
        if day != without and not np.isnan(placebo[row, day]):
            total += placebo[row, day]
            seen += 1
    return total / seen if seen else np.nan, seen


@kernel
def _mean_by_row(placebo: NDArray[np.float64], means: NDArray[np.float64], number: NDArray[np.int64]) -> None:
    for row in range(len(placebo)):
        means[row], number[row] = placebo_mean(placebo, row, -1)

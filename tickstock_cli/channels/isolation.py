"""Isolation: an error in a detector affects only the ticker that caused it.

A compiled detector cannot raise. One in plain Python can raise with part of its state written, so the state of its
tickers is copied before each call. After an error the state is restored, and the detector scans its tickers one by one.
Tickers with an error keep their earlier state, and their rows are counted as failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.events import EventRows
from tickstock_cli.core.stages import Detector
from tickstock_cli.kernels.rows import Groups


@dataclass(frozen=True, slots=True)
class Failure:
    """A detector's failure on one ticker: the number of admitted rows that it did not scan, and the reason."""

    detector: str
    code: int
    rows: int
    reason: str


def scan_isolated(
    name: str, detector: Detector, rows: Any, out: EventRows, counts: NDArray[np.int64]
) -> tuple[int, list[Failure]]:
    """Run a detector over rows; return the number of events, and its failures.

    Parameters
    ----------
    name
        The detector's name, for the failures.
    """
    codes = rows.groups.code
    saved = _Saved(detector, codes, counts)
    try:
        return detector.scan(rows, out, counts), []
    except MemoryError:  # no ticker is to blame, and all would be
        raise
    except Exception:  # noqa: BLE001 - after any error, the tickers are scanned one by one
        saved.restore()
    found = 0
    failures: list[Failure] = []
    for group in range(len(codes)):
        one = rows._replace(groups=_single(rows.groups, group))
        saved = _Saved(detector, codes[group : group + 1], counts)
        try:
            found += detector.scan(one, out[found:], counts)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001
            saved.restore()
            count = int(rows.groups.start[group + 1] - rows.groups.start[group])
            failures.append(Failure(name, int(codes[group]), count, f"{name}: {type(error).__name__}: {error}"))
    return found, failures


class _Saved:
    """A copy of a detector's state of some tickers, and of its counts."""

    def __init__(self, detector: Detector, codes: NDArray[np.int32], counts: NDArray[np.int64]) -> None:
        self._codes = codes
        self._state = [(array, array[codes].copy()) for array in detector.state().values()]
        self._counts = counts, counts.copy()

    def restore(self) -> None:
        for array, entries in self._state:
            array[self._codes] = entries
        counts, before = self._counts
        counts[:] = before


def _single(groups: Groups, group: int) -> Groups:
    return Groups(
        groups.code[group : group + 1], groups.start[group : group + 2], groups.lookup_start[group : group + 2]
    )

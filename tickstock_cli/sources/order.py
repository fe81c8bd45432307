"""Keeps a file's available times in order, or tells where they are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import format_time
from tickstock_cli.errors import OrderError
from tickstock_cli.kernels import normalise
from tickstock_cli.kernels.admission import MAX_AHEAD_NS
from tickstock_cli.sources.columns import Bools, Times, frozen
from tickstock_cli.sources.reading import RowReader
from tickstock_cli.sources.recording_file import RecordingFile

SCAN_ROWS = 1 << 16
WAYS_ON = "sort while reading with --sort, or read on with --late reject"
"""What to do about a file that is not in order."""


class OrderPolicy(Protocol):
    """Settles the available times of a file's rows, chunk by chunk."""

    keeps: bool
    """Whether settled times never descend."""

    latest: int
    """The latest available time so far, int64 ns; before the first row, the file's first_available."""

    def settle(self, times: Times, first: int) -> Times:
        """Return the times of the next rows with an available time for every row; ``first`` is a row number."""

    def pass_over(self, latest: int) -> None:
        """Note that rows were skipped, and the latest available time among them."""


@dataclass(frozen=True, slots=True)
class Disorder:
    """A row that is earlier than one above it; times in ns."""

    row: int
    time: int
    before: int


class _BasePolicy:
    def __init__(self, latest: int) -> None:
        self.latest = latest

    def pass_over(self, latest: int) -> None:
        self.latest = max(self.latest, latest)


class InOrder(_BasePolicy):
    """Times must not descend. Rows without a time of their own take the latest before them.

    Parameters
    ----------
    lift_late
        Whether a row that is earlier than one above it counts as available when that one is: it was read after
        it, so it cannot have been known before it. Otherwise it raises OrderError.
    ways_on
        What to do about it, for the message.
    """

    keeps = True

    def __init__(self, path: Path | str, latest: int, *, lift_late: bool, ways_on: str = WAYS_ON) -> None:
        super().__init__(latest)
        self._ways_on = ways_on
        self._path = path
        self._lift_late = lift_late

    def settle(self, times: Times, first: int) -> Times:
        available = times.available
        if normalise.first_descent(available, self.latest) < 0:
            self.latest = int(available[-1])
            return times
        lifted = np.empty(len(available), dtype=np.int64)
        row = normalise.lift(available, _known(times), self.latest, self._lift_late, lifted)
        if row >= 0:
            before = int(lifted[row - 1]) if row else self.latest
            self._fail(Disorder(first + row, int(available[row]), before))
        self.latest = int(lifted[-1])
        return _as_far_ahead(times, lifted).settled(frozen(lifted))

    def _fail(self, found: Disorder) -> None:
        raise OrderError(
            f"{self._path} is not in time order: row {found.row} ({format_time(found.time)}) comes after "
            f"{format_time(found.before)}: {self._ways_on}"
        )


class AsRecorded(_BasePolicy):
    """Times may descend: they are keys to sort by. Rows without one of their own take the latest before them."""

    keeps = False

    def settle(self, times: Times, first: int) -> Times:  # noqa: ARG002 - the protocol's
        keys = np.empty(len(times.available), dtype=np.int64)
        self.latest = int(normalise.sort_keys(times.available, _known(times), self.latest, keys))
        return times.settled(frozen(keys))


def first_disorder(file: RecordingFile) -> Disorder | None:
    """Find the first row whose available time is before that of a row above it, if there is one."""
    latest = file.first_available
    for first, times in _times(file, 0):
        lifted = np.empty(len(times.available), dtype=np.int64)
        row = int(normalise.lift(times.available, _known(times), latest, False, lifted))
        if row >= 0:
            return Disorder(first + row, int(times.available[row]), int(lifted[row - 1]) if row else latest)
        latest = int(lifted[-1])
    return None


def latest_before(file: RecordingFile, row: int) -> int:
    """Return the latest available time (int64 ns) of the rows before ``row``; ``first_available`` without rows.

    Costs the decoding of the time columns where the footer does not tell.
    """
    order = AsRecorded(file.first_available)
    for group in file.groups:
        end = min(group.first + group.rows, row)
        if group.first >= row:
            break
        if end == group.first + group.rows and group.latest is not None:
            order.pass_over(group.latest)
            continue
        for first, times in _times(file, group.first):
            order.settle(times.cut(0, max(0, end - first)), first)
            if first + len(times.available) >= end:
                break
    return order.latest


def _as_far_ahead(times: Times, lifted: Int64s) -> Times:
    """Return the times of rows that count as available at ``lifted``, such that what was from the future remains so.

    Whether a row's timestamp is from the future is told by its own arrival, not by when others had arrived. Such a row
    is rejected for it, so its timestamp decides nothing else, and goes along with the time that it is held against.
    """
    late = _known(times) & (times.timestamp - times.available > MAX_AHEAD_NS) & (lifted > times.available)
    if not late.any():
        return times
    ahead = np.minimum(lifted - times.available, normalise.LARGEST_TIME - times.timestamp)
    return replace(times, timestamp=frozen(np.where(late, times.timestamp + ahead, times.timestamp)))


def _known(times: Times) -> Bools:
    return times.known if times.known is not None else frozen(np.ones(len(times.available), dtype=np.bool_))


def _times(file: RecordingFile, row: int) -> Iterator[tuple[int, Times]]:
    """Return the times of rows from ``row`` on, and the number of the first of each lot."""
    reader = RowReader(file.path, file.group_starts, file.time_columns, (), SCAN_ROWS, row)
    try:
        first = row
        while (rows := reader.read()) is not None:
            yield first, file.reader.times(rows, first)
            first = reader.row
    finally:
        reader.close()

"""Policies for the order of a file's available times, and the search for the first row out of order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import format_time
from tickstock_cli.errors import OrderError
from tickstock_cli.kernels import normalise
from tickstock_cli.kernels.reasons import MAX_AHEAD_NS
from tickstock_cli.sources.columns import Times
from tickstock_cli.sources.plain_numbers import Bools, frozen
from tickstock_cli.sources.reading import RowReader
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.zones import is_repeated

SCAN_ROWS = 1 << 16
_MOST_THREADS = 4
_TOGETHER = 16
"""Files that a thread reads before it looks for others."""


class OrderPolicy(Protocol):
    """Settles the available times of a file's rows, chunk by chunk."""

    keeps_order: bool
    """Whether settled times never descend."""

    latest: int
    """The latest available time so far, int64 ns; at first, the file's ``first_available``."""

    def settle(self, times: Times, first: int) -> Times:
        """Return the times of the next rows, each with an available time; ``first`` is the first row number."""

    def skip(self, latest: int) -> None:
        """Advance over skipped rows; ``latest`` is the latest available time among them."""


@dataclass(frozen=True, slots=True)
class Disorder:
    """A row that is available before an earlier row; times in ns.

    ``zone`` is that of times in an hour that occurs twice on its clocks; None elsewhere.
    """

    row: int
    time: int
    before: int
    zone: str | None = None

    @property
    def cause(self) -> str:
        """What probably causes it, for the end of a message; empty if it is unknown."""
        if self.zone is None:
            return ""
        return (
            f"; the clocks of {self.zone} were set back then, at the end of daylight saving time (DST), and times "
            "without a zone do not tell the hour before from the one behind: record times in UTC"
        )


class _BasePolicy:
    def __init__(self, latest: int) -> None:
        self.latest = latest

    def skip(self, latest: int) -> None:
        self.latest = max(self.latest, latest)


class InOrder(_BasePolicy):
    """Times must not descend. A row without a time takes the latest one before it.

    Parameters
    ----------
    lift_late
        Whether a late row takes the latest available time before it, because it was read after that row. Otherwise it
        raises OrderError.
    remedy
        Returns the advice for the message.
    zone
        Zone of recorded times in local time.
    on_late
        Called once, before the first late row is lifted; it can raise.
    """

    keeps_order = True

    def __init__(
        self,
        path: Path | str,
        latest: int,
        *,
        lift_late: bool,
        remedy: Callable[[], str],
        zone: ZoneInfo | None = None,
        on_late: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(latest)
        self._zone = zone
        self._remedy = remedy
        self._on_late = on_late
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
            self._fail(_disorder(first + row, int(available[row]), before, self._zone))
        if self._on_late is not None and (lifted > available)[_known(times)].any():
            self._on_late()
            self._on_late = None
        self.latest = int(lifted[-1])
        return _keep_future_distance(times, lifted).settled(frozen(lifted))

    def _fail(self, found: Disorder) -> None:
        raise OrderError(
            f"{self._path} is not in time order: row {found.row} ({format_time(found.time)}) comes after "
            f"{format_time(found.before)}: {self._remedy()}{found.cause}"
        )


class AsRecorded(_BasePolicy):
    """Times can descend: they are sort keys. A row without a time takes the latest one before it."""

    keeps_order = False

    def settle(self, times: Times, first: int) -> Times:  # noqa: ARG002 - the protocol's
        keys = np.empty(len(times.available), dtype=np.int64)
        self.latest = int(normalise.sort_keys(times.available, _known(times), self.latest, keys))
        return times.settled(frozen(keys))


def first_disorder(file: RecordingFile) -> Disorder | None:
    """Return the first row that is available before an earlier row; None if the file is in order."""
    latest = file.first_available
    for first, times in _times(file, 0):
        if times.known is None and normalise.first_descent(times.available, latest) < 0:
            latest = int(times.available[-1])
            continue
        lifted = np.empty(len(times.available), dtype=np.int64)
        row = int(normalise.lift(times.available, _known(times), latest, False, lifted))
        if row >= 0:
            before = int(lifted[row - 1]) if row else latest
            return _disorder(first + row, int(times.available[row]), before, file.reader.zone)
        latest = int(lifted[-1])
    return None


def first_disorders(files: Sequence[RecordingFile]) -> list[Disorder | None]:
    """Return ``first_disorder`` of each file; several are read at the same time."""
    some = [files[first : first + _TOGETHER] for first in range(0, len(files), _TOGETHER)]
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1), "order") as threads:
        found = threads.map(lambda part: [first_disorder(file) for file in part], some)
        return [disorder for part in found for disorder in part]


def _disorder(row: int, time: int, before: int, zone: ZoneInfo | None) -> Disorder:
    return Disorder(row, time, before, str(zone) if zone is not None and is_repeated(time, zone) else None)


def latest_before(file: RecordingFile, row: int) -> int:
    """Return the latest available time (int64 ns) of the rows before ``row``; ``first_available`` without rows.

    Decodes the time columns of row groups without statistics.
    """
    order = AsRecorded(file.first_available)
    for group in file.groups:
        end = min(group.first + group.rows, row)
        if group.first >= row:
            break
        if end == group.first + group.rows and group.latest is not None:
            order.skip(group.latest)
            continue
        for first, times in _times(file, group.first):
            order.settle(times.cut(0, max(0, end - first)), first)
            if first + len(times.available) >= end:
                break
    return order.latest


def _keep_future_distance(times: Times, lifted: Int64s) -> Times:
    """Return the times of rows that are lifted to ``lifted``, so that rows from the future stay rejected.

    A row is from the future if its timestamp is too far ahead of its own arrival. Lifting the arrival would hide that,
    so the timestamp of such a row moves by the same distance. It affects nothing else: the row is rejected.
    """
    late = _known(times) & (times.timestamp - times.available > MAX_AHEAD_NS) & (lifted > times.available)
    if not late.any():
        return times
    ahead = np.minimum(lifted - times.available, normalise.LARGEST_TIME - times.timestamp)
    return replace(times, timestamp=frozen(np.where(late, times.timestamp + ahead, times.timestamp)))


def _known(times: Times) -> Bools:
    return times.known if times.known is not None else frozen(np.ones(len(times.available), dtype=np.bool_))


def _times(file: RecordingFile, row: int) -> Iterator[tuple[int, Times]]:
    """Yield the times of rows from ``row`` on, chunk by chunk, with the row number of each chunk."""
    reader = RowReader(file.read_from, file.group_starts, file.time_columns, (), SCAN_ROWS, row)
    try:
        first = row
        while (rows := reader.read()) is not None:
            yield first, file.reader.times(rows, first)
            first = reader.row
    finally:
        reader.close()

"""Writes rows and events to the journals of their hours, and finishes hours that are over."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import pyarrow as pa

from tickstock_cli.core.clock import Clock
from tickstock_cli.core.hour_files import TIME_COLUMNS, HourFile
from tickstock_cli.recording.carrying import carry_state
from tickstock_cli.recording.finishing import finish_hour
from tickstock_cli.recording.folder import RecordedFolder
from tickstock_cli.recording.hours import HOUR_NS, Hours
from tickstock_cli.recording.journal import HourJournal, writable_part
from tickstock_cli.recording.retention import Retention, remove_oldest

RETIRE_NS = 5_000_000_000
"""An hour is finished this long after its end: events of its last seconds come later."""
JOINED_ROWS = 65_536
"""Batches are joined until they have so many rows."""
RETRY_NS = 30_000_000_000
"""Time until an hour that could not be finished is tried again: each time its rows are written anew."""


class HourWriter:
    """The journals of a recording. For one thread; finishing has a thread of its own.

    Parameters
    ----------
    folder
        Locked by the caller.
    retention
        Applied after an hour was finished.
    clock
        Spaces the attempts to finish an hour.
    """

    def __init__(self, folder: RecordedFolder, hours: Hours, retention: Retention, clock: Clock) -> None:
        self._folder = folder
        self._hours = hours
        self._retention = retention
        self._clock = clock
        self._open: dict[str, HourJournal] = {}
        self._over = folder.journals()  # those that a killed run left
        self._finishing: dict[HourFile, Future[None]] = {}
        self._executor = ThreadPoolExecutor(1, "tickstock-finish")
        self._not_before = clock.now()
        self._day = ""
        self.latest = 0
        """Time of the latest row or event that was written, ns UTC."""

    def write(self, waiting: list[tuple[str, pa.RecordBatch]]) -> None:
        """Write batches by type, make them durable, and remove them from ``waiting``; those of a type are in order.

        Raises
        ------
        OSError
            ``waiting`` holds what is not written.
        """
        waiting[:] = self._pieces(waiting)
        while waiting:
            type_, rows = waiting[0]
            time = rows.column(TIME_COLUMNS[type_])[-1].as_py()
            journal = self._journal(self._hours.at(time, type_), rows.schema)
            try:
                journal.append(rows)
                journal.sync()
            except BaseException:
                journal.rewind()
                raise
            del waiting[0]
            journal.latest = time
            if time > self.latest:
                self.latest = time
                self._day = journal.hour.folder.name

    def finish_past(self, now: int) -> None:
        """Close the journals of hours that are over at ``now`` (ns UTC), and finish them in the background."""
        now = max(now, self.latest)
        for type_, journal in list(self._open.items()):
            end = (journal.latest // HOUR_NS + 1) * HOUR_NS
            # In autumn an hour of New York lasts two.
            if now >= end + RETIRE_NS and not _is_same(journal.hour, self._hours.at(now, type_)):
                self._retire(type_)
        if self._clock.now() >= self._not_before:
            self._submit()

    def check(self) -> None:
        """Raise the error of an hour that could not be finished; ``finish_past`` tries again later."""
        for hour, future in list(self._finishing.items()):
            if future.done():
                self._take_result(hour)

    def settle(self) -> None:
        """Wait until every hour that is over is finished; raise the error of the first that could not be."""
        while self._finishing:
            self._take_result(next(iter(self._finishing)))

    def close(self, *, finish: bool) -> None:
        """Close all journals; finish their hours if wanted. Idempotent.

        Raises
        ------
        OSError
            An hour could not be finished: its journal stays.
        """
        for type_ in list(self._open):
            self._retire(type_)
        try:
            if finish:
                self._submit()
            self.settle()
        finally:
            self._executor.shutdown()

    def _pieces(self, waiting: list[tuple[str, pa.RecordBatch]]) -> list[tuple[str, pa.RecordBatch]]:
        """Return batches joined by type, and cut at the ends of hours."""
        by_type: dict[str, list[pa.RecordBatch]] = {}
        for type_, batch in waiting:
            by_type.setdefault(type_, []).append(batch)
        return [
            (type_, piece)
            for type_, batches in by_type.items()
            for batch in _joined(batches)
            for piece in self._hours.pieces(batch, type_)
        ]

    def _journal(self, hour: HourFile, schema: pa.Schema) -> HourJournal:
        """Return the journal of an hour; opening it ends that of an earlier hour."""
        journal = self._open.get(hour.type)
        if journal is not None:
            if _is_same(journal.hour, hour):
                return journal
            self._retire(hour.type)
        self._wait_for(hour)
        opened = HourJournal(writable_part(hour, schema), schema)
        self._open[hour.type] = opened
        return opened

    def _wait_for(self, hour: HourFile) -> None:
        """Wait until no part of an hour is being finished: its journal is read then, and removed."""
        for other in [other for other in self._finishing if _is_same(other, hour)]:
            with suppress(OSError, pa.ArrowException):
                self._take_result(other)
        self._over = [other for other in self._over if not _is_same(other, hour)]

    def _retire(self, type_: str) -> None:
        journal = self._open.pop(type_)
        journal.close()
        self._over.append(journal.hour)

    def _submit(self) -> None:
        while self._over:
            hour = self._over.pop(0)
            self._finishing[hour] = self._executor.submit(self._finish, hour)

    def _take_result(self, hour: HourFile) -> None:
        future = self._finishing.pop(hour)
        if future.exception() is not None:
            self._over.append(hour)
            self._not_before = self._clock.now() + RETRY_NS
        future.result()

    def _finish(self, hour: HourFile) -> None:
        if hour.journal.exists():
            finish_hour(hour, self._folder.manifest)
        remove_oldest(
            self._folder.path,
            self._retention,
            self._day,
            self._folder.manifest,
            lambda days: carry_state(self._folder, days),
        )


def _joined(batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield batches joined to larger ones. One that is large enough stays: a full disk is tried again and again."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= JOINED_ROWS:
            yield from _as_one(waiting)
            waiting, rows = [], 0
    yield from _as_one(waiting)


def _as_one(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Return batches as one, copied if there are several; none if there are none."""
    return batches if len(batches) < 2 else pa.Table.from_batches(batches).combine_chunks().to_batches()


def _is_same(one: HourFile, other: HourFile) -> bool:
    """Return whether two files are of the same hour and type, of any part."""
    return (one.folder, one.type, one.hour) == (other.folder, other.type, other.hour)

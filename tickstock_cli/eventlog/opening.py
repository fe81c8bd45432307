"""Open logs that are no longer written: finished ones, and those of runs that broke off."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from tickstock_cli.core.counted import worded
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.errors import DataError
from tickstock_cli.eventlog.blocks import joined
from tickstock_cli.eventlog.journal import read_journal, whole_blocks
from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.eventlog.manifest import Manifest, RunInfo, RunSummary, read_manifest
from tickstock_cli.eventlog.segments import Segment, list_segments, load_segment
from tickstock_cli.eventlog.view import LogState, LogView
from tickstock_cli.eventlog.writer import DEFAULT_LIMITS, EventLog


def open_log(folder: Path, limits: LogLimits = DEFAULT_LIMITS) -> LogView:
    """Open a log for reading; the folder stays unchanged.

    A finished log of any length opens at once: ``check`` verifies its files. A run that broke off keeps all whole
    events, and its files are verified here: ``finished`` is false, and ``problem`` says what is lost.

    Raises
    ------
    DataError
        The folder holds no event log, a damaged one, one that a newer tickstock wrote, or one that is still being
        written.
    """
    manifest = read_manifest(folder)
    try:
        if manifest.finished is not None:
            return _Opened(folder, manifest, _finished(folder, manifest.finished), limits)
        state, problem = _broken_off(folder, manifest.arrow_schema().remove_metadata())
        log = _Opened(folder, manifest, state, limits, problem)
        log.check()
        log.broke_off_at = max(entry.stat().st_mtime_ns for entry in os.scandir(folder))
        return log
    except BlockingIOError as error:
        raise DataError(f"event log {folder} is still being written: wait for the end of its run") from error
    except OSError as error:
        raise DataError(f"cannot read event log {folder}: {(error.strerror or str(error)).lower()}") from error


def copy_in(
    batches: Iterable[pa.RecordBatch],
    folder: Path,
    run: RunInfo,
    limits: LogLimits = DEFAULT_LIMITS,
    schema: pa.Schema = EVENT_SCHEMA,
) -> LogView:
    """Write a finished log of given events, such as those of an event file, in bounded memory.

    Raises
    ------
    OutputError, SchemaError
        As ``EventLog`` and its methods raise them; errors of ``batches`` pass through.
    """
    with EventLog(folder, run, limits, schema) as log:
        for events in batches:
            log.append(events)
        log.finish()
    return log


class _Opened(LogView):
    """A log that is read only."""

    def __init__(
        self, folder: Path, manifest: Manifest, state: LogState, limits: LogLimits, problem: str | None = None
    ) -> None:
        super().__init__(folder, manifest.run, manifest.arrow_schema(), state, limits.cache_bytes)
        self._problem = problem
        self._digest = manifest.finished.digest if manifest.finished is not None else None


def _finished(folder: Path, finished: RunSummary) -> LogState:
    # Segments that retention dropped and did not delete in time may precede the first valid one.
    segments = tuple(segment for segment in list_segments(folder) if segment.first >= finished.first)
    first = segments[0].first if segments else 1
    last = segments[-1].last if segments else 0
    if (first, last) != (finished.first, finished.last):
        raise DataError(
            f"event log {folder} is damaged: it should hold events {finished.first} to {finished.last}, but its files "
            f"hold {f'{first} to {last}' if segments else 'none'}; restore it from a copy"
        )
    return LogState(segments, (), first, last + 1, finished=True)


def _broken_off(folder: Path, schema: pa.Schema) -> tuple[LogState, str | None]:
    journal = read_journal(folder)
    segments, damage = list_segments(folder), None
    if not segments or not whole_blocks(journal, segments[-1].last + 1, schema)[0]:
        # Nothing is known to follow the last segments. If the journal goes on behind them, they stay, even damaged.
        segments, damage = _undamaged(segments)
    first, next_sequence = (segments[0].first, segments[-1].last + 1) if segments else (1, 1)
    waiting, torn_bytes = whole_blocks(journal, next_sequence, schema)
    blocks = (joined(waiting),) if waiting else ()
    if blocks:
        next_sequence = blocks[0].next
    problem = None
    if damage is not None:
        problem = f"the run broke off and {damage} is damaged: events from {next_sequence} on are lost"
    elif torn_bytes:
        torn = worded("the last {} {byte is|bytes are} torn", torn_bytes)
        problem = f"the run broke off while event {next_sequence} was being written: {torn}"
    return LogState(tuple(segments), blocks, first, next_sequence), problem


def _undamaged(segments: list[Segment]) -> tuple[list[Segment], str | None]:
    """Return the segments before those that a power failure damaged, and the name of the first damaged one."""
    damage = None
    while segments:
        try:
            load_segment(segments[-1])
        except DataError:
            damage = segments.pop().path.name
        else:
            break
    return segments, damage

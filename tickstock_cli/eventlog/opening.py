"""Opening logs that are no longer written: finished ones, and those of runs that broke off."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

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
    """Open a log to read it; nothing in the folder is changed.

    Of a run that broke off, everything whole is there: ``finished`` is false, and ``problem`` tells what is lost.

    Raises
    ------
    DataError
        The folder holds no event log, one of a newer tickstock, a damaged one, or one that is still being written.
    """
    manifest = read_manifest(folder)
    try:
        if manifest.finished is not None:
            return _Opened(folder, manifest, _finished(folder, manifest.finished), limits)
        snapshot, problem = _broken_off(folder, manifest.arrow_schema())
        return _Opened(folder, manifest, snapshot, limits, problem)
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
    """Make a finished log of events from elsewhere, such as an event file; bounded memory whatever their number.

    Raises
    ------
    OutputError, SchemaError
        As ``EventLog`` and its methods do; and whatever ``batches`` raises.
    """
    with EventLog(folder, run, limits, schema) as log:
        for events in batches:
            log.append(events)
        log.finish()
    return log


class _Opened(LogView):
    """A log that nobody writes."""

    def __init__(
        self, folder: Path, manifest: Manifest, snapshot: LogState, limits: LogLimits, problem: str | None = None
    ) -> None:
        super().__init__(folder, manifest.run, manifest.arrow_schema(), snapshot, limits.cache_bytes)
        self._problem = problem
        self._digest = manifest.finished.digest if manifest.finished is not None else None


def _finished(folder: Path, finished: RunSummary) -> LogState:
    # What retention could not delete in time may stand before the first segment that counts.
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
    segments, damage = _whole(list_segments(folder))
    first, next_sequence = (segments[0].first, segments[-1].last + 1) if segments else (1, 1)
    waiting, torn_bytes = whole_blocks(journal, next_sequence, schema)
    blocks = (joined(waiting),) if waiting else ()
    if blocks:
        next_sequence = blocks[0].next
    problem = None
    if damage is not None:
        problem = f"the run broke off and {damage} is damaged: events from {next_sequence} on are lost"
    elif torn_bytes:
        problem = (
            f"the run broke off while event {next_sequence} was being written: the last {torn_bytes:,} bytes are torn"
        )
    return LogState(tuple(segments), blocks, first, next_sequence), problem


def _whole(segments: list[Segment]) -> tuple[list[Segment], str | None]:
    """Leave out damaged segments at the end, such as a power failure leaves; tell the first of them."""
    damage = None
    while segments:
        try:
            load_segment(segments[-1])
        except DataError:
            damage = segments.pop().path.name
        else:
            break
    return segments, damage

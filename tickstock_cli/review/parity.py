"""Holds the events that live runs told against a replay of what they recorded.

1. The folder is replayed once for each distinct configuration of its starts. A live run goes on from the state of the
   rows before it, so one replay gives the events of all starts.
2. The events of a start are those above the floor of its stamps, up to the floor of the next start.
3. They must be equal. A run that was killed may lack events at its end: they are *untold*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli import __version__
from tickstock_cli.build import build_encoder, build_event_schema, settings_from
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.counted import counted
from tickstock_cli.core.digest import EventDigest
from tickstock_cli.core.events import deciding_columns
from tickstock_cli.core.files import for_libraries
from tickstock_cli.core.hour_files import EVENTS, HourFile, journal_rows
from tickstock_cli.core.times import NS_PER_SECOND, format_time
from tickstock_cli.errors import DataError
from tickstock_cli.recording.carried_state import configuration_key, load_state
from tickstock_cli.recording.folder import GAPS, RecordedFolder, Start
from tickstock_cli.recording.folder_replay import FolderReplay, row_files
from tickstock_cli.recording.journal import finished_rows
from tickstock_cli.recording.manifest import read_lines
from tickstock_cli.review.diff import Difference, compare

END_OF_TIME = 2**63 - 1
UNTOLD_NS = 60 * NS_PER_SECOND
"""A killed run had told events up to this long before its last row, however far behind it was."""


class StartEnd(StrEnum):
    """How a start ended."""

    CLEAN = "clean"
    INTERRUPTED = "interrupted"
    """It was stopped before it had told everything."""
    KILLED = "killed"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class StartParity:
    """The comparison of one start.

    Parameters
    ----------
    end
        How it ended.
    events
        Number of events that it told and recorded.
    digest, replay_digest
        Digests of these events, and of those of the replay without the untold ones.
    untold
        Events of the replay that a run without a clean end had not told, as values by column.
    differences
        The first differences; A is the live run, B the replay.
    total
        Number of all differences; at least 1 if the digests differ.
    """

    start: Start
    end: StartEnd
    events: int
    digest: str
    replay_digest: str
    untold: tuple[dict[str, Any], ...]
    differences: tuple[Difference, ...]
    total: int

    @property
    def equal(self) -> bool:
        """Whether the replay gives the told events."""
        return self.digest == self.replay_digest


@dataclass(frozen=True, slots=True)
class Parity:
    """The parity of a recorded folder.

    Parameters
    ----------
    notes
        What can explain differences: rows that were not recorded, another version.
    """

    starts: tuple[StartParity, ...]
    notes: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether the replay gives the told events of every start."""
        return all(start.equal for start in self.starts)

    @property
    def events(self) -> int:
        """Number of the told events."""
        return sum(start.events for start in self.starts)

    @property
    def untold(self) -> list[dict[str, Any]]:
        """Events that runs without a clean end had not told."""
        return [event for start in self.starts for event in start.untold]

    @property
    def differences(self) -> list[Difference]:
        """The first differences of every start."""
        return [difference for start in self.starts for difference in start.differences]

    @property
    def total(self) -> int:
        """Number of all differences."""
        return sum(start.total for start in self.starts)


def check_parity(
    folder: Path,
    limit: int = 20,
    progress: Callable[[int, int], object] = lambda rows, total: None,  # noqa: ARG005 - shows nothing
) -> Parity:
    """Compare the events that the live runs of a recorded folder told with those of its replay.

    Parameters
    ----------
    limit
        Most differences of a start to return in detail.
    progress
        Called with the number of rows replayed and of all rows, in each replay.

    Raises
    ------
    DataError
        The folder is no recorded one, or a file is damaged.
    """
    recorded = RecordedFolder(folder)
    starts = recorded.starts()
    told = _told(recorded)
    replayed: dict[str, pa.Table] = {}
    found = []
    floors = [*(start.floor for start in starts), END_OF_TIME]
    floors[0] = 0
    carried = load_state(folder)
    for number, start in enumerate(starts):
        settings = _settings(start)
        key = configuration_key(settings)
        if key not in replayed:
            replayed[key] = _replayed(recorded, settings, progress)
        removed = 0 if carried is None else carried.until + settings.coordinator.window_ms * 1_000_000
        span = _Span(max(floors[number], removed), floors[number + 1])
        found.append(_compared(start, _end(recorded, start, starts[-1]), settings, span, told, replayed[key], limit))
    return Parity(tuple(found), tuple(_notes(folder, starts)))


@dataclass(frozen=True, slots=True)
class _Span:
    """Times of the events of a start: above ``floor``, up to ``end`` (int64 ns UTC)."""

    floor: int
    end: int

    def of(self, events: pa.Table) -> pa.Table:
        """Return the events of this time."""
        times = events["emitted_at"].to_numpy()
        return events.filter((times > self.floor) & (times <= self.end))


def _settings(start: Start) -> Settings:
    """Return the settings of a start; how its own recording is read is known."""
    settings = settings_from(start.configuration)
    return settings.model_copy(update={"recordings": type(settings.recordings)()})


def _replayed(recorded: RecordedFolder, settings: Settings, progress: Callable[[int, int], object]) -> pa.Table:
    """Return the events of a replay of the folder, from the state of days that were removed."""
    if not row_files(recorded):
        return build_event_schema(settings).empty_table()
    with FolderReplay(recorded.path, [settings]) as replayed:
        encoder = build_encoder(settings, replayed.source.symbols)
        found = [encoder.to_arrow(events) for (events,) in replayed.steps(progress) if len(events)]
        found.append(encoder.to_arrow(replayed.cores[0].finish()))
        return pa.Table.from_batches(found, encoder.schema)


def _told(recorded: RecordedFolder) -> list[pa.Table]:
    """Return the events as told, one table per part, in their order."""
    hours = {hour.finished: hour for hour in (*recorded.journals(), *recorded.finished()) if hour.type == EVENTS}
    tables = [table for hour in hours.values() if (table := _events(hour)).num_rows]
    return sorted(tables, key=lambda table: table["emitted_at"][0].as_py())


def _events(hour: HourFile) -> pa.Table:
    """Return the events of one part, from its file and its journal."""
    parts = []
    try:
        behind = finished_rows(hour)
        if behind:
            with for_libraries(hour.finished) as content:
                parts.append(pq.read_table(content, page_checksum_verification=True))
        if hour.journal.exists():
            parts += [pa.Table.from_batches([rows]) for rows in journal_rows(hour.journal, behind)]
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"cannot read the events of {hour.finished}: {error}") from error
    return pa.concat_tables(parts, promote_options="default") if parts else pa.table({})


def _end(recorded: RecordedFolder, start: Start, last: Start) -> StartEnd:
    if start.end is not None:
        return StartEnd.INTERRUPTED if start.end.get("interrupted") else StartEnd.CLEAN
    return StartEnd.RUNNING if start is last and recorded.is_being_written() else StartEnd.KILLED


def _compared(
    start: Start,
    end: StartEnd,
    settings: Settings,
    span: _Span,
    told: Sequence[pa.Table],
    replayed: pa.Table,
    limit: int,
) -> StartParity:
    """Compare the events of one start."""
    schema = build_event_schema(settings)
    columns = deciding_columns(schema)
    parts = [part for part in map(span.of, told) if part.num_rows]
    schema = pa.schema([schema.field(name) for name in columns])
    live = pa.concat_tables([schema.empty_table(), *(_in_columns(part, schema) for part in parts)]).combine_chunks()
    again = span.of(replayed).select(columns).cast(schema).combine_chunks()
    untold = again.slice(0, 0)
    if end is not StartEnd.CLEAN:
        again, untold = _split_untold(live, again)
    digests = _digest(live), _digest(again)
    differences: tuple[Difference, ...] = ()
    total = 0
    if digests[0] != digests[1]:
        comparison = compare(_frame(live), _frame(again), settings, settings, limit)
        differences, total = tuple(comparison.differences), max(1, comparison.total)
    return StartParity(
        start,
        end,
        live.num_rows,
        *digests,
        tuple(untold.to_pylist()),
        differences,
        total,
    )


def _split_untold(live: pa.Table, again: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the events of the replay up to the last one that a killed run told, and those behind it.

    Events are told in the order of the replay, so that nothing behind the last told one was told. Those that are long
    before the last event should have been: they count as differences.
    """
    if not again.num_rows:
        return again, again
    times: Any = again["emitted_at"].to_numpy()
    due = int((times <= times[-1] - UNTOLD_NS).sum())
    known = int((times <= live["emitted_at"][-1].as_py()).sum()) if live.num_rows else 0
    place = max(known, due)
    return again.slice(0, place), again.slice(place)


def _in_columns(events: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return events in the columns of the run's; a part of another run's columns has nulls."""
    arrays = [
        events[column.name].cast(column.type)
        if column.name in events.column_names
        else pa.nulls(events.num_rows, column.type)
        for column in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _digest(events: pa.Table) -> str:
    digest = EventDigest(events.schema)
    for batch in events.to_batches():
        digest.update(batch)
    return digest.hexdigest()


def _frame(events: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(events)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _notes(folder: Path, starts: Sequence[Start]) -> Iterator[str]:
    for start in starts:
        recorded_by = start.versions.get("tickstock", __version__)
        if recorded_by != __version__:
            yield f"start {start.number} was told by tickstock {recorded_by}, and this is {__version__}"
    for gap in read_lines(folder / GAPS):
        rows, events = gap.get("rows_not_recorded", 0), gap.get("events_not_recorded", 0)
        if rows or events:
            yield (
                f"{counted(rows, 'row')} and {counted(events, 'event')} from {format_time(gap['begin'])} to "
                f"{format_time(gap['end'])} were {gap['reason']}; events from there on can differ"
            )

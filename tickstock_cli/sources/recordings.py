"""A recording: tick, bar and fair-value files, read as one stream in merge order.

Steps, each a module::

    paths ─ discover ─▶ files ─ footer, recognise ─▶ recording files ─ plan ┐
    files that are read side by side, in their turn ─ file_streams, stream ─┤
    files that follow one another ─ decoding, successive ─▶ one stream ─────┤
    many small files ─ decoding, together, gather, slabs ─▶ runs ───────────┼─ merge ─ assemble ─▶ merged batches
    unsorted files ─ sort ─▶ sorted runs ───────────────────────────────────┘
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.batch_file import TemporaryFolder
from tickstock_cli.core.counted import counted
from tickstock_cli.core.garbage import no_gc
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.errors import DataError, NoRowsError, OwnOutputError, UsageError
from tickstock_cli.sources.assemble import Assembler
from tickstock_cli.sources.checks.facts import Oddity
from tickstock_cli.sources.checks.running import Watchers, joined
from tickstock_cli.sources.copied_files import without_copies
from tickstock_cli.sources.decoding import Decoding
from tickstock_cli.sources.discover import discover
from tickstock_cli.sources.file_opener import FileOpener
from tickstock_cli.sources.file_streams import FileStreams
from tickstock_cli.sources.interpretation import Guess
from tickstock_cli.sources.joint_decoding import FEWEST_FILES
from tickstock_cli.sources.merge import merged
from tickstock_cli.sources.options import ReadOptions, Unsorted
from tickstock_cli.sources.order import first_disorders
from tickstock_cli.sources.origins import Origins
from tickstock_cli.sources.overlapping_bars import OverlappingBars
from tickstock_cli.sources.recognise import check_mapped, check_mapping
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.records import RECORD_TYPES
from tickstock_cli.sources.repeated_rows import RepeatedRows
from tickstock_cli.sources.selection import Where, check_where, selects_file
from tickstock_cli.sources.stored_days import within
from tickstock_cli.sources.unfinished import readable, removed_note, unfinished_note
from tickstock_cli.sources.unread import UnreadFiles, unread_files, unread_notes

if TYPE_CHECKING:
    from tickstock_cli.core.metrics import SourceHealth

__all__ = ["Guess", "Origins", "ReadOptions", "RecordingFile", "Recordings", "Unsorted"]

_TYPE_ORDER = {record.name: place for place, record in enumerate(RECORD_TYPES)}


class _Watching:
    """What the rows of one reading show beside their values.

    Parameters
    ----------
    compared
        The files whose rows are compared with those of others.
    """

    def __init__(self, compared: Sequence[RecordingFile]) -> None:
        self.watchers: dict[int, Watchers] = {}
        self.repeated = RepeatedRows(compared)
        self.overlapping = OverlappingBars(compared)


class Recordings:
    """Recorded rows of all types, in merge order.

    Parameters
    ----------
    files
        Ticks, then bars, then fair values; within a type in the order given. Built by ``open``.
    left_out
        Outputs of tickstock among the found files.

    Notes
    -----
    Memory does not grow with the length of files, the size of row groups, or the number of files. Only one
    ``batches`` iterator can be active; it can run in another thread than ``open``.
    """

    def __init__(self, files: Sequence[RecordingFile], options: ReadOptions, left_out: Sequence[str] = ()) -> None:
        self.files = tuple(files)
        self.left_out = tuple(left_out)
        self.unread: tuple[UnreadFiles, ...] = ()
        """Files beside the recordings that look like data; ``open`` fills it in."""
        self.symbols = SymbolTable()
        self._options = options
        self._temporary = TemporaryFolder(options.sort_dir)
        self._unsorted: Sequence[bool] | None = None
        self._watching: _Watching | None = None

    @classmethod
    def open(cls, paths: Sequence[str | Path], options: ReadOptions | None = None) -> Self:
        """Find and recognise the files of ``paths``; read only footers and first rows.

        Parameters
        ----------
        paths
            Files, folders, globs, Hive-partitioned trees. Outputs of tickstock in folders and globs are left out.

        Raises
        ------
        DataError
            A path has no recording, or a file is damaged or an output of tickstock.
        SchemaError
            A file's columns fit no record type, or have a type that cannot be read.
        UsageError
            An option is invalid, or names a column that no file has.
        """
        options = options or ReadOptions()
        check_mapping(options.columns)
        others: list[str] = []
        files, left_out = _opened(paths, options, others)
        recordings = cls.of(files, options, left_out)
        recordings.unread = unread_files(others)
        recordings.check_mapping()
        return recordings

    @classmethod
    def of(cls, files: Sequence[RecordingFile], options: ReadOptions, left_out: Sequence[str] = ()) -> Self:
        """Return a recording of files that are open already, in the given order; one of those with the same rows."""
        files = _of_partitions(files, options.where)
        if options.copies == "once":
            files = without_copies(files)
        ordered = sorted(files, key=lambda file: _TYPE_ORDER[file.record])
        numbered = [file if file.index == index else replace(file, index=index) for index, file in enumerate(ordered)]
        return cls(numbered, options, left_out)

    def check_mapping(self) -> None:
        """Raise UsageError if the options name a column that no file has."""
        if not self._options.columns and not self._options.where:
            return
        names = [(file.layout, [*file.schema.names, *file.partitions]) for file in self.files]
        check_mapped(self._options.columns, names)
        check_where(self._options.where, [[*theirs, *layout.columns] for layout, theirs in names])

    @property
    def notes(self) -> list[str]:
        """Notes for the user: guesses that can be wrong, and files left out."""
        places: dict[str, list[str]] = {}
        for file in self.files:
            for note in dict.fromkeys(guess.note for guess in file.guesses if guess.note is not None):
                places.setdefault(note, []).append(str(file.path))
        notes = [f"in {_some(paths)}, {note}" for note, paths in places.items()]
        found = {str(file.path): self.oddities(file.index) for file in self.files}
        notes += [f"in {_some(paths)}, {oddity}" for paths, oddity in joined(found)]
        notes += [note for note in (unfinished_note(self.paths), removed_note(self.paths)) if note is not None]
        if self.left_out:
            notes.append(left_out_note(self.left_out))
        return [*notes, *unread_notes(self.unread)]

    def oddities(self, file: int) -> list[Oddity]:
        """Return what the checks found in a file, by its index: when it was opened, and in the rows read so far."""
        watching = self._watching
        if watching is None:
            return list(self.files[file].checked.oddities)
        watchers = watching.watchers.get(file)
        watched = watchers.oddities() if watchers is not None else []
        in_others = *watching.repeated.oddities(file), *watching.overlapping.oddities(file)
        return [*self.files[file].checked.oddities, *watched, *in_others]

    @property
    def paths(self) -> list[Path]:
        """The files, in the order of a recording; of objects their local copies."""
        return [file.on_disk for file in self.files]

    @property
    def repeatable(self) -> bool:
        """True: files can be read again."""
        return True

    @property
    def rows(self) -> int:
        """Rows of all files, selected or not."""
        return sum(file.rows for file in self.files)

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """The start and the end of the selection (int64 ns); None is no bound."""
        return self._options.start, self._options.end

    @property
    def is_live(self) -> bool:
        return False

    def health(self) -> SourceHealth:
        from tickstock_cli.core.metrics import SourceHealth  # asked for by running systems alone

        return SourceHealth()

    @property
    def whole_span(self) -> tuple[int, int] | None:
        """First and last available time (int64 ns) of all rows, or None without statistics."""
        files = [file for file in self.files if file.rows]
        first = [file.first_available if file.earliest is None else file.earliest for file in files]
        last = [file.latest for file in files if file.latest is not None]
        return (min(first), max(last)) if files and len(last) == len(files) else None

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last available time (int64 ns) within [start, end), or None without statistics."""
        whole = self.whole_span
        if whole is None:
            return None
        low, high = whole
        if self._options.start is not None:
            low = max(low, self._options.start)
        if self._options.end is not None:
            high = min(high, self._options.end - 1)
        return (low, high) if low <= high else None

    def batches(self, batch_rows: int, positions: Sequence[int] = ()) -> Iterator[MergedBatch]:
        """Yield the rows in merge order, in steps of ``batch_rows`` rows; the last one can be shorter.

        Every array of a step is read-only and contiguous. Rows and their order do not depend on ``batch_rows``;
        ``order`` counts from 0 at the first yielded row.

        Parameters
        ----------
        batch_rows
            Rows in a step; 1 to 262,144 is sensible.
        positions
            Per file, its position behind the last processed step: that step's ``positions``, under the same options.
            Empty = from the start.

        Raises
        ------
        DataError
            A file is damaged, or a bar's interval is not above 0.
        OrderError
            A file is not in time order, and ``unsorted`` is ``FAIL``.
        OutputError
            The disk has no room for the temporary files of sorting.
        """
        if batch_rows < 1:
            raise UsageError(f"rows per batch is {batch_rows}, but 1 or more is allowed")
        positions = list(positions) or [0] * len(self.files)
        if len(positions) != len(self.files):
            raise UsageError(f"a recording of {counted(len(self.files), 'file')} has positions for {len(positions)}")
        unsorted = self._need_sorting()
        decoding = Decoding(is_joint=sum(file.decodes_jointly for file in self.files) >= FEWEST_FILES)
        watching = _Watching(self.files if self._options.copies == "once" else ())
        streams = FileStreams(
            self.files, self._options, self.symbols, self._temporary, positions, unsorted, watching.watchers, decoding
        )
        steps = Assembler(batch_rows, positions, unsorted).steps(merged(streams.waiting(batch_rows)))
        return self._watched(steps, watching, decoding)

    def _watched(self, steps: Iterator[MergedBatch], watching: _Watching, decoding: Decoding) -> Iterator[MergedBatch]:
        """Yield the steps, and look for ticks and bars that are in two files.

        What the first reading finds counts at once. What a later one finds counts from its second step on: who looks up
        positions takes one step beside a run or behind it.
        """
        try:
            for step in steps:
                watching.repeated.see(step.ticks)
                watching.overlapping.see(step.bars)
                self._watching = self._watching or watching
                yield step
                self._watching = watching
            watching.repeated.finish()
            self._watching = watching
        finally:
            decoding.close()

    def _need_sorting(self) -> Sequence[bool]:
        """Return which files are sorted while they are read."""
        if self._options.unsorted is not Unsorted.SORT:
            return [False] * len(self.files)
        if self._unsorted is None:
            self._unsorted = [found is not None for found in first_disorders(self.files)]
        return self._unsorted

    def origins(self) -> Origins:
        """Return a look-up of original rows by the ``origin`` values of batches. The caller closes it."""
        return Origins(self.files)

    def interrupt(self) -> None:
        """Do nothing: a read of a file never waits."""

    def close(self) -> None:
        """Remove temporary files. Idempotent."""
        self._temporary.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _opened(
    paths: Sequence[str | Path], options: ReadOptions, others: list[str]
) -> tuple[list[RecordingFile], list[str]]:
    """Open the files of paths; return them, and the outputs of tickstock among them.

    Parameters
    ----------
    others
        Gets the paths of files in folders that are not read.

    Raises
    ------
    DataError
        There is no recording, or a file is damaged.
    """
    files: list[RecordingFile] = []
    left_out: list[str] = []
    empty: NoRowsError | None = None
    opener = FileOpener(options)
    with no_gc():  # what is made here stays, so that collections would look at all of it many times, for nothing
        for found, file in opener.open_each(readable(within(discover(paths, others), options), options.sort_dir)):
            if isinstance(file, RecordingFile):
                files.append(file)
            elif found.named or not isinstance(file, OwnOutputError | NoRowsError):
                raise file
            elif isinstance(file, OwnOutputError):
                left_out.append(found.path)
            else:  # nothing is lost with it
                empty = file
    if not files and empty is not None:
        raise empty
    if not files:
        raise DataError(only_outputs_message(paths) if left_out else no_rows_message(paths))
    return files, left_out


def _of_partitions(files: Sequence[RecordingFile], where: Where) -> Sequence[RecordingFile]:
    """Return the files whose partitions are selected; the first one tells how many others are not.

    Raises
    ------
    DataError
        None is.
    """
    if not where:
        return files
    kept = [
        file
        for file in files
        if selects_file(where, [*file.schema.names, *file.layout.columns], {**file.partitions, **file.layout.constants})
    ]
    if len(kept) == len(files):
        return files
    told = " ".join(f"--where {name}={','.join(wanted)}" for name, wanted in where.items())
    if not kept:
        raise DataError(f"no file is left by {told}: the folder of none has these values")
    oddity = Oddity(f"{told} leaves out " + "{} other {file|files}", (len(files) - len(kept),), is_asked_for=True)
    first = kept[0]
    kept[0] = replace(first, checked=replace(first.checked, oddities=(*first.checked.oddities, oddity)))
    return kept


def only_outputs_message(paths: Sequence[str | Path]) -> str:
    """Return the message for paths that have only outputs of tickstock."""
    return f"no recordings in {' '.join(map(str, paths))}: all files there are outputs of tickstock"


def no_rows_message(paths: Sequence[str | Path]) -> str:
    """Return the message for folders of live runs that have no row yet."""
    return f"no recordings in {' '.join(map(str, paths))}: no row has been recorded yet"


def left_out_note(paths: Sequence[str]) -> str:
    """Return the note for outputs of tickstock among recordings."""
    return f"left out, because they are outputs of tickstock: {_some(paths)}"


def _some(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1:,} more"

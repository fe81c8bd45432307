"""What a check gets to know of a recording, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pyarrow as pa

from tickstock_cli.core.counted import worded
from tickstock_cli.errors import DataError, SchemaError
from tickstock_cli.sources.columns import ColumnReader
from tickstock_cli.sources.first_rows import FirstRows
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.plain_numbers import Bools
from tickstock_cli.sources.recognise import Layout
from tickstock_cli.sources.row_groups import Extremes

if TYPE_CHECKING:
    from tickstock_cli.sources.checks.stated import StatedFacts

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something odd that a reader of the results must know.

    Parameters
    ----------
    text
        A sentence that completes "in FILE, …", as ``core.counted.worded`` reads it.
    counts
        Numbers of rows. Oddities of several files with one text are told as one, with the sums.
    is_asked_for
        Whether an option of the user caused it, so that it is no fault of the recording.
    is_in_verdict
        Whether an aspect of quality says it in `inspect`, so that it is no warning there.
    """

    text: str
    counts: tuple[int, ...] = ()
    is_asked_for: bool = False
    is_in_verdict: bool = False

    @property
    def is_warning(self) -> bool:
        """Whether `inspect` warns of it."""
        return not (self.is_asked_for or self.is_in_verdict)

    def __str__(self) -> str:
        return worded(self.text, *self.counts)


class Watcher(Protocol):
    """Sees every row that is read of one file, for what its first rows do not show."""

    def see(self, rows: pa.RecordBatch, chosen: Bools | None, first: int) -> None:
        """Take rows in the order of the file.

        Parameters
        ----------
        chosen
            The rows that `recordings.where` selects; None is all.
        first
            Row number of the first.

        Raises
        ------
        DataError
            The recording cannot be read like this; the message has the remedy.
        """

    def oddities(self) -> Iterable[Oddity]:
        """Return what the rows so far have shown."""


class Facts:
    """One file or stream, recognised, before its rows are read.

    Parameters
    ----------
    path
        Path for messages.
    schema
        All columns, used or not.
    first
        The first rows, decoded with all columns of a stream, and of a file those of times, intervals and tickers.
    first_rows
        Returns the first rows with the given columns; a second argument is the most rows to read.
    scan
        Yields all rows of one column, by its name in the file; none of a stream.
    time_bounds
        Returns the first and the last `timestamp` of all rows (int64 ns); None where unknown.
    said
        Answers of ``once``, shared by all files that are read alike.

    Notes
    -----
    ``layout``, ``schema``, ``record`` and ``options`` are those of many files. Who asks for anything else learns of
    this one alone, and ``was_asked`` says so from then on.
    """

    __slots__ = (
        "_find_time_bounds",
        "_first",
        "_first_rows",
        "_kept",
        "_partitions",
        "_path",
        "_reader",
        "_said",
        "_scan",
        "_time_bounds",
        "layout",
        "options",
        "schema",
        "was_asked",
    )

    def __init__(
        self,
        *,
        path: str,
        layout: Layout,
        schema: pa.Schema,
        partitions: Mapping[str, str | None],
        options: ReadOptions,
        reader: ColumnReader,
        first: FirstRows,
        first_rows: Callable[..., pa.RecordBatch],
        scan: Callable[[str], Iterable[pa.RecordBatch]] = lambda _: (),
        time_bounds: Callable[[], tuple[int, int] | None] = lambda: None,
        said: dict[Any, Any] | None = None,
    ) -> None:
        self.layout = layout
        self.schema = schema
        self.options = options
        self.was_asked = False
        self._kept: dict[str, Any] = {}
        self._path = path
        self._partitions = partitions
        self._reader = reader
        self._first = first
        self._first_rows = first_rows
        self._scan = scan
        self._find_time_bounds = time_bounds
        self._time_bounds: tuple[int, int] | None = None
        self._said = {} if said is None else said

    @property
    def record(self) -> str:
        """The record type."""
        return self.layout.record.name

    def once(self, ask: Callable[[Facts], Answer]) -> Answer:
        """Return what a function says of the layout, the schema and the options: it is asked once for all files alike.

        Raises
        ------
        RuntimeError
            It asks for what is the file's own, so that its answer would be wrong of other files.
        """
        if ask not in self._said:
            asked_before, self.was_asked = self.was_asked, False
            answer = ask(self)
            if self.was_asked:
                raise RuntimeError(f"{ask.__qualname__} asks for what is the own of {self._path}")
            self._said[ask] = answer
            self.was_asked = asked_before
        kept: Answer = self._said[ask]
        return kept

    def has(self, ours: str) -> bool:
        """Return whether the file or its partitions have one of our columns."""
        return ours in self.layout.columns or ours in self.layout.constants

    @property
    def kept(self) -> dict[str, Any]:
        """What a check computed of this file for others, by a name."""
        self.was_asked = True
        return self._kept

    @property
    def path(self) -> str:
        """The path for messages."""
        self.was_asked = True
        return self._path

    @property
    def partitions(self) -> Mapping[str, str | None]:
        """The values of the file's partition folders, by name."""
        self.was_asked = True
        return self._partitions

    @property
    def reader(self) -> ColumnReader:
        """Reads the rows of the file."""
        self.was_asked = True
        return self._reader

    @property
    def first(self) -> FirstRows:
        """The first rows, and the extremes of all."""
        self.was_asked = True
        return self._first

    @property
    def head(self) -> pa.RecordBatch:
        """The first rows."""
        return self.first.decoded()

    def first_rows(self, columns: list[str], *most_rows: int) -> pa.RecordBatch:
        """Return the first rows with the given columns, at most ``most_rows`` if it is given."""
        self.was_asked = True
        return self._first_rows(columns, *most_rows)

    def extremes(self, column: str) -> Extremes | None:
        """Return the extremes of a column over all rows, by its name in the file; None where unknown."""
        self.was_asked = True
        return self._first.extremes(column)

    def scan(self, column: str) -> Iterable[pa.RecordBatch]:
        """Yield all rows of one column, by its name in the file; none of a stream."""
        self.was_asked = True
        return self._scan(column)

    def time_bounds(self) -> tuple[int, int] | None:
        """Return the first and the last `timestamp` of all rows (int64 ns); None where unknown."""
        self.was_asked = True
        if self._time_bounds is None:
            self._time_bounds = self._find_time_bounds()
        return self._time_bounds

    def column(self, ours: str) -> pa.Array[Any] | None:
        """Return the first values of one of our columns; None if it is not read from the file."""
        theirs = self.layout.columns.get(ours)
        if theirs is None:
            return None
        place = self.head.schema.get_field_index(theirs)
        return self.head.column(place) if place >= 0 else self.first_rows([theirs]).column(0)

    def stop(self, text: str) -> SchemaError:
        """Return the error of a recording that cannot be read as it is."""
        return SchemaError(f"{self.path}: {text}")


def row_error(path: str, row: int, text: str) -> DataError:
    """Return the error of a row that says how a recording must not be read."""
    return DataError(f"{path}: row {row:,}: {text}")


Look = Callable[[Facts], Iterable[Oddity]]
"""Looks at a file when it is opened. It raises SchemaError, with the remedy, where every reading would be wrong."""

Watch = Callable[[Facts], Callable[[], Watcher] | None]
"""Returns what begins to watch the rows of a file, each time they are read; None where there is nothing to watch."""


Screen = Callable[["StatedFacts"], bool]
"""Returns whether a look at any of some files would find nothing, by what their footers state."""


def nothing(_: Facts) -> tuple[Oddity, ...]:
    """Look at nothing."""
    return ()


def no_watch(_: Facts) -> None:
    """Watch nothing."""


def none_is_clean(_: StatedFacts) -> bool:
    """Look at every file."""
    return False


@dataclass(frozen=True, slots=True)
class RecordingCheck:
    """A kind of recording that would be read wrongly without a word.

    Parameters
    ----------
    records
        Record types that have it.
    screen
        Asked for many files that are read alike, so that most of them are not looked at one by one.
    """

    name: str
    records: tuple[str, ...]
    look: Look = nothing
    watch: Watch = no_watch
    screen: Screen = none_is_clean

"""What an import format does: it finds its files, and reads each as chunks of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pyarrow as pa
from pydantic import BaseModel

from tickstock_cli.importing.source_content import BLOCK_BYTES, SourceContent


@dataclass(frozen=True, slots=True)
class ImportSource:
    """A file to import.

    Parameters
    ----------
    path
        The file.
    key
        Names its content, in whatever folder it lies: a file of the same key and another hash was replaced.
    group
        Files of one group are sorted together. The files of a group are imported all or, if that fails, none.
    is_awaited
        Whether a vendor publishes such files day by day: one that is not there may come.
    ignores
        Options of the format that decide nothing about the rows of this file.
    is_told_by_bytes
        Whether its bytes alone say its rows, and not its path: a copy of it is not another file.
    """

    path: Path
    key: str
    group: str
    is_awaited: bool = False
    ignores: frozenset[str] = frozenset()
    is_told_by_bytes: bool = False

    def options_of(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options that decide about the rows of this file."""
        return {name: value for name, value in given.items() if name not in self.ignores}

    def content(
        self,
        progress: Callable[[int], object] = lambda size: None,  # noqa: ARG005 - nobody watches
        block_bytes: int = BLOCK_BYTES,
    ) -> SourceContent:
        """Return its content, unread; the parameters are those of `SourceContent`."""
        return SourceContent(self.path, progress, block_bytes, is_awaited=self.is_awaited)


@dataclass(frozen=True, slots=True)
class ImportChunk:
    """Rows of a file, in its order.

    Parameters
    ----------
    record
        Their record type: ``tick``, ``ohlcv`` or ``fmv``.
    rows
        Columns by our names, any of `import_rows.COLUMNS`: ``timestamp`` int64 ns UTC; ``ticker`` a dictionary of
        strings; bars with ``interval``.
    read
        Rows of the file that the chunk accounts for: those of ``rows`` and the dropped ones.
    dropped
        Rows that were left out, by reason.
    noted
        Rows that are worth a word, by what it says.
    """

    record: str
    rows: pa.RecordBatch
    read: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    noted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ColumnPreview:
    """A column of ours: the file's name for it, its type, and the first value, as it is written and as it is read."""

    ours: str
    theirs: str
    kind: str
    written: str
    read: str


@dataclass(frozen=True, slots=True)
class FilePreview:
    """What a file is read as.

    Parameters
    ----------
    form
        How it is written, in words.
    ignored
        Names of columns that are not read.
    """

    path: Path
    record: str
    form: str
    columns: tuple[ColumnPreview, ...]
    ignored: tuple[str, ...]


class ImportFormat(Protocol):
    """A format; one object imports the files of one command."""

    Params: ClassVar[type[BaseModel]]
    """Options of the format; the class docstring of the format is the help of its command."""
    judges_conditions: ClassVar[bool]
    """Whether the flags of its trades follow from their conditions by our rule."""
    notes: list[str]
    """What ``sources`` found worth a word, such as files that are left out."""

    def __init__(self, params: Any) -> None: ...

    def sources(self, paths: Sequence[Path]) -> list[ImportSource]:
        """Return the files to import among paths, which may be missing, in the order of their rows."""

    def preview(self, sources: Sequence[ImportSource]) -> list[FilePreview]:
        """Return how files will be read, where that was found out; nothing where the format fixes it.

        Raises
        ------
        DataError
            A file cannot be read.
        """

    def chunks(self, source: ImportSource, content: SourceContent) -> Iterator[ImportChunk]:
        """Yield the rows of a file; which rows does not depend on the size of its blocks.

        Raises
        ------
        DataError
            The content is not what the format reads; the message names file, line, column and value.
        """

"""Opens the files of a recording: reads their footers, and their first rows where those do not suffice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from tickstock_cli.errors import NoRowsError, OwnOutputError, SchemaError
from tickstock_cli.sources.available_bounds import first_available, row_group, time_bounds
from tickstock_cli.sources.checks.facts import Facts, Oddity
from tickstock_cli.sources.checks.running import Checked
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.first_rows import FirstRows
from tickstock_cli.sources.footer import (
    SMALL_BYTES,
    TINY_BYTES,
    OpenParquet,
    check_decrypted,
    open_parquet,
    read_tail,
    reading,
)
from tickstock_cli.sources.interpretation import HEAD_ROWS
from tickstock_cli.sources.joint_files import CODECS
from tickstock_cli.sources.known_footers import KnownFooters
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.plain_columns import plain_rows, plain_schema
from tickstock_cli.sources.plain_values import known_values
from tickstock_cli.sources.recognise import Layout
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.row_groups import ArrowFooter, Footer
from tickstock_cli.sources.shared_layouts import SharedLayouts, SharedSchema
from tickstock_cli.sources.shared_reading import SharedReading
from tickstock_cli.storage.names import shown_as_path


class FileOpener:
    """Opens files under the same options. What depends only on their columns is found once for all that share them.

    Parameters
    ----------
    options
        Those of the user.
    """

    def __init__(self, options: ReadOptions) -> None:
        self._layouts = SharedLayouts(options)
        self._known = KnownFooters()
        self._room = bytearray(TINY_BYTES)  # the system takes a while to give the same memory again and again

    def open(self, found: FoundFile, index: int = -1) -> RecordingFile:
        """Read a file's footer, and its first rows where that does not suffice, and recognise it.

        Parameters
        ----------
        index
            That of the file, as far as it is known.

        Raises
        ------
        DataError
            The file is missing, damaged, or not Parquet.
        OwnOutputError
            The file is an output of an earlier run.
        NoRowsError
            The columns fit no record type, and there is no row.
        SchemaError
            The columns or their types do not fit a record type.
        """
        with reading(found.path), _File(found.read_from, self._room) as file:
            shared, footer = self._known.find(file.tail, file.footer) or self._by_arrow(file)
            if shared.mark is not None:
                raise OwnOutputError(
                    f"{found.path} holds {shared.mark} that tickstock wrote, not a recording: name recordings only"
                )
            rows = footer.rows
            layout, alike = self._reading(shared, found, file, rows)
            first = FirstRows(shared.plain, not rows, partial(file.head, alike.first_columns), footer.extremes)
            groups = footer.groups(alike.bounded_columns)
            how = alike.interpret(found.path, layout, first)
            row_groups = tuple(row_group(group, layout, how) for group in groups)
            path = shown_as_path(found.path)
            facts = Facts(
                path=found.path,
                layout=layout,
                schema=shared.schema,
                partitions=found.partitions,
                options=alike.options,
                reader=how.reader,
                first=first,
                first_rows=file.head,
                scan=file.scan,
                time_bounds=partial(time_bounds, groups, layout, how),
                said=alike.said,
            )
            return RecordingFile(
                index=index,
                path=path,
                record=layout.record.name,
                rows=rows,
                groups=row_groups,
                layout=layout,
                schema=shared.plain,
                partitions={**found.partitions, **{name: layout.constants[name] for name in layout.in_name}},
                interval_ns=how.interval_ns,
                first_available=first_available(groups, row_groups, how, first),
                guesses=how.guesses,
                open_bytes=footer.page_bytes(alike.columns),
                reader=how.reader,
                read_from=path if found.copy is None else Path(found.copy),
                checked=Checked() if shared.is_recorded else _checked(found, alike, facts),
                where_columns=alike.where_columns,
                decodes_jointly=alike.decodes_jointly
                and file.size <= SMALL_BYTES
                and footer.codecs(alike.decoded_columns) <= CODECS,
                text_columns=footer.plain_dictionaries(alike.text_columns),
            )

    def _by_arrow(self, file: _File) -> tuple[SharedSchema, Footer]:
        """Return the schema and the footer of a file of which no other was like it."""
        parquet = file.parquet
        check_decrypted(file.path, parquet)
        shared = self._layouts.of(parquet)
        footer = ArrowFooter(parquet.metadata, shared.columns)
        self._known.learn(file.tail, shared, footer)
        return shared, footer

    def _reading(self, shared: SharedSchema, found: FoundFile, file: _File, rows: int) -> tuple[Layout, SharedReading]:
        try:
            return self._layouts.reading(shared, found, file.first_values)
        except SchemaError as error:
            if rows:
                raise
            raise NoRowsError(str(error)) from error


class _File:
    """A file that Arrow opens if somebody asks for more than its last bytes; a context closes it.

    Parameters
    ----------
    path
        The Parquet file with the rows.
    room
        Gets its last bytes.

    Raises
    ------
    OSError
        It cannot be read.
    """

    def __init__(self, path: str, room: bytearray) -> None:
        self.path = path
        self.tail, self.size = read_tail(path, room)
        self._parquet: OpenParquet | None = None

    @property
    def parquet(self) -> OpenParquet:
        """The open file; raises DataError if it is damaged."""
        if self._parquet is None:
            self._parquet = open_parquet(self.path, content=bytes(self.tail) if len(self.tail) == self.size else None)
        return self._parquet

    def footer(self) -> ArrowFooter:
        """Return the footer as Arrow reads it."""
        return ArrowFooter(self.parquet.metadata)

    def head(self, columns: Sequence[str], rows: int = HEAD_ROWS) -> pa.RecordBatch:
        """Return the first rows of some columns, in plain types."""
        for batch in self.parquet.iter_batches(batch_size=rows, columns=list(columns), use_threads=False):
            if batch.num_rows:
                return plain_rows(batch, plain_schema(batch.schema))
        schema = self.parquet.schema_arrow
        return pa.RecordBatch.from_pylist([], schema=pa.schema([schema.field(name) for name in columns]))

    def first_values(self, column: str) -> list[Any]:
        """Return the first values of a column that are not null, times as text."""
        return known_values(self.head([column]).column(0))

    def scan(self, column: str) -> Iterator[pa.RecordBatch]:
        """Yield all rows of a column."""
        return self.parquet.iter_batches(columns=[column])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._parquet is not None:
            self._parquet.close()


def _checked(found: FoundFile, alike: SharedReading, facts: Facts) -> Checked:
    """Run the checks of a file, and tell the links to it."""
    done = alike.checks.of(facts)
    if not found.links:
        return done
    text = "a link to it is left out" if len(found.links) == 1 else "{} links to it are left out"
    links = Oddity(text, (len(found.links),)[: text.count("{}")])
    return replace(done, oddities=(links, *done.oddities))

"""Opens the files of a recording: reads their footers, and their first rows where those do not suffice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.errors import NoRowsError, OwnOutputError, SchemaError
from tickstock_cli.sources.available_bounds import first_available, row_group, time_bounds
from tickstock_cli.sources.checks.facts import Facts, Oddity
from tickstock_cli.sources.checks.running import Checked
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.first_rows import FirstRows
from tickstock_cli.sources.footer import TINY_BYTES, Footer, check_decrypted, open_parquet, reading
from tickstock_cli.sources.interpretation import HEAD_ROWS
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.plain_columns import plain_rows, plain_schema
from tickstock_cli.sources.plain_values import known_values
from tickstock_cli.sources.recognise import Layout
from tickstock_cli.sources.recording_file import RecordingFile
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
        file = open_parquet(found.read_from, at_once=TINY_BYTES)
        with file, reading(found.path):
            check_decrypted(found.read_from, file)
            shared = self._layouts.of(file)
            if shared.mark is not None:
                raise OwnOutputError(
                    f"{found.path} holds {shared.mark} that tickstock wrote, not a recording: name recordings only"
                )
            layout, alike = self._reading(shared, found, file)
            footer, rows = Footer(file.metadata, shared.places), file.metadata.num_rows
            first = FirstRows(shared.plain, not rows, partial(_head, file, alike.first_columns), footer.extremes)
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
                first_rows=partial(_head, file),
                scan=lambda column: file.iter_batches(columns=[column]),
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
                text_columns=footer.plain_dictionaries(alike.text_columns),
            )

    def _reading(self, shared: SharedSchema, found: FoundFile, file: pq.ParquetFile) -> tuple[Layout, SharedReading]:
        try:
            return self._layouts.reading(shared, found, partial(_values, file))
        except SchemaError as error:
            if file.metadata.num_rows:
                raise
            raise NoRowsError(str(error)) from error


def _checked(found: FoundFile, alike: SharedReading, facts: Facts) -> Checked:
    """Run the checks of a file, and tell the links to it."""
    done = alike.checks.of(facts)
    if not found.links:
        return done
    text = "a link to it is left out" if len(found.links) == 1 else "{} links to it are left out"
    links = Oddity(text, (len(found.links),)[: text.count("{}")])
    return replace(done, oddities=(links, *done.oddities))


def _head(file: pq.ParquetFile, columns: Sequence[str], rows: int = HEAD_ROWS) -> pa.RecordBatch:
    for batch in file.iter_batches(batch_size=rows, columns=list(columns), use_threads=False):
        if batch.num_rows:
            return plain_rows(batch, plain_schema(batch.schema))
    return pa.RecordBatch.from_pylist([], schema=pa.schema([file.schema_arrow.field(name) for name in columns]))


def _values(file: pq.ParquetFile, column: str) -> list[Any]:
    """Return the first values of a column that are not null, times as text."""
    return known_values(_head(file, [column]).column(0))

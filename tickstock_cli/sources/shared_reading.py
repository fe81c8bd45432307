"""How files of one layout are read: what no value of a file decides is found once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.sources.checks.running import SharedChecks
from tickstock_cli.sources.first_rows import FirstRows
from tickstock_cli.sources.interpretation import TIME_COLUMNS, Interpretation, interpret
from tickstock_cli.sources.joint_files import is_known_schema, is_read_alike
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recognise import Layout, check_once
from tickstock_cli.sources.row_groups import StoredColumn
from tickstock_cli.sources.selection import theirs_of


class SharedReading:
    """What follows from the layout, the schema and the options of files alone.

    Parameters
    ----------
    path
        That of the first file, for messages.
    columns
        `stored_columns` of the files.
    options
        Those of the user.

    Raises
    ------
    SchemaError
        A column that selects rows occurs more than once.

    Attributes
    ----------
    options
        Those with which the files are read.
    where_columns
        The columns that select rows.
    bounded_columns
        The columns whose bounds in a row group are of use.
    first_columns
        The columns that are decoded of first rows.
    text_columns
        The columns that are decoded as dictionaries, where a file allows it.
    columns
        All columns that have one of our names.
    decoded_columns
        Those, and the columns that select rows.
    decodes_jointly
        Whether many files can be decoded in one call, by the types of the columns that are read.
    said
        What checks know of the layout (`Facts.once`).
    """

    def __init__(
        self,
        path: str,
        layout: Layout,
        schema: pa.Schema,
        columns: Mapping[str, StoredColumn],
        options: ReadOptions,
    ) -> None:
        self.layout = layout
        self._stored = schema
        self.options = layout.options(options)
        self.where_columns = self._where_columns(path, schema)
        self.bounded_columns = layout.theirs("ticker", *TIME_COLUMNS)
        named = layout.theirs(*TIME_COLUMNS, "time_of_day", "interval", "ticker")
        self.first_columns = list(dict.fromkeys([*named, *self.where_columns]))
        texts = [name for name in self.where_columns if pt.is_string(schema.field(name).type)]
        self.text_columns = [*layout.theirs("ticker"), *texts]
        self.columns = frozenset(layout.columns.values())
        self.decoded_columns = self.columns | {*self.where_columns}
        self.decodes_jointly = is_known_schema(schema) and all(
            name in columns and is_read_alike(schema.field(name).type, columns[name]) for name in self.decoded_columns
        )
        self.checks = SharedChecks()
        self.said: dict[Any, Any] = {}
        self._how: Interpretation | None = None

    def _where_columns(self, path: str, schema: pa.Schema) -> tuple[str, ...]:
        where = self.options.where
        names = tuple(theirs_of(where, self.layout.columns, schema.names)) if where else ()
        for name in names:
            check_once(path, schema, name)
        return names

    def interpret(self, path: str, layout: Layout, first: FirstRows) -> Interpretation:
        """Return how the rows of a file are read; if that asked nothing of its rows, it holds for the others, too.

        Parameters
        ----------
        layout
            That of the file: it can have another ticker than that of the others.
        """
        if self._how is not None and not first.is_empty:
            return self._how.of(path, layout)
        how = interpret(path, layout, first, self.options, self._stored)
        if not first.was_asked and not first.is_empty:
            self._how = how
        return how

"""Layouts of many files: what the names and types of columns decide is found once for the files that share them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.core.marks import mark_of, own_metadata
from tickstock_cli.core.recording_schema import is_recorded
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.plain_columns import plain_schema
from tickstock_cli.sources.recognise import Layout, interval_names, names_suffice, recognise
from tickstock_cli.sources.records import OHLCV
from tickstock_cli.sources.row_groups import StoredColumn, stored_columns
from tickstock_cli.sources.shared_reading import SharedReading

_MOST_SCHEMAS = 64
"""Schemas that are remembered."""
_ARROW_SCHEMA = b"ARROW:schema"
"""Key of metadata from which Arrow takes types and nesting, where a writer left it."""
_TICKER = frozenset(["ticker"])


@dataclass(frozen=True, slots=True)
class SharedSchema:
    """A schema of files, with all that follows from it alone.

    Parameters
    ----------
    own_metadata
        What tickstock wrote into its metadata.
    plain
        The schema as rows are read: `plain_schema`.
    mark
        What kind of output of tickstock it is; None for others.
    is_recorded
        Whether it is that of a recorded live run.
    columns
        The columns of files, by name.
    readings
        Names of partitions -> how such a file is read.
    """

    schema: pa.Schema
    own_metadata: dict[bytes, bytes]
    plain: pa.Schema
    mark: str | None
    is_recorded: bool
    columns: Mapping[str, StoredColumn]
    stored: tuple[pq.ParquetSchema, Any] | None
    """The schema as files store it, with its metadata, if these two tell all of it."""
    readings: dict[tuple[str, ...], SharedReading] = field(default_factory=dict)


class SharedLayouts:
    """Recognises files under the same options."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._as_recorded = replace(options, timestamp_unit="ns")  # however odd the first rows of a live run are
        self._known: list[SharedSchema] = []
        """The latest first."""

    def of(self, file: pq.ParquetFile) -> SharedSchema:
        """Return what follows from the schema of a file, with the metadata that is ours.

        Pandas writes the number of rows into its own.
        """
        stored = file.schema, file.metadata.metadata
        for place, known in enumerate(self._known):
            if known.stored is not None and known.stored[1] == stored[1] and known.stored[0].equals(stored[0]):
                return self._latest(place)
        schema = file.schema_arrow
        own = own_metadata(schema)
        for place, known in enumerate(self._known):
            if schema.equals(known.schema) and own == known.own_metadata:
                return self._latest(place)
        new = SharedSchema(
            schema,
            own,
            plain_schema(schema),
            mark_of(schema),
            is_recorded(schema),
            stored_columns(file.schema),
            stored if _ARROW_SCHEMA in (stored[1] or {}) else None,
        )
        self._known = [new, *self._known[: _MOST_SCHEMAS - 1]]
        return new

    def _latest(self, place: int) -> SharedSchema:
        """Return a known schema, which is the latest from now on."""
        if place:
            self._known.insert(0, self._known.pop(place))
        return self._known[0]

    def reading(
        self, shared: SharedSchema, found: FoundFile, values: Callable[[str], list[Any]]
    ) -> tuple[Layout, SharedReading]:
        """Return the layout of a file, and how it is read.

        Parameters
        ----------
        values
            Returns the first values of a column that are not null.

        Raises
        ------
        SchemaError
            As ``recognise`` raises it, or a column that selects rows occurs more than once.
        """
        partitions = tuple(found.partitions)
        known = shared.readings.get(partitions)
        if known is not None:
            layout = known.layout
            return replace(layout, constants={"ticker": self._ticker(found)}) if layout.constants else layout, known
        options = self._as_recorded if shared.is_recorded else self._options
        layout = recognise(
            found,
            shared.schema,
            self._options.columns,
            None if shared.is_recorded else values,
            ticker_from=self._options.ticker_from,
        ).told(self._options)
        reading = SharedReading(found.path, layout, shared.schema, shared.columns, options)
        if self._is_shared(shared, partitions, layout):
            shared.readings[partitions] = reading
        return layout, reading

    def _is_shared(self, shared: SharedSchema, partitions: Sequence[str], layout: Layout) -> bool:
        """Return whether neither the path nor a value decided anything but the ticker of the whole file."""
        by_names = shared.is_recorded or names_suffice(shared.schema, partitions, self._options.columns)
        if layout.record is OHLCV and interval_names([*shared.schema.names, *partitions]):
            return False
        return by_names and not layout.in_name and layout.constants.keys() <= _TICKER

    def _ticker(self, found: FoundFile) -> str | None:
        """Return the ticker of a file whose partitions have it."""
        mapped = self._options.columns.get("ticker", "")
        return found.partitions[mapped if mapped in found.partitions else "ticker"]

"""Layouts of many files: what the names and types of columns decide is found once for the files that share them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from tickstock_cli.core.marks import mark_of
from tickstock_cli.core.recording_schema import is_recorded
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.plain_columns import plain_schema
from tickstock_cli.sources.recognise import Layout, interval_names, names_suffice, recognise
from tickstock_cli.sources.records import OHLCV

_MOST_SCHEMAS = 64
"""Schemas that are remembered."""
_TICKER = frozenset(["ticker"])


@dataclass(frozen=True, slots=True)
class SharedSchema:
    """A schema of files, with all that follows from it alone.

    Parameters
    ----------
    plain
        The schema as rows are read: `plain_schema`.
    mark
        What kind of output of tickstock it is; None for others.
    is_recorded
        Whether it is that of a recorded live run.
    layouts
        Names of partitions -> the layout of such a file.
    """

    schema: pa.Schema
    plain: pa.Schema
    mark: str | None
    is_recorded: bool
    layouts: dict[tuple[str, ...], Layout] = field(default_factory=dict)


class SharedLayouts:
    """Recognises files under the same options."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._known: list[SharedSchema] = []
        """The latest first."""

    def of(self, schema: pa.Schema) -> SharedSchema:
        """Return what follows from a schema with its metadata."""
        for place, known in enumerate(self._known):
            if schema.equals(known.schema, check_metadata=True):
                if place:
                    self._known.insert(0, self._known.pop(place))
                return known
        new = SharedSchema(schema, plain_schema(schema), mark_of(schema), is_recorded(schema))
        self._known = [new, *self._known[: _MOST_SCHEMAS - 1]]
        return new

    def layout(self, shared: SharedSchema, found: FoundFile, values: Callable[[str], list[Any]]) -> Layout:
        """Return the layout of a file.

        Parameters
        ----------
        values
            Returns the first values of a column that are not null.

        Raises
        ------
        SchemaError
            As ``recognise`` raises it.
        """
        partitions = tuple(found.partitions)
        known = shared.layouts.get(partitions)
        if known is not None:
            return replace(known, constants={"ticker": self._ticker(found)}) if known.constants else known
        layout = recognise(
            found,
            shared.schema,
            self._options.columns,
            None if shared.is_recorded else values,
            ticker_from=self._options.ticker_from,
        ).told(self._options)
        if self._is_shared(shared, partitions, layout):
            shared.layouts[partitions] = layout
        return layout

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

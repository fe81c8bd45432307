"""Kinds of events that a log holds and nobody declares: those of an older log, or of a file without declarations."""

from __future__ import annotations

from collections.abc import Container

import polars as pl
import pyarrow as pa

from tickstock_cli.core.events import EVENT_SCHEMA, PROVENANCE_COLUMNS
from tickstock_cli.core.kinds import Column, Kind
from tickstock_cli.eventlog.view import LogView

READ_EVENTS = 65_536


def undeclared_kinds(log: LogView, known: Container[str]) -> tuple[Kind, ...]:
    """Return a plain declaration of each kind in a log that is not ``known``, by name.

    It has the priority of its events, and those columns beyond the common ones that hold a value. Reads the whole log
    but for events that cannot be read.
    """
    others = [field for field in log.schema if field.name not in (*EVENT_SCHEMA.names, *PROVENANCE_COLUMNS)]
    own = [field.name for field in others if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)]
    priorities: dict[str, int] = {}
    columns: dict[str, dict[str, Column]] = {}
    for part in log.readable(READ_EVENTS):
        events = pl.DataFrame(part.events.select(["kind", "priority", *own]))
        found = events.group_by("kind").agg(pl.col("priority").min(), pl.col(own).count())
        for row in found.filter([kind not in known for kind in found["kind"]]).iter_rows(named=True):
            name, priority = row["kind"], row["priority"]
            priorities[name] = min(priority, priorities.get(name, priority))
            mine = columns.setdefault(name, {})
            mine.update({column: _column(log.schema.field(column)) for column in own if row[column]})
    return tuple(
        Kind(name, priorities[name], columns=tuple(columns[name][one] for one in own if one in columns[name]))
        for name in sorted(priorities)
    )


def _column(field: pa.Field[pa.DataType]) -> Column:
    return Column(field.name, "", "", "int64" if pa.types.is_integer(field.type) else "float64")

"""Joins, splits and reorders batches of one record type. Columns that share an array still share one afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Batch, Int64s
from tickstock_cli.sources.plain_numbers import frozen

AnyBatch = TypeVar("AnyBatch", bound=Batch)


def join(batches: Sequence[AnyBatch]) -> AnyBatch:
    """Return batches of one type as one."""
    if len(batches) == 1:
        return batches[0]
    joined: dict[tuple[int, ...], NDArray[Any]] = {}
    columns = []
    for field in fields(batches[0]):
        pieces = [getattr(batch, field.name) for batch in batches]
        key = tuple(map(id, pieces))
        if key not in joined:
            joined[key] = frozen(np.concatenate(pieces))
        columns.append(joined[key])
    return type(batches[0])(*columns)


def split(batch: AnyBatch, row: int) -> tuple[AnyBatch, AnyBatch]:
    """Return the rows before ``row`` and those from it on, as views."""
    return _by_column(batch, lambda column: column[:row]), _by_column(batch, lambda column: column[row:])


def reorder(batch: AnyBatch, rows: Int64s) -> AnyBatch:
    """Return the rows of a batch in another order, as copies."""
    return _by_column(batch, lambda column: frozen(column.take(rows)))


def _by_column(batch: AnyBatch, change: Callable[[NDArray[Any]], NDArray[Any]]) -> AnyBatch:
    changed: dict[int, NDArray[Any]] = {}
    columns = []
    for field in fields(batch):
        column = getattr(batch, field.name)
        if id(column) not in changed:
            changed[id(column)] = change(column)
        columns.append(changed[id(column)])
    return type(batch)(*columns)

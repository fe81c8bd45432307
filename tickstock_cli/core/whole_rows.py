"""Copies rows of structured arrays whole: numpy copies them field by field, which takes ten to twenty times as long."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def take_rows(rows: NDArray[Any], places: NDArray[np.integer[Any]]) -> NDArray[Any]:
    """Return the rows at ``places``, like ``rows[places]`` with numbers that are 0 or more."""
    return _whole(rows).take(places).view(rows.dtype)


def copy_rows(rows: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of one-dimensional rows."""
    return _whole(rows).copy().view(rows.dtype)


def put_rows(target: NDArray[Any], rows: NDArray[Any], places: NDArray[np.integer[Any]] | None = None) -> None:
    """Write ``rows`` over ``target``, or over its rows at ``places``: as many rows of the same dtype."""
    if target.dtype != rows.dtype:
        raise TypeError(f"rows of {rows.dtype} do not fit into rows of {target.dtype}")
    _whole(target)[slice(None) if places is None else places] = _whole(rows)


def _whole(rows: NDArray[Any]) -> NDArray[Any]:
    """Return a view of rows as pieces of memory without fields."""
    return rows.view(np.dtype((np.void, rows.dtype.itemsize)))

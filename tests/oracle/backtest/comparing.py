"""Holds tables of an implementation against those of the oracle."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

CLOSE = 1e-9
"""Distance that two orders of the same float operations may leave, relative above 1 and absolute below."""


def differences(
    name: str, ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], columns: Iterable[str] = ()
) -> list[str]:
    """Return in words where two tables differ: their lengths, and the first row that is unequal in any column.

    Parameters
    ----------
    name
        What the rows are, for the words.
    ours, theirs
        Rows by column; ``theirs`` are the oracle's.
    columns
        Columns to compare; without any, those of the oracle.
    """
    found = [] if len(ours) == len(theirs) else [f"{name}: {len(ours)} rows, oracle {len(theirs)}"]
    for place, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
        unequal = [column for column in columns or other if not same(mine[column], other[column])]
        if unequal:
            shown = ", ".join(f"{column} {mine[column]!r}, oracle {other[column]!r}" for column in unequal)
            return [*found, f"{name} {place}: {shown} (of {dict(other)})"]
    return found


def same(mine: Any, other: Any) -> bool:
    """Return whether two values are equal, but for the last digits of floats; null is equal to null alone."""
    if mine is None or other is None:
        return mine is other
    if isinstance(mine, Mapping) and isinstance(other, Mapping):
        return mine.keys() == other.keys() and all(same(mine[key], other[key]) for key in other)
    if isinstance(other, float) and not isinstance(other, bool):
        return math.isclose(mine, other, rel_tol=CLOSE, abs_tol=CLOSE)
    return bool(mine == other)

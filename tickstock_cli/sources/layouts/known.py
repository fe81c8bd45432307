"""What a known layout gets to know of a file, and what it says about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

_AFTER_A_NUMBER = re.compile(r"\d+(?=[a-z])")
_NOT_PART_OF_A_WORD = re.compile(r"[^a-z0-9]+")


def token(name: str) -> str:
    """Return what is compared of a column's name: letters and digits, without case.

    A single letter keeps its case, because vendors distinguish `t` from `T`.

    Examples
    --------
    >>> [token(name) for name in ("Adj Close", "openTime", "<TICKVOL>", "1. open", "T", "__index_level_0__")]
    ['adjclose', 'opentime', 'tickvol', 'open', 'T', 'indexlevel0']
    """
    if len(name) == 1:
        return name
    found = _NOT_PART_OF_A_WORD.sub("", name.lower())
    return _AFTER_A_NUMBER.sub("", found) if found[:1].isdigit() else found


@dataclass(frozen=True, slots=True)
class FileColumns:
    """The columns of a file, before it is recognised.

    Parameters
    ----------
    path
        Path of the file, or the name of a stream.
    schema
        The file's columns.
    partitions
        Names of the folders' columns.
    values
        Returns the values of a column among the first rows that are not null, times as text.
    """

    path: str
    schema: pa.Schema
    partitions: Mapping[str, str | None] = field(default_factory=dict)
    values: Callable[[str], list[Any]] = field(default=lambda _: [])

    @property
    def stem(self) -> str:
        """The file's name without its endings."""
        return Path(self.path).name.partition(".parquet")[0]

    def by_token(self) -> dict[str, str]:
        """Return tokens -> the names of columns and partitions; a token of several names has none, or the exact one."""
        names: dict[str, list[str]] = {}
        for name in dict.fromkeys([*self.schema.names, *self.partitions]):
            names.setdefault(token(name), []).append(name)
        return {
            key: key if key in found else found[0] for key, found in names.items() if len(found) == 1 or key in found
        }

    def first(self, name: str) -> Any:
        """Return the first value of a column that is not null; None without one."""
        return next(iter(self.values(name)), None)

    def type_of(self, name: str) -> pa.DataType | None:
        """Return the type of a column; None for that of a partition."""
        return self.schema.field(name).type if self.schema.names.count(name) == 1 else None


@dataclass(frozen=True, slots=True)
class Reading:
    """Settings with which rows of a layout are read, unless the user has set them.

    Parameters
    ----------
    settings
        Fields of `ReadOptions` -> their values.
    ticker
        The ticker of all rows, where the layout says it elsewhere than in a column.
    note
        Note for the user: what the layout does not say and can be wrong. None = no note.
    answered_by
        The field of `ReadOptions` that answers the note, if the user sets it.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    ticker: str | None = None
    note: str | None = None
    answered_by: str | None = None


def plain_reading(columns: FileColumns, theirs: Mapping[str, str]) -> Reading:  # noqa: ARG001 - as others
    """Read rows with the settings of the user."""
    return Reading()


def any_types(columns: FileColumns, theirs: Mapping[str, str]) -> bool:  # noqa: ARG001 - as others
    """Return True: names alone tell most layouts."""
    return True


@dataclass(frozen=True, slots=True)
class KnownLayout:
    """The layout of a vendor's or a program's files: a new one is a file in this room and a line of its registry.

    Parameters
    ----------
    name
        Name for people, which completes "the layout is …".
    record
        Record type of its rows.
    columns
        Our names -> tokens of the file's, the best first. Names that the record type requires must be found, except
        `ticker`.
    tells
        Tokens that only this layout has, all of them.
    reading
        Returns the settings from the columns, and from those of ``columns`` that were found.
    fits
        Returns whether the columns that were found have the types of this layout.
    """

    name: str
    record: str
    columns: Mapping[str, tuple[str, ...]]
    tells: tuple[str, ...] = ()
    reading: Callable[[FileColumns, Mapping[str, str]], Reading] = plain_reading
    fits: Callable[[FileColumns, Mapping[str, str]], bool] = any_types

    def found(self, columns: FileColumns, required: tuple[str, ...]) -> dict[str, str] | None:
        """Return our names -> the file's, or None if the file has another layout."""
        names = columns.by_token()
        if not all(tell in names for tell in self.tells):
            return None
        theirs = {
            ours: names[next(token for token in tokens if token in names)]
            for ours, tokens in self.columns.items()
            if any(token in names for token in tokens)
        }
        is_whole = all(name in theirs for name in required if name != "ticker")
        return theirs if is_whole and self.fits(columns, theirs) else None


@dataclass(frozen=True, slots=True)
class Understood:
    """A file whose layout is known.

    Parameters
    ----------
    layout
        Name of the layout.
    record
        Record type of the rows.
    columns
        Our names -> the file's.
    is_specific
        Whether a name told the layout that others do not have.
    """

    layout: str
    record: str
    columns: Mapping[str, str]
    reading: Reading
    is_specific: bool = True


TICKERS = ("ticker", "symbol", "sym", "instrument", "S", "T")
"""Tokens of columns with tickers. Where Alpaca has both letters, `T` is the type of the message."""
NEW_YORK = "America/New_York"

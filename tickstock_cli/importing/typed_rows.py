"""Lines of text as typed columns, exactly: integers of 64 bits, and the nearest double of each decimal number.

A line that cannot be read is an error that names it, or is dropped and counted. Arrow says that a block has such a
line; only then the block is read again as text to find all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from tickstock_cli.core.counted import counted
from tickstock_cli.errors import DataError
from tickstock_cli.importing.broken_lines import (
    has_every_line,
    is_blank,
    line_at,
    not_in_utf8,
    open_quotes,
    without_lines,
)
from tickstock_cli.importing.lines import LineBlock
from tickstock_cli.importing.number_forms import PLAIN, NumberForm

UNREADABLE = "unreadable"
"""Reason of dropped lines that cannot be read."""
_PARSED_BYTES = 1 << 20
"""What Arrow parses at once."""
BAD_ROWS_REMEDY = "mend it, or drop such lines, counted, with --bad-rows drop"

_NULLS = ["", "null", "NULL", "NaN", "nan", "N/A", "NA", "None"]
"""Missing numbers; texts are taken as they are: NA and NAN are tickers."""

_WANTED = {
    pa.int64(): "a whole number",
    pa.int16(): "a whole number from -32,768 to 32,767",
    pa.int8(): "a whole number from -128 to 127",
    pa.float64(): "a number",
}

TEXT = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class TextLayout:
    """How lines become columns.

    Parameters
    ----------
    names
        The columns of the file, in its order.
    types
        Types of the columns to read: whole or real numbers, text, or ``TEXT`` for text of few different values.
    """

    names: Sequence[str]
    types: Mapping[str, pa.DataType]
    delimiter: str = ","
    numbers: NumberForm = PLAIN
    quoted_ends: bool = False
    """Whether ends of lines can lie between quotes."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What messages call columns, where it differs."""
    remedy: str = BAD_ROWS_REMEDY
    """What messages advise about a number that cannot be read."""


@dataclass(slots=True)
class TypedRows:
    """Columns of a block, how many lines they are from, and how many of them were dropped."""

    rows: pa.Table
    read: int
    dropped: dict[str, int] = field(default_factory=dict)


class LineReader:
    """Reads the lines of one file.

    Parameters
    ----------
    path
        The file, for messages.
    drops
        Whether lines that cannot be read are dropped; otherwise the first one is an error.
    """

    def __init__(self, path: Path, layout: TextLayout, *, drops: bool) -> None:
        self._path = path
        self._layout = layout
        self._drops = drops

    def read(self, block: LineBlock) -> TypedRows:
        """Return the rows of a block.

        Raises
        ------
        DataError
            A line has another number of fields than there are columns, a value of a wrong type, a quote that
            nothing closes, or bytes that are no text.
        """
        layout = self._layout
        broken = not_in_utf8(block.text)
        if broken and not self._drops:
            raise DataError(self._broken(block, broken[0], "has bytes that are no text in UTF-8"))
        block = LineBlock(without_lines(block.text, broken), block.first) if broken else block
        failure: DataError | None = None
        typed: TypedRows | None = None
        try:
            typed = self._read(block)
        except DataError as error:
            failure = error
        if typed is None or not has_every_line(block, typed.read, layout.delimiter):
            opened = open_quotes(block.text, layout.delimiter, len(layout.names), quoted_ends=layout.quoted_ends)
            if opened and not self._drops:
                raise DataError(self._broken(block, opened[0], "a quote begins in it that nothing closes")) from failure
            if opened:
                typed = self._read(LineBlock(without_lines(block.text, opened), block.first))
                broken += opened
            elif failure is not None:
                raise failure
        assert typed is not None  # or reading failed
        if not broken:
            return typed
        dropped = typed.dropped.get(UNREADABLE, 0) + len(broken)
        return TypedRows(typed.rows, typed.read + len(broken), {UNREADABLE: dropped})

    def _read(self, block: LineBlock) -> TypedRows:
        if is_blank(block.text):
            return TypedRows(pa.schema(list(self._layout.types.items())).empty_table(), 0)
        wrong: list[csv.InvalidRow] = []
        bad = 0
        table = self._parsed_numbers(block, wrong)
        if table is None:
            texts = self._texts(block, wrong)
            table = self._readable(block, texts)
            bad = texts.num_rows - table.num_rows
        if wrong and not self._drops:
            raise DataError(self._misshapen(block, wrong[0]))
        dropped = len(wrong) + bad
        return TypedRows(table, dropped + table.num_rows, {UNREADABLE: dropped} if dropped else {})

    def _parsed_numbers(self, block: LineBlock, wrong: list[csv.InvalidRow]) -> pa.Table | None:
        """Return the rows of a block as Arrow parses them; None if it cannot, and ``wrong`` is as before."""
        if not self._layout.numbers.is_parsed:
            return None
        try:
            return self._parsed(block, self._layout.types, wrong)
        except pa.ArrowInvalid:
            wrong.clear()
            return None

    def _parsed(self, block: LineBlock, types: Mapping[str, pa.DataType], wrong: list[csv.InvalidRow]) -> pa.Table:
        def skip(row: csv.InvalidRow) -> Literal["skip"]:
            wrong.append(row)
            return "skip"

        lines: Any = pa.BufferReader(block.text)
        return csv.read_csv(
            lines,
            csv.ReadOptions(use_threads=False, block_size=_PARSED_BYTES, column_names=list(self._layout.names)),
            csv.ParseOptions(
                delimiter=self._layout.delimiter,
                newlines_in_values=self._layout.quoted_ends,
                invalid_row_handler=skip,
            ),
            csv.ConvertOptions(
                column_types=dict(types),
                include_columns=list(types),
                null_values=_NULLS,
                decimal_point=self._layout.numbers.decimal_point,
            ),
        )

    def _texts(self, block: LineBlock, wrong: list[csv.InvalidRow]) -> pa.Table:
        try:
            return self._parsed(block, dict.fromkeys(self._layout.types, pa.string()), wrong)
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{self._path}: cannot be read from line {block.first:,} on: {' '.join(str(error).split())[:200]}"
            ) from error

    def _label(self, name: str) -> str:
        return self._layout.labels.get(name, name)

    def _misshapen(self, block: LineBlock, row: csv.InvalidRow) -> str:
        line = "" if row.number is None else f" line {block.first + row.number - 1:,}:"
        fields = counted(row.actual_columns, "field")
        return (
            f"{self._path}:{line} has {fields}, but there are {row.expected_columns} columns "
            f"({row.text[:80]!r}); {BAD_ROWS_REMEDY}"
        )

    def _broken(self, block: LineBlock, place: int, why: str) -> str:
        line = line_at(block.text, place)
        return f"{self._path}: line {block.first + place:,}: {why} ({line[:80]!r}); {BAD_ROWS_REMEDY}"

    def _readable(self, block: LineBlock, texts: pa.Table) -> pa.Table:
        """Return the rows of a block without those that have a value which its column cannot hold."""
        plain = {name: self._plain(texts[name], type_) for name, type_ in self._layout.types.items()}
        bad = np.zeros(texts.num_rows, dtype=np.bool_)
        for name, type_ in self._layout.types.items():
            for place in _misfits(plain[name], type_):
                if not self._drops:
                    value = f"{self._label(name)} is {texts[name][place].as_py()!r}"
                    raise DataError(
                        f"{self._path}: line {block.first + place:,}: {value}, but {_WANTED[type_]} is wanted; "
                        f"{self._layout.remedy}"
                    )
                bad[place] = True
        good = pa.array(~bad)
        columns = {}
        for name, type_ in self._layout.types.items():
            kept = plain[name].filter(good)
            columns[name] = kept.dictionary_encode() if pa.types.is_dictionary(type_) else kept.cast(type_)
        return pa.table(columns)

    def _plain(self, texts: pa.ChunkedArray[Any], type_: pa.DataType) -> pa.ChunkedArray[Any]:
        """Return the texts of a column as Arrow casts them: numbers without blanks, and null where missing."""
        if not _is_number(type_):
            return texts
        texts = pc.utf8_trim_whitespace(texts)
        texts = pc.if_else(pc.is_in(texts, pa.array(_NULLS)), pa.scalar(None, pa.string()), texts)
        plain: pa.ChunkedArray[Any] = self._layout.numbers.plain(texts)
        return plain


def _is_number(type_: pa.DataType) -> bool:
    return pa.types.is_integer(type_) or pa.types.is_floating(type_)


def _misfits(column: pa.ChunkedArray[Any], type_: pa.DataType) -> list[int]:
    """Return the places of texts that a column of ``type_`` cannot hold."""
    if not _is_number(type_):
        return []
    try:
        column.cast(type_)
    except pa.ArrowInvalid:
        return [place for place, text in enumerate(column) if not _fits(text, type_)]
    return []


def _fits(text: pa.Scalar[Any], type_: pa.DataType) -> bool:
    try:
        text.cast(type_)
    except pa.ArrowInvalid:
        return False
    return True

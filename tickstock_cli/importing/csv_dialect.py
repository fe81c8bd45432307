"""How a CSV file is written: its encoding, its delimiter, and whether its first line has names."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from tickstock_cli.core.counted import counted
from tickstock_cli.errors import DataError
from tickstock_cli.importing.csv_unnamed import names_by_values

_DELIMITERS = (",", ";", "\t", "|")
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_COMMENTS = ("#", "//", "sep=")
_COUNTED_LINES = 50
_OTHER = "cp1252"
"""What text that is not UTF-8 is read as; the preview says so."""
_VALUE = re.compile(r"[-+]?[\d.,:/ ]*\d[\d.,:/ TZ+-]*")
_FEW_BYTES = 4
HEAD_LINES = 1_000
"""Lines that decide how a file is written."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written.

    Parameters
    ----------
    encoding
        Name of the codec.
    names
        Names of the columns; those of ``--columns`` if the first line has none.
    has_header
        Whether the first line has the names.
    head
        Fields of the first lines behind it.
    """

    encoding: str
    delimiter: str
    names: tuple[str, ...]
    has_header: bool
    head: tuple[tuple[str, ...], ...]
    by_values: bool = False
    """Whether the names were found out of the values."""
    lines_before: int = 0
    """Lines in front of the names, or of the first row: titles, comments, blank lines."""


def encoding_of(block: bytes, wanted: str | None) -> str:
    """Return the encoding of a file by its first block; ``wanted`` if it is not None."""
    if wanted:
        return wanted
    for mark, name in _BYTE_ORDER_MARKS.items():
        if block.startswith(mark):
            return name
    if b"\0" in block[:_FEW_BYTES]:  # no text of one byte a character has it
        return "utf-16-be" if block[:1] == b"\0" else "utf-16-le"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(block)
    except UnicodeDecodeError:
        return _OTHER
    return "utf-8"


def in_utf8(path: Path, blocks: Iterator[bytes], encoding: str, *, whole: bool = True) -> Iterator[bytes]:
    """Yield blocks of another encoding in UTF-8; unless ``whole``, the last character can be cut.

    Raises
    ------
    DataError
        A block is not in the encoding.
    """
    if encoding == "utf-8":
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in blocks:
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", whole).encode()
    except UnicodeError as error:
        raise DataError(f"{path}: is not text of encoding {encoding}: {error}; name it with --encoding") from error


def dialect_of(path: Path, text: str, encoding: str, delimiter: str = "", columns: tuple[str, ...] = ()) -> Dialect:
    """Return how a file is written, from its first lines.

    Parameters
    ----------
    delimiter, columns
        What the user said; empty is found out.

    Raises
    ------
    DataError
        The file has no line, no delimiter, or no names and no ``columns``.
    """
    numbered = [(place, line) for place, line in enumerate(text.splitlines()[: HEAD_LINES + 1]) if line.strip()]
    if not numbered:
        raise DataError(f"{path}: has no line of text")
    if numbered[0][1].lstrip()[0] in "[{":
        raise DataError(f"{path}: is JSON, not CSV; write it as CSV, as pandas.DataFrame.to_csv does")
    delimiter = delimiter or _delimiter(path, [line for _, line in numbered])
    numbered = numbered[_before_names([line for _, line in numbered], delimiter) :]
    before, lines = numbered[0][0], [line for _, line in numbered]
    rows = [tuple(field.strip() for field in row) for row in csv.reader(lines, delimiter=delimiter)]
    has_header = not any(_VALUE.fullmatch(field) for field in rows[0] if field)
    if columns and has_header:
        rows = rows[1:]
    elif has_header:
        columns, rows = rows[0], rows[1:]
    elif not columns and (found := names_by_values(rows)) is not None:
        return Dialect(encoding, delimiter, found, has_header, tuple(rows), by_values=True, lines_before=before)
    elif not columns:
        raise DataError(
            f"{path}: its first line has no names of columns ({lines[0][:80]}); name them, as in "
            "--columns ticker,timestamp,price,size"
        )
    width = len(rows[0]) if rows else len(columns)
    if len(columns) != width:
        raise DataError(
            f"{path}: has {counted(width, 'column')}, but {counted(len(columns), 'name')} "
            f"({', '.join(columns)[:120]}); name all of them, as in --columns {','.join([*columns, 'other'][:width])}"
        )
    return Dialect(encoding, delimiter, columns, has_header, tuple(rows), lines_before=before)


def _before_names(lines: list[str], delimiter: str) -> int:
    """Return how many lines stand in front of the names: titles without a delimiter, comments of another width."""
    counts = _counts(lines, delimiter)
    width = Counter(counts).most_common(1)[0][0]
    if not width:
        return 0
    is_before = (
        not count or (count != width and line.lstrip().startswith(_COMMENTS))
        for count, line in zip(counts, lines, strict=False)
    )
    return sum(1 for _ in takewhile(bool, is_before))


def _counts(lines: list[str], delimiter: str) -> list[int]:
    """Return how often the delimiter stands in each of the first lines."""
    return [len(row) - 1 for row in csv.reader(lines[:_COUNTED_LINES], delimiter=delimiter)]


def _delimiter(path: Path, lines: list[str]) -> str:
    """Return the delimiter that stands equally often in all lines, or nearly so; the most frequent of several."""
    counts = {delimiter: _counts(lines, delimiter) for delimiter in _DELIMITERS}
    most = {delimiter: Counter(found).most_common(1)[0] for delimiter, found in counts.items()}
    fits = {
        delimiter: count for delimiter, (count, times) in most.items() if count and times * 2 > len(counts[delimiter])
    }
    if not fits and any(counts[delimiter][0] for delimiter in _DELIMITERS):
        fits = {delimiter: counts[delimiter][0] for delimiter in _DELIMITERS}
    if not fits:
        raise DataError(
            f"{path}: no delimiter of , ; | or tab is in its first line ({lines[0][:80]}); name it with --delimiter"
        )
    return max(fits, key=lambda delimiter: fits[delimiter])

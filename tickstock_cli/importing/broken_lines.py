"""Lines that no parser takes for one line: with a quote that nothing closes, or bytes that are no text.

An open quote would take the lines behind it for a part of its value. Where values have no line ends, such a line is
broken. Where they can have some, it is if the line behind it is whole by itself: a note of several lines hardly ever
has exactly as many fields as the file has columns.
"""

from __future__ import annotations

import csv
import re

from tickstock_cli.importing.lines import LineBlock

_END_BYTES = b"\r\n"
_ENDS = re.compile(rb"\r\n|\n|\r")


def has_every_line(block: LineBlock, rows: int, delimiter: str) -> bool:
    """Return whether each line of a block that is not empty is a row, and no quote is open behind the last one.

    Parameters
    ----------
    rows
        Rows that were read of the block.
    """
    text, ends = block.text, block.ends
    has_plain_ends = b"\r" not in text or text.count(b"\r") == text.count(b"\r\n")
    seems_short = not has_plain_ends or rows < ends + (not text.endswith(b"\n"))
    if seems_short and rows < sum(line != b"" for line in _ENDS.split(text)):
        return False
    end = len(text)
    while end and text[end - 1] in _END_BYTES:
        end -= 1
    return not _opens(text[text.rfind(b"\n", 0, end) + 1 : end].decode("latin-1"), delimiter)


def is_blank(text: bytes) -> bool:
    """Return whether a text has nothing but empty lines."""
    return text[:1] in (b"\r", b"\n", b"") and not text.strip(_END_BYTES)


def open_quotes(text: bytes, delimiter: str, columns: int, *, quoted_ends: bool) -> list[int]:
    """Return the places of lines with a quote that nothing closes, from 0.

    Parameters
    ----------
    text
        Whole lines, beginning outside of quotes.
    columns
        Fields of a whole line.
    quoted_ends
        Whether values can have line ends.
    """
    lines = [line.decode("latin-1") for line in _ENDS.split(text)]
    found: list[int] = []
    place = 0
    while place < len(lines):
        if not _opens(lines[place], delimiter):
            place += 1
        elif not quoted_ends or _is_whole(lines, place + 1, delimiter, columns):
            found.append(place)
            place += 1
        else:
            place = _closed(lines, place) + 1
    return found


def not_in_utf8(text: bytes) -> list[int]:
    """Return the places of lines that are no text in UTF-8, from 0."""
    if text.isascii():  # as nearly all: this is much quicker than decoding
        return []
    return [place for place, line in enumerate(_ENDS.split(text)) if not _is_utf8(line)]


def line_at(text: bytes, place: int) -> str:
    """Return the line at a place, for messages."""
    return _ENDS.split(text)[place].decode("utf-8", "replace")


def without_lines(text: bytes, places: list[int]) -> bytes:
    """Return a text without the lines at some places."""
    left_out = set(places)
    return b"\n".join(line for place, line in enumerate(_ENDS.split(text)) if place not in left_out)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _fields(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([f"{line}\n"], delimiter=delimiter), [])
    except csv.Error:  # a field of more than 128 KiB
        return []


def _opens(line: str, delimiter: str) -> bool:
    """Return whether a quote is open at the end of a line."""
    if '"' not in line:
        return False
    fields = _fields(line, delimiter)
    return bool(fields) and fields[-1].endswith("\n")


def _is_whole(lines: list[str], place: int, delimiter: str, columns: int) -> bool:
    return (
        columns > 1
        and place < len(lines)
        and lines[place].count('"') % 2 == 0  # with an odd one, it can close the quote
        and len(_fields(lines[place], delimiter)) == columns
    )


def _closed(lines: list[str], place: int) -> int:
    """Return the place of the line that closes the quote which is open at the end of line ``place``."""
    behind = (later for later in range(place + 1, len(lines)) if lines[later].count('"') % 2)
    return next(behind, len(lines))

"""Universes: lists of tickers, written out or, as ``@FILE``, in files.

A file holds one ticker a line, or is a CSV whose header has a column ``ticker``. Empty lines and lines that begin
with ``#`` say nothing; behind a ticker, ``#`` begins a comment. A ticker that stands in a file twice counts once.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

FILE_MARK = "@"
CORE = "core"
"""What the core universe is called among the others."""
COLUMN = "ticker"
MAX_LENGTH = 64
"""Characters of a ticker, and of a universe's name: what a subscription can hold."""


class TickerFile:
    """Marks a setting whose lists of tickers may stand in files."""


def checked_ticker(text: str) -> str:
    """Return a ticker as it is; raise ValueError if it is none."""
    if not 0 < len(text) <= MAX_LENGTH or text.startswith(FILE_MARK) or not _in_one_piece(text):
        raise ValueError(f"must be a ticker, 1 to {MAX_LENGTH} characters without blanks and commas")
    return text


def checked_name(name: str) -> str:
    """Return the name of a universe as it is; raise ValueError if it cannot be one."""
    if name == CORE:
        raise ValueError(f"{CORE} is the name of priority.core_universe; choose another one")
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum() or len(name) > MAX_LENGTH:
        raise ValueError(f"a universe's name must be letters, digits, - and _, {MAX_LENGTH} at most")
    return name


def _in_one_piece(text: str) -> bool:
    return text.isprintable() and not any(character.isspace() or character in ',;"' for character in text)


def files_of(value: Any) -> tuple[str, ...]:
    """Return the files that a list of tickers names, with their ``@``; a lone text is a list of one."""
    entries = (value,) if isinstance(value, str) else value
    if not isinstance(entries, Sequence):
        return ()
    return tuple(entry for entry in entries if isinstance(entry, str) and entry.startswith(FILE_MARK))


def with_files_read(value: Any, folder: Path) -> list[str]:
    """Return a list of tickers that names files with their tickers in its place, each ticker once.

    Parameters
    ----------
    folder
        What the files' paths are relative to.

    Raises
    ------
    ValueError
        A file cannot be read, names no ticker, or an entry is none: one line that names file, line and value.
    """
    tickers: dict[str, None] = {}
    for entry in (value,) if isinstance(value, str) else value:
        if not isinstance(entry, str):
            raise ValueError(f'must be a list, as in ["A", "{FILE_MARK}FILE"], but {entry!r} stands in it')
        if entry.startswith(FILE_MARK):
            tickers.update(dict.fromkeys(read_tickers(folder / entry[len(FILE_MARK) :])))
        else:
            tickers[_checked(entry)] = None
    return list(tickers)


def read_tickers(path: Path) -> list[str]:
    """Read the tickers of a file, in its order.

    Raises
    ------
    ValueError
        See ``with_files_read``.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text; name a text file of tickers") from error
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise ValueError(f"cannot read {path}: {reason}; name a text file of tickers") from error
    told = [
        (number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")
    ]
    tickers = []
    for number, text in _column(told) if _has_header(told) else _plain(told):
        more = f"; a CSV needs a header with a column {COLUMN}" if "," in text else ""
        tickers.append(_checked(text, f"{path}, line {number}: ", more))
    if not tickers:
        raise ValueError(f"{path} names no ticker; write one a line")
    return tickers


def _checked(text: str, place: str = "", more: str = "") -> str:
    try:
        return checked_ticker(text)
    except ValueError as error:
        raise ValueError(f"{place}{text!r} {error}{more}") from error


def _has_header(told: Sequence[tuple[int, str]]) -> bool:
    return bool(told) and COLUMN in _fields(told[0][1])


def _fields(header: str) -> list[str]:
    return [name.strip().lower() for name in next(csv.reader([header]))]


def _column(told: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    place = _fields(told[0][1]).index(COLUMN)
    for number, line in told[1:]:
        fields = next(csv.reader([line]))
        yield number, fields[place].strip() if place < len(fields) else ""


def _plain(told: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    for number, line in told:
        yield number, line.partition("#")[0].strip()

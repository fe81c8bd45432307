"""Universes: lists of tickers, given directly or in files, as ``@FILE``.

A file has tickers separated by commas and line ends, or is a CSV with a header and a column ``ticker`` or ``symbol``.
Blanks and quotes around a ticker are ignored, blanks inside belong to it. Empty lines and lines that begin with ``#``
are ignored; behind a ticker, ``#`` begins a comment. A repeated ticker counts once. Excel's tables are read in its
encodings.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tickstock_cli.errors import UsageError
from tickstock_cli.storage.names import check_local, is_object

FILE_MARK = "@"
CORE = "core"
"""Name of the core universe."""
COLUMNS = ("ticker", "symbol")
"""Columns of tickers, in the order of preference."""
_SEPARATORS = (",", ";", "\t")
_SEPARATOR_LINE = re.compile("sep=.", re.IGNORECASE)
"""The first line of a table of Excel."""
_MOST_LINES_ABOVE = 20
_NAME = re.compile(r"[A-Z][a-z]{2,}|[^A-Za-z]*\d\.\d[^A-Za-z]*")
"""A word or a figure beside a ticker, as in a table of companies."""
MAX_LENGTH = 64
"""Longest ticker and longest name of a universe in characters, as in subscriptions."""


class TickerFile:
    """Marks a setting whose lists of tickers can be files."""


def checked_ticker(text: str) -> str:
    """Return a valid ticker unchanged; raise ValueError otherwise."""
    if not 0 < len(text) <= MAX_LENGTH or text.startswith(FILE_MARK) or not _without_separators(text):
        raise ValueError(f"must be a ticker, 1 to {MAX_LENGTH} characters without commas")
    return text


def checked_name(name: str) -> str:
    """Return a valid name of a universe unchanged; raise ValueError otherwise."""
    if name == CORE:
        raise ValueError(f"{CORE} is the name of priority.core_universe; choose another one")
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum() or len(name) > MAX_LENGTH:
        raise ValueError(f"a universe's name must be letters, digits, - and _, {MAX_LENGTH} at most")
    return name


def _without_separators(text: str) -> bool:
    return text.isprintable() and text == text.strip() and not any(character in ',;"' for character in text)


def files_of(value: Any) -> tuple[str, ...]:
    """Return the files in a list of tickers, with their ``@``; a single text is a list of one."""
    entries = (value,) if isinstance(value, str) else value
    if not isinstance(entries, Sequence):
        return ()
    return tuple(entry for entry in entries if isinstance(entry, str) and entry.startswith(FILE_MARK))


def with_files_read(value: Any, folder: Path) -> list[str]:
    """Return a list of tickers with each file replaced by its tickers, each ticker once.

    Parameters
    ----------
    folder
        Folder of relative paths.

    Raises
    ------
    ValueError
        A file cannot be read or has no ticker, or an entry is not a ticker. The message names file, line and value.
    """
    tickers: dict[str, None] = {}
    for entry in (value,) if isinstance(value, str) else value:
        if not isinstance(entry, str):
            raise ValueError(f'must be a list, as in ["A", "{FILE_MARK}FILE"], but it has {entry!r}')
        if entry.startswith(FILE_MARK):
            name = entry.removeprefix(FILE_MARK)
            tickers.update(dict.fromkeys(read_tickers(Path(name) if is_object(name) else folder / name)))
        else:
            tickers[_checked(entry)] = None
    return list(tickers)


def read_tickers(path: Path) -> list[str]:
    """Read the tickers of a file, in its order.

    Raises
    ------
    ValueError
        The file cannot be read, has no ticker, or has an entry that is not a ticker.
    """
    try:
        check_local(path, "a file of tickers")
    except UsageError as error:
        raise ValueError(str(error)) from error
    try:
        text = _text(path.read_bytes())
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text; name a text file of tickers") from error
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise ValueError(f"cannot read {path}: {reason}; name a text file of tickers") from error
    entries = _entries(text)
    tickers = []
    header = _header(entries)
    for number, text in _plain(entries) if header is None else _column(entries, *header):
        more = f"; a CSV needs a header with a column {COLUMNS[0]}" if "," in text else ""
        tickers.append(_checked(text, f"{path}, line {number}: ", more))
    if not tickers:
        raise ValueError(f"{path} has no ticker; write one per line")
    return tickers


def _text(content: bytes) -> str:
    """Return the text of a file, in UTF-8, in UTF-16 with its mark, or a table whose other columns have accents.

    Raises
    ------
    UnicodeDecodeError
        It is no text.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252")
        if _header(_entries(text)) is None:
            raise
        return text


def _entries(text: str) -> list[tuple[int, str]]:
    """Return the lines that are neither empty nor a comment nor the separator of a table, with their numbers."""
    lines = enumerate(text.splitlines(), 1)
    some = [(number, line) for number, line in lines if line.strip() and not line.lstrip().startswith("#")]
    return some[1:] if some and _SEPARATOR_LINE.fullmatch(some[0][1].strip()) else some


def split_tickers(text: str) -> list[str]:
    """Return the tickers of one line, which are separated by commas.

    Examples
    --------
    >>> split_tickers('BRK B, "SPY   240119C00450000",')
    ['BRK B', 'SPY   240119C00450000']
    """
    fields = next(csv.reader([text], skipinitialspace=True), [])
    return [field.strip() for field in fields if field.strip()]


def _checked(text: str, place: str = "", more: str = "") -> str:
    try:
        return checked_ticker(text)
    except ValueError as error:
        raise ValueError(f"{place}{text!r} {error}{more}") from error


def _header(entries: Sequence[tuple[int, str]]) -> tuple[int, str, int] | None:
    """Return the place of a table's header, its separator, and the place of its column of tickers; None for a list.

    Lines above it, as programs write with the name of a fund, are no part of the table.
    """
    for place, (_, line) in enumerate(entries[:_MOST_LINES_ABOVE]):
        for separator in _SEPARATORS:
            names = [name.lower() for name in _fields(line, separator)]
            for column in COLUMNS:
                if column in names and (place == 0 or len(names) > 1):
                    return place, separator, names.index(column)
    return None


def _fields(line: str, separator: str) -> list[str]:
    return [field.strip() for field in next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])]


def _column(entries: Sequence[tuple[int, str]], header: int, separator: str, place: int) -> Iterator[tuple[int, str]]:
    for number, line in entries[header + 1 :]:
        fields = _fields(line, separator)
        yield number, fields[place] if place < len(fields) else ""


def _plain(entries: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield the tickers of a list; a line with the names or figures of a table is yielded whole, and is none."""
    for number, line in entries:
        text = line.partition("#")[0].strip()
        tickers = split_tickers(text)
        if len(tickers) > 1 and any(_NAME.search(ticker) for ticker in tickers):
            yield number, text
        else:
            yield from ((number, ticker) for ticker in tickers or [text])

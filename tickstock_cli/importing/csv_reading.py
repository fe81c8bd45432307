"""How one CSV file is read: found out from its first lines, and done for each block of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tickstock_cli.core.batch import Int64s, UInt8s
from tickstock_cli.core.column_maps import parse_maps
from tickstock_cli.core.counted import counted
from tickstock_cli.core.times import NS_PER_SECOND, format_time
from tickstock_cli.errors import DataError, SchemaError
from tickstock_cli.importing.csv_columns import CsvColumns, choose_columns
from tickstock_cli.importing.csv_dialect import Dialect, dialect_of
from tickstock_cli.importing.csv_layouts import known_csv
from tickstock_cli.importing.csv_options import CsvOptions
from tickstock_cli.importing.files import BadRows
from tickstock_cli.importing.format import ColumnPreview, FilePreview, ImportChunk
from tickstock_cli.importing.import_rows import COLUMNS
from tickstock_cli.importing.lines import LineBlock
from tickstock_cli.importing.number_forms import NumberForm, number_form
from tickstock_cli.importing.tables import filled, one_batch
from tickstock_cli.importing.text_times import time_form
from tickstock_cli.importing.typed_rows import BAD_ROWS_REMEDY, TEXT, UNREADABLE, LineReader, TextLayout
from tickstock_cli.sources.file_tickers import ticker_of
from tickstock_cli.sources.flag_bits import OURS, TRANSLATIONS
from tickstock_cli.sources.text_times import TimeForm

_TIMES = ("timestamp", "received_at")
_USUAL_SECONDS = (1, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 86_400)
_DAY_SECONDS = 86_400.0
_PRICES = {"price", "open", "high", "low", "close"}
_OWN_FLAGS = ("auto", "tickstock")
_NUMBER_REMEDY = f"{BAD_ROWS_REMEDY}; --decimal and --thousands say how numbers are written"
_WHOLE = re.compile(r"\s*-?\d+\s*")


def _joined(parts: Sequence[Any]) -> Any:
    return pc.binary_join_element_wise(*parts, pa.scalar(" "))


@dataclass(frozen=True, slots=True)
class CsvReading:
    """How a file is read.

    Parameters
    ----------
    ticker
        That of all rows; None if a column has it.
    forms
        The form of each time column, by our name.
    numbers
        The form of numbers.
    interval
        Length of bars in seconds; None if a column has it, or rows are no bars.
    """

    path: Path
    dialect: Dialect
    columns: CsvColumns
    ticker: str | None
    forms: Mapping[str, TimeForm]
    numbers: NumberForm
    interval: float | None
    drops: bool

    def chunk(self, block: LineBlock) -> ImportChunk:
        """Return the rows of a block. Raises DataError if a line cannot be read and is not to be dropped."""
        typed = LineReader(self.path, self._layout(), drops=self.drops).read(block)
        batch = one_batch(typed.rows)
        dropped = dict(typed.dropped)
        times = {name: self._times(batch, name) for name in self.forms}
        bad = np.zeros(batch.num_rows, dtype=np.bool_)
        for name, (texts, found) in times.items():
            wrong = (found == 0) & (pc.utf8_length(texts).to_numpy(zero_copy_only=False) > 0)
            if wrong.any() and not self.drops:
                place = int(wrong.argmax())
                raise DataError(
                    f"{self.path}: line {block.first + place:,}: {name} is {texts[place].as_py()!r}, which is no time "
                    f"of the form {self.forms[name]}; {BAD_ROWS_REMEDY}"
                )
            bad |= wrong
        columns = self._columns(batch, {name: found for name, (_, found) in times.items()}, block)
        rows = pa.RecordBatch.from_pydict(columns)
        if bad.any():
            dropped[UNREADABLE] = dropped.get(UNREADABLE, 0) + int(bad.sum())
        kept = ~bad
        for place, wanted in self.columns.known.where.items():
            wanted_rows: NDArray[np.bool_] = np.asarray(
                pc.is_in(batch.column(str(place)), pa.array(wanted)), dtype=np.bool_
            )
            if others := int((kept & ~wanted_rows).sum()):
                dropped[f"other_{self.dialect.names[place]}"] = others
            kept &= wanted_rows
        return ImportChunk(
            self.columns.record, rows if kept.all() else rows.filter(pa.array(kept)), typed.read, dropped
        )

    def _layout(self) -> TextLayout:
        types: dict[str, pa.DataType] = {}
        known = COLUMNS[self.columns.record]
        for name, places in self.columns.places.items():
            for place in places:
                types[str(place)] = _text_type(name, known[name])
                if name in _PRICES and self.columns.known.price_divisor > 1:
                    types[str(place)] = pa.int64()
        types.update({str(place): TEXT for place in self.columns.known.where})
        return TextLayout(
            [str(place) for place in range(len(self.dialect.names))],
            types,
            self.dialect.delimiter,
            self.numbers,
            quoted_ends=True,
            labels={str(place): name for place, name in enumerate(self.dialect.names)},
            remedy=_NUMBER_REMEDY,
        )

    def _times(self, batch: pa.RecordBatch, name: str) -> tuple[Any, Int64s]:
        parts: list[Any] = [batch.column(str(place)) for place in self.columns.places[name]]
        texts: Any = parts[0] if len(parts) == 1 else _joined(parts)
        texts = pc.utf8_trim_whitespace(texts)
        return texts, self.forms[name].read(texts)

    def _columns(self, batch: pa.RecordBatch, times: Mapping[str, Int64s], block: LineBlock) -> dict[str, Any]:
        rows = batch.num_rows
        columns: dict[str, Any] = {}
        for name, places in self.columns.places.items():
            columns[name] = pa.array(times[name]) if name in times else batch.column(str(places[0]))
        if self.ticker is not None:
            columns["ticker"] = pa.array([self.ticker] * rows, TEXT)
        if self.interval is not None:
            columns["interval"] = pa.array(np.full(rows, self.interval))
        if "flags" in columns:
            columns["flags"] = pa.array(self._flags(filled(columns["flags"], 0), block))
        divisor = self.columns.known.price_divisor
        for name in _PRICES & columns.keys() if divisor > 1 else ():
            columns[name] = pc.divide(columns[name].cast(pa.float64()), pa.scalar(float(divisor)))
        return columns

    def _flags(self, flags: Int64s, block: LineBlock) -> UInt8s:
        """Return flags as ours. Raises DataError if they have bits that nobody said how to read."""
        if self.columns.known.flags in _OWN_FLAGS and len(wrong := np.flatnonzero(flags & ~OURS)):
            raise DataError(
                f"{self.path}: flags is {flags[wrong[0]]} behind line {block.first:,}, but bits beyond 1, 2 and 4 "
                "are not ours; leave the column out with --map flags="
            )
        return TRANSLATIONS[self.columns.known.flags](flags)

    def _shown(self, name: str, text: str, type_: pa.DataType) -> str:
        """Return a value as it is read."""
        if name in self.forms:
            return format_time(int(self.forms[name].read(pa.array([text]))[0])) if text else ""
        if name in _PRICES and self.columns.known.price_divisor > 1:
            return f"{int(text or 0) / self.columns.known.price_divisor}"
        return self.numbers.plain_text(text) if text and pa.types.is_floating(type_) else text

    def preview(self) -> FilePreview:
        """Return what the file is read as, with the first line as an example."""
        first = self.dialect.head[0] if self.dialect.head else ()
        columns = []
        for name, type_ in COLUMNS[self.columns.record].items():
            places = self.columns.places.get(name)
            if places is not None:
                theirs = "+".join(self.dialect.names[place] for place in places)
                text = " ".join(first[place] for place in places if place < len(first))
                shown = self._shown(name, text, type_)
                kind = f"time: {self.forms[name]}" if name in self.forms else _kind(type_)
                columns.append(ColumnPreview(name, theirs, kind, text, shown))
            elif name == "ticker" and self.ticker is not None:
                columns.append(ColumnPreview(name, "", "text", "", self.ticker))
            elif name == "interval" and self.interval is not None:
                columns.append(ColumnPreview(name, "", "seconds", "", f"{self.interval:g}"))
        words = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
        form = f"{self.dialect.encoding}, {words.get(self.dialect.delimiter, self.dialect.delimiter)}"
        if str(self.numbers):
            form += f", {self.numbers}"
        if self.dialect.lines_before:
            form += f", {counted(self.dialect.lines_before, 'line')} in front left out"
        if self.dialect.by_values:
            form += ", names of columns by their values"
        if self.columns.known.name:
            form += f", layout of {self.columns.known.name}"
        return FilePreview(self.path, self.columns.record, form, tuple(columns), self.columns.ignored)


def csv_reading(path: Path, head: str, encoding: str, options: CsvOptions) -> CsvReading:
    """Return how a file is read.

    Parameters
    ----------
    head
        Its first lines.

    Raises
    ------
    DataError
        It is not clear how; the message names the option that says it.
    """
    given = tuple(name.strip() for name in options.columns.split(",")) if options.columns else ()
    dialect = dialect_of(path, head, encoding, options.delimiter or "", given)
    known = known_csv(path, dialect.names, _whole_rows(dialect))
    ticker = options.ticker or known.ticker
    if ticker is None and options.ticker_from is not None:
        ticker = _ticker_in_name(path)
    mapping = parse_maps(options.map)
    chosen = choose_columns(path, dialect.names, mapping, options.type, known, has_ticker=ticker is not None)
    numbers = number_form(
        _number_texts(chosen, dialect), dialect.delimiter, options.decimal or "", options.thousands or "", str(path)
    )
    chosen = _without_texts(chosen, dialect, numbers)
    forms = {}
    for name in _TIMES:
        if name in chosen.places:
            texts = [" ".join(row[place] for place in chosen.places[name]) for row in _whole_rows(dialect)]
            where = f"{path}: {'+'.join(dialect.names[place] for place in chosen.places[name])}"
            forms[name] = (
                time_form(texts, options.timezone, options.time_format, where) if texts else TimeForm("%Y", "UTC")
            )
    interval = None
    if chosen.record == "ohlcv" and "interval" not in chosen.places:
        interval = float(options.interval) if options.interval else chosen.known.interval
        interval = interval or _spacing(path, dialect, chosen, forms["timestamp"])
    if ticker is not None:
        chosen = chosen.without({"ticker"})
    return CsvReading(path, dialect, chosen, ticker, forms, numbers, interval, options.bad_rows is BadRows.DROP)


def _whole_rows(dialect: Dialect) -> list[tuple[str, ...]]:
    return [row for row in dialect.head if len(row) == len(dialect.names)]


def _ticker_in_name(path: Path) -> str:
    """Return the ticker that a file's name begins with: AAPL of AAPL_1min.csv."""
    ticker = ticker_of(path.name)
    if ticker is None:
        raise SchemaError(f"{path}: the name begins with no ticker; set it with --ticker")
    return ticker


def _text_type(name: str, type_: pa.DataType) -> pa.DataType:
    """Return the type that a column is parsed as."""
    if name == "ticker":
        return TEXT
    if name in _TIMES or name == "trade_id":
        return pa.string()
    return pa.int64() if name == "flags" else type_


def _kind(type_: pa.DataType) -> str:
    if pa.types.is_floating(type_):
        return "number"
    return "whole number" if pa.types.is_integer(type_) else "text"


def _number_texts(chosen: CsvColumns, dialect: Dialect) -> list[str]:
    """Return the texts of the first rows in columns of real numbers."""
    types = COLUMNS[chosen.record]
    places = [places[0] for name, places in chosen.places.items() if pa.types.is_floating(types[name])]
    return [row[place] for row in _whole_rows(dialect) for place in places]


def _without_texts(chosen: CsvColumns, dialect: Dialect, numbers: NumberForm) -> CsvColumns:
    """Return the columns without those that no rule uses and whose values are no whole numbers, such as venues."""
    types = COLUMNS[chosen.record]
    whole = [name for name, type_ in types.items() if pa.types.is_integer(type_) and name not in (*_TIMES, "flags")]
    left_out = {
        name
        for name in whole
        if name in chosen.places
        and not all(
            _WHOLE.fullmatch(numbers.plain_text(row[chosen.places[name][0]])) or not row[chosen.places[name][0]]
            for row in _whole_rows(dialect)
        )
    }
    ignored = (*chosen.ignored, *(dialect.names[chosen.places[name][0]] for name in sorted(left_out)))
    return replace(chosen.without(left_out), ignored=ignored)


def _spacing(path: Path, dialect: Dialect, chosen: CsvColumns, form: TimeForm) -> float:
    """Return the length of bars by their least distance. Raises DataError if it is no usual one."""
    rows = _whole_rows(dialect)
    times = form.read(
        pa.array([" ".join(row[place] for place in chosen.places["timestamp"]) for row in rows], pa.string())
    )
    place = chosen.places["ticker"][0] if "ticker" in chosen.places else None
    tickers = np.array(["" if place is None else row[place] for row in rows])
    order = np.lexsort((times, tickers))
    apart = np.diff(times[order])[tickers[order][1:] == tickers[order][:-1]] if len(rows) else np.empty(0, np.int64)
    apart = apart[apart > 0]
    least = int(apart.min()) / NS_PER_SECOND if len(apart) else 0.0
    if not form.form.startswith("since") and "%H" not in form.form and "%I" not in form.form:
        return _DAY_SECONDS
    if _DAY_SECONDS - 3_600 <= least <= _DAY_SECONDS:  # on the day that clocks go forward
        return _DAY_SECONDS
    if least in _USUAL_SECONDS:
        return least
    found = (
        f"the first bars of a ticker are {least:g} s apart" if least else "no ticker has two bars in the first lines"
    )
    raise DataError(f"{path}: the length of the bars is unclear, because {found}; set it, as in --interval 1m")

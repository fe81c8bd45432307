"""Recognises the record type and the columns of a Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.errors import SchemaError, UsageError
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.file_tickers import TICKER_PLACES
from tickstock_cli.sources.intervals import parse_interval
from tickstock_cli.sources.layouts import FileColumns, Understood, understand
from tickstock_cli.sources.layouts.known import token
from tickstock_cli.sources.misfit import listed, misfit
from tickstock_cli.sources.options import ReadOptions, is_set, with_layout
from tickstock_cli.sources.records import (
    CLOCK,
    KNOWN_COLUMNS,
    LENGTH,
    NUMBER,
    OHLCV,
    RECORD_TYPES,
    TEXT,
    TIME,
    ColumnType,
    RecordType,
    is_empty_type,
)

_LENGTHS = (
    *("interval", "timeframe", "freq", "frequency", "resolution", "tf", "barsize", "granularity", "barinterval"),
    *("barlength", "barlen", "barduration", "intervallength", "klineinterval", "candleinterval", "timeinterval"),
)
_LENGTHS_WITH_UNIT = (
    *("bar", "bars", "period", "timespan", "aggregation", "candle", "candles", "kline", "klines", "agg", "duration"),
    *("barspec", "sampling", "sampled"),
)
"""Tokens of names of lengths of bars; a number alone under the latter can be anything."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a file's record type, by name.

    Parameters
    ----------
    columns
        Our names -> the file's names, for columns that are read from it.
    constants
        Our names -> the value of the Hive partition, which holds for the whole file.
    ignored
        The file's columns that are not used, in its order.
    understood
        The known layout that supplied names or settings; None: our names and the mapping sufficed.
    in_name
        Our names of constants that are no partition: the name of the file, or of its columns, has them.
    """

    record: RecordType
    columns: Mapping[str, str]
    constants: Mapping[str, str | None]
    ignored: tuple[str, ...]
    understood: Understood | None = None
    in_name: frozenset[str] = frozenset()

    def theirs(self, *names: str) -> list[str]:
        """Return the file's names for those of our columns that are read from it."""
        return [self.columns[name] for name in names if name in self.columns]

    def with_tickers(self, column: str) -> Layout:
        """Return the layout of the same rows with a column of tickers."""
        others = {ours: value for ours, value in self.constants.items() if ours != "ticker"}
        return replace(self, columns={**self.columns, "ticker": column}, constants=others)

    def reads_like(self, other: Layout) -> bool:
        """Return whether the rows of another layout are the same, but for the ticker of the whole file."""
        if not (self.constants and other.constants):
            return self == other
        return self.with_tickers("") == other.with_tickers("") and ("ticker" in self.constants) == (
            "ticker" in other.constants
        )

    def told(self, options: ReadOptions) -> Layout:
        """Return the layout without a note that the user's options answer."""
        known = self.understood
        if known is None or known.reading.answered_by is None or not is_set(options, known.reading.answered_by):
            return self
        return replace(self, understood=replace(known, reading=replace(known.reading, note=None)))

    def options(self, options: ReadOptions) -> ReadOptions:
        """Return the options with which rows of this layout are read."""
        return options if self.understood is None else with_layout(options, self.understood.reading.settings)


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Raise UsageError if a key of ``mapping`` is not one of our columns."""
    for ours, theirs in mapping.items():
        if ours not in KNOWN_COLUMNS:
            near = get_close_matches(ours, sorted(KNOWN_COLUMNS), n=1)
            hint = (
                f"did you mean {near[0]}={theirs}?" if near else f"our columns are {', '.join(sorted(KNOWN_COLUMNS))}"
            )
            raise UsageError(
                f"cannot map {ours}={theirs}: {ours} is not one of our columns; {hint}",
                setting=f"recordings.columns.{ours}",
            )


def check_mapped(mapping: Mapping[str, str], layouts: Collection[tuple[Layout, Collection[str]]]) -> None:
    """Raise UsageError if no file has a column of ``mapping``: after a typo, another column would be read.

    Parameters
    ----------
    layouts
        Layout of each file, with the names of its columns and partitions. Mappings for other record types are not
        checked.
    """
    wanted = {ours for layout, _ in layouts for ours in layout.record.columns}
    there = dict.fromkeys(name for _, names in layouts for name in names)
    for ours, theirs in mapping.items():
        if theirs and ours in wanted and theirs not in there:
            near = get_close_matches(theirs, there, n=1)
            hint = f"did you mean {ours}={near[0]}?" if near else f"the columns are {listed(list(there))}"
            raise UsageError(
                f"cannot map {ours}={theirs}: no recording has a column {theirs}; {hint}",
                setting=f"recordings.columns.{ours}",
            )


def recognise(
    found: FoundFile,
    schema: pa.Schema,
    mapping: Mapping[str, str],
    values: Callable[[str], list[Any]] | None = None,
    *,
    ticker_from: str = "column",
) -> Layout:
    """Return the layout of a file from the names of its columns and partitions, and check their types.

    Our names and the mapping decide; where they do not suffice, a known layout supplies the rest (`sources.layouts`).

    Parameters
    ----------
    values
        Returns the first values of a column that are not null; None: known layouts are not considered.
    ticker_from
        Where the ticker of a file without a column for it is: a key of `TICKER_PLACES`, or nowhere.

    Raises
    ------
    SchemaError
        The names fit no record type or several, or a column has a type that cannot be read.
    """
    names = [*schema.names, *(name for name in found.partitions if name not in schema.names)]
    theirs = _our_names(names, mapping)
    fits = _fitting(theirs)
    understood = None
    if values is not None and not _suffice(names, fits, mapping):
        understood = understand(FileColumns(found.path, schema, found.partitions, values))
    if understood is not None and (understood.is_specific or not fits):
        claimed = {name for name in mapping.values() if name}
        known = {ours: name for ours, name in understood.columns.items() if name not in claimed}
        kept = {ours: name for ours, name in known.items() if ours not in mapping or mapping[ours] not in ("", *names)}
        theirs = {**theirs, **{ours: name for ours, name in kept.items() if ours not in mapping}}
        fits = [record for record in _fitting({**theirs, "ticker": ""}) if record.name == understood.record] or fits
    else:
        understood = None
    given = {} if "ticker" in theirs else _ticker(found.path, understood, ticker_from)
    if given:
        theirs = {**theirs, "ticker": "ticker"}
        fits = [record for record in _fitting(theirs) if understood is None or record.name == understood.record]
    if len(fits) != 1 or "ticker" not in theirs:
        raise SchemaError(misfit(found.path, names, schema, theirs, fits if "ticker" in theirs else []))
    if fits[0] is OHLCV and "interval" not in mapping:
        theirs = {**theirs, **_interval(found, schema, theirs, values)}
    return _layout(found, schema, theirs, fits[0], given, understood)


def interval_names(names: Iterable[str]) -> list[str]:
    """Return the names of columns and partitions that can hold the length of bars beside `interval`.

    Examples
    --------
    >>> interval_names(["timeframe", "Bar Size", "barcount"])
    ['timeframe', 'Bar Size']
    """
    return [name for name in names if token(name) in (*_LENGTHS, *_LENGTHS_WITH_UNIT)]


def _interval(
    found: FoundFile, schema: pa.Schema, theirs: Mapping[str, str], values: Callable[[str], list[Any]] | None
) -> dict[str, str]:
    """Return the partition or the column of texts that says the length of bars under another name than `interval`."""
    if "interval" in theirs:
        return {}
    for name in interval_names(found.partitions):
        value = found.partitions[name] or ""
        is_clear = token(name) in _LENGTHS or not value.replace(".", "").isdigit()
        if name not in schema.names and is_clear and parse_interval(value) is not None:
            return {"interval": name}
    for name in interval_names(schema.names) if values is not None else ():
        if schema.names.count(name) == 1 and TEXT.accepts(schema.field(name).type):
            texts = set(values(name))  # type: ignore[misc]  # it is there
            if texts and all(not text.isdigit() and parse_interval(text) is not None for text in texts):
                return {"interval": name}
    return {}


def names_suffice(schema: pa.Schema, partitions: Collection[str], mapping: Mapping[str, str]) -> bool:
    """Return whether our names and the mapping tell the layout of a file, so that no known layout is looked for."""
    names = [*schema.names, *(name for name in partitions if name not in schema.names)]
    return _suffice(names, _fitting(_our_names(names, mapping)), mapping)


def _suffice(names: Collection[str], fits: Collection[RecordType], mapping: Mapping[str, str]) -> bool:
    return len(fits) == 1 and (not mapping or bool(_fitting(_our_names(names, {}))))


def _fitting(theirs: Mapping[str, str]) -> list[RecordType]:
    """Return the record types whose required columns are there."""
    return [record for record in RECORD_TYPES if record.required.keys() <= theirs.keys()]


def _ticker(path: str, understood: Understood | None, place: str) -> dict[str, str | None]:
    """Return the ticker of all rows, where the layout, the file's name or its folder says it."""
    if understood is not None and understood.reading.ticker is not None:
        return {"ticker": understood.reading.ticker}
    if place not in TICKER_PLACES:
        return {}
    ticker = TICKER_PLACES[place](path)
    if ticker is None:
        where = "its name does not begin with one" if place == "filename" else "no folder of its path is named as one"
        raise SchemaError(f"{path} has no column of tickers, and {where}")
    return {"ticker": ticker}


def _layout(
    found: FoundFile,
    schema: pa.Schema,
    theirs: Mapping[str, str],
    record: RecordType,
    given: Mapping[str, str | None],
    understood: Understood | None,
) -> Layout:
    used = {ours: theirs[ours] for ours in record.columns if ours in theirs and ours not in given}
    columns = {ours: name for ours, name in used.items() if name in schema.names}
    constants = {ours: found.partitions[name] for ours, name in used.items() if name not in schema.names}
    for ours, name in columns.items():
        _check_column(found.path, schema, name, ours, record.columns[ours], is_required=ours in record.required)
    for ours, value in constants.items():
        _check_constant(found.path, used[ours], value, record.columns[ours])
    ignored = tuple(name for name in schema.names if name not in columns.values())
    return Layout(record, columns, {**constants, **given}, ignored, understood, frozenset(given))


def _our_names(names: Collection[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Return our column names -> the file's. A column that the mapping uses is not read under its own name."""
    claimed = {theirs for theirs in mapping.values() if theirs in names}
    ours = {name: name for name in names if name in KNOWN_COLUMNS and name not in claimed}
    for name, theirs in mapping.items():
        if theirs in names:
            ours[name] = theirs
        elif not theirs:
            ours.pop(name, None)
    return ours


def check_once(path: str, schema: pa.Schema, name: str) -> None:
    """Raise SchemaError if a column is there several times: nobody can say which one is meant."""
    if schema.names.count(name) > 1:
        raise SchemaError(f"{path}: column {name} occurs more than once; write each column under a name of its own")


def _check_column(path: str, schema: pa.Schema, name: str, ours: str, kind: ColumnType, *, is_required: bool) -> None:
    check_once(path, schema, name)
    type_ = schema.field(name).type
    if not (is_empty_type(type_) or kind.accepts(type_)):
        meaning = "" if name == ours else f", mapped to {ours},"
        remedy = f"; --map {ours}= (an empty name) leaves it out"
        if is_required or kind is CLOCK:  # days without their times of day would be read
            remedy = _type_remedy(type_, kind)
        raise SchemaError(f"{path}: column {name}{meaning} has type {type_}, expected {kind.expected}{remedy}")


def _type_remedy(type_: pa.DataType, kind: ColumnType) -> str:
    """Return what to do with a column that is needed."""
    if pt.is_struct(type_):
        return "; write its fields as columns, as polars.DataFrame.unnest does"
    if pt.is_nested(type_):
        return "; write a row for each of its values, as polars.DataFrame.explode does"
    if kind is TIME and (pt.is_time(type_) or pt.is_duration(type_)):
        return (
            "; a time of day is read beside a column of days, as with --map timestamp=DAY --map time_of_day=TIME: "
            "where there is none, write one"
        )
    is_bytes = pt.is_binary(type_.value_type if isinstance(type_, pa.DictionaryType) else type_)
    if kind is TEXT and (is_bytes or pt.is_large_binary(type_) or pt.is_fixed_size_binary(type_)):
        return "; decode its bytes, as polars.Expr.cast(polars.String) and pandas.Series.str.decode('utf-8') do"
    if kind is TEXT:
        return "; write it as text, as pandas.Series.astype(str) and polars.Expr.cast(polars.String) do"
    if kind is CLOCK:
        return (
            "; write it as times of day or as durations since midnight, as pandas.to_timedelta(seconds, unit='s') "
            "does, or leave it out with --map time_of_day= (an empty name) if timestamp has times of day itself"
        )
    if kind is NUMBER and TEXT.accepts(type_):
        return "; write it as numbers, as pandas.to_numeric and polars.Expr.cast(polars.Float64) do"
    return ""


def _check_constant(path: str, name: str, value: str | None, kind: ColumnType) -> None:
    if kind is TEXT or value is None:
        return
    if kind is LENGTH and parse_interval(value) is not None:
        return
    if kind is not NUMBER or not _is_float(value):
        hint = "; times must be in the file" if kind is TIME else ""
        raise SchemaError(f"{path}: partition {name}={value} cannot be read as {kind.expected}{hint}")


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

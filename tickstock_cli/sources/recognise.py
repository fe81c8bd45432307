"""Recognises the record type and the columns of a Parquet file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import pyarrow as pa

from tickstock_cli.errors import SchemaError, UsageError
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.intervals import parse_interval
from tickstock_cli.sources.records import (
    KNOWN_COLUMNS,
    LENGTH,
    NUMBER,
    RECORD_TYPES,
    TEXT,
    ColumnType,
    RecordType,
    is_empty_type,
)

ALIASES = {
    "ticker": ("symbol", "sym", "instrument", "name"),
    "timestamp": ("ts", "ts_event", "time", "datetime", "date", "sip_timestamp", "t", "window_start"),
    "price": ("last", "px", "trade_price", "p"),
    "size": ("qty", "quantity", "shares", "volume", "s"),
    "volume": ("vol", "size", "v"),
    "fmv": ("fair_value", "fair_market_value", "fair"),
    "open": ("o",),
    "high": ("h",),
    "low": ("l",),
    "close": ("c",),
}
"""Column names of other recorders. They are used in hints of messages only."""


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
    """

    record: RecordType
    columns: Mapping[str, str]
    constants: Mapping[str, str | None]
    ignored: tuple[str, ...]

    def theirs(self, *names: str) -> list[str]:
        """Return the file's names for those of our columns that are read from it."""
        return [self.columns[name] for name in names if name in self.columns]


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Raise UsageError if a key of ``mapping`` is not one of our columns."""
    for ours, theirs in mapping.items():
        if ours not in KNOWN_COLUMNS:
            near = get_close_matches(ours, sorted(KNOWN_COLUMNS), n=1)
            hint = (
                f"did you mean {near[0]}={theirs}?" if near else f"our columns are {', '.join(sorted(KNOWN_COLUMNS))}"
            )
            raise UsageError(f"cannot map {ours}={theirs}: {ours} is not one of our columns; {hint}")


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
            hint = f"did you mean {ours}={near[0]}?" if near else f"the columns are {', '.join(there)}"
            raise UsageError(f"cannot map {ours}={theirs}: no recording has a column {theirs}; {hint}")


def recognise(found: FoundFile, schema: pa.Schema, mapping: Mapping[str, str]) -> Layout:
    """Return the layout of a file from the names of its columns and partitions, and check their types.

    Raises
    ------
    SchemaError
        The names fit no record type or several, or a column has a type that cannot be read.
    """
    theirs = _our_names([*schema.names, *(name for name in found.partitions if name not in schema.names)], mapping)
    fits = [record for record in RECORD_TYPES if record.required.keys() <= theirs.keys()]
    if len(fits) != 1:
        raise SchemaError(_misfit(found, schema, theirs, fits))
    record = fits[0]
    used = {ours: theirs[ours] for ours in record.columns if ours in theirs}
    columns = {ours: name for ours, name in used.items() if name in schema.names}
    constants = {ours: found.partitions[name] for ours, name in used.items() if name not in schema.names}
    for ours, name in columns.items():
        _check_column(found.path, schema, name, ours, record.columns[ours], is_required=ours in record.required)
    for ours, value in constants.items():
        _check_constant(found.path, used[ours], value, record.columns[ours])
    ignored = tuple(name for name in schema.names if name not in columns.values())
    return Layout(record, columns, constants, ignored)


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


def _misfit(found: FoundFile, schema: pa.Schema, theirs: Mapping[str, str], fits: list[RecordType]) -> str:
    has = f"its columns are {', '.join([*schema.names, *found.partitions]) or 'none'}"
    if fits:
        names = " and ".join(record.name for record in fits)
        spare = next(name for name in reversed([*fits[-1].required]) if name not in fits[0].required)
        return f"{found.path} is ambiguous: {has}, which fit {names}; hide one with --map {spare}= (an empty name)"
    nearest = max(RECORD_TYPES, key=lambda record: len(record.required.keys() & theirs.keys()) / len(record.required))
    missing = [name for name in nearest.required if name not in theirs]
    free = [name for name in [*schema.names, *found.partitions] if name not in theirs.values()]
    hints = [f"--map {name}={_candidate(name, free)}" for name in missing]
    return (
        f"{found.path} is not recognised: {has}; for {nearest.name} rows it lacks {', '.join(missing)}: "
        f"say which columns hold them with {' '.join(hints)}"
    )


def _candidate(ours: str, names: Collection[str]) -> str:
    """Return the column that probably holds ``ours``, or a placeholder."""
    by_lower = {name.lower(): name for name in names}
    return next((by_lower[alias] for alias in (ours, *ALIASES.get(ours, ())) if alias in by_lower), "COLUMN")


def _check_column(path: str, schema: pa.Schema, name: str, ours: str, kind: ColumnType, *, is_required: bool) -> None:
    if schema.names.count(name) > 1:
        raise SchemaError(f"{path}: column {name} occurs more than once")
    type_ = schema.field(name).type
    if not (is_empty_type(type_) or kind.accepts(type_)):
        meaning = "" if name == ours else f", mapped to {ours},"
        remedy = "" if is_required else f"; --map {ours}= (an empty name) leaves it out"
        raise SchemaError(f"{path}: column {name}{meaning} has type {type_}, expected {kind.expected}{remedy}")


def _check_constant(path: str, name: str, value: str | None, kind: ColumnType) -> None:
    if kind is TEXT or value is None:
        return
    if kind is LENGTH and parse_interval(value) is not None:
        return
    if kind is not NUMBER or not _is_float(value):
        raise SchemaError(f"{path}: partition {name}={value} cannot be read as {kind.expected}")


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

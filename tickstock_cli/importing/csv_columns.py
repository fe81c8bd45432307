"""Which columns of a CSV file are ours, by their names, and what type of record they make."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from tickstock_cli.errors import SchemaError, UsageError
from tickstock_cli.importing.csv_layouts import KnownCsv
from tickstock_cli.importing.import_rows import COLUMNS
from tickstock_cli.sources.misfit import holds_quotes
from tickstock_cli.sources.records import RECORD_TYPES, RecordType

_JOIN = "+"
"""Joins two columns of the file that are one of ours, such as a date and a time of day."""
_ALIASES = {
    "ticker": ("symbol", "sym", "instrument", "name"),
    "timestamp": (
        *("timestamp_utc", "date_time", "open_time", "opentime", "date+time", "ts", "ts_event", "time", "datetime"),
        *("date", "sip_timestamp", "t", "window_start"),
    ),
    "price": ("last", "px", "trade_price", "p"),
    "size": ("qty", "quantity", "shares", "volume", "s"),
    "volume": ("total_volume", "vol", "size", "v"),
    "fmv": ("fair_value", "fair_market_value", "fair"),
    "open": ("o",),
    "high": ("h",),
    "low": ("l",),
    "close": ("c", "close/last"),
}
"""Names of other tools' columns, in lower case, the best first."""
_NO_NUMBERS = {"conditions"}
"""Columns that are lists in recordings; text of other tools does not say how it is to be read."""


@dataclass(frozen=True, slots=True)
class CsvColumns:
    """The columns to read.

    Parameters
    ----------
    record
        Record type of the rows.
    places
        Our name -> places of the file's columns, from 0; several are joined by a blank.
    ignored
        Names of the file's columns that are not read.
    known
        The layout of a vendor that says how they are read.
    """

    record: str
    places: Mapping[str, tuple[int, ...]]
    ignored: tuple[str, ...]
    known: KnownCsv

    def without(self, names: Collection[str]) -> CsvColumns:
        """Return the columns but those of ours with one of the names."""
        return replace(self, places={name: found for name, found in self.places.items() if name not in names})


def choose_columns(
    path: Path,
    names: Sequence[str],
    mapping: Mapping[str, str],
    record: str | None,
    known: KnownCsv,
    *,
    has_ticker: bool,
) -> CsvColumns:
    """Return the columns of ours in a file.

    Parameters
    ----------
    names
        The names of the file's columns.
    mapping
        Our name -> the file's; two names with ``+`` between them are joined; an empty one hides a column.
    record
        The record type that the user named; None is to find out.
    known
        The layout of a vendor, if it is one. Where its names are those of many tools, it has no say over ours.
    has_ticker
        Whether the ticker is known without a column.

    Raises
    ------
    UsageError
        A mapping names a column that is neither ours nor the file's.
    SchemaError
        The columns are those of no record type, or of several.
    """
    lower = [name.strip().strip("'").lower() for name in names]
    mapped = _mapped(path, names, lower, mapping)
    by_name = _by_name(lower)
    if not known.is_specific and _fitting({**by_name, **mapped}, record, has_ticker):
        known = KnownCsv()
    found = {**by_name, **known.places, **mapped}
    for ours, theirs in mapping.items():
        if not theirs:
            found.pop(ours, None)
    fits = _fitting(found, record or known.record or None, has_ticker)
    if len(fits) != 1:
        raise SchemaError(_misfit(path, names, found, fits, record, has_ticker))
    types = COLUMNS[fits[0].name]
    places = {name: found[name] for name in types if name in found and name not in _NO_NUMBERS}
    used = {place for group in places.values() for place in group}
    ignored = tuple(name for place, name in enumerate(names) if place not in used)
    return CsvColumns(fits[0].name, places, ignored, known)


def _fitting(found: Collection[str], record: str | None, has_ticker: bool) -> list[RecordType]:
    """Return the record types whose required columns are there."""
    return [
        kind
        for kind in RECORD_TYPES
        if record in (None, kind.name)
        and all(name in found or (name == "ticker" and has_ticker) for name in kind.required)
    ]


def _by_name(lower: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return our columns by their own names and by those that other tools use, whatever their case."""
    found: dict[str, tuple[int, ...]] = {}
    for ours in {name: None for kind in COLUMNS.values() for name in kind}:
        for alias in (ours, *_ALIASES.get(ours, ())):
            parts = alias.split(_JOIN)
            if all(part in lower for part in parts):
                found[ours] = tuple(lower.index(part) for part in parts)
                break
    if "date" in lower and "time" in lower:
        found["timestamp"] = (lower.index("date"), lower.index("time"))
    return found


def _mapped(
    path: Path, names: Sequence[str], lower: Sequence[str], mapping: Mapping[str, str]
) -> dict[str, tuple[int, ...]]:
    found = {}
    for ours, theirs in mapping.items():
        if not any(ours in kind for kind in COLUMNS.values()):
            near = get_close_matches(ours, sorted({name for kind in COLUMNS.values() for name in kind}), n=1)
            raise UsageError(
                f"--map {ours}={theirs}: {ours} is none of our columns; did you mean {near[0] if near else 'price'}?"
            )
        if not theirs:
            continue
        places = []
        for part in theirs.split(_JOIN) if theirs.lower() not in lower else [theirs]:
            if part not in names and part.lower() not in lower:
                raise UsageError(f"--map {ours}={theirs}: {path} has no column {part}; it has {', '.join(names)[:200]}")
            places.append(list(names).index(part) if part in names else lower.index(part.lower()))
        found[ours] = tuple(places)
    return found


def _misfit(
    path: Path,
    names: Sequence[str],
    found: Mapping[str, tuple[int, ...]],
    fits: Sequence[RecordType],
    record: str | None,
    has_ticker: bool,
) -> str:
    shown = ", ".join(names)[:200]
    if len(fits) > 1:
        kinds = " and ".join(kind.name for kind in fits)
        return f"{path}: the columns ({shown}) are those of {kinds}; choose one with --type"
    wanted = [kind for kind in RECORD_TYPES if record in (None, kind.name)]
    lacking = {
        kind.name: [name for name in kind.required if name not in found and not (name == "ticker" and has_ticker)]
        for kind in wanted
    }
    # Of types that lack equally many, the one of which more is there.
    required = {kind.name: len(kind.required) for kind in wanted}
    best = min(lacking, key=lambda name: (len(lacking[name]), -required[name]))
    if lacking[best] == ["ticker"]:
        return (
            f"{path}: no column has the ticker ({shown}); --ticker-from filename takes it from the file's name, "
            "as in AAPL of AAPL_1min.csv, --ticker AAPL sets it, --map ticker=COLUMN names a column"
        )
    if holds_quotes(names, found):
        return f"{path}: holds quotes ({shown}); import files of trades or bars, or write the mid of bid and ask as fmv"
    hints = " ".join(_hint(ours, names, found) for ours in lacking[best])
    return f"{path}: the columns ({shown}) lack {', '.join(lacking[best])} for {best}; name them, as in {hints}"


def _hint(ours: str, names: Sequence[str], found: Mapping[str, tuple[int, ...]]) -> str:
    """Return the option that names a column of ours: the file's that is spelt nearly so, if one is free."""
    used = {place for places in found.values() for place in places}
    free = {name.lower(): name for place, name in enumerate(names) if place not in used}
    near = [name for key, name in free.items() if sorted(key) == sorted(ours)]
    near += [free[key] for key in get_close_matches(ours, free, n=1, cutoff=0.8)]
    return f"--map {shlex.quote(f'{ours}={near[0]}')}" if near else f"--map {ours}=COLUMN"

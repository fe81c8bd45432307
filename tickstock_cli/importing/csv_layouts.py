"""CSV files of vendors and programs whose layout is known: the layouts are those of recordings, `sources.layouts`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from tickstock_cli.sources.layouts import FileColumns, understand

_WHOLE = re.compile(r"-?\d{1,18}")
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class KnownCsv:
    """How files of a known layout are read.

    Parameters
    ----------
    name
        Name of the layout; empty for a file of none.
    record
        Record type of its rows.
    places
        Our name -> places of the file's columns, from 0.
    is_specific
        Whether a name told the layout that others do not have.
    ticker, interval
        Ticker of all rows, and length of bars in seconds, where the layout says them.
    price_divisor
        Prices are whole numbers of this part of a dollar.
    flags
        Whose bits the column ``flags`` has, as in `sources.flag_bits`.
    where
        Place of a column -> the values of the rows to read.
    note
        What the layout does not say and can be wrong; None = nothing.
    """

    name: str = ""
    record: str = ""
    places: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    is_specific: bool = False
    ticker: str | None = None
    interval: float | None = None
    price_divisor: int = 1
    flags: str = "auto"
    where: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    note: str | None = None


def known_csv(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> KnownCsv:
    """Return how a file is read, if its layout is known.

    Parameters
    ----------
    names
        The names of its columns.
    rows
        Fields of its first lines.
    """
    values = {name: _values([row[place] for row in rows if row[place]]) for place, name in enumerate(names)}
    schema = pa.schema([(name, _type_of(values[name])) for name in names])
    understood = understand(FileColumns(str(path), schema, {}, lambda name: values.get(name, [])))
    if understood is None:
        return KnownCsv()
    places: dict[str, tuple[int, ...]] = {ours: (names.index(theirs),) for ours, theirs in understood.columns.items()}
    if "time_of_day" in places:
        places["timestamp"] = (*places["timestamp"], *places.pop("time_of_day"))
    settings = understood.reading.settings
    scale = settings.get("scale", {}).get("price")
    return KnownCsv(
        understood.layout,
        understood.record,
        places,
        understood.is_specific,
        understood.reading.ticker,
        float(settings["interval_seconds"]) if "interval_seconds" in settings else None,
        1 if scale is None else round(1 / scale),
        settings.get("flags", "auto"),
        {names.index(name): tuple(kept) for name, kept in settings.get("where", {}).items()},
        None if "timezone" in settings else understood.reading.note,  # an import asks for the zone
    )


def _values(texts: Sequence[str]) -> list[Any]:
    """Return texts as whole numbers or numbers if all of them are."""
    if texts and all(_WHOLE.fullmatch(text) for text in texts):
        return [int(text) for text in texts]
    if texts and all(_NUMBER.fullmatch(text) for text in texts):
        return [float(text) for text in texts]
    return list(texts)


def _type_of(values: Sequence[Any]) -> pa.DataType:
    first = values[0] if values else ""
    return pa.int64() if isinstance(first, int) else pa.float64() if isinstance(first, float) else pa.string()

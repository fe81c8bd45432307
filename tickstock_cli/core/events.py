"""Events of detectors as rows of one structured array, and as rows of Arrow tables.

Kernels and the engine use rows of ``EVENT``: codes for strings, NaN or 0 for a missing value. Files, messages and logs
use rows of ``event_schema``: strings and nulls. ``EventEncoder`` turns the former into the latter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.arrow_arrays import number_array, text_array
from tickstock_cli.core.kinds import MOST_OWN_COLUMNS, Column, Kind, trigger_words
from tickstock_cli.core.phases import PHASES as PHASES
from tickstock_cli.core.priority import PriorityManager
from tickstock_cli.core.row_order import stable_order
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.whole_rows import put_rows, take_rows
from tickstock_cli.errors import SettingsError

EventRows = NDArray[Any]
"""An array of dtype ``EVENT``."""

SOURCES = ("tick", "websocket", "ohlcv", "fmv", "channel")
"""Sources in the order of their priority; an event's ``source`` is a position here."""

OWN_FIELDS = tuple(f"own{position}" for position in range(MOST_OWN_COLUMNS))
"""Fields of ``EVENT`` for the columns of an event's kind, in the order of their declaration; NaN = none."""

EVENT = np.dtype(
    [
        ("order", "i8"),  # merge order of the causing row
        ("timestamp", "i8"),
        ("available_at", "i8"),
        ("emitted_at", "i8"),
        ("code", "i4"),
        ("row", "i4"),  # index of the causing row in its batch
        ("merged", "i4"),
        ("kind", "i1"),
        ("source", "i1"),
        ("phase", "i1"),
        ("direction", "i1"),
        ("strength", "i1"),  # 0 = none
        ("trigger", "i1"),
        ("price", "f8"),
        ("confidence", "f8"),
        ("percent_change", "f8"),  # NaN = none, here and below
        ("previous", "f8"),
        ("volume", "f8"),
        ("rel_volume", "f8"),
        ("score", "f8"),
        ("tie_break", "f8"),  # of two events that are equal otherwise, the greater value wins
        ("tick_extreme", "f8"),  # price of the tick event that an extreme of a bar must exceed; NaN = none
        *((name, "f8") for name in OWN_FIELDS),
        ("received", "i8"),  # of a runtime's clock in ns: when the row was due, the event found, and made final
        ("detected", "i8"),
        ("released", "i8"),
        ("instance", "i2"),  # number of the channel instance that found it; 0 = there was no runtime
    ],
    align=True,
)
PROVENANCE = ("received", "detected", "released", "instance")
"""Fields of ``EVENT`` that record how an event came about; no rule reads them."""

_FIELDS: list[pa.Field[Any]] = [
    pa.field("event_id", pa.uint64(), nullable=False),
    pa.field("emitted_at", pa.int64(), nullable=False),
    pa.field("timestamp", pa.int64(), nullable=False),
    pa.field("available_at", pa.int64(), nullable=False),
    pa.field("ticker", pa.string(), nullable=False),
    pa.field("kind", pa.string(), nullable=False),
    pa.field("direction", pa.int8(), nullable=False),
    pa.field("price", pa.float64(), nullable=False),
    pa.field("source", pa.string(), nullable=False),
    pa.field("phase", pa.string(), nullable=False),
    pa.field("priority", pa.int8(), nullable=False),
    pa.field("confidence", pa.float64(), nullable=False),
    pa.field("percent_change", pa.float64()),
    pa.field("previous", pa.float64()),
    pa.field("volume", pa.float64()),
    pa.field("rel_volume", pa.float64()),
    pa.field("score", pa.float64()),
    pa.field("strength", pa.int8()),
    pa.field("trigger", pa.string()),
    pa.field("merged", pa.int32(), nullable=False),
]
EVENT_SCHEMA = pa.schema(_FIELDS)
"""Columns that every event file has. Times are int64 ns since the epoch, UTC; volumes are shares."""

_PROVENANCE_FIELDS: list[pa.Field[Any]] = [
    pa.field("channel", pa.string()),
    pa.field("received_wall", pa.int64()),
    pa.field("detected_wall", pa.int64()),
    pa.field("emitted_wall", pa.int64()),
]
PROVENANCE_COLUMNS = tuple(field.name for field in _PROVENANCE_FIELDS)
"""Instance of the channel that found an event; when its row was due, when it was found, and when the coordinator
released it, in ns since the epoch, UTC, of the machine's clock."""

UNITS = {"price": "$", "previous": "$", "percent_change": "%", "rel_volume": "x", "volume": "shares"}
"""Units of the common columns, where a reader is shown one."""

_OWN = b"own"
"""Metadata of a field that belongs to a kind."""


def event_schema(columns: Iterable[Column] = (), *, provenance: bool = False) -> pa.Schema:
    """Return the columns of events: the common ones, those of kinds, and with ``provenance`` how events came about.

    Raises
    ------
    SettingsError
        A kind's column has the name of another one.
    """
    taken = {*EVENT_SCHEMA.names, *PROVENANCE_COLUMNS}
    own = []
    for column in columns:
        if column.name in taken:
            raise SettingsError(f"a kind of event declares the column {column.name}, which events have; rename it")
        own.append(own_field(column))
    return pa.schema([*_FIELDS, *own, *(_PROVENANCE_FIELDS if provenance else ())])


def own_field(column: Column) -> pa.Field[Any]:
    """Return a kind's column as a field, with its unit and description."""
    metadata = {_OWN: column.unit.encode(), b"description": column.description.encode()}
    return pa.field(column.name, pa.type_for_alias(column.dtype), metadata=metadata)


def with_own_fields(schema: pa.Schema, columns: Iterable[Column]) -> pa.Schema:
    """Return ``schema`` with unit and description of kinds' columns, as far as it has these columns."""
    own = {column.name: own_field(column) for column in columns if column.name not in EVENT_SCHEMA.names}
    fields = [own[field.name].with_type(field.type) if field.name in own else field for field in schema]
    return pa.schema(fields).with_metadata(schema.metadata)


def unit_of(field: pa.Field[Any]) -> str:
    """Return the unit that a reader is shown with a column's values; empty for none."""
    metadata = field.metadata or {}
    return metadata[_OWN].decode() if _OWN in metadata else UNITS.get(field.name, "")


def deciding_columns(schema: pa.Schema) -> list[str]:
    """Return the columns of ``schema`` that say what was found: the common ones, then those of kinds."""
    return [*EVENT_SCHEMA.names, *(field.name for field in schema if _OWN in (field.metadata or {}))]


def join_events(parts: Sequence[EventRows]) -> EventRows:
    """Join events in the order of the parts. One part alone is returned itself, without a copy."""
    filled = [part for part in parts if len(part)]
    if len(filled) == 1:
        return filled[0]
    joined = np.empty(sum(map(len, filled)), dtype=EVENT)
    start = 0
    for part in filled:
        put_rows(joined[start : start + len(part)], part)
        start += len(part)
    return joined


def event_ids(events: EventRows, kinds: Sequence[Kind], hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the stable 64-bit hash of ticker, kind, source and timestamp of each event.

    The ticker's hash (BLAKE2b) is mixed with the other three by splitmix64's finaliser, which is a bijection:
    of one ticker, kind and source, no two timestamps share an id.
    """
    return ids_by_names(events, [kind.name for kind in kinds], SOURCES, hashes)


def ids_by_names(
    events: EventRows, kinds: Sequence[str], sources: Sequence[str], hashes: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Return ``event_ids`` of events whose kinds and sources can be anyone's: names by code."""
    kind_salts, source_salts = _salts(tuple(kinds), tuple(sources))
    ids: NDArray[np.uint64] = hashes[events["code"]]
    ids ^= kind_salts[events["kind"]]
    ids ^= source_salts[events["source"]]
    _mix(ids)
    ids ^= events["timestamp"].view(np.uint64)
    _mix(ids)
    return ids


@lru_cache(maxsize=64)
def _salts(kinds: tuple[str, ...], sources: tuple[str, ...]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return what names of kinds and sources add to ids, by code."""
    kind_salts = np.array([_word_salt(kind) for kind in kinds], dtype=np.uint64)
    source_salts = np.array([_source_salt(source) for source in sources], dtype=np.uint64)
    return kind_salts, source_salts << np.uint64(1)


def _source_salt(name: str) -> int:
    """Hash a source's name. The first 8 bytes tell all of ``SOURCES`` apart, as published ids have it."""
    return _salt(name.encode()[:8]) if name in SOURCES else _word_salt(name)


@cache
def _word_salt(name: str) -> int:
    """Hash all of a name. One of at most 8 bytes stands for itself, as published ids have it."""
    encoded = name.encode()
    return _salt(encoded if len(encoded) <= 8 else blake2b(encoded, digest_size=8).digest())


def _salt(word: bytes) -> int:
    """Mix at most 8 bytes."""
    mixed = np.array([int.from_bytes(word.ljust(8, b"\0"), "little")], dtype=np.uint64)
    _mix(mixed)
    return int(mixed[0])


def _mix(values: NDArray[np.uint64]) -> None:
    """Mix each value, in place."""
    shifted = np.empty_like(values)
    for shift, factor in _STEPS:
        np.right_shift(values, shift, out=shifted)
        values ^= shifted
        values *= factor
    np.right_shift(values, _LAST_SHIFT, out=shifted)
    values ^= shifted


_STEPS = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_LAST_SHIFT = np.uint64(31)


def sort_for_output(events: EventRows, symbols: SymbolTable, places: NDArray[np.intp] | None = None) -> EventRows:
    """Return events, or those at ``places``, in the total order of outputs: emitted_at, kind, ticker, source."""
    names = ("emitted_at", "kind", "code", "source")
    emitted_at, kind, code, source = (events[name] if places is None else events[name][places] for name in names)
    order = stable_order([emitted_at, kind, symbols.ranks()[code], source])
    return take_rows(events, order if places is None else places[order])


def sort_for_merge(events: EventRows) -> EventRows:
    """Return events in merge order; those of one row keep their order."""
    return take_rows(events, stable_order([events["order"]]))


@dataclass(frozen=True, slots=True)
class Provenance:
    """Names of channel instances by number, and the difference of the machine's time of day and the clock, in ns."""

    instances: Sequence[str]
    wall_minus_clock: int


class _TickerColumns(NamedTuple):
    """By ticker code: names, and steps of priority."""

    names: pa.Array[Any]
    steps: NDArray[np.int8]


class EventEncoder:
    """Turns internal events into rows of ``schema``.

    Parameters
    ----------
    kinds
        By code.
    priorities
        Knows the kinds by the same codes.
    columns
        Columns of kinds that ``schema`` holds beyond the common ones.
    provenance
        Adds the columns of ``PROVENANCE_COLUMNS``; None leaves them out.
    """

    def __init__(
        self,
        symbols: SymbolTable,
        kinds: Sequence[Kind],
        priorities: PriorityManager,
        columns: Sequence[Column] = (),
        provenance: Provenance | None = None,
    ) -> None:
        self.schema = event_schema(columns, provenance=provenance is not None)
        self._provenance = provenance
        self._symbols = symbols
        self._kinds = tuple(kinds)
        self._priorities = priorities
        self._columns = tuple(columns)
        self._kind_names = text_array([kind.name for kind in self._kinds])
        self._words = text_array(trigger_words(self._kinds))
        self._sources = text_array(SOURCES)
        self._phases = text_array(PHASES)
        self._tickers = _TickerColumns(text_array([]), priorities.steps([]))

    @property
    def kind_names(self) -> tuple[str, ...]:
        """Names of the kinds, by code."""
        return tuple(kind.name for kind in self._kinds)

    @property
    def symbols(self) -> SymbolTable:
        """Tickers by code."""
        return self._symbols

    def event_ids(self, events: EventRows) -> NDArray[np.uint64]:
        """Return the column ``event_id`` of events."""
        return event_ids(events, self._kinds, self._symbols.hashes())

    def to_arrow(self, events: EventRows) -> pa.RecordBatch:
        """Return ``events`` as a record batch, row by row in the same order."""
        codes = np.ascontiguousarray(events["code"])
        tickers = self._ticker_columns()
        columns: dict[str, Any] = {
            "event_id": self.event_ids(events),
            "ticker": tickers.names.take(number_array(codes, pa.int32())),
            "kind": self._kind_names.take(number_array(events["kind"], pa.int8())),
            "source": self._sources.take(number_array(events["source"], pa.int8())),
            "phase": self._phases.take(number_array(events["phase"], pa.int8())),
            "trigger": self._words.take(number_array(events["trigger"], pa.int8())),
            "priority": self._priorities.assign(events["kind"], tickers.steps[codes]),
            "strength": number_array(events["strength"], pa.int8(), events["strength"] != 0),
            **{column.name: self._own(events, column.name) for column in self._columns},
        }
        if self._provenance is not None:
            columns |= self._came_about(events, self._provenance)
        arrays = []
        for field in self.schema:
            column = columns[field.name] if field.name in columns else events[field.name]
            if isinstance(column, np.ndarray):
                column = number_array(column, field.type, ~np.isnan(column) if field.nullable else None)
            arrays.append(column)
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _ticker_columns(self) -> _TickerColumns:
        """Return the columns of all tickers so far. Several threads may encode: each sees whole columns."""
        held = self._tickers
        new = self._symbols.tickers[len(held.steps) :]
        if new:
            names = pa.concat_arrays([held.names, text_array(new)])
            held = _TickerColumns(names, np.concatenate([held.steps, self._priorities.steps(new)]))
            self._tickers = held
        return held

    def _own(self, events: EventRows, name: str) -> pa.Array[Any]:
        """Return a column of kinds, null in events of other kinds."""
        values = np.full(len(events), np.nan)
        for code, kind in enumerate(self._kinds):
            for position, column in enumerate(kind.columns):
                if column.name == name:
                    mine = events["kind"] == code
                    values[mine] = events[OWN_FIELDS[position]][mine]
        return number_array(values, pa.float64(), ~np.isnan(values)).cast(self.schema.field(name).type)

    @staticmethod
    def _came_about(events: EventRows, provenance: Provenance) -> dict[str, Any]:
        times = {"received_wall": "received", "detected_wall": "detected", "emitted_wall": "released"}
        return {
            "channel": text_array(provenance.instances).take(number_array(events["instance"], pa.int16())),
            **{name: events[field] + provenance.wall_minus_clock for name, field in times.items()},
        }

"""Events: what a detector found, as rows of one structured array.

Inside, an event is a row of ``EVENT``: codes for strings, NaN or 0 for what an event lacks. Outside, it is
a row of ``EVENT_SCHEMA``: strings and nulls. ``to_arrow`` is the only bridge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.priority import PriorityManager
from tickstock_cli.core.symbols import SymbolTable

EventRows = NDArray[Any]
"""An array of dtype ``EVENT``."""

SOURCES = ("tick", "websocket", "ohlcv", "fmv", "channel")
"""Sources in the order of their priority; an event's ``source`` is the place here."""

PHASES = ("pre", "regular", "post", "closed")
TRIGGERS = (None, "price_and_volume", "price", "volume", "undervalued", "overvalued")

EVENT = np.dtype(
    [
        ("order", "i8"),  # merge order of the row that caused it
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
        ("tie_break", "f8"),  # what decides between equals of one kind and source: more wins
        ("tick_extreme", "f8"),  # price of the tick event that an extreme of a bar must beat; NaN = none
        ("received", "i8"),  # a runtime's: when, by its clock in ns, the row was due, the event found, and made final
        ("detected", "i8"),
        ("released", "i8"),
        ("instance", "i2"),  # number of the channel instance that found it; 0 = there was no runtime
    ],
    align=True,
)
PROVENANCE = ("received", "detected", "released", "instance")
"""Fields of ``EVENT`` that say how an event came about, and decide nothing."""

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
"""Columns of every event file. Times are int64 ns since the epoch, UTC; volumes are shares."""

PROVENANCE_SCHEMA = pa.schema(
    [
        *_FIELDS,
        pa.field("channel", pa.string()),
        pa.field("received_wall", pa.int64()),
        pa.field("detected_wall", pa.int64()),
        pa.field("emitted_wall", pa.int64()),
    ]
)
"""``EVENT_SCHEMA``, and how each event came about: the instance of the channel that found it, and when its row was
due, when it was found, and when the coordinator let it go, in ns since the epoch, UTC, of the machine's clock."""


def join_events(parts: Sequence[EventRows]) -> EventRows:
    """Join events, in the order of the parts; one part alone is given as it is.

    ``np.concatenate`` would first reconcile the fields of every part, which takes longer than the copying.
    """
    filled = [part for part in parts if len(part)]
    if len(filled) == 1:
        return filled[0]
    joined = np.empty(sum(map(len, filled)), dtype=EVENT)
    place = 0
    for part in filled:
        joined[place : place + len(part)] = part
        place += len(part)
    return joined


@dataclass(frozen=True, slots=True)
class Kind:
    """What an event tells of. ``priority``: 1 is delivered first; 4 is the last, see ``core.priority``."""

    name: str
    priority: int


def event_ids(events: EventRows, kinds: Sequence[Kind], hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the stable 64-bit hash of ticker, kind, source and timestamp of each event.

    The ticker's hash (BLAKE2b) is mixed with the other three by splitmix64's finaliser, which is a bijection:
    of one ticker, kind and source, no two timestamps share an id.
    """
    salts = np.array([_name_salt(kind.name) for kind in kinds], dtype=np.uint64)[events["kind"]]
    salts ^= np.array([_name_salt(source) for source in SOURCES], dtype=np.uint64)[events["source"]] << np.uint64(1)
    base = hashes[events["code"]] ^ salts
    return _mix(_mix(base) ^ events["timestamp"].astype(np.uint64))


@cache
def _name_salt(name: str) -> int:
    return int(_mix(np.array([int.from_bytes(name.encode()[:8].ljust(8, b"\0"), "little")], dtype=np.uint64))[0])


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def sort_for_output(events: EventRows, symbols: SymbolTable) -> EventRows:
    """Put events into the total order of every output: emitted_at, kind, ticker, source."""
    ranks = symbols.ranks()[events["code"]]
    return events[np.lexsort((events["source"], ranks, events["kind"], events["emitted_at"]))]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What it takes to tell how events came about: instance names by number, and what makes a clock's time a date."""

    instances: Sequence[str]
    wall_minus_clock: int


class EventEncoder:
    """Turns internal events into rows of ``schema``.

    Parameters
    ----------
    priorities
        Knows the kinds by the same codes.
    provenance
        Adds the columns of ``PROVENANCE_SCHEMA``; None leaves them out.
    """

    def __init__(
        self,
        symbols: SymbolTable,
        kinds: Sequence[Kind],
        priorities: PriorityManager,
        provenance: Provenance | None = None,
    ) -> None:
        self.schema = EVENT_SCHEMA if provenance is None else PROVENANCE_SCHEMA
        self._provenance = provenance
        self._symbols = symbols
        self._kinds = tuple(kinds)
        self._priorities = priorities
        self._kind_names = pa.array([kind.name for kind in self._kinds], pa.string())

    def to_arrow(self, events: EventRows) -> pa.RecordBatch:
        """Return ``events`` as a record batch, row by row in the same order."""
        codes, inverse = np.unique(events["code"], return_inverse=True)
        tickers = [self._symbols.tickers[code] for code in codes]
        columns: dict[str, Any] = {
            "event_id": event_ids(events, self._kinds, self._symbols.hashes()),
            "ticker": pa.array(tickers, pa.string()).take(inverse),
            "kind": self._kind_names.take(np.ascontiguousarray(events["kind"])),
            "source": pa.array(SOURCES, pa.string()).take(np.ascontiguousarray(events["source"])),
            "phase": pa.array(PHASES, pa.string()).take(np.ascontiguousarray(events["phase"])),
            "trigger": pa.array(TRIGGERS, pa.string()).take(np.ascontiguousarray(events["trigger"])),
            "priority": self._priorities.assign(events["kind"], tickers, inverse),
            "strength": pa.array(events["strength"], mask=events["strength"] == 0),
        }
        if self._provenance is not None:
            columns |= self._came_about(events, self._provenance)
        arrays = []
        for field in self.schema:
            if field.name in columns:
                arrays.append(pa.array(columns[field.name], field.type))
            else:
                values = np.ascontiguousarray(events[field.name])
                arrays.append(pa.array(values, field.type, from_pandas=field.nullable))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    @staticmethod
    def _came_about(events: EventRows, provenance: Provenance) -> dict[str, Any]:
        times = {"received_wall": "received", "detected_wall": "detected", "emitted_wall": "released"}
        return {
            "channel": pa.array(provenance.instances, pa.string()).take(np.ascontiguousarray(events["instance"])),
            **{name: events[field] + provenance.wall_minus_clock for name, field in times.items()},
        }

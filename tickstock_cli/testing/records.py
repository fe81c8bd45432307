"""Records, a source, a sink and a clock for tests, without files, threads or waits."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.assembly import RunPlan, assemble
from tickstock_cli.build import AddedDetectors, add_detectors, settings_from
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.batch import (
    DTYPES,
    MAX_SHARES,
    MICROS_PER_SHARE,
    BarBatch,
    BatchT,
    FmvBatch,
    MergedBatch,
    TickBatch,
    unpack_origin,
)
from tickstock_cli.core.clock import Clock, SystemClock
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.checkpoint import CheckpointStore
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.execution import execute
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.result import RunResult
from tickstock_cli.engine.run import RunOptions
from tickstock_cli.engine.snapshots import Snapshots
from tickstock_cli.engine.taps import Tap
from tickstock_cli.errors import OutputError
from tickstock_cli.runtime.opening import PipelineName

MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
"""In ns, as all times are."""

BATCH_ROWS = 262_144


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """Field of every record: the time when it was received, int64 ns UTC; None = as early as possible."""

    received_at: int | None = None


@dataclass(frozen=True, slots=True)
class Tick(_Record):
    """A trade, as recorded: None is null. ``size`` in shares; ``flags`` as in `TickBatch`."""

    record: ClassVar[str] = "tick"
    ticker: str | None
    timestamp: int | None
    price: float | None
    size: float | None = 100
    flags: int | None = 0


@dataclass(frozen=True, slots=True)
class Bar(_Record):
    """An OHLCV bar, as recorded. ``timestamp`` is its START; ``interval`` in seconds; volumes in shares."""

    record: ClassVar[str] = "ohlcv"
    ticker: str | None
    timestamp: int | None
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: float | None
    avg_volume: float | None = None
    percent_change: float | None = None
    interval: float | None = 60


@dataclass(frozen=True, slots=True)
class FairValue(_Record):
    """A fair market value, as recorded."""

    record: ClassVar[str] = "fmv"
    ticker: str | None
    timestamp: int | None
    fmv: float | None
    market_price: float | None = None
    confidence: float | None = 1.0


Record = Tick | Bar | FairValue
RECORDS: dict[str, type[Tick | Bar | FairValue]] = {cls.record: cls for cls in (Tick, Bar, FairValue)}
"""Record classes by type, in the order in which rows of the same available time are merged."""
_RANKS = {name: rank for rank, name in enumerate(RECORDS)}


def new_york(day: str, clock: str) -> int:
    """Return a New York time as ns since the epoch, UTC: ``new_york("2024-06-12", "09:30:00.250")``."""
    local = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo("America/New_York"))
    return round(local.timestamp() * 1000) * MILLISECOND


def records(record: str, **columns: Any) -> list[Record]:
    """Return records from columns; a column that is no list has its value in every row.

    >>> [row.price for row in records("tick", ticker="ABC", timestamp=[1, 2], price=[10.0, 10.5])]
    [10.0, 10.5]
    """
    length = max(len(column) for column in columns.values() if isinstance(column, list))
    lists = [column if isinstance(column, list) else [column] * length for column in columns.values()]
    return [RECORDS[record](**dict(zip(columns, row, strict=True))) for row in zip(*lists, strict=True)]


def as_record(record: str, values: Mapping[str, Any]) -> Record:
    """Return a record of a type from a row of a recording; columns that decide nothing are left out."""
    known = {column.name for column in fields(RECORDS[record])}
    return RECORDS[record](**{name: value for name, value in values.items() if name in known})


class ListSource:
    """A source over a list of records: sorted by available time, then type, then place in the list.

    A record without a usable time becomes available with the record of its type before it.
    """

    def __init__(self, rows: Sequence[Record], symbols: SymbolTable | None = None) -> None:
        self.symbols = symbols if symbols is not None else SymbolTable()
        self._rows = list(rows)
        self._available = _available_times(self._rows)
        self._merged = sorted(
            range(len(self._rows)), key=lambda row: (self._available[row], _RANKS[self._rows[row].record])
        )

    def batches(self, batch_rows: int = BATCH_ROWS, positions: tuple[int, ...] = ()) -> Iterator[MergedBatch]:
        """Return the records in merge order, ``batch_rows`` at a time; ``positions`` as in `Recordings.batches`."""
        begin = positions[0] if positions else 0
        for first in range(begin, len(self._merged), batch_rows):
            chosen = self._merged[first : first + batch_rows]
            parts = {name: [row for row in chosen if self._rows[row].record == name] for name in RECORDS}
            orders = {row: first - begin + place for place, row in enumerate(chosen)}
            yield MergedBatch(
                self._batch(TickBatch, parts["tick"], orders),
                self._batch(BarBatch, parts["ohlcv"], orders),
                self._batch(FmvBatch, parts["fmv"], orders),
                first - begin,
                self._available[chosen[-1]],
                (first + len(chosen),),
            )

    def origins(self) -> ListSource:
        """Return the look-up of original rows: the list itself."""
        return self

    def interrupt(self) -> None:
        """Do nothing: a list never waits."""

    @property
    def schema(self) -> pa.Schema:
        """The columns of ``table``."""
        types: dict[str, pa.DataType] = {"row": pa.int64(), "reason": pa.string()}
        return pa.schema(types)

    def fetch(self, origin: int) -> tuple[Path, int, dict[str, Any]]:
        """Return the place in the list and the values of one record."""
        _, row = unpack_origin(origin)
        return Path("list"), row, asdict(self._rows[row])

    def table(self, origins: NDArray[np.int64], reasons: Sequence[str]) -> pa.Table:
        """Return places and reasons of rejected records."""
        rows = [unpack_origin(int(origin))[1] for origin in origins]
        return pa.table([pa.array(rows, pa.int64()), pa.array(reasons, pa.string())], schema=self.schema)

    def close(self) -> None:
        """Close nothing: a list needs no closing."""

    def _batch(self, kind: type[BatchT], chosen: Sequence[int], orders: Mapping[int, int]) -> BatchT:
        columns: dict[str, Any] = {
            "code": self.symbols.add([self._rows[row].ticker for row in chosen]),
            "available_at": [self._available[row] for row in chosen],
            "order": [orders[row] for row in chosen],
            "origin": list(chosen),
        }
        for column in fields(kind):
            if column.name not in columns:
                columns[column.name] = [_number(column.name, getattr(self._rows[row], column.name)) for row in chosen]
        return kind(**{name: _frozen(values, name) for name, values in columns.items()})


class ListSink:
    """A sink that keeps events as dictionaries, and whether it was committed or aborted."""

    def __init__(self, target: str = "", schema: pa.Schema = EVENT_SCHEMA) -> None:
        self.target = target
        self.schema = schema
        self.events: list[dict[str, Any]] = []
        self.finished = False
        self.committed = False
        self.aborted = False

    def write(self, events: pa.RecordBatch) -> None:
        if self.finished or self.aborted:
            raise OutputError(f"cannot write {self.target or 'list'}: it was ended before")
        self.events += events.to_pylist()

    def finish(self) -> None:
        self.finished = True

    def commit(self) -> None:
        self.finish()
        self.committed = True

    def abort(self) -> None:
        self.aborted = not self.committed


class ManualClock:
    """A clock that advances only by ``advance`` and by waits, which end at once.

    ``at`` plans actions during a wait, such as a key press.
    """

    def __init__(self, start: int = 0) -> None:
        self._now = start
        self._plans: list[tuple[int, int, Callable[[], None]]] = []
        self.waits: list[tuple[int, int]] = []
        """Begin and end of each wait."""

    def now(self) -> int:
        """Return the time, in ns."""
        return self._now

    def at(self, time: int, action: Callable[[], None]) -> None:
        """Plan an action for a time; the wait or ``advance`` that reaches the time runs it."""
        heapq.heappush(self._plans, (time, len(self._plans), action))

    def advance(self, ns: int) -> None:
        """Advance the time by ``ns``."""
        self._move_to(self._now + ns, None)

    def wait(self, event: Event, until: int) -> bool:
        """Advance to ``until``, or to the planned action that sets ``event``; return whether it is set."""
        begun = self._now
        if not event.is_set():
            self._move_to(until, event)
        self.waits.append((begun, self._now))
        return event.is_set()

    def _move_to(self, until: int, event: Event | None) -> None:
        while self._plans and self._plans[0][0] <= until:
            time, _, action = heapq.heappop(self._plans)
            self._now = max(self._now, time)
            action()
            if event is not None and event.is_set():
                return
        self._now = max(self._now, until)


@dataclass(frozen=True, slots=True)
class RunOutput:
    """The result of a run over records: events, rejected records, and figures of the run."""

    events: list[dict[str, Any]]
    rejects: list[tuple[int, str]]
    """Place in the list and reason."""
    result: RunResult

    @property
    def ledger(self) -> dict[str, int]:
        """Counts of records and events by outcome."""
        return self.result.ledger.as_dict()


@dataclass(slots=True)
class _ListRejects:
    rows: list[tuple[int, str]] = field(default_factory=list)

    def write(self, rows: pa.Table) -> None:
        self.rows += [(row["row"], row["reason"]) for row in rows.to_pylist()]

    def finish(self) -> None:
        pass

    def commit(self) -> None:
        pass

    def abort(self) -> None:
        pass


def settings_of(flat: Mapping[str, Any]) -> Settings:
    """Return settings from dotted keys: ``{"highlow.cooldown_seconds": 0}``; what is absent has its default."""
    nested: dict[str, dict[str, Any]] = {}
    for key, value in flat.items():
        section, _, name = key.partition(".")
        nested.setdefault(section, {})[name] = value
    return settings_from(nested)


def run_records(
    rows: Sequence[Record],
    settings: Mapping[str, Any] | None = None,
    *,
    detectors: AddedDetectors | None = None,
    batch_rows: int = BATCH_ROWS,
    workers: int = 1,
    control: Control | None = None,
    clock: Clock | None = None,
    observer: Observer | None = None,
    store: CheckpointStore | None = None,
    resume: bool = False,
    snapshots: Snapshots | None = None,
    taps: Mapping[str, Tap] | None = None,
    pipeline: PipelineName = PipelineName.DIRECT,
) -> RunOutput:
    """Run records through the whole pipeline, paced if ``control`` has a speed.

    Parameters
    ----------
    settings
        Dotted keys, see ``settings_of``.
    detectors
        Detectors that run besides, by name: a class, or a class and its parameters.
    store
        Gets a checkpoint after every batch.
    snapshots
        Snapshots that a paced run keeps to seek back.
    taps
        By name.
    pipeline
        How rows get to the core.
    """
    model = add_detectors(settings_of(settings or {}), detectors or {})
    source = ListSource(rows)
    sink = ListSink()
    rejects = _ListRejects()
    plan = RunPlan(
        source,
        model,
        control or Control(),
        observer or Observer(),
        pipeline,
        workers=workers,
        options=RunOptions(batch_rows=batch_rows, resume=resume, checkpoint_every_ns=0),
        open_sinks=lambda schema: [sink],  # noqa: ARG005
        open_rejects=lambda schema: rejects,  # noqa: ARG005
        store=store,
        clock=clock or SystemClock(),
        snapshots=snapshots,
        taps=taps or {},
    )
    with ExitStack() as stack:
        return RunOutput(sink.events, rejects.rows, execute(assemble(plan, stack)))


def _available_times(rows: Sequence[Record]) -> list[int]:
    times: list[int] = []
    latest: dict[str, int] = {}
    for row in rows:
        timestamp = row.timestamp or 0
        if row.received_at is not None:
            time = row.received_at
        elif timestamp > 0:
            time = timestamp + (_number("interval", row.interval) if isinstance(row, Bar) else 0)
        else:
            time = latest.get(row.record, 1)
        latest[row.record] = time
        times.append(time)
    return times


def _number(column: str, value: Any) -> Any:
    """Normalise one value as ``core.batch`` says."""
    if column in ("size", "volume"):
        usable = value is not None and 0 <= value <= MAX_SHARES
        return round(value * MICROS_PER_SHARE) if usable else -1
    if column == "interval":
        return round((60 if value is None else value) * SECOND)
    if column == "market_price" and value is not None:
        return value if math.isfinite(value) and value > 0 else -1.0
    if column == "confidence" and value is None:
        return 1.0
    if value is None:
        return math.nan if DTYPES[column].kind == "f" else 0
    return value


def _frozen(values: Any, column: str) -> NDArray[Any]:
    array = np.array(values, dtype=DTYPES[column])
    array.flags.writeable = False
    return array

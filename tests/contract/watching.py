"""Lets a detector run in its channel, alone, and writes down what it is given and what it tells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from threading import Lock
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tests.oracle.random_cases import random_case
from tests.oracle.records import Record as RecordType
from tests.oracle.variations import LIVELY
from tickstock_cli.build import event_kinds
from tickstock_cli.channels.fmv import FmvChannel
from tickstock_cli.channels.ohlcv import OhlcvChannel
from tickstock_cli.channels.tick import TickChannel
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.events import EVENT, PROVENANCE, EventRows
from tickstock_cli.core.kinds import KindCodes
from tickstock_cli.core.stages import Detector
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.detectors import DETECTORS
from tickstock_cli.engine.channels import Channels
from tickstock_cli.engine.coordinator import Coordinator
from tickstock_cli.engine.core import Core
from tickstock_cli.kernels.admission import Guard
from tickstock_cli.kernels.coordination import CoordinationRules
from tickstock_cli.testing import ListSource, as_record

ROWS = 600
SEEDS = range(12)

FOOD: dict[str, tuple[RecordType, ...]] = {"tick": ("tick",), "ohlcv": ("ohlcv",), "fmv": ("tick", "fmv")}
"""Record types that a channel's detectors live on: fair values also ask for the market's price."""

CODES = KindCodes(event_kinds())
NAMES = tuple(CODES)
NO_LIMITS = np.zeros(len(NAMES))

ADDED = ("order", "row", "available_at", "emitted_at", "merged", "tick_extreme", *PROVENANCE)
"""What depends on where in its batch a row stood, or is added after a detector has told."""

OWN = tuple(name for name in EVENT.names or () if name not in ADDED)

RunOutput = dict[str, list[dict[str, Any]]]
"""Events by ticker, in the order in which they were told."""


@dataclass(frozen=True)
class Market:
    """A recording as one batch, and its tickers by code."""

    rows: MergedBatch
    tickers: tuple[str, ...]

    def pieces(self, cuts: Iterable[int] = ()) -> Iterator[MergedBatch]:
        """Cut the rows at the places given."""
        length = len(self.rows)
        times = self.rows.available_at()
        for start, stop in pairwise(sorted({0, length, *(cut for cut in cuts if 0 < cut < length)})):
            yield self.rows.cut(start, stop, int(times[stop - 1]))


@cache
def market(channel: str, seed: int) -> Market:
    """Return a seeded recording that a channel's detectors live on."""
    rows_by_file, _ = random_case(seed, ROWS, FOOD[channel])
    source = ListSource([as_record(row.record, row.values) for rows in rows_by_file for row in rows])
    (rows,) = source.batches()
    return Market(rows, tuple(source.symbols.tickers))


def detector_class(name: str) -> Any:
    """Return the class registered under a name."""
    return DETECTORS.load(name)


def new_detector(name: str) -> Any:
    """Build a detector whose windows and cooldowns are short, where the oracle knows its settings."""
    cls = detector_class(name)
    short = {key.partition(".")[2]: value for key, value in LIVELY.items() if key.partition(".")[0] == name}
    return cls(cls.Params(**short), CODES)


@dataclass
class Watch:
    """A detector that passes everything on to another one and writes it down."""

    detector: Any
    told: RunOutput = field(default_factory=lambda: defaultdict(list))
    counted: Counter[str] = field(default_factory=Counter)
    explained: list[tuple[set[str], set[str]]] = field(default_factory=list)
    """For rows that came alone: kinds that ``explain`` said would fire, and kinds then told."""
    tickers: tuple[str, ...] = ()
    explaining: bool = False
    """Ask for an explanation of every row that comes alone: for one worker, whose state nobody else moves."""
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.channel = self.detector.channel
        self.kinds = self.detector.kinds
        self.counters = self.detector.counters
        self.events_per_row = self.detector.events_per_row
        self.compiled = self.detector.compiled

    def grow(self, tickers: int) -> None:
        """Pass on."""
        self.detector.grow(tickers)

    def state(self) -> dict[str, NDArray[Any]]:
        """Pass on."""
        return dict(self.detector.state())

    def scan(self, rows: Any, out: EventRows, counts: NDArray[np.int64]) -> int:
        """Pass on, and see that nothing was changed that is not the detector's to change."""
        before = [array.tobytes() for array in _input(rows)]
        said = self._explain(rows) if self.explaining and rows.groups.start[-1] == 1 else None
        found = int(self.detector.scan(rows, out, counts))
        assert before == [array.tobytes() for array in _input(rows)], "a detector wrote into its input"
        assert found <= len(out), "a detector told more than events_per_row"
        with self.lock:
            self.counted.update(dict(zip(self.counters, counts.tolist(), strict=True)))
        for event in out[:found]:
            self.told[self.tickers[event["code"]]].append(plain(event))
        if said is not None:
            self.explained.append((said, {NAMES[event["kind"]] for event in out[:found]}))
        return found

    def _explain(self, rows: Any) -> set[str]:
        state = {name: array.tobytes() for name, array in self.state().items()}
        group = int(np.flatnonzero(np.diff(rows.groups.start))[0])
        verdicts = self.detector.explain(rows, 0, int(rows.groups.code[group]))
        assert state == {name: array.tobytes() for name, array in self.state().items()}, "explain changed state"
        return {verdict.kind for verdict in verdicts if verdict.ending == "fired"}


def core_of(watch: Watch, tickers: tuple[str, ...], workers: int = 1, executor: Executor | None = None) -> Core:
    """Return a core whose only detector is the watched one."""
    watch.tickers = tickers
    symbols = SymbolTable(tickers)
    parts: dict[str, Mapping[str, Detector]] = {"tick": {}, "ohlcv": {}, "fmv": {}}
    parts[watch.channel] = {"watched": cast(Detector, watch)}
    channels = Channels(
        Calendar("XNYS"),
        np.array([True, True, True, False]),
        TickChannel(Guard(10.0, 3), parts["tick"], NAMES),
        OhlcvChannel(parts["ohlcv"], NAMES),
        FmvChannel(parts["fmv"], NAMES),
        CODES.extremes(),
    )
    coordinator = Coordinator(
        CoordinationRules(1_000_000, False, False, len(NAMES), False, NO_LIMITS, NO_LIMITS), symbols
    )
    return Core(symbols, channels, coordinator, workers, executor)


def watched(name: str, seed: int, cuts: Iterable[int] = (), explaining: bool = False) -> Watch:
    """Run a recording in pieces through a new detector."""
    watch = Watch(new_detector(name), explaining=explaining)
    recording = market(watch.channel, seed)
    core = core_of(watch, recording.tickers)
    for piece in recording.pieces(cuts):
        core.step(piece)
    return watch


@cache
def whole(name: str, seed: int) -> Watch:
    """Return what a new detector makes of a whole recording."""
    return watched(name, seed)


@cache
def telling_seeds(name: str) -> tuple[int, ...]:
    """Return the seeds of recordings that make a detector tell at least two events."""
    return tuple(seed for seed in SEEDS if sum(map(len, whole(name, seed).told.values())) > 1)


def plain(event: Any) -> dict[str, Any]:
    """Return an event as plain values that can be compared; None for NaN."""
    values = {name: event[name].item() for name in OWN}
    return {name: None if value != value else value for name, value in values.items()}


def _input(rows: Any) -> list[NDArray[Any]]:
    """Return what a detector must not write into: all but the room for its answers to probes."""
    return [*rows.groups, *(getattr(rows, name) for name in rows._fields if name not in ("groups", "probes"))]

"""Lets a detector run in its channel, alone, and writes down what it is given and what it tells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tests.oracle.random_cases import random_case
from tests.oracle.records import Record as RecordType
from tests.oracle.variations import LIVELY
from tickstock_cli import detectors
from tickstock_cli.build import event_kinds
from tickstock_cli.channels.fmv import FmvChannel
from tickstock_cli.channels.ohlcv import OhlcvChannel
from tickstock_cli.channels.tick import TickChannel
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.events import EVENT, EventRows
from tickstock_cli.core.registry import load_part
from tickstock_cli.core.stages import Detector
from tickstock_cli.engine.coordinator import Coordinator
from tickstock_cli.engine.core import Core
from tickstock_cli.kernels.admission import Guard
from tickstock_cli.kernels.coordination import Rules
from tickstock_cli.testing import RECORDS, ListSource, Record

ROWS = 800
SEEDS = range(10)

FOOD: dict[str, tuple[RecordType, ...]] = {"tick": ("tick",), "ohlcv": ("ohlcv",), "fmv": ("tick", "fmv")}
"""Record types that a channel's detectors live on: fair values also ask for the market's price."""

CODES = {kind.name: code for code, kind in enumerate(event_kinds())}

ADDED = ("order", "row", "available_at", "emitted_at", "merged", "rival")
"""What depends on where in its batch a row stood, or is added after a detector has told."""

OWN = tuple(name for name in EVENT.names or () if name not in ADDED)

Told = dict[str, list[dict[str, Any]]]
"""Events by ticker, in the order in which they were told."""


def detector_class(name: str) -> Any:
    """Give the class registered under a name."""
    return load_part("detector", detectors.PARTS, name)


def new_detector(name: str) -> Any:
    """Build a detector whose windows and cooldowns are short, where the oracle knows its settings."""
    cls = detector_class(name)
    short = {key.partition(".")[2]: value for key, value in LIVELY.items() if key.partition(".")[0] == name}
    return cls(cls.Params(**short), CODES)


@cache
def market(channel: str, seed: int) -> tuple[Record, ...]:
    """Give the records of a seeded recording that a channel's detectors live on."""
    rows_by_file, _ = random_case(seed, ROWS, FOOD[channel])
    found: list[Record] = []
    for row in (row for rows in rows_by_file for row in rows):
        cls = RECORDS[row.record]
        known = {name: value for name, value in row.values.items() if name in cls.__dataclass_fields__}
        found.append(cls(**known))
    return tuple(found)


@dataclass
class Watch:
    """A detector that passes everything on to another one and writes it down.

    ``meanwhile`` is called with rows before they are read.
    """

    detector: Detector
    told: Told = field(default_factory=lambda: defaultdict(list))
    counted: Counter[str] = field(default_factory=Counter)
    kinds_told: set[int] = field(default_factory=set)
    tickers: Sequence[str] = ()
    explained: list[tuple[set[str], set[str]]] = field(default_factory=list)
    """Per row, if it came alone: kinds that ``explain`` says fire, and kinds told."""

    def __post_init__(self) -> None:
        self.channel = self.detector.channel
        self.kinds = self.detector.kinds
        self.counters = self.detector.counters
        self.events_per_row = self.detector.events_per_row

    def grow(self, tickers: int) -> None:
        """Pass on."""
        self.detector.grow(tickers)

    def state(self) -> dict[str, NDArray[Any]]:
        """Pass on."""
        return self.detector.state()

    def scan(self, rows: Any, out: EventRows, counts: NDArray[np.int64]) -> int:
        """Pass on, and see that nothing was changed that is not the detector's to change."""
        before = [np.array(array) for array in _arrays(rows)]
        verdicts = self._explain(rows)
        found = self.detector.scan(rows, out, counts)
        for array, copy in zip(_arrays(rows), before, strict=True):
            assert array.tobytes() == copy.tobytes(), "a detector wrote into its input"
        assert found <= len(out), "a detector told more than events_per_row"
        self.counted.update(dict(zip(self.counters, counts.tolist(), strict=True)))
        for event in out[:found]:
            self.told[self.tickers[event["code"]]].append(plain(event))
            self.kinds_told.add(int(event["kind"]))
        if verdicts is not None:
            names = {kind: name for name, kind in CODES.items()}
            self.explained.append((verdicts, {names[int(event["kind"])] for event in out[:found]}))
        return found

    def _explain(self, rows: Any) -> set[str] | None:
        if rows.groups.start[-1] != 1:
            return None
        group = int(np.flatnonzero(np.diff(rows.groups.start))[0])
        state = {name: array.tobytes() for name, array in self.state().items()}
        verdicts = self.detector.explain(rows, 0, int(rows.groups.code[group]))  # type: ignore[attr-defined]  # not asked by the engine
        assert state == {name: array.tobytes() for name, array in self.state().items()}, "explain changed state"
        return {verdict.kind for verdict in verdicts if verdict.ending == "fired"}


def core_of(watch: Watch, source: ListSource, workers: int = 1, executor: Executor | None = None) -> Core:
    """Give a core whose only detector is the watched one."""
    watch.tickers = source.symbols.tickers
    names = list(CODES)
    parts: dict[str, Mapping[str, Detector]] = {"tick": {}, "ohlcv": {}, "fmv": {}}
    parts[watch.channel] = {"watched": cast(Detector, watch)}
    return Core(
        source.symbols,
        Calendar("XNYS"),
        np.array([True, True, True, False]),
        TickChannel(Guard(10.0, 3), parts["tick"], names),
        OhlcvChannel(parts["ohlcv"], names),
        FmvChannel(parts["fmv"], names),
        Coordinator(Rules(1_000_000, False, False, len(names), False, 0.0, 0.0), source.symbols),
        (CODES["high"], CODES["low"]),
        workers,
        executor,
    )


def pieces(source: ListSource, cuts: Sequence[int]) -> Iterator[MergedBatch]:
    """Cut a source's rows at the places given."""
    (whole,) = source.batches(1 << 30)
    times = whole.available_at()
    for start, stop in pairwise(sorted({0, len(whole), *(cut for cut in cuts if 0 < cut < len(whole))})):
        yield whole.cut(start, stop, int(times[stop - 1]))


def watched(detector: Detector, rows: Sequence[Record], cuts: Sequence[int] = (), workers: int = 1) -> Watch:
    """Run records through a detector in pieces."""
    watch = Watch(detector)
    source = ListSource(rows)
    core = core_of(watch, source, workers)
    for piece in pieces(source, cuts):
        core.step(piece)
    return watch


def plain(event: Any) -> dict[str, Any]:
    """Give an event as plain values that can be compared; None for NaN."""
    values = {name: event[name].item() for name in OWN}
    return {name: None if value != value else value for name, value in values.items()}


def _arrays(rows: Any) -> list[NDArray[Any]]:
    """Give what a detector must not write into: all but the room for its answers to probes."""
    return [*rows.groups, *(getattr(rows, name) for name in rows._fields if name not in ("groups", "probes"))]

"""Runs a detector alone in its channel, and records its inputs and events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.build import (
    add_detectors,
    build_channels,
    build_detectors,
    coordination_rules,
    kind_names,
    settings_from,
)
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.events import EVENT, PROVENANCE, EventRows
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.coordinator import Coordinator
from tickstock_cli.engine.core import Core
from tickstock_cli.testing.markets import market

NAME = "watched"
PLAIN = {"coordinator": {"window_ms": 1, "dedupe_extremes": False}}
"""A coordinator with the least effect on events, because the tests are of detectors."""

ADDED = ("order", "row", "available_at", "emitted_at", "merged", "tick_extreme", *PROVENANCE)
"""Fields of an event that depend on the cut into batches, or that other parts set."""

OWN = tuple(name for name in EVENT.names or () if name not in ADDED)


@dataclass
class Watch:
    """A detector that passes all calls to another one, and records them.

    Parameters
    ----------
    explaining
        Whether to explain every row that is alone in its batch; for one worker only.
    """

    settings: Settings
    detector: Any
    explaining: bool = False
    tickers: tuple[str, ...] = ()
    events: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    """By ticker, in the order in which they were reported."""
    counted: Counter[str] = field(default_factory=Counter)
    explained: list[tuple[set[str], set[str]]] = field(default_factory=list)
    """For rows that came alone: kinds that ``explain`` said would fire, and kinds then reported."""

    def __post_init__(self) -> None:
        self.names = kind_names(self.settings)
        self.channel = self.detector.channel
        self.kinds = self.detector.kinds
        self.counters = self.detector.counters
        self.events_per_row = self.detector.events_per_row
        self.compiled = self.detector.compiled
        self._lock = Lock()

    def grow(self, tickers: int) -> None:
        """Pass on."""
        self.detector.grow(tickers)

    def state(self) -> dict[str, NDArray[Any]]:
        """Pass on."""
        return dict(self.detector.state())

    def scan(self, rows: Any, out: EventRows, counts: NDArray[np.int64]) -> int:
        """Pass on, and check that the detector changes nothing that is not its own."""
        before = [array.tobytes() for array in _inputs(rows)]
        alone = self.explaining and rows.groups.start[-1] == 1
        said = self._explain(rows) if alone else None
        found = int(self.detector.scan(rows, out, counts))
        assert before == [array.tobytes() for array in _inputs(rows)], "the detector wrote into its input"
        assert found <= len(out), "the detector reported more events than events_per_row allows"
        with self._lock:
            self.counted.update(dict(zip(self.counters, counts.tolist(), strict=True)))
        for event in out[:found]:
            self.events[self.tickers[event["code"]]].append(_plain(event))
        if said is not None:
            self.explained.append((said, {self.names[event["kind"]] for event in out[:found]}))
        return found

    def _explain(self, rows: Any) -> set[str]:
        before = {name: array.tobytes() for name, array in self.state().items()}
        group = int(np.flatnonzero(np.diff(rows.groups.start))[0])
        verdicts = self.detector.explain(rows, 0, int(rows.groups.code[group]))
        assert before == {name: array.tobytes() for name, array in self.state().items()}, "explain changed the state"
        return {verdict.kind for verdict in verdicts if verdict.ending == "fired"}

    def core(self, tickers: tuple[str, ...], workers: int = 1, executor: Executor | None = None) -> Core:
        """Return a core whose only detector is this one."""
        self.tickers = tickers
        symbols = SymbolTable(tickers)
        channels = build_channels(self.settings, {NAME: self})
        return Core(symbols, channels, Coordinator(coordination_rules(self.settings), symbols), workers, executor)


def new_watch(cls: type[Any], params: Mapping[str, Any], explaining: bool = False) -> Watch:
    """Return a new detector of a class, watched."""
    key = (cls, repr(sorted(params.items())))
    if key not in _SETTINGS:
        _SETTINGS[key] = add_detectors(settings_from(PLAIN), {NAME: (cls, cls.Params(**params))})
    return Watch(_SETTINGS[key], build_detectors(_SETTINGS[key])[NAME], explaining)


_SETTINGS: dict[tuple[type[Any], str], Settings] = {}
"""Settings that were made, because making their model takes longer than a small market."""


def watched(
    cls: type[Any], params: Mapping[str, Any], seed: int, cuts: Iterable[int] = (), explaining: bool = False
) -> Watch:
    """Return a new detector that has read a market in pieces."""
    watch = new_watch(cls, params, explaining)
    recording = market(watch.channel, seed)
    core = watch.core(recording.tickers)
    for piece in recording.pieces(cuts):
        core.step(piece)
    return watch


def _plain(event: Any) -> dict[str, Any]:
    """Return an event as plain values that can be compared; None for NaN."""
    values = {name: event[name].tolist() for name in OWN}
    return {name: None if value != value else value for name, value in values.items()}


def _inputs(rows: Any) -> list[NDArray[Any]]:
    """Return the arrays that a detector must not change: all but its answers to lookups."""
    return [*rows.groups, *(getattr(rows, name) for name in rows._fields if name not in ("groups", "lookups"))]

"""Places a scenario's injections in its workload.

The scenario gives the number of injections a minute; some find no room. A symbol has one at a time, with two minutes
between them, and extra rows take at most half of a second's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.loadtest.scenario import RecordName, Scenario
from tickstock_cli.synth.injections import Injection, InjectionKind
from tickstock_cli.synth.rng import Rng
from tickstock_cli.synth.universe import Universe

_APART_SECONDS = 120
_TRIES = 50
_LEAD_SECONDS = 80
"""Seconds of baseline before a surge; in a short workload, at most a quarter of its length."""

_BUSY_TRADES = 12
"""Least expected trades in a minute of a symbol with a trend: most of its 10-second buckets should hold a price."""

_HALTED_SHARE = 8
"""Only symbols with less than an eighth of all trades are halted, because other symbols take their trades."""


@dataclass(slots=True)
class ExtraRows:
    """Extra rows of injections: second and symbol of each."""

    seconds: list[int] = field(default_factory=list)
    symbols: list[int] = field(default_factory=list)


@dataclass(slots=True)
class PlacedInjections:
    """Injections in order of their start, and their extra rows."""

    injections: list[Injection]
    trades: ExtraRows
    values: ExtraRows


def place_injections(
    scenario: Scenario, universe: Universe, due: Mapping[RecordName, NDArray[np.int64]]
) -> PlacedInjections:
    """Return a scenario's injections where there is room for them.

    Parameters
    ----------
    due
        Rows due before each second, and in total, by type.
    """
    planner = _InjectionPlacer(scenario, universe, due)
    for sort in _SORTS:
        a_minute: int = getattr(scenario.moves, sort.option)
        for _ in range(a_minute * scenario.seconds // 60):
            if not planner.place(sort):
                break
    planner.placed.sort(key=lambda injection: (injection.start, injection.symbol))
    return PlacedInjections(planner.placed, planner.trades, planner.values)


class _InjectionPlacer:
    def __init__(self, scenario: Scenario, universe: Universe, due: Mapping[RecordName, NDArray[np.int64]]) -> None:
        self.rng = Rng(scenario.seed, "moves")
        self.scenario = scenario
        self.trades, self.values = ExtraRows(), ExtraRows()
        self.placed: list[Injection] = []
        self._weights: list[int] = universe.weight.tolist()
        self._total = sum(self._weights)
        self._due = due["tick"]
        self._room = {"tick": np.diff(due["tick"]) // 2, "fmv": np.diff(due["fmv"]) // 2}
        self._taken: dict[int, list[Injection]] = {}

    def place(self, sort: _InjectionSort) -> bool:
        """Place one more injection of a sort; return whether there was room."""
        for _ in range(_TRIES):
            injection = sort.draw(self)
            if injection is None or not self._is_free(injection):
                continue
            trades = injection.kind is not InjectionKind.FMV
            start = injection.end if injection.kind is InjectionKind.HALT else injection.start
            seconds = [start + injection.spread * row // max(injection.rows, 1) for row in range(injection.rows)]
            if not self._reserve("tick" if trades else "fmv", seconds):
                continue
            extras = self.trades if trades else self.values
            extras.seconds += seconds
            extras.symbols += [injection.symbol] * injection.rows
            self._taken.setdefault(injection.symbol, []).append(injection)
            self.placed.append(injection)
            return True
        return False

    def start(self, lead: int, length: int) -> int | None:
        """Draw a start with ``lead`` seconds before and ``length`` after it; None if the workload is too short."""
        earliest = min(lead, self.scenario.seconds // 4)
        latest = self.scenario.seconds - length
        return self.rng.between(earliest, latest) if earliest <= latest else None

    def symbol(self, places: range) -> int | None:
        """Draw one of ``places``; None if it is empty."""
        return self.rng.between(places.start, places.stop - 1) if places else None

    def traded(self, symbol: int, start: int, seconds: int) -> int:
        """Return the expected trades of a symbol in ``seconds`` from ``start``."""
        stop = min(start + seconds, self.scenario.seconds)
        rows: int = int(self._due[stop] - self._due[start]) * self._weights[symbol] // self._total
        return rows

    def is_small(self, symbol: int) -> bool:
        """Return whether other symbols can take a symbol's trades."""
        return bool(self._weights[symbol] * _HALTED_SHARE <= self._total)

    def direction(self) -> int:
        """Draw +1 or -1."""
        return 2 * self.rng.between(0, 1) - 1

    def _is_free(self, injection: Injection) -> bool:
        return all(
            injection.start >= other.end + _APART_SECONDS or other.start >= injection.end + _APART_SECONDS
            for other in self._taken.get(injection.symbol, ())
        )

    def _reserve(self, record: str, seconds: list[int]) -> bool:
        room = self._room[record]
        if not seconds:
            return True
        if max(seconds) >= len(room):
            return False
        wanted = np.bincount(seconds, minlength=len(room))
        if bool((wanted > room).any()):
            return False
        room -= wanted
        return True


def _surge(planner: _InjectionPlacer) -> Injection | None:
    ramp = planner.rng.between(5, 10)
    start = planner.start(_LEAD_SECONDS, ramp + 5)
    places = planner.scenario.symbols.range_of("tick")
    symbol = planner.symbol(places)
    if start is None or symbol is None:
        return None
    rows = max(12, 4 * planner.traded(symbol, start, ramp + 5))
    magnitude = planner.rng.between(1_500, 3_500)
    return Injection(
        InjectionKind.SURGE, symbol, start, start + ramp + 5, ramp, planner.direction(), magnitude, rows, ramp + 5
    )


def _trend(planner: _InjectionPlacer) -> Injection | None:
    seconds = min(planner.rng.between(180, 480), planner.scenario.seconds * 3 // 4)
    start = planner.start(5, seconds)
    symbol = planner.symbol(planner.scenario.symbols.range_of("tick"))
    if start is None or symbol is None or planner.traded(symbol, start, 60) < _BUSY_TRADES:
        return None
    magnitude = seconds * planner.rng.between(200, 400) // 60
    return Injection(InjectionKind.TREND, symbol, start, start + seconds, seconds, planner.direction(), magnitude)


def _bar_surge(planner: _InjectionPlacer) -> Injection | None:
    start = planner.start(20, 120)
    ohlcv, tick = (planner.scenario.symbols.range_of(record) for record in ("ohlcv", "tick"))
    symbol = planner.symbol(ohlcv)
    if start is None or symbol is None or symbol in tick:
        return None
    magnitude = planner.rng.between(3_000, 6_000)
    return Injection(InjectionKind.SURGE, symbol, start, start + 120, 30, planner.direction(), magnitude)


def _deviation(planner: _InjectionPlacer) -> Injection | None:
    seconds = planner.rng.between(20, 60)
    start = planner.start(20, seconds)
    symbol = planner.symbol(planner.scenario.symbols.range_of("fmv"))
    if start is None or symbol is None:
        return None
    rows, magnitude = 2 + seconds // 10, planner.rng.between(1_200, 4_500)
    return Injection(
        InjectionKind.FMV, symbol, start, start + seconds, 1, planner.direction(), magnitude, rows, seconds
    )


def _halt(planner: _InjectionPlacer) -> Injection | None:
    seconds = planner.scenario.moves.halt_seconds
    start = planner.start(20, seconds + 10)
    symbol = planner.symbol(planner.scenario.symbols.range_of("tick"))
    if start is None or symbol is None or not planner.is_small(symbol):
        return None
    magnitude = planner.rng.between(2_000, 14_000)  # above 10 percent the guard asks for a confirmation
    return Injection(
        InjectionKind.HALT, symbol, start, start + seconds, 1, planner.direction(), magnitude, rows=20, spread=5
    )


@dataclass(frozen=True, slots=True)
class _InjectionSort:
    """A sort of injection: its key in the scenario, and a function that draws one; None if the draw does not fit."""

    option: str
    draw: Callable[[_InjectionPlacer], Injection | None]


_SORTS = (
    _InjectionSort("halts", _halt),
    _InjectionSort("surges", _surge),
    _InjectionSort("trends", _trend),
    _InjectionSort("bar_surges", _bar_surge),
    _InjectionSort("deviations", _deviation),
)

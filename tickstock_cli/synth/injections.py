"""Injected moves and their placement.

Each lies in regular trading, on a symbol busy enough that a detector can find it, and at least a quarter of an hour
from any other injected move of the symbol.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.errors import UsageError
from tickstock_cli.synth.options import MarketOptions
from tickstock_cli.synth.rng import Rng
from tickstock_cli.synth.timeline import Timeline
from tickstock_cli.synth.universe import MICROS, PARTS_PER_PERCENT, Universe

BEFORE_SECONDS, AFTER_SECONDS = 360, 60
"""Seconds around an injected move in which the symbol trades at its usual pace, as a baseline."""

_APART_SECONDS = 900
_BASELINE_SECONDS = 300
_WINDOW_SECONDS = 20
_TRIES = 400
_HALT_SHARE = 8
"""Only symbols with less than an eighth of all trades are halted, because other symbols take their trades."""


class InjectionKind(IntEnum):
    """Kinds of injections. Events of the same kind report all but HALT."""

    SURGE = 0
    TREND = 1
    FMV = 2
    HALT = 3


@dataclass(frozen=True, slots=True)
class Injection:
    """One injected move.

    Attributes
    ----------
    symbol
        Index of the symbol.
    start, end
        Seconds of the timeline; the move, or the halt, fills ``[start, end)``.
    ramp
        Seconds until the price reaches its new level (SURGE, TREND).
    direction
        +1 or -1.
    magnitude
        In 1/1000 percent, above 0: the move, the fair value's deviation, or the gap after the halt.
    rows
        Extra trades, or fair values, within ``spread`` seconds.
    rel_volume
        Pace of trading relative to the five minutes before, in 1/1000; None where it does not apply.
    drift_bps, drift_seconds
        From ``end`` on, the price drifts by so many basis points in the direction, evenly over so many seconds.
    """

    kind: InjectionKind
    symbol: int
    start: int
    end: int
    ramp: int
    direction: int
    magnitude: int
    rows: int = 0
    spread: int = 1
    rel_volume: int | None = None
    drift_bps: int = 0
    drift_seconds: int = 0

    @property
    def over(self) -> int:
        """The second from which on the price no longer moves on its account."""
        return self.end + self.drift_seconds

    @property
    def parts(self) -> int:
        """The signed move, in parts of 2**-30."""
        return self.direction * self.magnitude * PARTS_PER_PERCENT // 1_000

    @property
    def drift_parts(self) -> int:
        """The signed drift, in parts of the price that the move leaves."""
        return self.direction * self.drift_bps * PARTS_PER_PERCENT // 100


class Recipe(NamedTuple):
    """How one sort of injection is made.

    ``least_trades`` is the least number of expected trades of its symbol in five minutes. ``make`` returns the
    injection from a random stream, a symbol, a second, and the trades expected in a surge window from there.
    """

    option: str
    usual: int
    least_trades: int
    least_price: int
    at_open: bool
    longest: int
    make: Callable[[Rng, int, int, int], Injection]


def _surge(rng: Rng, symbol: int, start: int, expected: int) -> Injection:
    ramp = rng.between(5, 12)
    rows = expected * rng.between(3_000, 9_000) // 1_000
    return Injection(
        InjectionKind.SURGE,
        symbol,
        start,
        start + ramp + 5,
        ramp,
        _direction(rng),
        rng.between(600, 3_000),
        rows=rows,
        spread=ramp + 5,
        rel_volume=1_000 + rows * 1_000 // expected,
    )


def _opening_surge(rng: Rng, symbol: int, start: int, expected: int) -> Injection:
    """Return a surge that only the price shows, because it has no baseline; so it moves further."""
    ramp = rng.between(5, 8)
    rows = max(8, expected)
    magnitude = rng.between(1_800, 3_000)
    return Injection(
        InjectionKind.SURGE, symbol, start, start + ramp, ramp, _direction(rng), magnitude, rows=rows, spread=ramp
    )


def _trend(rng: Rng, symbol: int, start: int, _expected: int) -> Injection:
    minutes = rng.between(5, 15)
    a_minute = rng.between(120, 300)
    seconds = minutes * 60
    direction = _direction(rng)
    return Injection(InjectionKind.TREND, symbol, start, start + seconds, seconds, direction, minutes * a_minute)


def _deviation(rng: Rng, symbol: int, start: int, _expected: int) -> Injection:
    seconds = rng.between(20, 90)
    magnitude = rng.between(1_200, 4_500)
    rows = 2 + seconds // 10
    return Injection(
        InjectionKind.FMV, symbol, start, start + seconds, 1, _direction(rng), magnitude, rows=rows, spread=seconds
    )


def _halt(rng: Rng, symbol: int, start: int, expected: int) -> Injection:
    seconds = rng.between(300, 600)
    magnitude = rng.between(2_000, 6_000)
    rows = 20 + expected
    return Injection(
        InjectionKind.HALT, symbol, start, start + seconds, 1, _direction(rng), magnitude, rows=rows, spread=5
    )


def _direction(rng: Rng) -> int:
    return 2 * rng.between(0, 1) - 1


RECIPES = (
    Recipe("surges", 12, 60, 10 * MICROS, False, 20, _surge),
    Recipe("opening_surges", 3, 100, 10 * MICROS, True, 20, _opening_surge),
    Recipe("trends", 8, 120, 20 * MICROS, False, 900, _trend),
    Recipe("deviations", 12, 20, 5 * MICROS, False, 90, _deviation),
    Recipe("halts", 2, 60, 5 * MICROS, False, 660, _halt),
)

_SYMBOLS_OF_USUAL = 500


def usual(recipe: Recipe, options: MarketOptions) -> int:
    """Return the default number of injections; it grows with the market above 500 symbols. Pure noise has none."""
    if options.pure_noise:
        return 0
    return recipe.usual * options.days * max(options.symbols, _SYMBOLS_OF_USUAL) // _SYMBOLS_OF_USUAL


def place_injections(options: MarketOptions, timeline: Timeline, universe: Universe) -> list[Injection]:
    """Return all injections, in order of their start.

    Raises
    ------
    UsageError
        The options ask for more than the market has room for.
    """
    planner = _InjectionPlanner(options, timeline, universe)
    for recipe in RECIPES:
        asked: int | None = getattr(options, recipe.option)
        wanted = usual(recipe, options) if asked is None else asked
        placed = 0
        while placed < wanted and planner.place(recipe):
            placed += 1
        if asked is not None and placed < asked:
            raise UsageError(
                f"--{recipe.option.replace('_', '-')} is {asked}, but only {placed} found a symbol with "
                f"{recipe.least_trades} trades in 5 minutes and no other move near; raise --rows, or ask for fewer"
            )
    return sorted(planner.placed, key=lambda injection: (injection.start, injection.symbol))


class _InjectionPlanner:
    def __init__(self, options: MarketOptions, timeline: Timeline, universe: Universe) -> None:
        self._rng = Rng(options.seed, "injections")
        self._timeline = timeline
        self._universe = universe
        self._weights: list[int] = universe.weight.tolist()
        self._total = sum(self._weights)
        self._cuts = timeline.allot(options.rows, timeline.busy)
        self._drift_seconds = options.drift_seconds if options.drift_bps else 0
        self._drift_bps = options.drift_bps
        self._taken: dict[int, list[Injection]] = {}
        self.placed: list[Injection] = []

    def place(self, recipe: Recipe) -> bool:
        """Place one more injection; return whether there was room."""
        for _ in range(_TRIES):
            start = self._draw_start(recipe)
            around = slice(start, start + _BASELINE_SECONDS) if recipe.at_open else slice(start - 300, start)
            rows = int(self._cuts[around.stop] - self._cuts[around.start])
            symbol = self._draw_symbol(recipe, rows)
            if symbol is None:
                continue
            expected = max(1, self._trades(symbol, rows) * _WINDOW_SECONDS // _BASELINE_SECONDS)
            injection = self._with_drift(recipe.make(self._rng, symbol, start, expected))
            if self._is_free(injection):
                self._taken.setdefault(symbol, []).append(injection)
                self.placed.append(injection)
                return True
        return False

    def _draw_start(self, recipe: Recipe) -> int:
        """Draw a start with a baseline before it and room after it."""
        day = self._rng.between(0, len(self._timeline.sessions) - 1)
        session, first = self._timeline.sessions[day], int(self._timeline.first[day])
        if recipe.at_open:
            return first + session.opens + self._rng.between(3, 12)
        return first + self._rng.between(
            session.opens + BEFORE_SECONDS, session.closes - recipe.longest - self._drift_seconds - _APART_SECONDS
        )

    def _with_drift(self, injection: Injection) -> Injection:
        if injection.kind is not InjectionKind.SURGE or not self._drift_bps:
            return injection
        return replace(injection, drift_bps=self._drift_bps, drift_seconds=self._drift_seconds)

    def _trades(self, symbol: int, rows: int) -> int:
        """Return the expected trades of a symbol among ``rows`` of the market."""
        trades: int = rows * self._weights[symbol] // self._total
        return trades

    def _draw_symbol(self, recipe: Recipe, rows: int) -> int | None:
        """Draw one of the busy symbols, which come first; None if its price is too low or no symbol is busy enough."""
        least = -(-recipe.least_trades * self._total // max(rows, 1))
        enough = int(np.searchsorted(-self._universe.weight, -least, side="right"))
        if enough == 0:
            return None
        symbol = self._rng.between(0, enough - 1)
        return symbol if self._universe.symbols["price"][symbol] >= recipe.least_price else None

    def _is_free(self, injection: Injection) -> bool:
        if injection.kind is InjectionKind.HALT and self._weights[injection.symbol] * _HALT_SHARE > self._total:
            return False
        return all(
            injection.start >= other.over + _APART_SECONDS or other.start >= injection.over + _APART_SECONDS
            for other in self._taken.get(injection.symbol, ())
        )


INJECTED = np.dtype(
    [
        ("kind", "i8"),
        ("start", "i8"),
        ("end", "i8"),
        ("ramp_ms", "i8"),
        ("parts", "i8"),
        ("drift_ms", "i8"),
        ("drift_parts", "i8"),
    ],
    align=True,
)
"""Injections in kernels; start and end are ns UTC. Without a drift, ``drift_parts`` is 0."""


def encode(injections: list[Injection], second_ns: Callable[[int], int]) -> NDArray[Any]:
    """Return injections as rows of ``INJECTED``; ``second_ns`` returns the start (ns) of a second of the timeline."""
    rows = []
    for injection in injections:
        start = second_ns(injection.start)
        end = start + (injection.end - injection.start) * NS_PER_SECOND
        drift = (injection.drift_seconds * 1_000, injection.drift_parts)
        rows.append((int(injection.kind), start, end, injection.ramp * 1_000, injection.parts, *drift))
    return np.array(rows, dtype=INJECTED)

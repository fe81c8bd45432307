"""Prices and sizes beyond anything plausible, such as those in fixed point."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.types as pt

from tickstock_cli.core.batch import Float64s
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.checks.fixed_point import likely_factor
from tickstock_cli.sources.checks.stated import StatedFacts
from tickstock_cli.sources.plain_numbers import real
from tickstock_cli.sources.records import is_number

_PRICES = {"tick": "price", "ohlcv": "close", "fmv": "fmv"}
_SIZES = {"tick": "size", "ohlcv": "volume"}
_LARGEST_PRICE = 1e6
_LARGEST_WHOLE_PRICE = 1_000
"""Prices in a column of integers are mostly cents or ten-thousandths, unless they are small."""
_LARGEST_WHOLE_FLOAT = 10_000
"""So are floats and decimals without a fraction in any row."""
_SMALLEST_PRICE = 1e-6
_LARGEST_SIZE = {"tick": 1e8, "ohlcv": 1e11}
_FAR, _FEWEST_NINES = 5, 4
_SMALLEST_SIZE = 1e-5
"""Sizes are kept in millionths."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of prices or sizes, and the limits within which it is left alone.

    Parameters
    ----------
    is_judged
        Whether values beyond the limits are odd: they are neither scaled nor all null.
    has_nines
        Whether a value of nines alone is odd.
    """

    ours: str
    theirs: str
    smallest: float
    largest: float
    is_judged: bool
    has_nines: bool = False

    def can_be_odd(self, facts: Facts) -> bool:
        """Return whether there can be odd values, by the extremes that the file states."""
        extremes = facts.extremes(self.theirs)
        if extremes is None:
            return self.is_judged
        return self.is_odd(extremes.high)

    def is_odd(self, highest: Any) -> bool:
        """Return whether the highest value of a file is odd."""
        high = float(highest)
        is_beyond = self.is_judged and not self.smallest <= high <= self.largest
        return is_beyond or (self.has_nines and _is_nines(high))


def _look(facts: Facts) -> Iterator[Oddity]:
    prices, sizes = facts.once(_prices), facts.once(_sizes)
    if prices is not None and prices.can_be_odd(facts):
        yield from _look_at_prices(facts, prices)
    if sizes is not None and sizes.can_be_odd(facts):
        yield from _look_at_sizes(facts, sizes)


def _screen(files: StatedFacts) -> bool:
    for column in (files.shared.once(_prices), files.shared.once(_sizes)):
        extremes = None if column is None else files.extremes(column.theirs)
        if column is not None and (extremes is None or any(map(column.is_odd, extremes[1]))):
            return False
    return True


def _prices(facts: Facts) -> _Column | None:
    """Return the column of prices, unless it is scaled."""
    ours = _PRICES[facts.record]
    theirs = facts.layout.columns.get(ours)
    if theirs is None or "price" in facts.options.scale:
        return None
    type_ = facts.schema.field(theirs).type
    largest_whole = _LARGEST_WHOLE_PRICE if pt.is_integer(type_) else _LARGEST_WHOLE_FLOAT
    is_judged = ours not in facts.options.scale and not pt.is_null(type_)
    return _Column(ours, theirs, _SMALLEST_PRICE, largest_whole, is_judged, has_nines=is_number(type_))


def _sizes(facts: Facts) -> _Column | None:
    """Return the column of sizes, unless it is scaled."""
    ours = _SIZES.get(facts.record, "")
    theirs = facts.layout.columns.get(ours)
    if theirs is None or "size" in facts.options.scale:
        return None
    is_judged = ours not in facts.options.scale and not pt.is_null(facts.schema.field(theirs).type)
    return _Column(ours, theirs, _SMALLEST_SIZE, _LARGEST_SIZE[facts.record], is_judged)


def _look_at_prices(facts: Facts, column: _Column) -> Iterator[Oddity]:
    ours, largest_whole = column.ours, column.largest
    nines = _nines(facts, column)
    prices = _first_values(facts, ours)
    middle = float(np.median(prices)) if len(prices) else 0.0
    is_whole = bool((prices == np.rint(prices)).all())
    if middle > _LARGEST_PRICE or (is_whole and middle > largest_whole):
        kind = "are whole numbers" if is_whole else f"are beyond {_LARGEST_PRICE:,.0f}"
        factor = likely_factor(prices)
        yield Oddity(
            f"prices {kind}, as in fixed point: if they are, scale them, as in --set recordings.scale.price={factor}, "
            f"which makes them about {middle * float(factor):.6g} (1 confirms them)"
        )
    elif 0 < middle < _SMALLEST_PRICE:
        yield Oddity(
            f"prices are below {_SMALLEST_PRICE:f}: if they are scaled down, --set recordings.scale.price=FACTOR "
            "scales them up (1 confirms them)"
        )
    elif nines is not None and nines > _FAR * middle > 0:
        yield Oddity(
            f"some prices are {nines:.10g}, far above the others, as programs write where there is none: write null "
            "there"
        )
    elif middle and _is_known_beyond(facts, ours, _LARGEST_PRICE):
        yield Oddity(f"some prices are beyond {_LARGEST_PRICE:,.0f}, but most are not")


def _look_at_sizes(facts: Facts, column: _Column) -> Iterator[Oddity]:
    ours, largest = column.ours, column.largest
    sizes = _first_values(facts, ours)
    middle = float(np.median(sizes)) if len(sizes) else 0.0
    if middle > largest:
        yield Oddity(
            f"{ours}s are beyond {largest:,.0f}, as in fixed point: if they are, scale them, as in "
            "--set recordings.scale.size=1e-8 (1 confirms them)"
        )
    elif not middle and _is_zero(facts, ours):
        yield Oddity(f"every {ours} is 0, so that nothing that needs one is found{_other_sizes(facts, ours)}")
    elif 0 < middle < _SMALLEST_SIZE:
        yield Oddity(
            f"{ours}s are below {_SMALLEST_SIZE:f} and are kept in millionths: --set recordings.scale.size=FACTOR "
            "scales them up (1 confirms them)"
        )


def _nines(facts: Facts, column: _Column) -> float | None:
    """Return the largest value of a column, if it is written with nines alone."""
    extremes = facts.extremes(column.theirs) if column.has_nines else None
    return float(extremes.high) if extremes is not None and _is_nines(float(extremes.high)) else None


def _is_nines(number: float) -> bool:
    digits = f"{number:.10g}".replace(".", "")
    return len(digits) >= _FEWEST_NINES and set(digits) == {"9"}


def _is_known_beyond(facts: Facts, ours: str, largest: float) -> bool:
    """Return whether the file states that a column has a value above ``largest``."""
    extremes = facts.extremes(facts.layout.columns[ours])
    return extremes is not None and float(extremes.high) > largest


def _is_zero(facts: Facts, ours: str) -> bool:
    """Return whether every value of a column is 0, as far as the file or its first rows state it."""
    extremes = facts.extremes(facts.layout.columns[ours])
    if extremes is not None:
        return bool(extremes.low == 0 == extremes.high)
    column = facts.column(ours)
    assert column is not None  # it is in the file
    return bool(len(column)) and bool((real(column, np.nan) == 0).all())


def _other_sizes(facts: Facts, ours: str) -> str:
    """Return the advice to read another column of sizes, if there is one."""
    others = [name for name in facts.layout.ignored if any(part in name.lower() for part in ("vol", "size", "qty"))]
    return f"; --map {ours}={shlex.quote(others[0])} reads another column" if others else ""


def _first_values(facts: Facts, ours: str) -> Float64s:
    """Return the first values above 0 of a column."""
    column = facts.column(ours)
    assert column is not None  # it is in the file
    numbers = real(column, np.nan)
    found: Float64s = numbers[numbers > 0]
    return found


CHECK = RecordingCheck("plausible", ("tick", "ohlcv", "fmv"), _look, screen=_screen)

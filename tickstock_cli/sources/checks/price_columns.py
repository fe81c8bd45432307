"""Columns of prices that are not of one kind: scaled without being in fixed point, or too narrow for their digits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow.types as pt

from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.checks.fixed_point import likely_factor
from tickstock_cli.sources.plain_numbers import real
from tickstock_cli.sources.records import is_number

_PRICES = {"tick": "price", "ohlcv": "close", "fmv": "fmv"}
_FIXED_POINT = 1e-3
"""Larger factors are those of pence and cents, which have fractions."""
_APART = 50.0
_HIGHEST_SINGLE = 65_536.0
"""Above it, 32 bits of a float are more than half a cent apart."""


def _look(facts: Facts) -> Iterator[Oddity]:
    ours = _PRICES[facts.record]
    theirs = facts.layout.columns.get(ours)
    if theirs is None or not is_number(facts.schema.field(theirs).type):
        return
    yield from _look_at_width(facts, theirs)
    if "price" in facts.options.scale or ours in facts.options.scale:
        yield from _look_at_scale(facts, ours)
    if "market_price" in facts.layout.columns and "market_price" not in facts.options.scale:
        yield from _look_at_market_price(facts)


def _look_at_width(facts: Facts, theirs: str) -> Iterator[Oddity]:
    type_ = facts.schema.field(theirs).type
    if pt.is_float16(type_):
        yield Oddity("prices are floats of 16 bits, which hold three digits: write 64 bits")
    elif pt.is_float32(type_):
        extremes = facts.extremes(theirs)
        if extremes is not None and _HIGHEST_SINGLE < float(extremes.high) < np.inf:
            yield Oddity(
                f"prices are floats of 32 bits, which hold no cents beyond {_HIGHEST_SINGLE:,.0f}: write 64 bits"
            )


def _look_at_scale(facts: Facts, ours: str) -> Iterator[Oddity]:
    """Look whether prices that are scaled down a lot have fractions, as those in fixed point have not."""
    factor = facts.reader.factor(ours)
    column = facts.column(ours)
    if factor > _FIXED_POINT or column is None or pt.is_integer(column.type):
        return
    prices = real(column, np.nan)
    with_fraction = prices[(prices != np.rint(prices)) & np.isfinite(prices)]
    if len(with_fraction):
        yield Oddity(
            f"prices have fractions, such as {with_fraction[0]:.10g}, and are scaled by {factor:g} like those of other "
            "files: recordings.scale goes for all, so replay files of another kind apart"
        )


def _look_at_market_price(facts: Facts) -> Iterator[Oddity]:
    """Look whether market prices are of another size than fair values."""
    bounds = [facts.extremes(facts.layout.columns[name]) for name in ("fmv", "market_price")]
    highs = [None if one is None else float(one.high) for one in bounds]
    if None not in highs and all(highs) and 1 / _APART < highs[1] * _scale(facts) / highs[0] < _APART:  # type: ignore[operator]
        return
    columns = [facts.column(name) for name in ("fmv", "market_price")]
    fmv, market = (real(column, np.nan) for column in columns if column is not None)
    both = (fmv > 0) & (market > 0)
    ratio = float(np.median(market[both] / fmv[both])) * _scale(facts) if both.any() else 1.0
    if not 1 / _APART < ratio < _APART:
        yield Oddity(
            f"market_price is about {float(f'{ratio:.3g}'):,.10g} times fmv: if it is in fixed point, scale it, as in "
            f"--set recordings.scale.market_price={likely_factor(market[both])} (1 confirms it)"
        )


def _scale(facts: Facts) -> float:
    """Return how much more market prices are scaled than fair values."""
    return facts.reader.factor("market_price") / facts.reader.factor("fmv")


CHECK = RecordingCheck("price_columns", ("tick", "ohlcv", "fmv"), _look)

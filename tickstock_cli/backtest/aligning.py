"""Sequences of records of two backtests, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNKNOWN_TICKER = -1


def codes_like(tickers: Sequence[str], like: Sequence[str]) -> NDArray[np.int32]:
    """Return for each ticker its code among others (int32); ``UNKNOWN_TICKER`` if it has none."""
    known = {ticker: code for code, ticker in enumerate(like)}
    return np.array([known.get(ticker, UNKNOWN_TICKER) for ticker in tickers], dtype=np.int32)


def aligned(
    first: Iterator[NDArray[Any]], second: Iterator[NDArray[Any]]
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield both sequences in equally long pieces; where one ends first, the rest of the other has an empty partner."""
    ours, theirs = next(first, None), next(second, None)
    while ours is not None and theirs is not None:
        rows = min(len(ours), len(theirs))
        more_ours = ours[rows:] if rows < len(ours) else next(first, None)
        more_theirs = theirs[rows:] if rows < len(theirs) else next(second, None)
        yield ours[:rows], theirs[:rows]
        ours, theirs = more_ours, more_theirs
    if ours is not None:
        yield ours, ours[:0]
    if theirs is not None:
        yield theirs[:0], theirs


def equal(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where values are equal, or both unknown (NaN)."""
    same: NDArray[np.bool_] = (first == second) | ((first != first) & (second != second))
    return same

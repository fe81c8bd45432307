"""Recordings of a feed's trades at even rates, at their own speed: what the vendor plays to a live run under test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.core.batch import Int64s

BEGIN_NS = 1_772_463_600_000_000_000
"""2026-03-02 10:00 in New York."""
MS = 1_000_000
FLATNESS = 0.7
"""Exponent of the law by which some tickers trade more than others."""
STEP = 2e-4
"""Standard deviation of the change of a price from trade to trade, as a share of it."""
EXCHANGES, TAPES = (4, 10, 11, 12, 19), (1, 2, 3)
WITH_CONDITION, ODD_LOT, FORM_T = 0.4, 37, 12
BURST_TIMES = 3
"""The rate of a burst, as a multiple of that before and after it."""
BEFORE, BURST, AFTER = 1 / 12, 1 / 6, 1 / 3
"""Lengths of the stretches of a recording with a burst, as shares of that of one without."""


def with_burst(rate: int, seconds: float) -> list[tuple[int, float]]:
    """Return the stretches of a recording with a burst, for `times_of`; ``seconds`` is the length of one without."""
    return [(rate, BEFORE * seconds), (BURST_TIMES * rate, BURST * seconds), (rate, AFTER * seconds)]


def burst_end(seconds: float) -> int:
    """Return when the burst of such a recording ends, int64 ns UTC."""
    return BEGIN_NS + round((BEFORE + BURST) * seconds * 1e9)


def times_of(stretches: Sequence[tuple[float, float]]) -> Int64s:
    """Return the times of trades, int64 ns UTC, whole milliseconds as the wire has them.

    Parameters
    ----------
    stretches
        One after the other: trades a second, and seconds.
    """
    parts, begin = [], float(BEGIN_NS)
    for rate, seconds in stretches:
        parts.append(begin + np.arange(round(rate * seconds)) * (1e9 / rate))
        begin += seconds * 1e9
    times = np.concatenate(parts).astype(np.int64)
    return times - times % MS


def write_trades(path: Path, stretches: Sequence[tuple[float, float]], symbols: int) -> None:
    """Write the trades of a random market, the same ones for the same arguments.

    Every ticker is a random walk. Trades have what those of the vendor have: conditions, exchange, sequence, id, tape.
    """
    rng = np.random.default_rng(1)
    times = times_of(stretches)
    rows = len(times)
    shares = 1 / np.arange(1, symbols + 1) ** FLATNESS
    codes = rng.choice(symbols, rows, p=shares / shares.sum())
    has_condition = rng.random(rows) < WITH_CONDITION
    table = pa.table(
        {
            "ticker": pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(_tickers(symbols))),
            "timestamp": times,
            "price": _prices(rng, codes, symbols),
            "size": rng.integers(1, 500, rows),
            "conditions": pa.ListArray.from_arrays(
                pa.array(np.concatenate([[0], np.cumsum(has_condition)]), pa.int32()),
                pa.array(np.where(rng.random(int(has_condition.sum())) < 0.8, ODD_LOT, FORM_T), pa.int16()),
            ),
            "exchange": rng.choice(EXCHANGES, rows).astype(np.int16),
            "sequence": np.arange(rows),
            "trade_id": pa.array(np.arange(rows) + 50_000_000).cast(pa.string()),
            "tape": rng.choice(TAPES, rows).astype(np.int8),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def _tickers(symbols: int) -> list[str]:
    """Return names of four letters."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return ["".join(letters[number // 26**place % 26] for place in (3, 2, 1, 0)) for number in range(symbols)]


def _prices(rng: np.random.Generator, codes: Int64s, symbols: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return prices in whole cents: of each ticker a random walk from a first price of its own."""
    order = np.argsort(codes, kind="stable")
    walk = np.cumsum(rng.normal(0.0, STEP, len(codes)))
    grouped = codes[order]
    begins = np.flatnonzero(np.concatenate([[True], grouped[1:] != grouped[:-1]]))
    lengths = np.diff(np.append(begins, len(codes)))
    first = np.exp(rng.normal(4.0, 0.8, symbols))[grouped]
    prices = np.empty(len(codes))
    prices[order] = first * np.exp(walk - np.repeat(walk[begins], lengths))
    return np.maximum(np.round(prices, 2), 0.01)

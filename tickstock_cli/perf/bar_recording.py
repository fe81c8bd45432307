"""A recording of minute bars alone: every ticker has one in every minute of a session."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.core.times import NS_PER_SECOND, parse_time

OPEN = "2026-03-02T14:30:00Z"
MINUTES = 390
"""Minutes of a session."""


def write_minute_bars(path: str, rows: int) -> None:
    """Write a session of minute bars whose prices walk at random, about ``rows`` of them."""
    rng = np.random.default_rng(1)
    count = max(1, rows // MINUTES)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 5e-4, (MINUTES, count)), axis=0))
    opens = np.vstack([closes[:1], closes[:-1]])
    reach = np.abs(rng.normal(0, 3e-4, (2, MINUTES, count)))
    prices = {
        "open": opens,
        "high": np.maximum(opens, closes) * (1 + reach[0]),
        "low": np.minimum(opens, closes) * (1 - reach[1]),
        "close": closes,
    }
    times = parse_time(OPEN) + np.arange(MINUTES, dtype=np.int64) * 60 * NS_PER_SECOND
    tickers = pa.array([f"T{number:04}" for number in range(count)])
    codes = np.tile(np.arange(count, dtype=np.int32), MINUTES)
    columns = {
        "ticker": pa.DictionaryArray.from_arrays(codes, tickers),
        "timestamp": pa.array(np.repeat(times, count)).cast(pa.timestamp("ns", "UTC")),
        **{name: pa.array(values.ravel()) for name, values in prices.items()},
        "volume": pa.array(rng.integers(100, 10_000, MINUTES * count)),
    }
    pq.write_table(pa.table(columns), path, row_group_size=1 << 18)

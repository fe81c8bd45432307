"""Small recordings, written where a test wants them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

NOON = 1_381_248_000_000_000_000
"""2013-10-08T16:00:00Z, in ns."""
SECOND = 1_000_000_000

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write two IBM ticks, a second apart, with some columns replaced, added, or (None) left out."""

    def write_ticks(
        name: str = "ticks.parquet", row_group_size: int = 1_000, statistics: bool = True, **columns: Any
    ) -> Path:
        ticks = {"ticker": ["IBM", "IBM"], "timestamp": [NOON, NOON + SECOND], "price": [180.0, 181.0], "size": [1, 2]}
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        table = {key: column for key, column in {**ticks, **columns}.items() if column is not None}
        pq.write_table(pa.table(table), path, row_group_size=row_group_size, write_statistics=statistics)
        return path

    return write_ticks


@pytest.fixture
def write_bars(tmp_path: Path) -> Write:
    """Write two IBM bars, a minute apart, with some columns replaced or added."""

    def write_two(name: str = "bars.parquet", **columns: Any) -> Path:
        prices = {price: [180.0, 181.0] for price in ("open", "high", "low", "close")}
        bars = {"ticker": ["IBM", "IBM"], "timestamp": [NOON, NOON + 60 * SECOND], **prices, "volume": [100, 200]}
        pq.write_table(pa.table({**bars, **columns}), tmp_path / name)
        return tmp_path / name

    return write_two


@pytest.fixture
def write_fmvs(tmp_path: Path) -> Write:
    """Write two IBM fair values, a second apart, with some columns replaced or added."""

    def write_two(name: str = "fmv.parquet", **columns: Any) -> Path:
        fmvs = {"ticker": ["IBM", "IBM"], "timestamp": [NOON, NOON + SECOND], "fmv": [180.0, 181.0]}
        pq.write_table(pa.table({**fmvs, **columns}), tmp_path / name)
        return tmp_path / name

    return write_two

"""Small markets as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tickstock_cli.synth.market import PORTION_ROWS, SyntheticMarket
from tickstock_cli.synth.options import MarketOptions
from tickstock_cli.synth.truth import truth_table

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class MadeMarket:
    """A market and all of its rows; times are int64 ns UTC, sizes shares."""

    market: SyntheticMarket
    ticks: pl.DataFrame
    bars: pl.DataFrame
    fmvs: pl.DataFrame
    truth: pl.DataFrame

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return what was injected of one kind; start and end as int64 ns."""
        return self.truth.filter(pl.col("kind") == kind).to_dicts()


def make_market(options: MarketOptions, most_rows: int = PORTION_ROWS) -> MadeMarket:
    """Make a market and keep its rows."""
    market = SyntheticMarket(options)
    portions = list(market.portions(most_rows))
    ticks = _table(market, [portion.ticks for portion in portions])
    bars = _table(market, [portion.bars for portion in portions])
    starts = np.concatenate([np.full(len(portion.bars.symbol), portion.bars_start) for portion in portions])
    fmvs = _table(market, [portion.fmvs for portion in portions])
    truth = pl.DataFrame(truth_table(market)).with_columns(pl.col("start", "end").dt.epoch("ns"))
    return MadeMarket(
        market,
        ticks.with_columns(pl.col("size") / 1e6),
        bars.with_columns(pl.col("volume") / 1e6, timestamp=pl.Series(starts)),
        fmvs,
        truth,
    )


def _table(market: SyntheticMarket, parts: Sequence[Any]) -> pl.DataFrame:
    columns: dict[str, NDArray[Any]] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in parts[0]._fields
    }
    symbol = columns.pop("symbol")
    return pl.DataFrame({"ticker": np.array(market.tickers)[symbol], **columns})


def content_hash(table: pl.DataFrame) -> str:
    """Hash every value of a table: the columns' names, numbers as little-endian bytes, strings between newlines."""
    digest = sha256()
    for column in table:
        digest.update(column.name.encode())
        if column.dtype == pl.String:
            digest.update("\n".join(column.to_list()).encode())
        else:
            values = column.to_numpy()
            digest.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()

"""The digest of a backtest: one sha256 that two of them share exactly if all that they found is the same."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from hashlib import sha256

import pyarrow as pa

from tickstock_cli.backtest.observation_digest import ObservationDigest
from tickstock_cli.backtest.observation_table import observation_rows
from tickstock_cli.backtest.tap import BacktestTap
from tickstock_cli.backtest.trade_tables import TradeNames, trade_rows, trade_schema
from tickstock_cli.core.digest import ColumnDigest


class BacktestDigest:
    """Hashes the observations and trades of a finished backtest as they are read."""

    def __init__(self, tap: BacktestTap, horizons: Sequence[str]) -> None:
        self._tap = tap
        self._horizons = horizons
        self._observations = ObservationDigest(tap.names, horizons)
        self._trades = ColumnDigest(trade_schema("trades").names)

    def observations(self) -> Iterator[pa.RecordBatch]:
        """Yield all observations as rows of ``observations.parquet``, adding each to the digest."""
        names = self._tap.names
        for chunk in self._tap.observations.chunks():
            self._observations.update(chunk)
            yield observation_rows(chunk, self._horizons, names)

    def add_observations(self) -> None:
        """Add all observations to the digest."""
        for chunk in self._tap.observations.chunks():
            self._observations.update(chunk)

    def trades(self) -> Iterator[pa.RecordBatch]:
        """Yield the trades of all strategies as rows of ``trades.parquet``, adding each to the digest."""
        for rows in traded_rows(self._tap, "trades"):
            self._trades.update(rows)
            yield rows

    def hexdigest(self) -> str:
        """Return the digest of what was read so far."""
        lines = f"observations {self._observations.hexdigest()}\ntrades {self._trades.hexdigest()}\n"
        return sha256(lines.encode()).hexdigest()


def traded_rows(tap: BacktestTap, table: str) -> Iterator[pa.RecordBatch]:
    """Yield the records of all strategies as rows of a table, strategy by strategy in the order of records."""
    for simulation, files in zip(tap.simulations, tap.traded, strict=True):
        names = TradeNames(simulation.strategy.name, tap.names, simulation.reasons)
        for chunk in files[table].chunks():
            yield trade_rows(table, names, chunk)


def digest_of(tap: BacktestTap, horizons: Sequence[str]) -> str:
    """Return the digest of a finished backtest."""
    digest = BacktestDigest(tap, horizons)
    digest.add_observations()
    deque(digest.trades(), maxlen=0)
    return digest.hexdigest()

"""The digest of a backtest: one sha256 that two of them share exactly if all that they found is the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from tickstock_cli.backtest.observation_table import SCHEMA, observation_rows
from tickstock_cli.backtest.tap import BacktestTap
from tickstock_cli.core.digest import ColumnDigest


class BacktestDigest:
    """Hashes observations as they are read."""

    def __init__(self, horizons: Sequence[str]) -> None:
        self._horizons = horizons
        self._observations = ColumnDigest(SCHEMA.names)

    def observations(self, tap: BacktestTap) -> Iterator[pa.RecordBatch]:
        """Yield all observations as rows of ``observations.parquet``, adding each to the digest."""
        names = tap.names
        for chunk in tap.observations.chunks():
            rows = observation_rows(chunk, self._horizons, names)
            self._observations.update(rows)
            yield rows

    def hexdigest(self) -> str:
        """Return the digest of what was read so far."""
        return self._observations.hexdigest()


def digest_of(tap: BacktestTap, horizons: Sequence[str]) -> str:
    """Return the digest of a finished backtest."""
    digest = BacktestDigest(horizons)
    for _ in digest.observations(tap):
        pass
    return digest.hexdigest()

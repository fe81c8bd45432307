"""The digest of observations, computed from their records: the tables of files are not needed for it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.event_names import EventNames
from tickstock_cli.core.symbols import ticker_hash
from tickstock_cli.study.horizon_rows import placebo_means
from tickstock_cli.study.observations import OBSERVED, Observations

_OF_EVENT = ("event_id", "decision", "direction", "entry_time", "entry_price")
_OF_HORIZON = ("status", "return_bps", "mfe_bps", "mae_bps")
_NAMED = ("ticker", "kind", "source")
_PLACEBO = ("placebo_bps", "placebo_n")


class ObservationDigest:
    """Hashes observations in their order, column by column; a name counts by a hash of its own.

    Two of them are equal exactly if all tickers, kinds, sources and values of their observations are.
    """

    def __init__(self, names: EventNames, horizons: Sequence[str]) -> None:
        self._tickers = names.symbols.hashes()
        self._kinds, self._sources = (
            np.array([ticker_hash(name) for name in listed], dtype=np.uint64) for listed in (names.kinds, names.sources)
        )
        self._columns = {name: sha256() for name in (*_NAMED, *_OF_EVENT, *_OF_HORIZON, *_PLACEBO)}
        self._horizons = tuple(horizons)

    def update(self, observations: Observations) -> None:
        """Add observations that follow those added before."""
        records, placebo = observations
        for name, hashes, codes in (
            ("ticker", self._tickers, records["code"]),
            ("kind", self._kinds, records["kind"]),
            ("source", self._sources, records["source"]),
        ):
            self._add(name, hashes[codes])
        for name in (*_OF_EVENT, *_OF_HORIZON):
            self._add(name, records[name])
        status = records["status"].ravel()
        mean, number = placebo_means(placebo.transpose(0, 2, 1).reshape(len(status), placebo.shape[1]))
        is_none = status != OBSERVED
        mean[is_none], number[is_none] = np.nan, 0
        self._add("placebo_bps", mean)
        self._add("placebo_n", number)

    def hexdigest(self) -> str:
        """Return the digest of what was added so far."""
        lines = [f"{name} {column.hexdigest()}\n" for name, column in self._columns.items()]
        return sha256("".join([*lines, *(f"{horizon}\n" for horizon in self._horizons)]).encode()).hexdigest()

    def _add(self, name: str, values: NDArray[Any]) -> None:
        plain = np.ascontiguousarray(values)
        if plain.dtype.kind == "f":
            plain = np.where(np.isnan(plain), np.nan, plain + 0.0)  # -0.0 becomes 0.0, and there is one NaN
        self._columns[name].update(plain.view(np.uint8).data if plain.size else b"")

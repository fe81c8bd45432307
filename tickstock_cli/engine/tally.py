"""The tally: counts of a run's events for its summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tickstock_cli.core.events import SOURCES, EventRows
from tickstock_cli.core.growth import grown
from tickstock_cli.core.symbols import SymbolTable

FEW = 2_000
"""Events whose tickers are counted one by one: counting at once touches all tickers there are."""


class Tally:
    """Counts events by kind, by source and by ticker.

    Parameters
    ----------
    kinds
        Names of the kinds of internal events, by code.
    symbols
        Tickers of internal events, by code.
    """

    def __init__(self, kinds: Sequence[str] = (), symbols: SymbolTable | None = None) -> None:
        self.events = 0
        self._pairs = tuple(product(kinds, SOURCES))
        self._symbols = symbols
        self._by_pair = np.zeros(len(self._pairs), np.int64)
        self._by_code = np.zeros(0, np.int64)
        self._read_by_pair: Counter[tuple[str, str]] = Counter()
        self._read_by_ticker: Counter[str] = Counter()

    def update(self, events: EventRows) -> None:
        """Count more internal events."""
        self.events += len(events)
        pairs = events["kind"].astype(np.int64)
        pairs *= len(SOURCES)
        pairs += events["source"]
        self._by_pair += np.bincount(pairs, minlength=len(self._by_pair))
        codes = events["code"]
        self._by_code = grown(self._by_code, 0 if self._symbols is None else len(self._symbols), 0)
        if len(codes) <= FEW:
            np.add.at(self._by_code, codes, 1)
        else:
            self._by_code += np.bincount(codes, minlength=len(self._by_code))

    def update_read(self, events: pa.RecordBatch) -> None:
        """Count more events that are encoded already, such as those of a checkpoint."""
        self.events += len(events)
        kinds, sources = (cast(Any, events[name]).to_pylist() for name in ("kind", "source"))
        self._read_by_pair.update(zip(kinds, sources, strict=True))
        counts: Any = pc.value_counts(events["ticker"])
        names, numbers = (counts.field(name).to_pylist() for name in ("values", "counts"))
        self._read_by_ticker.update(dict(zip(names, numbers, strict=True)))

    @property
    def by_kind_and_source(self) -> Counter[tuple[str, str]]:
        """Events by kind and source; those that never came have no entry. Call it while no event is counted."""
        counts = zip(self._pairs, self._by_pair.tolist(), strict=True)
        return self._read_by_pair + Counter({pair: count for pair, count in counts if count})

    @property
    def by_kind(self) -> Counter[str]:
        """Events by kind."""
        return self._sums(0)

    @property
    def by_source(self) -> Counter[str]:
        """Events by source."""
        return self._sums(1)

    @property
    def by_ticker(self) -> Counter[str]:
        """Events by ticker."""
        tickers = () if self._symbols is None else self._symbols.tickers
        codes = np.flatnonzero(self._by_code).tolist()
        return self._read_by_ticker + Counter({tickers[code]: int(self._by_code[code]) for code in codes})

    def _sums(self, place: int) -> Counter[str]:
        sums: Counter[str] = Counter()
        for pair, count in self.by_kind_and_source.items():
            sums[pair[place]] += count
        return sums

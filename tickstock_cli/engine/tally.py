"""The tally: counts of a run's events for its summary."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tickstock_cli.core.arrow_arrays import values

ROWS_AT_ONCE = 65_536
"""Events whose tickers are counted together: a count of each of thousands of tickers is a Python object."""


class Tally:
    """Counts events by kind, by source and by ticker."""

    def __init__(self) -> None:
        self.events = 0
        self.by_kind: Counter[str] = Counter()
        self.by_source: Counter[str] = Counter()
        self.by_kind_and_source: Counter[tuple[str, str]] = Counter()
        self._by_ticker: Counter[str] = Counter()
        self._waiting: list[Any] = []
        self._waiting_rows = 0

    def update(self, events: pa.RecordBatch) -> None:
        """Count more events."""
        self.events += len(events)
        # Not by group_by: it starts Arrow's threads, which takes longer than counting the few events of a live batch.
        kinds, sources = (cast(Any, events[name]).dictionary_encode() for name in ("kind", "source"))
        names = list(product(kinds.dictionary.to_pylist(), sources.dictionary.to_pylist()))
        kind_codes, source_codes = (values(column.indices, np.int32, 0) for column in (kinds, sources))
        pairs = kind_codes * len(sources.dictionary) + source_codes
        for (kind, source), count in zip(names, np.bincount(pairs, minlength=len(names)).tolist(), strict=True):
            if count:
                self.by_kind[kind] += count
                self.by_source[source] += count
                self.by_kind_and_source[kind, source] += count
        self._waiting.append(events["ticker"])
        self._waiting_rows += len(events)
        if self._waiting_rows >= ROWS_AT_ONCE:
            self._count_tickers()

    @property
    def by_ticker(self) -> Counter[str]:
        """Events by ticker; call it while no event is counted."""
        if self._waiting:
            self._count_tickers()
        return self._by_ticker

    def _count_tickers(self) -> None:
        counts: Any = pc.value_counts(pa.chunked_array(self._waiting))
        names, numbers = (counts.field(name).to_pylist() for name in ("values", "counts"))
        self._by_ticker.update(dict(zip(names, numbers, strict=True)))
        self._waiting.clear()
        self._waiting_rows = 0

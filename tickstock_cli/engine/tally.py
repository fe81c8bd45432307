"""The tally: counts of a run's events for its summary."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc


class Tally:
    """Counts events by kind, by source and by ticker."""

    def __init__(self) -> None:
        self.events = 0
        self.by_kind: Counter[str] = Counter()
        self.by_source: Counter[str] = Counter()
        self.by_kind_and_source: Counter[tuple[str, str]] = Counter()
        self.by_ticker: Counter[str] = Counter()

    def update(self, events: pa.RecordBatch) -> None:
        """Count more events."""
        self.events += len(events)
        # Not by group_by: it starts Arrow's threads, which takes longer than counting the few events of a live batch.
        kinds, sources = (cast(Any, events[name]).dictionary_encode() for name in ("kind", "source"))
        pairs = zip(kinds.indices.to_pylist(), sources.indices.to_pylist(), strict=True)
        for (kind_code, source_code), count in Counter(pairs).items():
            kind, source = kinds.dictionary[kind_code].as_py(), sources.dictionary[source_code].as_py()
            self.by_kind[kind] += count
            self.by_source[source] += count
            self.by_kind_and_source[kind, source] += count
        tickers: Any = pc.value_counts(events["ticker"])
        for entry in tickers.to_pylist():
            self.by_ticker[entry["values"]] += entry["counts"]

"""The tally: what a summary tells of a run's events."""

from __future__ import annotations

from collections import Counter
from typing import Any

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
        pairs = pa.table([events["kind"], events["source"]], names=["kind", "source"])
        grouped: list[Any] = pairs.group_by(["kind", "source"]).aggregate([([], "count_all")]).to_pylist()
        for row in grouped:
            self.by_kind[row["kind"]] += row["count_all"]
            self.by_source[row["source"]] += row["count_all"]
            self.by_kind_and_source[row["kind"], row["source"]] += row["count_all"]
        tickers: Any = pc.value_counts(events["ticker"])
        for entry in tickers.to_pylist():
            self.by_ticker[entry["values"]] += entry["counts"]

"""Rows as encoded events: what a release is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.vendors.polygon.encode import WireEncoder

OWN_COLUMNS = {"tick": "price", "ohlcv": "open", "fmv": "fmv"}


class ItemTable:
    """Subscription items that encoded events are of, such as ``T.AAPL``, with a number each.

    One thread adds items, others read those whose numbers they have.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.names)

    def number(self, item: str) -> int:
        """Return the number of an item, which is new to the table or not."""
        number = self._numbers.get(item)
        if number is None:
            number = len(self.names)
            self.names.append(item)
            self._numbers[item] = number
        return number


@dataclass(frozen=True, slots=True)
class EncodedChunk:
    """Encoded events in the order of their release.

    Parameters
    ----------
    events
        JSON objects.
    items
        Per event the number of its subscription item in the table.
    times
        Available times, int64 ns UTC; they do not descend.
    unsent
        Rows that the wire has no event for, by reason: ``interval``, ``ticker``.
    """

    events: Sequence[bytes]
    items: NDArray[np.int32]
    times: NDArray[np.int64]
    unsent: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.events)

    def cut(self, start: int, stop: int) -> EncodedChunk:
        """Return the events [start, stop)."""
        return EncodedChunk(self.events[start:stop], self.items[start:stop], self.times[start:stop])


def chunks_of(rows: Iterable[pa.RecordBatch | Sequence[pa.RecordBatch]], table: ItemTable) -> Iterator[EncodedChunk]:
    """Yield rows as chunks; batches that come together are merged by available time, then in the order given."""
    encoder = WireEncoder()
    for together in rows:
        batches = [together] if isinstance(together, pa.RecordBatch) else together
        parts = [_chunk(encoder, batch, table) for batch in batches]
        if len(parts) == 1:
            yield parts[0]
        elif parts:
            yield _merged(parts)


def _chunk(encoder: WireEncoder, batch: pa.RecordBatch, table: ItemTable) -> EncodedChunk:
    encoded = encoder.encode(_record_type(batch), batch)
    numbers = np.array([table.number(item) for item in encoded.items], dtype=np.int32)
    times = batch["received_at"].to_numpy(zero_copy_only=False)
    return EncodedChunk(encoded.events, numbers[encoded.item_codes], times[encoded.rows], encoded.unsent)


def _record_type(batch: pa.RecordBatch) -> str:
    """Return the record type of recorded rows, by a column that only it has."""
    return next(record for record, name in OWN_COLUMNS.items() if name in batch.schema.names)


def _merged(parts: Sequence[EncodedChunk]) -> EncodedChunk:
    times = np.concatenate([part.times for part in parts])
    order = np.argsort(times, kind="stable")
    events = [event for part in parts for event in part.events]
    items = np.concatenate([part.items for part in parts])[order]
    unsent = sum((part.unsent for part in parts), Counter[str]())
    return EncodedChunk([events[place] for place in order.tolist()], items, times[order], unsent)

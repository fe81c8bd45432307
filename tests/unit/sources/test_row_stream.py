"""Rows of several record types that came together are merged, and told to a listener before the run gets them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pyarrow as pa

from tickstock_cli.core.feed import FeedListener
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.row_stream import ReceivedRows, RowStream

NOON = 1_381_248_000_000_000_000
TICK = {"ticker": "IBM", "price": 180.0, "size": 1.0}
BAR = {"ticker": "IBM", "open": 1.0, "high": 2.0, "low": 1.0, "close": 2.0, "volume": 1.0, "interval": 60.0}
FMV = {"ticker": "IBM", "fmv": 180.0}


def rows(values: dict[str, Any], *received: int) -> pa.RecordBatch:
    """Return rows that were received at times behind noon."""
    return pa.RecordBatch.from_pylist([{**values, "timestamp": NOON, "received_at": NOON + at} for at in received])


class Together(RowStream):
    """Rows of a list."""

    def __init__(self, *received: ReceivedRows | None) -> None:
        super().__init__("together", ReadOptions(), repeatable=True)
        self._received = received

    def record_batches(self) -> Iterator[ReceivedRows | None]:
        return iter(self._received)


def available(source: Together, batch_rows: int = 100) -> list[tuple[str, int]]:
    """Return record type and available time behind noon of all rows, in merge order."""
    found = []
    with closing(source):
        batches = list(source.batches(batch_rows))
    for batch in batches:
        for name, part in (("tick", batch.ticks), ("ohlcv", batch.bars), ("fmv", batch.fmvs)):
            found += [(int(order), name, int(at)) for order, at in zip(part.order, part.available_at, strict=True)]
    assert [order for order, _, _ in sorted(found)] == list(range(len(found)))
    return [(name, at - NOON) for _, name, at in sorted(found)]


def test_rows_that_came_together_are_merged() -> None:
    """Their order is that of a replay of the recording, which has a file per type: time, type, arrival."""
    first = [rows(FMV, 1, 3), rows(BAR, 2, 3), rows(TICK, 1, 3, 3)]
    expected = [("tick", 1), ("fmv", 1), ("ohlcv", 2), ("tick", 3), ("tick", 3), ("ohlcv", 3), ("fmv", 3)]

    for batch_rows in (100, 2):
        assert available(Together(first, None, rows(TICK, 4), None), batch_rows) == [*expected, ("tick", 4)]


def test_a_look_up_finds_rows_that_came_together() -> None:
    """A rejected row is shown as it came, whatever came with it."""
    with closing(Together([rows(FMV, 1), rows(TICK, 2, 3)], [rows(BAR, 4)])) as source:
        (batch,) = source.batches(100)

        assert source.origins().fetch(int(batch.ticks.origin[1]))[2]["price"] == 180.0
        assert source.origins().fetch(int(batch.fmvs.origin[0]))[2]["fmv"] == 180.0
        assert source.origins().fetch(int(batch.bars.origin[0]))[2]["interval"] == 60.0


def test_a_listener_is_told_rows_before_the_run_gets_them() -> None:
    """What the run computed on is in the recording."""
    told: list[int] = []

    class Counting(FeedListener):
        def rows(self, batches: Sequence[pa.RecordBatch]) -> None:
            told.append(sum(batch.num_rows for batch in batches))

    with closing(Together([rows(TICK, 1), rows(FMV, 1, 2)], None, rows(TICK, 3), None)) as source:
        source.listen(Counting())
        fed = [(len(batch), sum(told)) for batch in source.batches(100)]

    assert fed == [(3, 3), (1, 4)]

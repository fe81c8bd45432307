"""The digest of a run: the same events give the same digest, however they were cut into batches."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tests.unit.engine.events import morning_events
from tickstock_cli.core.digest import BATCHES_AT_ONCE, ROWS_AT_ONCE, EventDigest


def _many_events() -> pa.RecordBatch:
    """Return more events than are hashed at once."""
    times = ROWS_AT_ONCE // len(morning_events()) + 2
    return pa.Table.from_batches([morning_events()] * times).combine_chunks().to_batches()[0]


def _digest_of_batches(events: pa.RecordBatch, rows: int) -> str:
    digest = EventDigest()
    for start in range(0, len(events), rows):
        digest.update(events.slice(start, rows))
    return digest.hexdigest()


@pytest.mark.parametrize("rows", [1, 7, 1_000, ROWS_AT_ONCE, ROWS_AT_ONCE + 1])
def test_a_digest_does_not_depend_on_batches(rows: int) -> None:
    """A live run tells events one by one, a replay thousands at once: more batches and rows than are joined."""
    events = _many_events()
    assert len(events) > max(ROWS_AT_ONCE, BATCHES_AT_ONCE)

    whole = EventDigest()
    whole.update(events)
    assert _digest_of_batches(events, rows) == whole.hexdigest()


def test_another_order_is_another_digest() -> None:
    """Two events that change places are no equal run."""
    events = morning_events()
    turned = events.take(pa.array(range(len(events) - 1, -1, -1)))
    assert _digest_of_batches(turned, 1) != _digest_of_batches(events, 1)

"""The tally: what a summary counts."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.unit.engine.events import morning_events
from tickstock_cli.engine.tally import Tally


@pytest.mark.parametrize("batch_rows", [1, 50, 10_000])
def test_a_tally_equals_a_plain_count(batch_rows: int) -> None:
    """By kind, by source, by both, and by ticker, however the events were cut."""
    events = morning_events()
    tally = Tally()
    for start in range(0, len(events), batch_rows):
        tally.update(events.slice(start, batch_rows))

    rows = events.to_pylist()
    assert tally.events == len(rows)
    assert tally.by_kind == Counter(row["kind"] for row in rows)
    assert tally.by_source == Counter(row["source"] for row in rows)
    assert tally.by_kind_and_source == Counter((row["kind"], row["source"]) for row in rows)
    assert tally.by_ticker == Counter(row["ticker"] for row in rows)


def test_a_batch_without_events_counts_nothing() -> None:
    """Names that never came have no zero either."""
    tally = Tally()
    tally.update(morning_events().slice(0, 0))

    assert (tally.events, dict(tally.by_kind), dict(tally.by_ticker)) == (0, {}, {})

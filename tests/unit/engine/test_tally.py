"""The tally: what a summary counts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.unit.engine.events import morning_events
from tickstock_cli.core.events import EVENT, SOURCES, EventRows
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.tally import FEW, Tally

KINDS = ("high", "low", "surge")


@pytest.mark.parametrize("batch_rows", [1, 50, 10_000])
def test_a_tally_equals_a_plain_count(batch_rows: int) -> None:
    """By kind, by source, by both, and by ticker, however the events were cut."""
    events = morning_events()
    tally = Tally()
    for start in range(0, len(events), batch_rows):
        tally.update_read(events.slice(start, batch_rows))

    rows = events.to_pylist()
    assert tally.events == len(rows)
    assert tally.by_kind == Counter(row["kind"] for row in rows)
    assert tally.by_source == Counter(row["source"] for row in rows)
    assert tally.by_kind_and_source == Counter((row["kind"], row["source"]) for row in rows)
    assert tally.by_ticker == Counter(row["ticker"] for row in rows)


def internal_events(count: int, tickers: int) -> EventRows:
    """Return events of any kind, source and ticker but the last one."""
    drawn = np.random.default_rng(12)
    events = np.zeros(count, dtype=EVENT)
    events["kind"], events["source"] = drawn.integers(0, len(KINDS), count), drawn.integers(0, 3, count)
    events["code"] = drawn.integers(0, tickers - 1, count)
    return events


@pytest.mark.parametrize("batch_rows", [1, 50, FEW + 1])
def test_internal_events_count_as_encoded_ones(batch_rows: int) -> None:
    """Events of a checkpoint come first; tickers may come later than the first events."""
    symbols = SymbolTable(["IBM", "AAPL"])
    tally = Tally(KINDS, symbols)
    tally.update_read(morning_events())
    tally.update(internal_events(10, 2))
    symbols.add([f"T{number}" for number in range(100)])
    events = internal_events(2 * (FEW + 1) if batch_rows > 50 else 200, len(symbols))
    for start in range(0, len(events), batch_rows):
        tally.update(events[start : start + batch_rows])

    read, names = morning_events().to_pylist(), symbols.tickers
    counted = np.concatenate([internal_events(10, 2), events])
    pairs = [(KINDS[kind], SOURCES[source]) for kind, source in counted[["kind", "source"]].tolist()]
    assert tally.events == len(read) + len(counted)
    assert tally.by_kind_and_source == Counter([*((row["kind"], row["source"]) for row in read), *pairs])
    assert tally.by_kind == Counter([*(row["kind"] for row in read), *(kind for kind, _ in pairs)])
    assert tally.by_ticker == Counter(
        [*(row["ticker"] for row in read), *(names[code] for code in counted["code"].tolist())]
    )


def test_a_batch_without_events_counts_nothing() -> None:
    """Names that never came have no zero either."""
    tally = Tally(KINDS, SymbolTable(["IBM"]))
    tally.update_read(morning_events().slice(0, 0))
    tally.update(internal_events(0, 2))

    assert (tally.events, dict(tally.by_kind), dict(tally.by_ticker)) == (0, {}, {})

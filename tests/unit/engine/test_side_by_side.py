"""Events of two configurations side by side: the count of two multisets, however the events come."""

from __future__ import annotations

from collections import Counter
from unittest.mock import patch

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.engine import side_by_side
from tickstock_cli.engine.side_by_side import RunSide, SideBySide

Key = tuple[str, str, int]
keys = st.tuples(st.sampled_from(["high", "low"]), st.sampled_from(["A", "B", "C"]), st.integers(0, 3))
parts = st.lists(st.tuples(st.sampled_from(RunSide), st.lists(keys, max_size=5)), max_size=8)


def events(told: list[Key]) -> pa.RecordBatch:
    """Return events with the columns that are compared."""
    kind, ticker, timestamp = ([key[place] for key in told] for place in range(3))
    columns = [pa.array(kind, pa.string()), pa.array(ticker, pa.string()), pa.array(timestamp, pa.int64())]
    return pa.record_batch(columns, ["kind", "ticker", "timestamp"])


@given(parts, st.sampled_from([1, 3, 1000]))
def test_each_event_counts_once(told: list[tuple[RunSide, list[Key]]], at_once: int) -> None:
    """Also if a side tells the same twice, and however many events are compared at once."""
    sides: dict[RunSide, Counter[Key]] = {side: Counter() for side in RunSide}
    with patch.object(side_by_side, "COMPARED_AT_ONCE", at_once):
        compared = SideBySide()
        for side, batch in told:
            compared.add(side, events(batch))
            sides[side].update(batch)
        found = compared.by_kind()

    main, shadow = sides[RunSide.MAIN], sides[RunSide.SHADOW]
    wanted = {"main": main - shadow, "shadow": shadow - main, "both": main & shadow}
    for kind in {kind for kind, _, _ in [*main, *shadow]}:
        assert found[kind] == {
            side: sum(count for key, count in counts.items() if key[0] == kind) for side, counts in wanted.items()
        }

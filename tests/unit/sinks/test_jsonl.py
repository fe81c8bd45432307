"""JSON lines: the bytes are those of polars' own writer, for values of every kind."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from tests.unit.engine.events import morning_events
from tickstock_cli.sinks.jsonl import json_lines

HOSTILE = pl.DataFrame(
    {
        "event_id": pl.Series([2**64 - 1, 0, None, 2**53 + 1], dtype=pl.UInt64),
        "price": [0.1 + 0.2, 1e22, -0.0, 5e-324],
        "size": [float("nan"), float("inf"), float("-inf"), None],
        "ticker": ['BRK"B', "a\\b\n\t\x01\x7f", "Ärger 𝄞\u2028", ""],
        "open": [True, False, None, True],
        "day": [date(2024, 6, 12), None, date(1970, 1, 1), date(9999, 12, 31)],
        "at": [datetime(2024, 6, 12, 13, 30, 0, 123456, UTC), None, None, None],
    }
)


@pytest.mark.parametrize(
    "rows",
    [pl.DataFrame(morning_events()), HOSTILE, HOSTILE.head(1), HOSTILE.clear(), HOSTILE.select("price")],
    ids=["events", "hostile", "one row", "none", "one column"],
)
def test_lines_are_those_of_polars(rows: pl.DataFrame) -> None:
    """Numbers without digits lost, characters escaped, null for what JSON has no number for."""
    assert json_lines(rows).decode() == rows.write_ndjson()

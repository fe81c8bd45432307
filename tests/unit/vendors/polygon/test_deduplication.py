"""Trades that are repeated after a reconnect are found exactly, however they are cut into batches."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.testing import SECOND
from tickstock_cli.vendors.polygon.deduplication import Deduplication

Trade = tuple[int, str, int | None, int | None, str | None]
"""When it was received, in seconds; ticker, exchange, TRF, id."""


def batch(trades: list[Trade]) -> pa.RecordBatch:
    """Return trades as rows; their place is their size, to tell them apart."""
    rows = [
        {
            "received_at": at * SECOND,
            "ticker": ticker,
            "exchange": exchange,
            "trf_id": trf,
            "trade_id": name,
            "size": 1.0,
        }
        for at, ticker, exchange, trf, name in trades
    ]
    return pa.RecordBatch.from_pylist(rows, schema=RECORDED["tick"])


KEYS = st.tuples(
    st.sampled_from(["A", "B"]),
    st.sampled_from([4, None]),
    st.sampled_from([1, 2, None]),
    st.sampled_from(["1", "2", None]),
)


@given(
    st.lists(st.tuples(st.integers(0, 4), KEYS), max_size=40),
    st.lists(st.integers(0, 60), max_size=3),
    st.integers(1, 5),
    st.sampled_from([0, 10_000]),
)
def test_what_is_dropped_is_what_a_plain_comparison_drops(
    steps: list[tuple[int, tuple[str, int | None, int | None, str | None]]],
    reconnects: list[int],
    size: int,
    least_rows: int,
) -> None:
    """By ticker, exchange, TRF and id, within 30 s, in the 30 s after a reconnect; nulls are values."""
    trades: list[Trade] = []
    at = 0
    for wait, key in steps:
        at += wait
        trades.append((at, *key))
    repeated = Deduplication(10, least_rows)
    left: list[Trade] = []
    told: set[int] = set()
    for first in range(0, len(trades), size):
        piece = trades[first : first + size]
        # A reconnect lies between frames: it is told before the first row that was received after it.
        due = [one for one in reconnects if one <= piece[0][0] and one not in told]
        for one in sorted(due):
            repeated.reconnected(one * SECOND)
            told.add(one)
        kept = repeated.without_repeated(batch(piece)).to_pylist()
        left += [(r["received_at"] // SECOND, r["ticker"], r["exchange"], r["trf_id"], r["trade_id"]) for r in kept]

    assert left == [trade for trade, dropped in plainly(trades, reconnects, size) if not dropped]


def plainly(trades: list[Trade], reconnects: list[int], size: int) -> list[tuple[Trade, bool]]:
    """Return each trade, and whether the plain rule drops it; a reconnect counts from its batch on."""
    found = []
    until = -1
    for place, trade in enumerate(trades):
        begin = trades[place - place % size][0]
        for one in reconnects:
            if one <= begin:
                until = max(until, one + 10)
        known = trade[4] is not None and any(
            trade[0] - before[0] <= 10 and before[1:] == trade[1:] for before in trades[:place]
        )
        found.append((trade, known and trade[0] <= until))
    return found


def test_a_feed_that_connects_again_and_again_takes_no_more_memory() -> None:
    """Trades are compared all the time then; what is older than 10 s is forgotten all the same."""
    repeated = Deduplication(10, least_rows=100)
    most, found = 0, 0
    for at in range(500):
        repeated.reconnected(at * SECOND)
        pieces = batch([(at, "A", 4, 1, str(10 * at + number)) for number in range(-5, 10)])
        found += pieces.num_rows - repeated.without_repeated(pieces).num_rows
        most = max(most, repeated.rows)

    assert found == 5 * 499
    assert most < 1_000


def test_it_can_be_turned_off() -> None:
    """0 seconds compare nothing."""
    repeated = Deduplication(0)
    repeated.reconnected(0)

    assert repeated.without_repeated(batch([(1, "A", 4, 1, "1")] * 3)).num_rows == 3

"""Bars made of trades: those of plain Python, told when their interval ends, each trade counted once."""

from __future__ import annotations

import math
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.bars_from_trades import Call, Trade, gathered
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.core.stamps import Stamps
from tickstock_cli.sources.bars_from_trades import BarsFromTrades, FeedTime, LiveBars
from tickstock_cli.testing import MILLISECOND, SECOND, new_york

TEN = new_york("2024-06-12", "10:00:00")
LEDGER = ("used_trades", "late_trades", "skipped_trades", "unpriced_trades", "open_trades")


def ticks(*trades: Trade) -> pa.RecordBatch:
    """Return trades as a live feed hands them on."""
    schema = RECORDED["tick"]
    return pa.RecordBatch.from_pylist([{**asdict(trade), "conditions": []} for trade in trades], schema=schema)


def trade(ticker: str, seconds: float, price: float, size: float = 100, flags: int = 0) -> Trade:
    """Return a trade so many seconds after ten, received at once."""
    time = TEN + round(seconds * SECOND)
    return Trade(ticker, time, price, size, flags, time)


times = st.one_of(
    st.integers(0, 5_000).map(lambda ms: TEN + ms * MILLISECOND),
    st.sampled_from([None, 0, -5, TEN + 70 * SECOND, 2**63 - 1]),
)
prices = st.one_of(
    st.integers(9_000, 11_000).map(lambda cents: cents / 100), st.sampled_from([None, math.nan, math.inf, 0.0, -1.0])
)
sizes = st.one_of(
    st.integers(0, 5_000_000).map(lambda micros: micros / 1_000_000),
    st.sampled_from([None, math.nan, -1.0, 1e12, 0.1, 1e11]),
)
trades = st.builds(
    Trade, st.sampled_from(["IBM", "AAPL", "Z", "", None]), times, prices, sizes,
    st.one_of(st.none(), st.integers(0, 7)), st.just(TEN + 5 * SECOND),
)  # fmt: skip
calls = st.lists(
    st.one_of(st.lists(trades, max_size=12), st.integers(0, 6_000).map(lambda ms: (TEN + ms * MILLISECOND, ms + 1))),
    max_size=12,
)


def close(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Return whether two bars are equal, but for the last digits of vwap."""
    mine, other = ours.pop("vwap"), theirs.pop("vwap")
    same = (mine is None and other is None) or math.isclose(mine, other, rel_tol=1e-12)
    return same and ours == theirs


@given(calls, st.sampled_from([1, 2, 60]))
def test_bars_are_those_of_plain_python(drawn: list[Call], seconds: int) -> None:
    """Hostile values, flags and times, cut anywhere: the same bars at the same moments, and the same counters."""
    bars = BarsFromTrades(seconds * SECOND)
    expected, counts = gathered(drawn, seconds * SECOND)
    told = []
    for call in drawn:
        if isinstance(call, tuple):
            batch = bars.advance(*call)
            told.append([] if batch is None else batch.to_pylist())
        else:
            bars.add(ticks(*call))

    bars.gather()
    ledger = bars.ledger()
    assert [[bar["ticker"] for bar in step] for step in told] == [[bar["ticker"] for bar in step] for step in expected]
    assert all(close(*pair) for step in zip(told, expected, strict=True) for pair in zip(*step, strict=True))
    assert ledger == {name: counts.get(name, 0) for name in ledger}
    assert ledger["bars.trades"] == sum(ledger[f"bars.{name}"] for name in LEDGER)


@given(st.lists(trades, max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_the_cut_into_batches_changes_no_bit(drawn: list[Trade], cuts: list[int]) -> None:
    """Sums of floats depend on their order, and that is the order in which trades came."""
    whole, parts = BarsFromTrades(SECOND), BarsFromTrades(SECOND)
    whole.add(ticks(*drawn))
    edges = [0, *sorted(cuts), len(drawn)]
    for begin, end in pairwise(edges):
        parts.add(ticks(*drawn[begin:end]))
    ends = (TEN + 10 * SECOND, 7)

    assert whole.advance(*ends) == parts.advance(*ends)


def test_flags_keep_a_trade_from_what_they_forbid() -> None:
    """An odd lot counts as volume only, one sold late may be a high, and the repeat of an auction is nothing at all."""
    bars = BarsFromTrades(SECOND)
    bars.add(
        ticks(
            trade("IBM", 0.1, 100, 10),
            trade("IBM", 0.2, 300, 20, flags=5),
            trade("IBM", 0.3, 105, 30, flags=1),
            trade("IBM", 0.4, 90, 40, flags=7),
            trade("IBM", 0.5, 101, 50),
        )
    )
    batch = bars.advance(TEN + SECOND, 1)

    assert batch is not None
    (bar,) = batch.to_pylist()
    assert (bar["open"], bar["high"], bar["low"], bar["close"]) == (100, 105, 100, 101)
    assert bar["volume"] == 110
    assert bar["vwap"] == pytest.approx((100 * 10 + 101 * 50) / 60)


def test_an_interval_without_a_usable_price_has_no_bar() -> None:
    """A bar that invented a price would be a signal of nothing."""
    bars = BarsFromTrades(SECOND)
    bars.add(ticks(trade("IBM", 0.1, 100, flags=1), trade("IBM", 0.2, 100, flags=5)))

    assert bars.advance(TEN + SECOND, 1) is None
    assert (bars.ledger()["bars.unpriced"], bars.ledger()["bars.unpriced_trades"]) == (1, 2)


def test_a_trade_after_its_bar_changes_nothing() -> None:
    """A bar is told once: what comes later is counted, also if its ticker had no bar."""
    bars = BarsFromTrades(SECOND)
    bars.add(ticks(trade("IBM", 0.1, 100)))
    first = bars.advance(TEN + SECOND, 1)
    bars.add(ticks(trade("IBM", 0.2, 200), trade("AAPL", 0.3, 50), trade("IBM", 1.0, 101)))
    second = bars.advance(TEN + 2 * SECOND, 2)

    assert first is not None
    assert second is not None
    assert second.column("timestamp").to_pylist() == [TEN + SECOND]
    bars.gather()
    assert bars.ledger()["bars.late_trades"] == 2


def test_volumes_are_exact_to_a_millionth_of_a_share() -> None:
    """A tenth is no binary fraction: a thousand of them are a hundred shares all the same."""
    bars = BarsFromTrades(60 * SECOND)
    bars.add(ticks(*(trade("IBM", second / 100, 100, 0.1) for second in range(1_000))))
    batch = bars.advance(TEN + 60 * SECOND, 1)

    assert batch is not None
    assert batch.column("volume").to_pylist() == [100.0]


def test_trades_of_far_too_many_intervals_are_skipped() -> None:
    """Times without sense must not take all memory."""
    bars = BarsFromTrades(SECOND)
    bars.add(ticks(*(trade("IBM", second, 100) for second in range(1_000))))
    bars.gather()

    assert bars.ledger()["bars.skipped_trades"] == 1_000 - 256


class TwoClocks:
    """The date and a monotonic clock, set by hand."""

    def __init__(self) -> None:
        self.time = TEN

    def __call__(self) -> int:
        return self.time

    def stamps(self) -> Stamps:
        """Return stamps of these clocks."""
        return Stamps(self, self)


def received(stamps: Stamps, *trades: Trade) -> pa.RecordBatch:
    """Return trades of a frame that is received now."""
    stamp = stamps.stamp()
    return ticks(*(Trade(**{**asdict(one), "received_at": stamp}) for one in trades))


def test_bars_come_with_the_rows_that_end_their_interval() -> None:
    """Behind the trades, with the stamp of the last one, so that a recording has them in the same place."""
    clock = TwoClocks()
    stamps = clock.stamps()
    feed = LiveBars(SECOND, stamps)
    first = feed.with_bars([received(stamps, trade("IBM", 0.1, 100))])
    clock.time += SECOND
    rows, bars = feed.with_bars([received(stamps, trade("AAPL", 1.0, 50))])

    assert len(first) == 1
    assert rows.column("ticker").to_pylist() == ["AAPL"]
    assert bars.column("ticker").to_pylist() == ["IBM"]
    assert bars.column("received_at") == rows.column("received_at")


def test_bars_come_in_silence_too() -> None:
    """The last trade of a quiet market is in a bar when its interval ends, not with the next trade."""
    clock = TwoClocks()
    stamps = clock.stamps()
    feed = LiveBars(SECOND, stamps)
    rows = received(stamps, trade("IBM", 0.25, 100))
    feed.with_bars([rows])
    clock.time += SECOND // 2
    assert feed.wait_seconds() == pytest.approx(0.25)
    clock.time += SECOND // 4
    in_flight = list(feed.in_silence())
    stamps.handed_over(rows.column("received_at")[0].as_py())
    ((bars,),) = feed.in_silence()
    (stamp,) = bars.column("received_at").to_pylist()

    assert in_flight == []  # the rows of a frame on its way have an earlier stamp, so they come first
    assert stamp == TEN + SECOND * 3 // 4
    assert stamps.passed() == stamp - 1  # in flight until it is in the queue
    feed.handed_over()
    assert stamps.passed() >= stamp
    assert feed.wait_seconds() is None


def test_without_bars_rows_pass_unchanged() -> None:
    """It costs nothing where nobody asks for it."""
    stamps = TwoClocks().stamps()
    feed = LiveBars(0, stamps)
    rows = [received(stamps, trade("IBM", 0.25, 100))]

    assert feed.with_bars(rows) is rows
    assert (feed.wait_seconds(), list(feed.in_silence()), feed.ledger()) == (None, [], {})


def test_the_time_of_a_feed_is_that_of_its_trades() -> None:
    """A feed that is 15 minutes behind, or a recording played slowly: an interval ends when its trades have come."""
    time = FeedTime()
    assert time.at(TEN) == 0
    time.came(1_000, TEN)
    assert time.at(TEN + 400) == 1_400
    time.came(1_100, TEN + 400)  # half as fast as the clock
    assert time.at(TEN + 400) == 1_100
    time.came(900, TEN + 500)  # sold late
    assert time.at(TEN + 500) == 1_200
    assert time.left(1_500, TEN + 600) == 200
    assert time.left(1_000, TEN + 600) == 0

"""Batching: when rows are taken, and how many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.runtime.batching import BUSY, BatchDecision, Batching, Load, LoadMeter, Strategy
from tickstock_cli.testing import MILLISECOND, SECOND

WAITING = [Strategy.SIZE, Strategy.TIME, Strategy.HYBRID, Strategy.ADAPTIVE]


def batching(strategy: Strategy, max_rows: int = 100, max_wait_ms: int = 100, timeout_ms: int = 50) -> Batching:
    """Return a batching in ms."""
    return Batching(strategy, max_rows, max_wait_ms * MILLISECOND, timeout_ms * MILLISECOND)


def test_immediate_takes_all_queued_rows() -> None:
    """A tick never waits for another one; what has piled up meanwhile goes along, up to a full batch."""
    immediate = batching(Strategy.IMMEDIATE)

    assert immediate.take(1, 0, 0) == BatchDecision(1)
    assert immediate.take(70, 0, 0) == BatchDecision(70)
    assert immediate.take(250, 0, 0) == BatchDecision(100)


@pytest.mark.parametrize("strategy", [Strategy.SIZE, Strategy.HYBRID])
def test_a_full_batch_is_taken_at_once_and_a_partial_one_in_time(strategy: Strategy) -> None:
    """100 rows or 100 ms, whichever comes first."""
    either = batching(strategy)

    assert either.take(99, 5, 5) == BatchDecision(0, 100 * MILLISECOND + 5)
    assert either.take(100, 5, 5) == BatchDecision(100)
    assert either.take(99, 5, 100 * MILLISECOND + 4) == BatchDecision(0, 100 * MILLISECOND + 5)
    assert either.take(99, 5, 100 * MILLISECOND + 5) == BatchDecision(99)


def test_time_ignores_the_number_of_rows() -> None:
    """A thousand rows wait as one row does; then a full batch goes at a time."""
    timed = batching(Strategy.TIME)

    assert timed.take(1_000, 0, 99 * MILLISECOND) == BatchDecision(0, 100 * MILLISECOND)
    assert timed.take(1_000, 0, 100 * MILLISECOND) == BatchDecision(100)


@pytest.mark.parametrize("strategy", list(Strategy))
def test_a_flush_takes_everything_now(strategy: Strategy) -> None:
    """Whoever waits for these rows cannot wait for others."""
    assert batching(strategy).take(3, 0, 0, Load(1e6, 1e6, 10.0), flush=True) == BatchDecision(3)
    assert batching(strategy).take(300, 0, 0, Load(1e6, 1e6, 10.0), flush=True) == BatchDecision(100)


@pytest.mark.parametrize("strategy", list(Strategy))
def test_an_empty_queue_waits_for_rows(strategy: Strategy) -> None:
    """There is no time at which asking again would help."""
    assert batching(strategy).take(0, 0, 0, flush=True) == BatchDecision(0, None)


def test_only_strategies_that_wait_grant_a_wait() -> None:
    """The rest of a row's latency counts against the timeout."""
    granted = {strategy: batching(strategy).granted_wait_ns // MILLISECOND for strategy in Strategy}

    assert granted == {"immediate": 0, "size": 100, "time": 100, "hybrid": 100, "adaptive": 0}


@given(
    strategy=st.sampled_from(Strategy),
    queued=st.integers(1, 2_000),
    waited=st.integers(0, 300) | st.just(100),
    load=st.builds(
        Load,
        st.floats(0, 1e6),
        st.floats(0, 1e8),
        st.floats(0, 1e6),
    ),
)
def test_no_row_waits_beyond_its_time_and_no_batch_is_too_large(
    strategy: Strategy, queued: int, waited: int, load: Load
) -> None:
    """Either rows are taken now, or there is a later moment, at most the oldest row's, to ask again."""
    now = SECOND + waited * MILLISECOND

    take = batching(strategy).take(queued, SECOND, now, load)

    if take.rows:
        assert take.wait_until_ns is None
        assert take.rows <= min(queued, 100)
    else:
        assert take.wait_until_ns is not None
        assert now < take.wait_until_ns <= SECOND + 100 * MILLISECOND


def wanted(load: Load, max_rows: int = 10_000) -> int:
    """Return the number of rows that adaptive batching waits for."""
    adaptive = batching(Strategy.ADAPTIVE, max_rows, max_wait_ms=1_000)
    return next(rows for rows in range(1, max_rows + 1) if adaptive.take(rows, 0, 0, load).rows)


def test_adaptive_takes_single_rows_when_there_is_time_for_it() -> None:
    """100 rows a second at 0.2 ms a batch: two percent busy; waiting would gain nothing."""
    assert wanted(Load(100, 200_000, 1_000)) == 1


def test_adaptive_batches_grow_with_the_arrivals() -> None:
    """Just large enough to be half idle: (0.2 ms + n µs) is half of n arrivals' time."""
    # gap 50 µs, half of it 25, less 1 µs a row: 200 / 24 = 8.3; gap 10 µs: 200 / 4 = 50
    assert wanted(Load(20_000, 200_000, 1_000)) == 9
    assert wanted(Load(100_000, 200_000, 1_000)) == 50


def test_adaptive_never_waits_until_the_timeout_would_break() -> None:
    """200 rows a second, 40 ms a batch: more than two rows would come too late, however busy it gets."""
    # (50 ms - 40 ms) / 5 ms
    assert wanted(Load(200, 40 * MILLISECOND, 0)) == 2


def test_adaptive_takes_a_backlog_in_batches_within_the_timeout() -> None:
    """Small batches would never catch up; one huge batch would keep its first row waiting for its last."""
    adaptive = batching(Strategy.ADAPTIVE, max_rows=10_000)
    load = Load(1_000, 1 * MILLISECOND, 70_000)

    # (50 ms - 1 ms) / 0.07 ms
    assert adaptive.take(5_000, 0, 0, load) == BatchDecision(700)


def test_adaptive_asks_again_while_there_is_still_time_to_process() -> None:
    """Two rows would cost 40 ms, so the first one can wait 10 ms of its 50 for the second."""
    adaptive = batching(Strategy.ADAPTIVE)
    load = Load(200, 40 * MILLISECOND, 0)

    assert adaptive.take(1, 0, 0, load) == BatchDecision(0, 10 * MILLISECOND)
    assert adaptive.take(1, 0, 10 * MILLISECOND, load) == BatchDecision(1)


@given(
    rate=st.floats(1, 1e6), batch_ns=st.floats(1, 4e7), row_ns=st.floats(0, 1e5), max_rows=st.sampled_from([1, 50, 500])
)
def test_adaptive_keeps_up_or_keeps_the_timeout(rate: float, batch_ns: float, row_ns: float, max_rows: int) -> None:
    """Whatever the load: the batch is no larger than keeping half idle needs, and none breaks the timeout."""
    load = Load(rate, batch_ns, row_ns)

    rows = wanted(load, max_rows)

    gap = 1e9 / rate
    smaller_would_do = rows > 1 and load.cost_ns(rows - 1) <= BUSY * (rows - 1) * gap * (1 - 1e-9)
    assert not smaller_would_do
    assert rows == 1 or rows * gap + load.cost_ns(rows) <= 50 * MILLISECOND * (1 + 1e-9)


def test_the_meter_estimates_rate_and_costs() -> None:
    """20 rows every ms, in batches that cost 100 µs and 2 µs a row."""
    meter = LoadMeter()
    for millisecond in range(2_000):
        meter.arrived(20, millisecond * MILLISECOND)
        rows = (20, 40, 60)[millisecond % 3]
        meter.processed(rows, 100_000 + 2_000 * rows)

    load = meter.load(2_000 * MILLISECOND)

    assert load.rows_per_second == pytest.approx(20_000, rel=0.02)
    assert load.batch_ns == pytest.approx(100_000, rel=0.01)
    assert load.row_ns == pytest.approx(2_000, rel=0.01)


def test_the_meter_forgets_old_arrivals() -> None:
    """A burst of a minute ago is no load."""
    meter = LoadMeter()
    meter.arrived(1_000_000, 0)

    assert meter.load(60 * SECOND).rows_per_second < 1


def test_a_new_meter_has_no_estimate() -> None:
    """No rows, no batches, no time passed: no division by any of them."""
    meter = LoadMeter()
    assert meter.load(0) == Load()

    meter.arrived(5, 10)

    assert meter.load(10) == Load()


def test_batches_of_one_size_are_taken_to_cost_by_the_batch() -> None:
    """What a row costs cannot be told yet; larger batches, taken because of it, will tell."""
    meter = LoadMeter()
    for _ in range(100):
        meter.processed(1, 300_000)

    load = meter.load(0)
    assert load.batch_ns == pytest.approx(300_000)
    assert load.row_ns == 0


@given(st.lists(st.tuples(st.integers(1, 100_000), st.integers(0, 10**10)), max_size=50))
def test_costs_are_never_negative(batches: list[tuple[int, int]]) -> None:
    """Whatever noise batches are measured with."""
    meter = LoadMeter()
    for rows, cost in batches:
        meter.processed(rows, cost)

    load = meter.load(0)

    assert load.batch_ns >= -1e-3
    assert load.row_ns >= 0

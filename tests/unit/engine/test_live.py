"""The live driver feeds rows as they come and lets market time pass between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine.pacing import OPEN, Noted, batches_at
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.core.stamps import Stamps
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.live import LiveDriver
from tickstock_cli.engine.market_clock import ArrivalClock, RowClock, StampClock
from tickstock_cli.errors import DataError
from tickstock_cli.sources.rows import RowIngest
from tickstock_cli.testing import MILLISECOND, SECOND, ManualClock


def run(driver: LiveDriver, batches: Iterator[MergedBatch], stepper: Noted) -> None:
    """Drive batches to their end; the manual clock stands still until the first of them are there, or the last."""
    there = Event()

    def watched() -> Iterator[MergedBatch]:
        try:
            for batch in batches:
                yield batch
                there.set()  # asked for the next one: this one is in the queue
        finally:
            there.set()

    with driver.read_ahead(watched(), lambda: None) as ahead:
        there.wait()
        assert driver.run(ahead, stepper) is None


def test_rows_are_fed_as_they_come_and_late_by_their_schedule() -> None:
    """The sender keeps the schedule; the driver waits for no due time and says how late a row was."""
    clock = ManualClock()
    noted = Noted(clock)
    clock.advance(10 * SECOND)
    driver = LiveDriver(clock, Control(1.0), RowClock(), Schedule(0, OPEN, 1.0))

    run(driver, batches_at(0, 4, 8), noted)

    assert [wall for wall, _ in noted.pieces] == [10 * SECOND]
    late = driver.lateness_ms()
    assert late is not None
    assert 9_900 < late["max"] < 10_100


def test_a_batch_without_rows_lets_market_time_pass() -> None:
    """A silent feed says so: windows end on time, whatever the wall clock says."""
    noted = Noted(ManualClock())
    driver = LiveDriver(ManualClock(), Control(1.0), RowClock())

    run(driver, iter([MergedBatch.empty(0, OPEN + SECOND), MergedBatch.empty(0, OPEN + 2 * SECOND)]), noted)

    assert [market - OPEN for _, market in noted.passed][-1] == 2 * SECOND


def test_a_stopped_run_takes_no_further_batch() -> None:
    """Ctrl-C ends a live run though rows keep coming."""
    control = Control(1.0)
    clock = ManualClock()
    noted = Noted(clock)
    control.stop()

    run(LiveDriver(clock, control, RowClock()), batches_at(0, 1, 2, batch_rows=1), noted)

    assert noted.pieces == []


def test_the_error_of_a_source_is_raised_after_its_rows() -> None:
    """A feed that fails loses nothing that came before."""

    def failing() -> Iterator[MergedBatch]:
        yield from batches_at(0, 1)
        raise DataError("the feed refuses the key")

    clock = ManualClock()
    noted = Noted(clock)

    with pytest.raises(DataError, match="refuses the key"):
        run(LiveDriver(clock, Control(), RowClock()), failing(), noted)
    assert sum(len(times) for _, times in noted.pieces) == 2


def silent_after(*seconds: float, clock: ManualClock, control: Control, stop: int) -> Iterator[MergedBatch]:
    """Return rows, then silence until the run is stopped at ``stop`` ns of the clock."""
    clock.at(stop, control.stop)
    yield from batches_at(*seconds)
    while not control.stopped:
        control.changed.wait(0.001)


def test_a_waiting_event_is_released_although_no_row_arrives() -> None:
    """Nothing comes for three seconds; the window that ends after half a second is closed then, and no other."""
    clock, control = ManualClock(), Control()
    noted = Noted(clock, next_event=OPEN + SECOND // 2 + 1)
    driver = LiveDriver(clock, control, ArrivalClock(lambda: 0))

    def released() -> None:
        noted.next_event = 2**63 - 1

    noted.on_advance = released
    run(driver, silent_after(0, clock=clock, control=control, stop=3 * SECOND), noted)

    ((wall, market),) = noted.passed
    assert market == OPEN + SECOND // 2 + 1
    assert SECOND // 2 <= wall <= SECOND // 2 + 20 * MILLISECOND
    shown = [market for _, market in noted.shown]
    assert shown == sorted(shown)
    assert shown[-1] >= OPEN + 2 * SECOND


def test_a_late_row_becomes_available_at_its_arrival() -> None:
    """It can be known only now; the run says how many there were."""
    clock, control = ManualClock(), Control()
    noted = Noted(clock, next_event=OPEN + SECOND)

    def late() -> Iterator[MergedBatch]:
        first, second = batches_at(0, 0.25, batch_rows=1)
        yield first
        while not noted.passed:
            control.changed.wait(0.001)
        yield second

    driver = LiveDriver(clock, control, ArrivalClock(lambda: 0))
    run(driver, late(), noted)

    assert [times for _, times in noted.pieces] == [[OPEN], [OPEN + SECOND]]
    assert driver.late == 1


def test_a_piped_recording_advances_market_time_by_its_rows() -> None:
    """A writer that stalls must not change the events of its rows: market time passes with them alone."""
    clock = ArrivalClock(lambda: 0)

    clock.came(OPEN, 0)
    assert clock.schedule is not None
    clock.came(OPEN + 5 * SECOND, SECOND)
    assert clock.schedule is None


def test_rows_of_about_now_are_live() -> None:
    """A live sender may begin with the rows of its last seconds."""
    clock = ArrivalClock(lambda: OPEN + 6 * SECOND)

    clock.came(OPEN, 0)
    clock.came(OPEN + 5 * SECOND, 1)

    assert clock.schedule is not None
    assert clock.schedule.market_at(SECOND) == OPEN + 6 * SECOND - 1


@dataclass
class SlowFeed:
    """A feed whose frames wait before their rows are queued; receipts and deliveries happen when the test plans them.

    ``between`` is called between the driver's reading of market time and its look at the queue.
    """

    stamps: Stamps
    control: Control
    between: deque[bool] = field(default_factory=deque)
    received: deque[int] = field(default_factory=deque)
    frames: SimpleQueue[int | None] = field(default_factory=SimpleQueue)
    resumed: SimpleQueue[None] = field(default_factory=SimpleQueue)
    stamped: list[int] = field(default_factory=list)

    def receive(self) -> None:
        self.received.append(self.stamps.stamp())
        self.stamped.append(self.received[-1])

    def deliver(self) -> None:
        """Let the reader queue the oldest frame's rows, and wait until it has."""
        if self.received:
            self.frames.put(self.received.popleft())
            self.resumed.get()

    def end(self) -> None:
        while self.received:
            self.deliver()
        self.frames.put(None)
        self.control.changed.wait()  # set when the queue has ended

    def passed(self) -> int:
        market = Stamps.passed(self.stamps)
        if self.between and self.between.popleft():
            self.receive()
            self.deliver()
        return market

    def batches(self) -> Iterator[MergedBatch]:
        ingest = RowIngest(SymbolTable(), 60)
        while (stamp := self.frames.get()) is not None:
            trade = {"ticker": "IBM", "timestamp": stamp, "price": 100.0, "size": 1.0}
            yield ingest.merged(pa.RecordBatch.from_pylist([trade]))
            self.stamps.handed_over(stamp)
            self.resumed.put(None)


def feed_of(clock: ManualClock, control: Control) -> SlowFeed:
    """Return a feed whose date and clock are the run's, from the open on."""
    return SlowFeed(Stamps(lambda: OPEN + clock.now(), clock.now), control)


MOMENT = st.integers(0, 2_000)


@given(st.lists(st.tuples(MOMENT, st.integers(0, 400)), min_size=1, max_size=12), st.lists(st.booleans(), max_size=20))
def test_no_row_of_a_stamped_feed_is_late(frames: list[tuple[int, int]], between: list[bool]) -> None:
    """The core's available times are those recorded, however frames, market time and the queue interleave."""
    clock, control = ManualClock(), Control()
    feed = feed_of(clock, control)
    noted = Noted(clock)
    feed.receive()
    for received, waited in frames:
        clock.at(received * MILLISECOND, feed.receive)
        clock.at((received + waited) * MILLISECOND, feed.deliver)
    clock.at(3 * SECOND, feed.end)
    feed.between.extend(between)
    feed.stamps.passed = feed.passed  # type: ignore[method-assign]  # the moment between two reads of the driver
    driver = LiveDriver(clock, control, StampClock(feed.stamps, clock))
    driver._next_release = noted.next_event = OPEN

    def next_window() -> None:
        noted.next_event = noted.promised + 100 * MILLISECOND

    noted.on_advance = next_window
    with driver.read_ahead(feed.batches(), lambda: None) as ahead:
        feed.deliver()
        driver.run(ahead, noted)

    fed = [available for _, times in noted.pieces for available in times]
    assert driver.late == 0
    assert fed == feed.stamped
    assert len(noted.passed) > 10


def test_an_event_in_silence_is_told_by_the_clock_of_the_stamps() -> None:
    """A window's end needs no further row: at most 20 ms later its event is out."""
    clock, control = ManualClock(), Control()
    feed = feed_of(clock, control)
    noted = Noted(clock, next_event=OPEN + SECOND // 2 + 1)

    def released() -> None:
        noted.next_event = 2**63 - 1

    noted.on_advance = released
    clock.at(2 * SECOND, control.stop)
    feed.receive()
    driver = LiveDriver(clock, control, StampClock(feed.stamps, clock))
    with driver.read_ahead(feed.batches(), feed.end) as ahead:
        feed.deliver()
        driver.run(ahead, noted)

    ((wall, market),) = noted.passed
    assert market == OPEN + SECOND // 2 + 1
    assert SECOND // 2 <= wall <= SECOND // 2 + 20 * MILLISECOND


def test_a_frame_in_flight_holds_an_event_until_its_rows_are_there() -> None:
    """Its rows belong into the window, or before the event; once it is handed over the event follows within 20 ms."""
    clock, control = ManualClock(), Control()
    feed = feed_of(clock, control)
    noted = Noted(clock, next_event=OPEN + SECOND // 2 + 1)

    def released() -> None:
        noted.next_event = 2**63 - 1

    noted.on_advance = released
    clock.at(SECOND // 4, feed.receive)
    clock.at(SECOND, feed.deliver)
    clock.at(2 * SECOND, control.stop)
    feed.receive()
    driver = LiveDriver(clock, control, StampClock(feed.stamps, clock))
    with driver.read_ahead(feed.batches(), feed.end) as ahead:
        feed.deliver()
        driver.run(ahead, noted)

    assert [times for _, times in noted.pieces] == [[OPEN], [OPEN + SECOND // 4]]
    ((wall, _),) = noted.passed
    assert SECOND <= wall <= SECOND + 20 * MILLISECOND

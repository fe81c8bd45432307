"""Readers in other threads while one appends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from tests.unit.eventlog.making import RUN, SMALL, events, numbers
from tickstock_cli.errors import ExpiredError
from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.eventlog.writer import EventLog

LAST = 8_000
STUCK_SECONDS = 120
"""A follower that is not woken for this long fails the test instead of blocking it."""


def follow(log: EventLog, limit: int) -> tuple[list[int], int]:
    """Follow a log to its end as a consumer does; return the numbers read, and how often retention was faster."""
    woken = Event()
    stop = log.listen(woken.set)
    found: list[int] = []
    sequence = 1
    late = 0
    while True:
        finished = log.finished
        try:
            part = log.read(sequence, limit)
        except ExpiredError as error:
            late += 1
            sequence = error.first_sequence
            continue
        assert part.events.column("event_id").to_pylist() == numbers(part)
        found += numbers(part)
        sequence = part.next_sequence
        if part.events.num_rows == 0:
            if finished:
                stop()
                return found, late
            assert woken.wait(STUCK_SECONDS)
            woken.clear()


def grow(log: EventLog) -> None:
    """Append events in batches of changing size, and finish."""
    first = 1
    while first <= LAST:
        count = min(first % 83 + 1, LAST + 1 - first)
        first = log.append(events(first, count))
    log.finish()


def test_every_follower_reads_every_event_once_and_in_order(tmp_path: Path) -> None:
    """Fast followers read memory, slow ones disk, while the log folds, closes, writes and drops blocks."""
    with EventLog(tmp_path / "log", RUN, SMALL) as log, ThreadPoolExecutor(5) as threads:
        followers = [threads.submit(follow, log, limit) for limit in (1_000, 1_000, 60, 60)]
        threads.submit(grow, log).result()

        for follower in followers:
            assert follower.result() == (list(range(1, LAST + 1)), 0)


def test_a_follower_that_retention_overtakes_gets_an_expired_error(tmp_path: Path) -> None:
    """It misses events only where an ``ExpiredError`` says so, and gets no wrong event and no other error."""
    limits = LogLimits(memory_bytes=20_000, keep_bytes=20_000)
    with EventLog(tmp_path / "log", RUN, limits) as log, ThreadPoolExecutor(5) as threads:
        followers = [threads.submit(follow, log, limit) for limit in (1, 5, 20, 100)]
        threads.submit(grow, log).result()

        for follower in followers:
            found, late = follower.result()
            jumps = sum(right != left + 1 for left, right in zip([0, *found], found, strict=False))
            assert jumps <= late
            assert found == sorted(set(found))
            assert found[-1] == LAST

"""An epoch: the log up to where the market has come."""

from __future__ import annotations

import pytest

from tests.unit.serving.served_runs import SHORT_MEMORY, NewLog, new_log
from tickstock_cli.broadcast.epochs import EpochLog
from tickstock_cli.errors import ExpiredError

__all__ = ["new_log"]


def test_an_epoch_ends_at_the_market_time(new_log: NewLog) -> None:
    """Whatever the log holds beyond; what it tells more, its listeners hear of."""
    log = new_log(10)
    epoch = EpochLog(log, 5)
    heard: list[int] = []
    stop = epoch.listen(lambda: heard.append(epoch.next_sequence))

    assert (epoch.first_sequence, epoch.next_sequence) == (1, 5)
    assert epoch.read(1, 100).events.num_rows == 4
    assert epoch.read(5, 100).events.num_rows == 0
    epoch.tell_to(8)
    assert epoch.read(5, 100).events.num_rows == 3
    stop()
    epoch.tell_to(9)
    assert heard == [8]


def test_an_epoch_is_finished_when_it_shows_all_events(new_log: NewLog) -> None:
    """The log may have been for long."""
    log = new_log(10)
    log.finish()
    epoch = EpochLog(log, 5)

    assert not epoch.finished
    epoch.tell_to(11)
    assert epoch.finished


def test_events_that_retention_deleted_stay_deleted_in_an_epoch(new_log: NewLog) -> None:
    """A market that goes back behind it has nothing to tell until it has come to what is kept."""
    log = new_log(0, SHORT_MEMORY)
    for _ in range(40):
        log.add(1)
    epoch = EpochLog(log, 3)
    kept = log.first_sequence

    assert kept > 3
    assert (epoch.first_sequence, epoch.next_sequence) == (3, 3)
    with pytest.raises(ExpiredError):
        epoch.read(2, 10)
    epoch.tell_to(kept + 2)
    assert epoch.first_sequence == kept
    assert epoch.read(kept, 10).events.num_rows == 2


def test_a_listener_that_fails_stops_neither_the_run_nor_the_others(
    new_log: NewLog, caplog: pytest.LogCaptureFixture
) -> None:
    """The writer's thread tells them; what one raises is logged, and the next one hears all the same."""
    heard: list[int] = []
    epoch = EpochLog(new_log(5), 1)
    epoch.listen(lambda: heard.append(1 // 0))
    epoch.listen(lambda: heard.append(epoch.next_sequence))

    epoch.tell_to(4)

    assert heard == [4]
    assert "a listener of the epoch failed" in caplog.text

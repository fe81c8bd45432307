"""The arrival queue keeps what comes, in its order, whatever the run does meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from tests.unit.engine.pacing import OPEN, batches_at
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.metrics import SourceHealth
from tickstock_cli.engine.arrival_queue import ArrivalQueue, lifted
from tickstock_cli.errors import OutputError
from tickstock_cli.testing import SECOND, ManualClock


def all_of(queue: ArrivalQueue, came: Event) -> list[int]:
    """Take everything that comes; return the available times in ns behind the open."""
    times: list[int] = []
    while not queue.ended:
        came.clear()
        arrival = queue.take()
        if arrival is not None:
            times += [time - OPEN for time in arrival.batch.available_at().tolist()]
        elif not queue.ended:
            came.wait()
    return times


def filled(queue: ArrivalQueue, rows: int, came: Event) -> None:
    """Read rows one by one to the end of the input, without taking any."""
    done = Event()

    def batches() -> Iterator[MergedBatch]:
        yield from batches_at(*range(rows), batch_rows=1)
        done.set()

    queue.read(batches())
    done.wait()
    came.set()


@pytest.mark.parametrize("limit_rows", [1_000, 5, 1])
def test_nothing_is_lost_and_the_order_stays(limit_rows: int) -> None:
    """The reader never waits: what finds no room goes to disk and comes back in its turn."""
    came = Event()
    with ArrivalQueue(ManualClock(), came, limit_rows=limit_rows) as queue:
        filled(queue, 40, came)
        waiting = queue.metrics(0, SourceHealth())
        times = all_of(queue, came)
        after = queue.metrics(0, SourceHealth())

    assert times == [second * SECOND for second in range(40)]
    assert (waiting.received, waiting.unfed, after.unfed) == (40, 40, 0)
    assert waiting.queue.depth + waiting.queue.spilled == 40
    assert waiting.queue.depth <= limit_rows
    assert after.spilled_total == 40 - min(40, limit_rows)
    assert after.queue.spilled == 0


def test_a_disk_that_refuses_rows_makes_the_source_wait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Reported, and nothing lost: the feed is read on as soon as there is room."""
    in_the_way = tmp_path / "file"
    in_the_way.write_text("no folder")
    monkeypatch.setattr("tempfile.tempdir", str(in_the_way))
    came, noted = Event(), Event()
    told: list[str | None] = []

    def report(problem: str | None) -> None:
        told.append(problem)
        noted.set()

    with ArrivalQueue(ManualClock(), came, limit_rows=2, report=report) as queue:
        queue.read(batches_at(*range(20), batch_rows=1))
        noted.wait()
        problem = queue.metrics(0, SourceHealth()).source.problem  # nothing is taken yet: the reader waits
        times = all_of(queue, came)

    assert times == [second * SECOND for second in range(20)]
    assert problem is not None
    assert problem.endswith("the source waits instead")
    assert told[0] == problem


def test_rows_removed_from_disk_end_the_run_and_still_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was in memory comes first; then an error says how many rows are gone, and metrics show them as not fed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    came = Event()
    with ArrivalQueue(ManualClock(), came, limit_rows=2) as queue:
        filled(queue, 5, came)
        for path in tmp_path.rglob("*.batches"):
            path.unlink()
        taken = queue.take()
        with pytest.raises(OutputError, match=rf"cannot read back {tmp_path}/.* \(rows: 1\): No such file"):
            queue.take()
        waiting = queue.metrics(0, SourceHealth())

    assert taken is not None
    assert len(taken.batch) == 2
    assert (waiting.received, waiting.unfed, waiting.queue.spilled) == (5, 3, 3)
    assert list(tmp_path.iterdir()) == []


def test_rows_behind_market_time_are_lifted_and_counted() -> None:
    """Only those; the input stays as it was."""
    (batch,) = batches_at(0, 1, 2, 3)

    ahead, late = lifted(batch, OPEN + 2 * SECOND)

    assert late == 2
    assert [time - OPEN for time in ahead.available_at().tolist()] == [2 * SECOND, 2 * SECOND, 2 * SECOND, 3 * SECOND]
    assert [time - OPEN for time in batch.available_at().tolist()] == [0, SECOND, 2 * SECOND, 3 * SECOND]
    assert lifted(batch, OPEN) == (batch, 0)

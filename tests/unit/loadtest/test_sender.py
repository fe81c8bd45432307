"""The generator's own lateness: what was planned, and what the system made it wait for, are not its fault."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from tickstock_cli.core.schedule import Schedule
from tickstock_cli.loadtest.generator_process import PacedSender, PreparedFrame, SendQueue
from tickstock_cli.loadtest.rows import SCHEMAS
from tickstock_cli.loadtest.transport.base import Frame, Opening
from tickstock_cli.loadtest.transport.pipe import Pipe
from tickstock_cli.loadtest.transport.receiver import Receiver
from tickstock_cli.loadtest.transport.sender import Sender
from tickstock_cli.testing import SECOND, ManualClock


def lateness_ms(folder: Path, disconnect_seconds: int) -> tuple[float, float]:
    """Send a frame and three behind it, all due 1,000 s ago and in the 300 s after; give median and greatest lateness.

    The first breaks the connection for so long. The clock stands still, however busy the machine is.
    """
    form = Pipe()
    listener = form.listen(folder)
    sender = Sender(form, listener, Opening(("AAPL",), SCHEMAS))
    send_queue = SendQueue()
    dues = [number * 100 * SECOND for number in range(4)]
    made = [
        PreparedFrame(
            number, due, form.write(Frame(number, due + 1, {})), {}, {}, disconnect_seconds * SECOND * (number == 0)
        )
        for number, due in enumerate(dues)
    ]
    schedule = Schedule(0, 0, 1.0)

    def follow() -> list[int]:
        receiver, numbers = Receiver(Pipe(), listener.address), list[int]()
        while frames := receiver.read(1):
            numbers += [frame.number for frame in frames]
        receiver.close()
        return numbers

    with ThreadPoolExecutor(1) as pool, closing(sender):  # whatever happens: the other end waits for it
        received = pool.submit(follow)
        sender.connect()
        send_queue.fill(iter(made))
        paced_sender = PacedSender(send_queue, sender, schedule, Event(), ManualClock(1_000 * SECOND))
        paced_sender.run()
        sender.finish()
    assert received.result() == [0, 1, 2, 3]
    assert paced_sender.lateness.count == 4
    summary = paced_sender.lateness.summary()
    assert summary.max_ms is not None
    assert summary.p50_ms is not None
    return summary.p50_ms, summary.max_ms


def test_rows_due_during_a_planned_break_are_not_counted_as_late(tmp_path: Path) -> None:
    """A break of 500 s: nothing could go before 500 s ago, whenever it was due."""
    assert lateness_ms(tmp_path, 500) == pytest.approx((500_000, 500_000), rel=1e-3)


def test_without_a_break_lateness_counts_from_the_due_time(tmp_path: Path) -> None:
    """Frames that were due 700, 800, 900 and 1,000 s ago are as late as that."""
    assert lateness_ms(tmp_path, 0) == pytest.approx((800_000, 1_000_000), rel=1e-3)

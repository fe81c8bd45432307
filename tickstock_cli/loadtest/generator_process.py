"""The load generator, in a process of its own: an open model, whose schedule does not depend on the system.

One thread makes frames ahead of time, another sends each at its due time. If the system accepts no more rows, they wait
here, and their due times stay.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path
from threading import Condition, Event, Lock, Thread
from typing import Any

import numpy as np
import pyarrow as pa

from tickstock_cli.core.clock import Clock
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.loadtest import transport
from tickstock_cli.loadtest.child import Child, PreciseClock, run_child
from tickstock_cli.loadtest.rows import SCHEMAS
from tickstock_cli.loadtest.scenario import Scenario
from tickstock_cli.loadtest.transport.base import BrokenLinkError, Data, Frame, Opening, Transport
from tickstock_cli.loadtest.transport.sender import Sender
from tickstock_cli.loadtest.transport_source import joined
from tickstock_cli.loadtest.workload import Slot, Workload
from tickstock_cli.measurement.histogram import Histogram

AHEAD_NS = 5_000_000_000
"""Wall time by which frames are made before they are due."""
MOST_BYTES = 256 * 2**20
"""Limit of the frames that wait here; beyond it, no more are made until some are sent."""
READY_BYTES = 64 * 2**20
"""Size of the frames made before the start."""
QUIET_NS = 10_000_000
"""Wall time after which a frame without rows is sent, so that market time advances."""
TOGETHER_NS = 5_000_000
"""Slots within this wall time share a frame, which is sent when the last of them is due: at ten times the speed a run
has thousands of slots a second. The wait counts as latency, like all time after a row's due time."""
TOGETHER_BYTES = 1 << 20
"""Limit of the due frames that are sent in one call."""


@dataclass(frozen=True, slots=True)
class PreparedFrame:
    """A frame, ready to be sent.

    Parameters
    ----------
    due
        Market time, ns.
    disconnect_ns
        See ``workload.Slot``.
    """

    number: int
    due: int
    message: Data
    rows: dict[str, int]
    counts: dict[str, int]
    disconnect_ns: int


def frames_of(workload: Workload, form: Transport, speed: float) -> Iterator[PreparedFrame]:
    """Return a workload as frames; slots within ``TOGETHER_NS`` of wall time share one.

    A slot without rows is left out if another frame advances market time within ``QUIET_NS``.
    """
    number, reached = 0, workload.start
    slots: list[Slot] = []
    last = workload.slot_count - 1
    for slot in workload.slots():
        if slots and (slot.disconnect_ns or slot.due - slots[0].due > TOGETHER_NS * speed):
            yield _made(number, slots, form)
            number, reached, slots = number + 1, slots[-1].due, []
        if slot.parts or slot.counts or slot.disconnect_ns or slot.number == last:
            slots.append(slot)
        elif not slots and slot.due - reached >= QUIET_NS * speed:
            yield _made(number, [slot], form)
            number, reached = number + 1, slot.due
    if slots:
        yield _made(number, slots, form)


def _made(number: int, slots: list[Slot], form: Transport) -> PreparedFrame:
    due = slots[-1].due
    parts: dict[str, list[pa.RecordBatch]] = {}
    counts: Counter[str] = Counter()
    for slot in slots:
        counts.update(slot.counts)
        for record, rows in slot.parts.items():
            parts.setdefault(record, []).append(rows)
    frame = Frame(number, due + 1, {record: joined(rows) for record, rows in parts.items()})
    return PreparedFrame(number, due, form.write(frame), frame.counts(), dict(counts), slots[0].disconnect_ns)


class SendQueue:
    """Frames between the thread that makes them and the thread that sends them; bounded in bytes and in time."""

    def __init__(self) -> None:
        self._frames: deque[PreparedFrame] = deque()
        self._coming: deque[tuple[int, dict[str, int]]] = deque()
        """Due times and rows of the frames that are not due yet, sent or not."""
        self._due: Counter[str] = Counter()
        self._changed = Condition()
        self._bytes = 0
        self._newest = 0
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None
        self.schedule: Schedule | None = None
        """The run's schedule once it has started; it bounds how far ahead frames are made."""

    def fill(self, frames: Iterator[PreparedFrame]) -> None:
        """Add frames while there is room; runs in a thread of its own."""
        try:
            for frame in frames:
                with self._changed:
                    self._frames.append(frame)
                    self._coming.append((frame.due, frame.rows))
                    self._bytes += len(frame.message)
                    self._newest = frame.due
                    self._changed.notify_all()
                    while not self._closed and not self._has_room():
                        self._changed.wait(0.05)
                    if self._closed:
                        return
        except BaseException as error:  # noqa: BLE001 - raised by the thread that sends
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _has_room(self) -> bool:
        if self.schedule is None:
            return self._bytes < READY_BYTES
        return self._bytes < MOST_BYTES and self.schedule.due(self._newest) - time.monotonic_ns() < AHEAD_NS

    def wait_until_filled(self) -> None:
        """Wait until enough frames are made for the start."""
        with self._changed:
            while not self._ended and self._bytes < READY_BYTES and self._far() < AHEAD_NS:
                self._changed.wait()
        self._raise()

    def _far(self) -> int:
        return self._newest - self._frames[0].due if self._frames else 0

    def begin(self, schedule: Schedule) -> None:
        """Start the schedule."""
        with self._changed:
            self.schedule = schedule
            self._changed.notify_all()

    def first(self) -> PreparedFrame | None:
        """Return the oldest frame without removing it, once there is one; None at the end."""
        with self._changed:
            while not self._frames and not self._ended and not self._closed:
                self._changed.wait()
            self._raise()
            return self._frames[0] if self._frames and not self._closed else None

    def take_due(self, market: int) -> list[PreparedFrame]:
        """Remove and return the frames due at a market time: at least the oldest, about ``TOGETHER_BYTES`` in all."""
        taken: list[PreparedFrame] = []
        size = 0
        with self._changed:
            while self._frames and self._frames[0].due <= market and size < TOGETHER_BYTES:
                if taken and self._frames[0].disconnect_ns:
                    break
                frame = self._frames.popleft()
                taken.append(frame)
                size += len(frame.message)
            self._bytes -= size
            self._changed.notify_all()
        return taken

    def due(self, market: int) -> tuple[dict[str, int], bool]:
        """Return the rows due up to a market time, and whether all of them have been made; times must not decrease."""
        with self._changed:
            while self._coming and self._coming[0][0] <= market:
                self._due.update(self._coming.popleft()[1])
            return dict(self._due), self._ended or self._newest >= market

    def close(self) -> None:
        """Stop both threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error


class PacedSender:
    """Sends frames at their due times, and counts rows and lateness."""

    def __init__(self, send_queue: SendQueue, sender: Sender, schedule: Schedule, stopped: Event, clock: Clock) -> None:
        self._send_queue = send_queue
        self._sender = sender
        self._schedule = schedule
        self._stopped = stopped
        self._clock = clock
        self._sent: Counter[str] = Counter()
        self.planted: Counter[str] = Counter()
        """Counts of the slots sent, see `workload.Slot`."""
        self.lateness = Histogram()
        """The generator's own lateness in µs: from when a frame could be sent to its hand-over.

        A frame can be sent once it is due, the system has accepted the frame before it, and no planned break keeps the
        connection down."""
        self.late = False
        """Whether a frame was not made in time."""
        self._lock = Lock()

    def run(self) -> None:
        """Send everything, or until the run is stopped."""
        schedule, clock, free = self._schedule, self._clock, 0
        while (first := self._send_queue.first()) is not None:
            due = schedule.due(first.due)
            if clock.wait(self._stopped, due):
                return
            if first.disconnect_ns:
                self._sender.cut()
                free = schedule.due(first.due + first.disconnect_ns)  # frames due during the break are late by plan
                if clock.wait(self._stopped, free):
                    return
            frames = self._send_queue.take_due(schedule.market_at(clock.now()))
            begun = clock.now()
            dues = np.array([schedule.due(frame.due) for frame in frames])
            self.lateness.record(np.maximum(begun - np.maximum(dues, free), 0) // 1000)
            self._sender.send([(frame.number, frame.message) for frame in frames])
            free = clock.now()
            with self._lock:
                for frame in frames:
                    self._sent.update(frame.rows)
                    self.planted.update(frame.counts)

    def second(self, end: int) -> dict[str, Any]:
        """Return the rows due and the rows sent up to a wall time (ns), by type."""
        due, made = self._send_queue.due(self._schedule.market_at(end))
        self.late = self.late or not made
        with self._lock:
            sent = dict(self._sent)
        return {
            "due": due,
            "sent": sent,
            "made": made,
        }


def work(child: Child) -> None:
    """Prepare, wait for the start, send the workload, and wait until the system has confirmed all of it."""
    job = child.job
    scenario = Scenario.model_validate(job["scenario"])
    workload = Workload(scenario)
    form: Transport = transport.TRANSPORTS.load(job["transport"])()
    listener = form.listen(Path(job["folder"]))
    sender = Sender(form, listener, Opening(workload.tickers, SCHEMAS))
    send_queue = SendQueue()
    Thread(
        target=send_queue.fill, args=(frames_of(workload, form, job["speed"]),), name="tickstock-making", daemon=True
    ).start()
    child.report("listening", address=listener.address)
    sender.connect(inf)  # compiling kernels takes the system long; the orchestrator ends a system that hangs
    send_queue.wait_until_filled()
    schedule = Schedule(child.ready(), workload.start, job["speed"])
    child.on_stop(send_queue.close)
    child.on_stop(sender.close)
    send_queue.begin(schedule)
    paced_sender = PacedSender(send_queue, sender, schedule, child.stopped, PreciseClock())
    child.every_second(schedule.wall, paced_sender.second)
    try:
        paced_sender.run()
        if not child.stopped.is_set():
            sender.finish()
    except BrokenLinkError:
        if not child.stopped.is_set():
            raise
    child.report(
        "done",
        **paced_sender.second(time.monotonic_ns()),
        planted=paced_sender.planted,
        lateness=paced_sender.lateness.encode(),
        late=paced_sender.late,
        breaks=sender.breaks,
    )
    sender.close()


if __name__ == "__main__":
    run_child(work)

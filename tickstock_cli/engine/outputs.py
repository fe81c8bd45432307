"""Outputs: from released events to digest, tally and sinks, in a thread of its own.

An event is encoded once and handed to every sink in output order. A failure in any sink ends the run: the
exception is raised at the next call, and nothing takes its final name.

A run that has gone back releases events again. They are the same ones in the same order, so sinks, digest and tally
get what is beyond the last event they were given, and nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, Queue
from threading import Thread

import pyarrow as pa

from tickstock_cli.core.digest import EventDigest
from tickstock_cli.core.events import EventEncoder, EventRows, join_events
from tickstock_cli.core.stages import Sink
from tickstock_cli.engine.tally import Tally
from tickstock_cli.errors import OutputError

Listener = Callable[[pa.RecordBatch], None]

READ_AHEAD = 8
"""Released batches that may wait for the sinks; then the run waits for them."""
JOINED_EVENTS = 4_096
"""Batches that wait are handed out as one up to about so many events: a running system releases hundreds a second."""
STUCK_SECONDS = 1.0
"""How long breaking off waits for a sink to finish the write at hand: less than a user who insists will wait."""


class Outputs:
    """Everything that becomes of events after the core.

    Parameters
    ----------
    encoder
        Turns internal events into rows of the output schema.
    sinks
        Each gets every event; committed together at the end, aborted together on failure.
    listeners
        Called with each encoded batch, from the writer's thread; must be quick and must not fail.
    retold
        Called in the same way with events that are released again.
    """

    def __init__(
        self,
        encoder: EventEncoder,
        sinks: Sequence[Sink],
        listeners: Sequence[Listener] = (),
        retold: Listener = lambda _: None,
    ) -> None:
        self._encoder = encoder
        self._sinks = tuple(sinks)
        self._listeners = list(listeners)
        self._retold = retold
        self._silent = False
        self.released = 0
        """Events released up to where the run stands; fewer than were written, if it has gone back."""
        self._queue: Queue[EventRows | pa.RecordBatch | None] = Queue(READ_AHEAD)
        self._error: BaseException | None = None
        self._writing: Sink | None = None
        self.digest = EventDigest()
        self.tally = Tally()
        self._thread = Thread(target=self._run, name="tickstock-writer", daemon=True)
        self._thread.start()

    def listen(self, listener: Listener) -> None:
        """Add a listener to what is written from now on; drain before."""
        self._listeners.append(listener)

    def write(self, events: EventRows | pa.RecordBatch) -> None:
        """Take events in output order: internal ones, or encoded ones that a checkpoint kept.

        Raises
        ------
        OutputError
            A sink failed, now or since the last call.
        """
        self._check()
        if len(events):
            self._queue.put(events)

    def drain(self) -> None:
        """Wait until everything written so far has reached the sinks."""
        self._queue.join()
        self._check()

    def go_to(self, released: int) -> None:
        """Go to where so many events had been released, at most those written; drain before.

        Until ``go_on``, events that are released again are told to nobody: they lead to where the run wants to be.
        """
        self.released = released
        self._silent = True

    def go_on(self) -> None:
        """Tell again what is released again; drain before."""
        self._silent = False

    def finish(self) -> None:
        """Make every output whole and durable, not under its final name yet."""
        self._end()
        self._check()
        for sink in self._sinks:
            sink.finish()

    def commit(self) -> None:
        """Return every output its final name; call ``finish`` before."""
        for sink in self._sinks:
            sink.commit()

    def abort(self) -> None:
        """Drop every output, what waits for the sinks included.

        A writer that is stuck in a sink, such as a pipe that nobody reads, is waited for only so long; that sink is
        left as it is.
        """
        self._error = self._error or OutputError("the run was broken off")
        with suppress(Empty):
            while True:
                self._queue.get_nowait()
                self._queue.task_done()
        self._end(STUCK_SECONDS)
        stuck = self._writing if self._thread.is_alive() else None
        for sink in self._sinks:
            if sink is not stuck:
                sink.abort()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _end(self, longest_wait: float | None = None) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(longest_wait)

    def _run(self) -> None:
        going = True
        while going:
            waiting, going = self._waiting()
            try:
                for events in self._encoded(waiting):
                    if self._error is None:
                        self._hand_out(events)
            except BaseException as error:  # noqa: BLE001  (raised by the next call of the run's own thread)
                self._error = error
            finally:
                for _ in range(len(waiting) + (not going)):
                    self._queue.task_done()

    def _waiting(self) -> tuple[list[EventRows | pa.RecordBatch], bool]:
        """Wait for events; give all there are, up to a number, and whether more may come."""
        waiting: list[EventRows | pa.RecordBatch] = []
        events = self._queue.get()
        with suppress(Empty):
            while events is not None:
                waiting.append(events)
                if sum(map(len, waiting)) >= JOINED_EVENTS:
                    break
                events = self._queue.get_nowait()
        return waiting, events is not None

    def _encoded(self, waiting: Sequence[EventRows | pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Encode events in as few batches as there can be: each costs a thread many turns, however small it is."""
        internal: list[EventRows] = []
        for events in waiting:
            if not isinstance(events, pa.RecordBatch):
                internal.append(events)
                continue
            if internal:
                yield self._encoder.to_arrow(join_events(internal))
                internal = []
            yield events
        if internal:
            yield self._encoder.to_arrow(join_events(internal))

    def _hand_out(self, events: pa.RecordBatch) -> None:
        known = min(len(events), self.tally.events - self.released)
        self.released += len(events)
        if known and not self._silent:
            self._retold(events.slice(0, known))
        if known < len(events):
            self._write(events.slice(known))

    def _write(self, events: pa.RecordBatch) -> None:
        for sink in self._sinks:
            if self._error is not None:
                return
            self._writing = sink
            sink.write(events)
            self._writing = None
        self.digest.update(events)
        self.tally.update(events)
        for listener in self._listeners:
            listener(events)

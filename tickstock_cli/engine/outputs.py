"""Outputs: from released events to digest, tally and sinks, in a thread of its own.

An event is encoded once and handed to every sink in output order. A failure in any sink ends the run: the
exception is raised at the next call, and nothing takes its final name.

After a seek back a run releases events again. They are the same events in the same order, so sinks, digest and tally
skip those they have.
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
    released
        Called with events as the market passes them, again after a seek back, and with the number released up to
        them; from the writer's thread. Must be quick and must not fail.
    """

    def __init__(
        self,
        encoder: EventEncoder,
        sinks: Sequence[Sink],
        released: Callable[[pa.RecordBatch, int], None] = lambda events, count: None,  # noqa: ARG005
    ) -> None:
        self.encoder = encoder
        self._sinks = tuple(sinks)
        self._listeners: list[Listener] = []
        self._notify_released = released
        self._catching_up = False
        self.released = 0
        """Events released up to where the run stands; fewer than were written after a seek back."""
        self._queue: Queue[EventRows | pa.RecordBatch | None] = Queue(READ_AHEAD)
        self._error: BaseException | None = None
        self._writing: Sink | None = None
        self.digest = EventDigest(encoder.schema)
        self.tally = Tally()
        self._thread = Thread(target=self._run, name="tickstock-writer", daemon=True)
        self._thread.start()

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` once with every event written from now on, from the writer's thread; drain before.

        It must be quick and must not fail.
        """
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

    def rewind(self, released: int) -> None:
        """Go back to where ``released`` events had been released, at most those written; drain before.

        Events released again before ``resume`` lead to the time that was sought: ``released`` does not get them.
        """
        self.released = released
        self._catching_up = True

    @property
    def is_catching_up(self) -> bool:
        """Whether events are on the way to a time that was sought."""
        return self._catching_up

    def resume(self) -> None:
        """Pass all later events to ``released``, including repeated ones; drain before."""
        self._catching_up = False

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
                yield self.encoder.to_arrow(join_events(internal))
                internal = []
            yield events
        if internal:
            yield self.encoder.to_arrow(join_events(internal))

    def _hand_out(self, events: pa.RecordBatch) -> None:
        known = min(len(events), self.tally.events - self.released)
        if known < len(events):
            self._write(events.slice(known))
        self.released += len(events)
        news = events.slice(known) if self._catching_up else events
        if len(news) and self._error is None:
            self._notify_released(news, self.released)

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

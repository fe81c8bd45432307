"""Outputs: from released events to digest, tally and sinks, in a thread of its own.

An event is encoded once and written to every sink in output order. A sink that fails is aborted, and the others go on;
`engine.output_states` counts what it misses. When no output of the run is left, the next call raises the error.

After a seek back a run releases the same events again, in the same order; sinks, digest and tally skip them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, Queue
from threading import Thread

import pyarrow as pa

from tickstock_cli.core.digest import EventDigest
from tickstock_cli.core.events import EventEncoder, EventRows, join_events
from tickstock_cli.core.stages import NamedSink, Sink
from tickstock_cli.engine.output_slots import OutputSlot
from tickstock_cli.engine.output_states import OutputEnd, OutputReport, OutputStates
from tickstock_cli.engine.tally import Tally
from tickstock_cli.errors import LedgerError, OutputError

Listener = Callable[[pa.RecordBatch], None]

READ_AHEAD = 8
"""Released batches that wait for the sinks; beyond it the run waits."""
JOINED_EVENTS = 4_096
"""Waiting batches are written as one up to about this many events: a running system releases hundreds a second."""
STUCK_SECONDS = 1.0
"""Limit of the wait in ``abort`` for a sink to finish its current write, so that Ctrl-C ends the command soon."""


class Outputs:
    """The outputs of a run: sinks, digest, tally and listeners.

    Parameters
    ----------
    encoder
        Turns internal events into rows of the output schema.
    sinks
        Each gets every event; committed together at the end, aborted together if the run fails.
    released
        Called with events as the market passes them, again after a seek back, and with the number released up to
        them; from the writer's thread. Must be quick and must not fail.
    states
        The states of all outputs of the run; None: there are only these.
    read_ahead
        Limit of the released batches that wait for the sinks; beyond it ``write`` waits.
    """

    def __init__(
        self,
        encoder: EventEncoder,
        sinks: Sequence[Sink | NamedSink],
        released: Callable[[pa.RecordBatch, int], None] = lambda events, count: None,  # noqa: ARG005
        states: OutputStates | None = None,
        read_ahead: int = READ_AHEAD,
    ) -> None:
        self.encoder = encoder
        self.states = states if states is not None else OutputStates()
        self._slots = tuple(self._slot(sink) for sink in sinks)
        self._listeners: list[Listener] = []
        self._notify_released = released
        self._catching_up = False
        self.released = 0
        """Events released up to the run's position; after a seek back fewer than were written."""
        self._queue: Queue[EventRows | pa.RecordBatch | None] = Queue(read_ahead)
        self._error: BaseException | None = None
        self._writing: Sink | None = None
        self.digest = EventDigest(encoder.schema)
        self.tally = Tally(encoder.kind_names, encoder.symbols)
        self._thread = Thread(target=self._run, name="tickstock-writer", daemon=True)
        self._thread.start()

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` once with every event written from now on, from the writer's thread; drain before.

        It must be quick and must not fail.
        """
        self._listeners.append(listener)

    def write(self, events: EventRows | pa.RecordBatch) -> None:
        """Write events in output order: internal ones, or encoded ones that a checkpoint kept.

        Raises
        ------
        OutputError
            No output of the run is left.
        """
        self._check()
        if len(events):
            self._queue.put(events)

    @property
    def is_full(self) -> bool:
        """Whether the next ``write`` waits for the sinks."""
        return self._queue.full()

    def drain(self) -> None:
        """Wait until everything written so far has reached the sinks."""
        self._queue.join()
        self._check()

    def rewind(self, released: int) -> None:
        """Set the number of released events, at most those written, for a run that repeats events; drain before.

        The listener ``released`` does not get the events that are repeated before ``resume``.
        """
        self.released = released
        self._catching_up = True

    @property
    def is_catching_up(self) -> bool:
        """Whether the run has not reached the target of its seek."""
        return self._catching_up

    def resume(self) -> None:
        """Pass all later events to ``released``, including repeated ones; drain before."""
        self._catching_up = False

    def check_emitted(self, emitted: int) -> None:
        """Raise LedgerError unless every output has taken or missed all ``emitted`` events; drain before."""
        if not self.tally.events == self.released == emitted:
            raise LedgerError(f"ledger does not balance: emitted {emitted}, written {self.tally.events}")
        self.states.check_counts("events", emitted)

    def finish(self) -> None:
        """Make every output complete and durable under a temporary name.

        Raises
        ------
        OutputError
            No output of the run is left.
        """
        self._end()
        self._check()
        for slot in self._slots:
            slot.finish()
        self._check()

    def commit(self, *, stopped: bool = False, keep_partial: bool = False) -> None:
        """Commit every output, that of a stopped run maybe under another name; call ``finish`` before.

        Raises
        ------
        OutputError
            No output of the run is left.
        """
        for slot in self._slots:
            slot.commit(stopped=stopped, keep_partial=keep_partial)
        self._check()

    def reports(self) -> tuple[OutputReport, ...]:
        """Return the end of every output of a run that was not stopped."""
        return tuple(state.report(OutputEnd.WRITTEN) for state in self.states)

    def abort(self) -> None:
        """Drop every output, and the events that wait for the sinks.

        A write that blocks, such as one to a pipe without a reader, ends the wait after a time limit; its sink is not
        aborted.
        """
        self._error = self._error or OutputError("the run was broken off")
        with suppress(Empty):
            while True:
                self._queue.get_nowait()
                self._queue.task_done()
        self._end(STUCK_SECONDS)
        stuck = self._writing if self._thread.is_alive() else None
        for slot in self._slots:
            if slot.output is not stuck:
                slot.abort()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
        self.states.check()

    def _slot(self, sink: Sink | NamedSink) -> OutputSlot[Sink]:
        named = sink if isinstance(sink, NamedSink) else NamedSink(type(sink).__name__, sink)
        return OutputSlot(named.sink, self.states.add(named.name), self.states, named.path)

    def _end(self, longest_wait: float | None = None) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(longest_wait)

    def _run(self) -> None:
        going = True
        while going:
            waiting, going = self._waiting()
            try:
                for events, rows in self._encoded(waiting):
                    if self._error is None:
                        self._hand_out(events, rows)
            except BaseException as error:  # noqa: BLE001  (raised by the next call of the run's own thread)
                self._error = error
            finally:
                for _ in range(len(waiting) + (not going)):
                    self._queue.task_done()

    def _waiting(self) -> tuple[list[EventRows | pa.RecordBatch], bool]:
        """Wait for events; return the waiting ones, up to a number, and whether more may follow."""
        waiting: list[EventRows | pa.RecordBatch] = []
        events = self._queue.get()
        with suppress(Empty):
            while events is not None:
                waiting.append(events)
                if sum(map(len, waiting)) >= JOINED_EVENTS:
                    break
                events = self._queue.get_nowait()
        return waiting, events is not None

    def _encoded(
        self, waiting: Sequence[EventRows | pa.RecordBatch]
    ) -> Iterator[tuple[pa.RecordBatch, EventRows | None]]:
        """Encode events in as few batches as possible, because even a small batch has a high fixed cost.

        Yields events with the internal ones that they were encoded from, or None if they came encoded.
        """
        internal: list[EventRows] = []
        for events in waiting:
            if not isinstance(events, pa.RecordBatch):
                internal.append(events)
                continue
            if internal:
                yield self._encode(internal)
                internal = []
            yield events, None
        if internal:
            yield self._encode(internal)

    def _encode(self, internal: Sequence[EventRows]) -> tuple[pa.RecordBatch, EventRows]:
        rows = join_events(internal)
        return self.encoder.to_arrow(rows), rows

    def _hand_out(self, events: pa.RecordBatch, rows: EventRows | None) -> None:
        known = min(len(events), self.tally.events - self.released)
        if known < len(events):
            self._write(events.slice(known), None if rows is None else rows[known:])
        self.released += len(events)
        news = events.slice(known) if self._catching_up else events
        if len(news) and self._error is None:
            self._notify_released(news, self.released)

    def _write(self, events: pa.RecordBatch, rows: EventRows | None) -> None:
        for slot in self._slots:
            if self._error is not None:
                return
            self._writing = slot.output
            slot.attempt(lambda sink: sink.write(events))
            self._writing = None
            slot.state.count(len(events))
        self.digest.update(events)
        if rows is None:
            self.tally.update_read(events)
        else:
            self.tally.update(rows)
        for listener in self._listeners:
            listener(events)

"""Passes the released events of an embedded system to streams on its loop, and to outputs with a thread of their own.

The tap for the price lines of a server's page observes every step on the loop.

released events ──▶ Publication ──┬──▶ EventStream (each consumer)      holds events, never blocks the loop
└──▶ AsyncOutputs ──▶ Outputs ──▶ sinks, event log      a full one: feeding waits
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from weakref import WeakSet

import pyarrow as pa

from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.core.events import EventEncoder, EventRows, join_events
from tickstock_cli.core.stages import NamedSink, Sink
from tickstock_cli.engine.core import StepResult
from tickstock_cli.engine.output_states import failed_outputs_error
from tickstock_cli.engine.outputs import Outputs
from tickstock_cli.engine.taps import Tap, TapStep
from tickstock_cli.errors import OutputError, TickstockError, UsageError
from tickstock_cli.runtime.stream import EventStream
from tickstock_cli.sinks.opening import open_sink

WAITING_EVENTS = 65_536
"""Limit of the events that wait for the sinks; beyond it rows wait, too."""


class AsyncOutputs:
    """Outputs that are fed on an asyncio loop without blocking it. Build and use them on the loop."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        self._waiting: list[EventRows] = []
        self._events = 0
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._feeding = asyncio.create_task(self._feed(), name="tickstock-outputs")
        self._feeding.add_done_callback(lambda _: self._emptied.set())

    @property
    def digest(self) -> str:
        """The digest of all events; whole once the outputs are committed."""
        return self._outputs.digest.hexdigest()

    def put(self, events: EventRows) -> None:
        """Take events in output order; drop them once all sinks have failed. Never blocks."""
        if self._feeding.done():
            return
        self._waiting.append(events)
        self._events += len(events)
        self._filled.set()

    async def room(self, events: int = WAITING_EVENTS) -> None:
        """Wait until at most ``events`` events wait for the sinks.

        Raises
        ------
        OutputError
            All sinks failed.
        """
        while self._events > events and not self._feeding.done():
            self._emptied.clear()
            await self._emptied.wait()
        if self._feeding.done():
            self._feeding.result()

    async def commit(self) -> None:
        """Write every event, and give every output its final name.

        Raises
        ------
        FailedOutputsError
            Some outputs could not be written; the others have their final names.
        OutputError
            No output could be written.
        """
        try:
            await self.room(0)
            self._feeding.cancel()
            await asyncio.to_thread(self._commit)
        except BaseException:
            await self.abort()
            raise
        error = failed_outputs_error(self._outputs.reports(), None)
        if error is not None:
            raise error

    async def abort(self) -> None:
        """Drop every output. Never raises."""
        self._feeding.cancel()
        await asyncio.to_thread(self._outputs.abort)
        await asyncio.gather(self._feeding, return_exceptions=True)

    def _commit(self) -> None:
        self._outputs.drain()
        self._outputs.finish()
        self._outputs.commit()

    async def _feed(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            events = join_events(self._waiting)
            self._waiting = []
            await asyncio.to_thread(self._outputs.write, events)
            self._events -= len(events)
            self._emptied.set()


class Publication:
    """Passes released events on. On one asyncio loop.

    Parameters
    ----------
    encoder
        Turns internal events into rows of the event schema.
    schema
        Columns of the events, with the declarations of their kinds, for outputs.
    """

    def __init__(self, encoder: EventEncoder, schema: pa.Schema) -> None:
        self.encoder = encoder
        self.schema = schema
        self._streams: WeakSet[EventStream] = WeakSet()
        self._outputs: list[AsyncOutputs] = []
        self._taps: tuple[Tap, ...] = ()
        self._over = False

    def stream(self, buffer_events: int) -> EventStream:
        """Return a stream of the events that are released from now on, while it is referenced.

        Raises
        ------
        UsageError
            The system has ended, or the buffer cannot hold an event.
        """
        self._check_open()
        if buffer_events < 1:
            raise UsageError(f"buffer_events must be at least 1, was {buffer_events}")
        stream = EventStream(self.encoder.to_arrow, buffer_events)
        self._streams.add(stream)
        return stream

    def open_outputs(self, sinks: Sequence[Sink | str]) -> AsyncOutputs:
        """Write the events that are released from now on to sinks, until ``close`` or the end.

        Parameters
        ----------
        sinks
            Sinks, or targets such as ``events.parquet``, which are opened: all of them, or none.

        Raises
        ------
        UsageError
            The system has ended, or no sink writes such a target.
        OutputError
            A target cannot be written.
        """
        self._check_open()
        opened: list[NamedSink] = []
        try:
            for sink in sinks:
                named = (
                    NamedSink(sink, open_sink(sink, self.schema))
                    if isinstance(sink, str)
                    else NamedSink(type(sink).__name__, sink)
                )
                opened.append(named)
        except BaseException:
            for each in opened:
                each.sink.abort()
            raise
        outputs = AsyncOutputs(Outputs(self.encoder, opened))
        self._outputs.append(outputs)
        return outputs

    def attach_tap(self, tap: Tap) -> Callable[[], None]:
        """Let a tap that has begun observe every further step; return the function that ends this, in any thread."""
        self._taps = (*self._taps, tap)

        def detach() -> None:
            self._taps = tuple(other for other in self._taps if other is not tap)

        return detach

    def observe(self, result: StepResult) -> None:
        """Pass a step's result to every tap."""
        for tap in self._taps:
            rows = result.rows if result.rows is not None else JudgedRows.none()
            tap.observe(TapStep(rows, result.events, result.watermark))

    def publish(self, events: EventRows) -> None:
        """Pass events on in output order. Never blocks."""
        if not len(events):
            return
        for stream in self._streams:
            stream.put(events)
        for outputs in self._outputs:
            outputs.put(events)

    async def room(self) -> None:
        """Wait while sinks are too far behind.

        Raises
        ------
        OutputError
            All sinks failed. As long as one is left, the error of the others is raised when they are closed.
        """
        errors, groups = [], tuple(self._outputs)
        for outputs in groups:
            try:
                await outputs.room()
            except OutputError as error:
                errors.append(error)
        if errors and len(errors) == len(groups):
            raise errors[0]

    async def close(self, outputs: AsyncOutputs) -> None:
        """Commit outputs and feed them no more; nothing if that has happened.

        Raises
        ------
        OutputError
            An output could not be written.
        """
        if outputs in self._outputs:
            self._outputs.remove(outputs)
            await outputs.commit()

    async def drop(self, outputs: AsyncOutputs) -> None:
        """Abort outputs and feed them no more; nothing if that has happened."""
        if outputs in self._outputs:
            self._outputs.remove(outputs)
            await outputs.abort()

    async def finish(self) -> None:
        """End every stream and commit every output. Idempotent.

        Raises
        ------
        OutputError
            Some outputs could not be written; the others have their final names.
        """
        self.end_streams()
        errors: list[OutputError] = []
        try:
            while self._outputs:
                try:
                    await self._outputs.pop(0).commit()
                except OutputError as error:
                    errors.append(error)
        finally:
            await self._abort_outputs()
        if errors[1:]:
            raise OutputError("; ".join(map(str, errors))) from errors[0]
        if errors:
            raise errors[0]

    async def abort(self, error: TickstockError | None = None) -> None:
        """End every stream, with ``error`` if there is one, and abort every output. Idempotent."""
        self.end_streams(error)
        await self._abort_outputs()

    def end_streams(self, error: TickstockError | None = None) -> None:
        """End every stream, with ``error`` if there is one; no more are opened."""
        self._over = True
        for stream in self._streams:
            stream.end(error)

    async def _abort_outputs(self) -> None:
        while self._outputs:
            await self._outputs.pop(0).abort()

    def _check_open(self) -> None:
        if self._over:
            raise UsageError("the system has ended: it releases no more events")

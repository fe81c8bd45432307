"""The vendor's server, played from recorded rows: an async context manager, and one in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import pyarrow as pa
from anyio.from_thread import start_blocking_portal

from tickstock_cli.core.clock import Clock, SystemClock
from tickstock_cli.vendors.polygon.server.chunks import EncodedChunk, chunks_of
from tickstock_cli.vendors.polygon.server.fault_plan import FaultPlan
from tickstock_cli.vendors.polygon.server.listening import VendorServer
from tickstock_cli.vendors.polygon.server.playing import Player
from tickstock_cli.vendors.polygon.server.session import SessionOptions

RowsTogether = pa.RecordBatch | Sequence[pa.RecordBatch]
"""Recorded rows (``core.recording_schema``) of one type, or of several types that are merged by available time."""


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """How the vendor is played.

    Parameters
    ----------
    port
        0 is any free port.
    speed
        Times recorded time; None is as fast as the slowest client reads, from the first subscription on: rows wait
        while no client is subscribed, and no client is too slow.
    start_on_subscribe
        Whether the schedule begins with the first subscription.
    loop
        Whether the rows are played again, with the same times, behind the last one.
    events_per_frame
        Most events of one release in a frame.
    """

    host: str = "127.0.0.1"
    port: int = 0
    speed: float | None = 1.0
    start_on_subscribe: bool = False
    loop: bool = False
    events_per_frame: int = 100
    sessions: SessionOptions = field(default_factory=SessionOptions)


class PlayedVendor(VendorServer):
    """Plays rows to every client that connects. An async context manager: inside it, the server listens and plays.

    Parameters
    ----------
    rows
        Iterated once per pass, in another thread; available times do not descend.

    Raises
    ------
    ServingError
        The address is taken or none of this machine, or there is no certificate for TLS.
    SettingsError
        Faults are in seconds of the recording, and it is played without a speed.
    """

    def __init__(
        self,
        rows: Iterable[RowsTogether],
        options: PlayOptions | None = None,
        faults: FaultPlan | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._rows = rows
        self._options = options = options or PlayOptions()
        self._clock = clock or SystemClock()
        super().__init__(
            options.host,
            options.port,
            options.sessions,
            options.events_per_frame,
            None if faults is None else faults.at_speed(options.speed),
            waits_for_clients=options.speed is None,
        )

    async def __aenter__(self) -> Self:
        options = self._options
        await super().__aenter__()
        self.player = Player(
            self._chunks,
            self.hub,
            options.speed,
            self._clock,
            wait=options.start_on_subscribe,
            loop=options.loop,
        )
        self._playing = asyncio.create_task(self.player.play())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._playing.cancel()
        await asyncio.wait({self._playing})
        await super().__aexit__(kind, error, trace)

    async def played(self) -> None:
        """Wait until the last row is released, and raise what the rows raised. A loop never ends."""
        await asyncio.shield(self._playing)

    def _chunks(self) -> Iterator[EncodedChunk]:
        return chunks_of(self._rows, self.hub.items)


@contextmanager
def vendor_in_thread(
    rows: Iterable[RowsTogether], options: PlayOptions | None = None, faults: FaultPlan | None = None
) -> Iterator[PlayedVendor]:
    """Play a vendor on a loop in a thread of its own, for programs and tests without one.

    Of the vendor, ``url`` and counts are safe in the caller's thread.
    """
    with start_blocking_portal(name="tickstock-vendor") as portal:
        vendor = PlayedVendor(rows, options, faults)
        with portal.wrap_async_context_manager(vendor):
            yield vendor

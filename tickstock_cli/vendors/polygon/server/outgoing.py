"""What one client is sent: status messages and events, through its send buffer and its faults."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from tickstock_cli.vendors.polygon.server import statuses
from tickstock_cli.vendors.polygon.server.alterations import Alteration, altered
from tickstock_cli.vendors.polygon.server.audience import WantedEvents, frame_of, frames_of
from tickstock_cli.vendors.polygon.server.connection import VendorConnection, text_frame
from tickstock_cli.vendors.polygon.server.injection import ArmedFault
from tickstock_cli.vendors.polygon.server.send_buffer import Frame, SendBuffer
from tickstock_cli.vendors.polygon.server.statuses import Status

LAST_WORDS_SECONDS = 2.0
"""Longest time that a client that does not read has for its last status message."""


class Outgoing:
    """The way to one client. All methods are of one event loop, and none blocks.

    Parameters
    ----------
    per_frame
        Most events in a frame.
    left
        Called when nothing more will be sent: at once, not when the connection has ended.
    too_slow
        Called if the client is cut off because its buffer is full.
    begin
        Starts a fault whose row has come.

    Attributes
    ----------
    alterations
        What faults do to events now.
    ended
        Whether nothing more will be sent.
    remembered
        The last events sent, as many as the connection remembers.
    """

    def __init__(
        self,
        connection: VendorConnection,
        buffer: SendBuffer,
        per_frame: int,
        left: Callable[[], None],
        too_slow: Callable[[], None],
        begin: Callable[[ArmedFault], None],
    ) -> None:
        self.buffer = buffer
        self.alterations: list[Alteration] = []
        self.ended = False
        self.remembered: deque[bytes] = deque(maxlen=connection.remembers)
        self._connection = connection
        self._per_frame = per_frame
        self._left = left
        self._too_slow = too_slow
        self._begin = begin
        self._muted = False
        self._rows = 0
        self._by_rows: list[ArmedFault] = []
        self._gathered: list[bytes] = []
        self._gathering = 0
        self._closing: asyncio.Task[None] | None = None

    def watch_rows(self, faults: Sequence[ArmedFault]) -> None:
        """Start these faults when so many events have been sent; they are in this order."""
        self._by_rows = list(faults)

    def tell(self, *told: Status) -> None:
        """Queue a frame of status messages."""
        self._put((text_frame(statuses.status_frame(*told)), 0))

    def deliver(self, selection: WantedEvents) -> None:
        """Queue the events of a release; a client whose buffer is full is cut off."""
        if self._by_rows or self.alterations or self._gathering or self._connection.remembers:
            self._deliver_with_faults(selection.events)
            return
        self._rows += len(selection.events)
        for frame in selection.frames:
            self._put(frame)

    def repeat(self, events: Sequence[bytes]) -> None:
        """Queue events that the client may have got before."""
        for frame in frames_of(events, self._per_frame):
            self._put(frame)

    def inject(self, frame: bytes) -> None:
        """Queue a frame that is not one of the vendor's on a good day."""
        self._put((text_frame(frame), 0))

    def _deliver_with_faults(self, events: Sequence[bytes]) -> None:
        """Queue events in pieces that end where a fault begins."""
        done = 0
        while done < len(events) and not self.ended:
            until = len(events)
            if self._by_rows:
                until = min(until, done + max(0, (self._by_rows[0].after_rows or 0) - self._rows))
            self._send_altered(events[done:until])
            if not self._muted:
                self.remembered.extend(events[done:until])
            self._rows += until - done
            done = until
            while self._by_rows and (self._by_rows[0].after_rows or 0) <= self._rows:
                self._begin(self._by_rows.pop(0))

    def _send_altered(self, events: Sequence[bytes]) -> None:
        if not events:
            return
        if self.alterations:
            events = altered(events, self.alterations)
            self.alterations = [alteration for alteration in self.alterations if not alteration.done]
        if self._gathering:
            self._gathered += events
            if sum(map(len, self._gathered)) + len(self._gathered) >= self._gathering:
                self.send_gathered()
            return
        for frame in frames_of(events, self._per_frame):
            self._put(frame)

    def gather(self, size: int, seconds: float) -> None:
        """Gather events until a frame has ``size`` bytes, at most for ``seconds``."""
        self._gathering = size
        asyncio.get_running_loop().call_later(seconds, self.send_gathered)

    def send_gathered(self) -> None:
        """Queue the gathered events as one frame, and gather no more."""
        gathered, self._gathered, self._gathering = self._gathered, [], 0
        if gathered:
            self._put(frame_of(gathered))

    def mute(self, *, pongs: bool, seconds: float | None) -> None:
        """Send nothing more, for ``seconds`` or for ever; without ``pongs``, hear nothing either."""
        self._muted = True
        if not pongs:
            self._connection.deafen()
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, self._unmute)

    def _unmute(self) -> None:
        self._muted = False
        self._connection.hear()

    def lag(self, seconds: float) -> None:
        """Hold everything back for ``seconds``, then send it, say that the client is slow, and abort."""
        self.buffer.hold()
        asyncio.get_running_loop().call_later(seconds, self._end_lag)

    def _end_lag(self) -> None:
        self.buffer.flow()
        self.tell(statuses.SLOW_CONSUMER)
        self.end()

    def end(self, *told: Status) -> None:
        """Queue status messages, and abort once everything has been written: there is no closing frame."""
        if told:
            self.tell(*told)
        self._stop()
        self.buffer.then(self.abort)
        asyncio.get_running_loop().call_later(LAST_WORDS_SECONDS, self.abort)

    def close(self, code: int, reason: str) -> None:
        """Close the connection with a code once everything has been written."""
        self._stop()
        self.buffer.then(lambda: self._close(code, reason))

    def _close(self, code: int, reason: str) -> None:
        self._closing = asyncio.ensure_future(self._connection.close(code, reason))

    def _stop(self) -> None:
        self.ended = True
        self._left()

    def abort(self) -> None:
        """Drop the connection now."""
        self._stop()
        self._connection.transport.abort()

    def _put(self, frame: Frame) -> None:
        if not (self.ended or self._muted or self.buffer.put(frame)):
            self.cut_off()

    def cut_off(self) -> None:
        """Drop what waits, say that the client is slow, and abort."""
        self._stop()
        self._too_slow()
        self.buffer.cut_off((text_frame(statuses.status_frame(statuses.SLOW_CONSUMER)), 0), self.abort)
        asyncio.get_running_loop().call_later(LAST_WORDS_SECONDS, self.abort)

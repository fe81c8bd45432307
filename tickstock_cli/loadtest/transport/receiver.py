"""The system's end of a transport: frames in order, each once, through breaks of the connection."""

from __future__ import annotations

import time

from tickstock_cli.loadtest.transport.base import BrokenLinkError, Closing, Data, Frame, Link, Opening, Transport
from tickstock_cli.loadtest.transport.sender import confirmation

RETRY_SECONDS = 0.05
PATIENCE_SECONDS = 10.0
"""How long to try to connect again."""


class Receiver:
    """Receives frames. For one thread; ``close`` for any.

    Raises
    ------
    BrokenLinkError
        Nobody listens, or what listens is no generator.
    """

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._address = address
        self._next = 0
        self._closed = False
        self._ended = False
        self.breaks = 0
        """How often the connection was lost, and made again."""
        self._link, self.opening = self._meet()

    def read(self, most_rows: int) -> list[Frame]:
        """Return what has come, at least one frame; none at the end.

        Parameters
        ----------
        most_rows
            No more frames are taken once they hold so many rows.

        Raises
        ------
        BrokenLinkError
            The generator is gone and does not come back, or what came is out of order.
        """
        frames: list[Frame] = []
        rows = 0
        while not self._ended and rows < most_rows:
            message = self._receive(wait=not frames)
            if message is None:
                break
            found = self._transport.read(message)
            if isinstance(found, Closing):
                self._ended = True
            elif isinstance(found, Frame) and found.number == self._next:
                frames.append(found)
                self._next += 1
                rows += sum(found.counts().values())
            else:
                number = found.number if isinstance(found, Frame) else None
                raise BrokenLinkError(f"frame {self._next} is missing: {number} came in its place")
        self._confirm()
        return frames

    def close(self) -> None:
        """Wait for nothing any more; ``read`` gives nothing then. Idempotent."""
        self._closed = True
        self._link.cut()

    def _receive(self, wait: bool) -> Data | None:
        """Return the next message; None if there is none now, or none will come."""
        while not self._closed:
            try:
                return self._link.receive(None if wait else 0.0)
            except BrokenLinkError:
                self._link.cut()
                if self._is_closed():
                    break
                self._link, self.opening = self._meet()
                self.breaks += 1
        self._ended = True
        return None

    def _is_closed(self) -> bool:
        return self._closed

    def _confirm(self) -> None:
        try:
            self._link.send([confirmation(None if self._ended else self._next)])
        except BrokenLinkError:
            return  # the next look finds it broken, too, and tells the number on the new connection

    def _meet(self) -> tuple[Link, Opening]:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._ask()
            except BrokenLinkError:
                if self._closed or time.monotonic() >= until:
                    raise
            time.sleep(RETRY_SECONDS)

    def _ask(self) -> tuple[Link, Opening]:
        link = self._transport.connect(self._address)
        try:
            link.send([confirmation(self._next)])
            message = link.receive(PATIENCE_SECONDS)
            if message is None:
                raise BrokenLinkError(f"{self._address} accepts connections and says nothing")
            opening = self._transport.read(message)
        except BrokenLinkError:
            link.cut()
            raise
        if not isinstance(opening, Opening):
            raise BrokenLinkError(f"{self._address} does not begin with an opening")
        return link, opening

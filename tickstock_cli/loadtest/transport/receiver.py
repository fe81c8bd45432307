"""The system's end of a transport: every frame once and in order, across broken connections."""

from __future__ import annotations

import time

from tickstock_cli.loadtest.transport.base import BrokenLinkError, Closing, Data, Frame, Link, Opening, Transport
from tickstock_cli.loadtest.transport.sender import confirmation

RETRY_SECONDS = 0.05
PATIENCE_SECONDS = 10.0
"""Limit for restoring the connection."""


class Receiver:
    """Receives frames. For one thread; any thread may call ``close``.

    Raises
    ------
    BrokenLinkError
        Nothing listens, or the listener is no generator.
    """

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._address = address
        self._next = 0
        self._closed = False
        self._ended = False
        self.breaks = 0
        """Number of times that the connection was lost and restored."""
        self._link, self.opening = self._connect()

    def read(self, most_rows: int) -> list[Frame]:
        """Return the frames that have arrived, at least one; none at the end.

        Parameters
        ----------
        most_rows
            The last frame is the one that reaches this number of rows.

        Raises
        ------
        BrokenLinkError
            The connection cannot be restored, or a frame is missing.
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
                raise BrokenLinkError(f"frame {self._next} is missing: {number} arrived in its place")
        self._confirm()
        return frames

    def close(self) -> None:
        """End all waiting; ``read`` returns no more frames. Idempotent."""
        self._closed = True
        self._link.cut()

    def _receive(self, wait: bool) -> Data | None:
        """Return the next message; None if there is none now, or at the end."""
        while not self._closed:
            try:
                return self._link.receive(None if wait else 0.0)
            except BrokenLinkError:
                self._link.cut()
                if self._is_closed():
                    break
                self._link, self.opening = self._connect()
                self.breaks += 1
        self._ended = True
        return None

    def _is_closed(self) -> bool:
        return self._closed

    def _confirm(self) -> None:
        try:
            self._link.send([confirmation(None if self._ended else self._next)])
        except BrokenLinkError:
            return  # the next read restores the connection and sends the number again

    def _connect(self) -> tuple[Link, Opening]:
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
                raise BrokenLinkError(f"{self._address} accepts connections and sends nothing")
            opening = self._transport.read(message)
        except BrokenLinkError:
            link.cut()
            raise
        if not isinstance(opening, Opening):
            raise BrokenLinkError(f"{self._address} does not send an opening first")
        return link, opening

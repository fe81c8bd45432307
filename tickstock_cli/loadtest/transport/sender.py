"""The generator's end of a transport: it keeps unconfirmed frames and sends them again after a break."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence

from tickstock_cli.loadtest.transport.base import (
    BrokenLinkError,
    Closing,
    Data,
    Link,
    Opening,
    Transport,
    TransportListener,
)

PATIENCE_SECONDS = 20.0
"""Limit for the system to connect, to reconnect, and to confirm the last frame."""
LOOK_SECONDS = 0.2


class Sender:
    """Sends numbered frames; the system sees each once. For one thread; any thread may call ``close``."""

    def __init__(self, transport: Transport, listener: TransportListener, opening: Opening) -> None:
        self._transport = transport
        self._listener = listener
        self._opening = transport.write(opening)
        self._link: Link | None = None
        self._kept: deque[tuple[int, Data]] = deque()
        self._closed = False
        self.breaks = 0
        """Number of times that the connection was lost, including planned breaks."""

    def connect(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the system connects, and send it the unconfirmed frames.

        Raises
        ------
        BrokenLinkError
            The system does not connect in time.
        """
        waited = 0.0
        while self._link is None:
            if self._closed or waited >= patience_seconds:
                raise BrokenLinkError(f"the system did not connect within {patience_seconds:g} s")
            link = self._listener.accept(LOOK_SECONDS)
            waited += LOOK_SECONDS
            if link is not None:
                self._greet(link)

    def send(self, frames: Sequence[tuple[int, Data]]) -> None:
        """Send frames, as (number, message), in order; block while the system accepts none.

        Raises
        ------
        BrokenLinkError
            The connection cannot be restored.
        """
        self._kept.extend(frames)
        if self._link is None:
            self.connect()  # sends the new frames, too
            return
        try:
            self._read_confirmations(self._link)
            self._link.send([message for _, message in frames])
        except BrokenLinkError:
            self.cut()
            self.connect()

    def cut(self) -> None:
        """Break the connection; the next frame waits for the system to reconnect."""
        if self._link is not None:
            self._link.cut()
            self._link = None
            self.breaks += 1

    def finish(self) -> None:
        """Send the closing message, and wait until the system has confirmed every frame.

        Raises
        ------
        BrokenLinkError
            The connection cannot be restored, or the system confirms nothing.
        """
        waited = 0.0
        self.send([(_END, self._transport.write(Closing()))])
        while self._kept:
            if self._closed or waited >= PATIENCE_SECONDS:
                raise BrokenLinkError("the system did not confirm the last rows")
            before = len(self._kept)
            try:
                assert self._link is not None  # ``send`` has connected
                self._read_confirmations(self._link, LOOK_SECONDS)
            except BrokenLinkError:
                if not self._kept:  # the system has confirmed the end and closed
                    break
                self.cut()
                self.connect()
            waited = waited + LOOK_SECONDS if len(self._kept) == before else 0.0

    def close(self) -> None:
        """End, even with unconfirmed frames. Idempotent."""
        self._closed = True
        if self._link is not None:
            self._link.cut()
        self._listener.close()

    def _greet(self, link: Link) -> None:
        try:
            wanted = link.receive(PATIENCE_SECONDS)
            if wanted is None:
                raise BrokenLinkError("the system connected and did not ask for a frame")
            self._drop_confirmed(_wanted(wanted))
            link.send([self._opening, *(message for _, message in self._kept)])
        except BrokenLinkError:
            link.cut()
            return
        self._link = link

    def _read_confirmations(self, link: Link, seconds: float = 0.0) -> None:
        """Read the confirmations that have arrived."""
        while (message := link.receive(seconds)) is not None:
            self._drop_confirmed(_wanted(message))
            seconds = 0.0

    def _drop_confirmed(self, wanted: int) -> None:
        while self._kept and self._kept[0][0] < wanted:
            self._kept.popleft()


_END = (1 << 62) - 1
"""Number of the closing message, above those of all frames."""


def confirmation(number: int | None) -> Data:
    """Return the message that asks for frame ``number`` next; None confirms the closing message."""
    return json.dumps({"next": _END + 1 if number is None else number}).encode()


def _wanted(message: Data) -> int:
    try:
        return int(json.loads(bytes(message))["next"])
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenLinkError(f"a confirmation of the system cannot be read: {bytes(message[:60])!r}") from error

"""The generator's end of a transport: what the system has not confirmed is kept, and sent again after a break."""

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
"""How long the system may take to connect, to connect again, and to confirm the last frame."""
LOOK_SECONDS = 0.2


class Sender:
    """Sends numbered frames, each of them once as far as the system can see. For one thread; ``close`` for any."""

    def __init__(self, transport: Transport, listener: TransportListener, opening: Opening) -> None:
        self._transport = transport
        self._listener = listener
        self._opening = transport.write(opening)
        self._link: Link | None = None
        self._kept: deque[tuple[int, Data]] = deque()
        self._closed = False
        self.breaks = 0
        """How often a connection was lost, cuts of ours included."""

    def meet(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the system is there, and send it what it has not confirmed.

        Raises
        ------
        BrokenLinkError
            It does not come.
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
        """Send frames, as (number, message), behind all before them; waits while the system takes none.

        Raises
        ------
        BrokenLinkError
            The system is gone and does not come back.
        """
        self._kept.extend(frames)
        if self._link is None:
            self.meet()  # sends them, too
            return
        try:
            self._hear(self._link)
            self._link.send([message for _, message in frames])
        except BrokenLinkError:
            self.cut()
            self.meet()

    def cut(self) -> None:
        """Break the connection; the next frame waits for the system to come back."""
        if self._link is not None:
            self._link.cut()
            self._link = None
            self.breaks += 1

    def finish(self) -> None:
        """Say that no frame follows, and wait until every one has been confirmed.

        Raises
        ------
        BrokenLinkError
            The system is gone, or confirms nothing.
        """
        waited = 0.0
        self.send([(_END, self._transport.write(Closing()))])
        while self._kept:
            if self._closed or waited >= PATIENCE_SECONDS:
                raise BrokenLinkError("the system did not confirm the last rows")
            before = len(self._kept)
            try:
                assert self._link is not None  # since the sending
                self._hear(self._link, LOOK_SECONDS)
            except BrokenLinkError:
                if not self._kept:  # it confirmed the end, and left
                    break
                self.cut()
                self.meet()
            waited = waited + LOOK_SECONDS if len(self._kept) == before else 0.0

    def close(self) -> None:
        """End, whatever was not confirmed. Idempotent."""
        self._closed = True
        if self._link is not None:
            self._link.cut()
        self._listener.close()

    def _greet(self, link: Link) -> None:
        try:
            wanted = link.receive(PATIENCE_SECONDS)
            if wanted is None:
                raise BrokenLinkError("the system connected and asked for nothing")
            self._forget(_wanted(wanted))
            link.send([self._opening, *(message for _, message in self._kept)])
        except BrokenLinkError:
            link.cut()
            return
        self._link = link

    def _hear(self, link: Link, seconds: float = 0.0) -> None:
        """Take note of what was confirmed by now."""
        while (message := link.receive(seconds)) is not None:
            self._forget(_wanted(message))
            seconds = 0.0

    def _forget(self, wanted: int) -> None:
        while self._kept and self._kept[0][0] < wanted:
            self._kept.popleft()


_END = (1 << 62) - 1
"""Number of the closing: behind every frame."""


def confirmation(number: int | None) -> Data:
    """Return the message by which the system asks for ``number`` next; None confirms the closing."""
    return json.dumps({"next": _END + 1 if number is None else number}).encode()


def _wanted(message: Data) -> int:
    try:
        return int(json.loads(bytes(message))["next"])
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenLinkError(f"the system confirms nothing that is known: {bytes(message[:60])!r}") from error

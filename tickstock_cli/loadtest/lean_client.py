"""A WebSocket client with little CPU cost: hundreds of them run beside the system that they measure.

It implements the served protocol (docs/websocket.md) over plain TCP. From a message it reads the type, the ``next``
sequence number and the number of events, which is enough to count missing and repeated events. A client that measures
latency decodes every event.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import struct
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any, cast

CONTINUATION, TEXT, CLOSE, PING, PONG = 0x0, 0x1, 0x8, 0x9, 0xA
LAST = 0x80

EVENTS = re.compile(rb'\{"type":"events","next":(\d+),')
EVENT = b'{"sequence":'
KIND = re.compile(rb'\{"type":"(\w+)"')
NUMBERS = re.compile(rb'\{"sequence":(\d+)')

Measure = Callable[[list[dict[str, Any]], int], None]
"""Takes events and their arrival time (ns of the monotonic clock)."""


class LeanClient(asyncio.Protocol):
    """One client.

    Parameters
    ----------
    kinds
        Kinds of events to subscribe to; empty for all.
    measure
        Called with every message's events; None to skip decoding.
    stalls
        Whether it stops reading once it has subscribed.
    """

    def __init__(self, host: str, kinds: tuple[str, ...], measure: Measure | None, stalls: bool) -> None:
        self._host = host
        self._kinds = kinds
        self._measure = measure
        self.stalls = stalls
        self.delivered = 0
        self.repeats = 0
        self.gaps = 0
        self.subscribed = asyncio.get_running_loop().create_future()
        self.ended = False
        """Whether the server has reported the end of the run."""
        self.lost = ""
        """Why the connection ended before the end of the run; empty if it did not."""
        self._buffer = bytearray()
        self._upgraded = False
        self._next = 1
        self._parts: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the upgrade request."""
        self._transport = cast(asyncio.Transport, transport)
        key = b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET /ws HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Read the frames that are complete."""
        now = time.monotonic_ns()
        self._buffer += data
        if not self._upgraded and not self._shake_hands():
            return
        place = 0
        while (frame := self._frame(place)) is not None:
            code, last, begin, place = frame
            self._take(code, last, bytes(self._buffer[begin:place]), now)
        del self._buffer[:place]

    def connection_lost(self, error: Exception | None) -> None:
        """Record the reason if the run has not ended."""
        if not self.ended:
            self._lose(str(error) if error is not None else "the server closed the connection")

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _lose(self, why: str) -> None:
        self.lost = self.lost or why
        if not self.subscribed.done():
            self.subscribed.set_exception(ConnectionError(why))

    def _shake_hands(self) -> bool:
        head, separator, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not separator:
            return False
        status = head.split(b"\r\n")[0].decode("latin-1")
        if " 101 " not in status:
            self._lose(f"the server answered {status}")
            self.close()
            return False
        self._buffer[:] = rest
        self._upgraded = True
        return True

    def _frame(self, place: int) -> tuple[int, bool, int, int] | None:
        """Return opcode, whether it is a message's last frame, and the payload's bounds; None for a partial frame."""
        buffer, have = self._buffer, len(self._buffer) - place
        if have < 2:
            return None
        first, length = buffer[place], buffer[place + 1]
        begin = place + 2
        if length == 126:
            if have < 4:
                return None
            (length,) = struct.unpack_from(">H", buffer, begin)
            begin += 2
        elif length == 127:
            if have < 10:
                return None
            (length,) = struct.unpack_from(">Q", buffer, begin)
            begin += 8
        end = begin + length
        return None if len(buffer) < end else (first & 0x0F, bool(first & LAST), begin, end)

    def _take(self, code: int, last: bool, payload: bytes, now: int) -> None:
        if code in (TEXT, CONTINUATION):
            self._parts.append(payload)
            if last:
                message = b"".join(self._parts) if len(self._parts) > 1 else payload
                self._parts.clear()
                self._read(message, now)
        elif code == PING:
            self._write(PONG, payload)
        elif code == CLOSE:
            self._lose("the server closed the connection")

    def _read(self, message: bytes, now: int) -> None:
        events = EVENTS.match(message)
        if events is not None:
            self._count(message, int(events[1]))
            if self._measure is not None:
                self._measure(json.loads(message)["events"], now)
            return
        kind = KIND.match(message)
        match kind[1] if kind else b"":
            case b"hello":
                wanted = {"kinds": list(self._kinds)} if self._kinds else {}
                self._write(TEXT, json.dumps({"type": "subscribe", "from": "first", **wanted}).encode())
            case b"subscribed":
                if self.stalls and self._transport is not None:
                    self._transport.pause_reading()
                if not self.subscribed.done():
                    self.subscribed.set_result(None)
            case b"end":
                self.ended = True
            case b"error":
                self._lose(str(json.loads(message)["message"]))

    def _count(self, message: bytes, following: int) -> None:
        """Count received, missing and repeated events of a message.

        A message holds all matching events from the previous ``next`` up to its own, in any order.
        """
        if self._kinds:  # a filter leaves gaps in the sequence numbers
            numbers = {int(number) for number in NUMBERS.findall(message)}
            count = message.count(EVENT)
            self.repeats += count - sum(number >= self._next for number in numbers)
        else:
            count, due = message.count(EVENT), max(0, following - self._next)
            self.repeats += max(0, count - due)
            self.gaps += max(0, due - count)
        self.delivered += count
        self._next = max(self._next, following)

    def _write(self, code: int, payload: bytes) -> None:
        """Send a frame with a mask of zeros: clients must mask their frames."""
        assert self._transport is not None
        length = len(payload)
        head = (
            bytes((LAST | code, LAST | length))
            if length < 126
            else struct.pack(">BBH", LAST | code, LAST | 126, length)
        )
        self._transport.write(head + bytes(4) + payload)

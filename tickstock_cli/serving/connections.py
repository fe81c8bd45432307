"""HTTP connections: a bound on their number, and deadlines for clients that do not finish a request or take no data.

A connection waits for the head of a request from its beginning, and again after each answer. If it is not complete
after ``Limits.request_seconds``, the connection is closed; single bytes do not prolong that. A client that takes no
byte of an answer for ``Limits.send_seconds`` is cut off. WebSockets leave this class with their handshake, and count
among the connections.
"""

from __future__ import annotations

import asyncio
import json
import resource
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from tickstock_cli.serving.error_answers import error_document
from tickstock_cli.serving.hub import CLOSE_SECONDS, ConnectionCounts, Limits

SPARE_FILES = 48
"""Least number of open files that connections leave to the rest of the process: its logs, outputs and libraries."""
LEAST_CONNECTIONS = 8


def most_connections(wanted: int) -> int:
    """Return ``wanted``, or fewer if the process may not open so many files (``ulimit -n``)."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(LEAST_CONNECTIONS, files - max(SPARE_FILES, files // 16)))


@dataclass(frozen=True, slots=True)
class ConnectionBounds:
    """Bounds of a server's connections, and the counts of those that they ended."""

    limits: Limits
    counts: ConnectionCounts


class HttpConnection(H11Protocol):
    """One connection, until it becomes a WebSocket."""

    def __init__(self, *, bounds: ConnectionBounds, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._limits = bounds.limits
        self._counts = bounds.counts
        self._request_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._refused = False
        self._unsent = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(transport)
        if len(self.connections) > self._counts.limit:
            self._counts.refused += 1
            self._refuse(503, f"the server has {self._counts.limit} connections, its limit; try again later")
        else:
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._refused:
            super().data_received(data)

    def handle_events(self) -> None:
        super().handle_events()
        if self._is_answering:
            _cancel(self._request_timer)

    @property
    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return cycle is not None and not cycle.response_complete

    def handle_websocket_upgrade(self, event: Any) -> None:
        self._stop_timers()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        self._await_request()
        super().on_response_complete()  # may begin the next request, which ends the wait

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        _cancel(self._stall_timer)
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, msg)

    def _await_request(self) -> None:
        _cancel(self._request_timer)
        self._request_timer = self.loop.call_later(self._limits.request_seconds, self._give_up)

    def _give_up(self) -> None:
        self._counts.timed_out += 1
        seconds = self._limits.request_seconds
        self._refuse(408, f"no complete request came within {seconds:g} s; send it at once")

    def _watch_writing(self) -> None:
        """Cut the client off if it takes no byte until the deadline; else wait again."""
        _cancel(self._stall_timer)
        self._unsent = self.transport.get_write_buffer_size()
        self._stall_timer = self.loop.call_later(self._limits.send_seconds, self._check_writing)

    def _check_writing(self) -> None:
        if self.transport.get_write_buffer_size() < self._unsent:
            self._watch_writing()
            return
        self._counts.stalled += 1
        self.transport.abort()

    def _refuse(self, status: int, message: str) -> None:
        """Answer with an error, whatever the client sent, and close."""
        self._refused = True
        self._stop_timers()
        if not self.transport.is_closing():
            self.transport.write(_answer(status, message))
            self.transport.close()
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    def _stop_timers(self) -> None:
        _cancel(self._request_timer)
        _cancel(self._stall_timer)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


def _answer(status: int, message: str) -> bytes:
    body = json.dumps(error_document(message)).encode()
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body

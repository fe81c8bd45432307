"""A client that follows a server: it reconnects by itself and resumes where it was.

Every message carries the next sequence number, so no event is missing or doubled after a break. If the server has
deleted events or serves another run, following ends with an error.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import process_exception
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI, WebSocketException

from tickstock_cli.errors import ServingError, UsageError

FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
MAX_MESSAGE_BYTES = 16 * 2**20
"""More than any batch of events; a longer message is not from a tickstock server."""

REJECTION_STATUSES = (401, 403, 404)
"""Statuses of a handshake that a retry does not change."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """The events to follow, and whether to report notices; ``protocol.Subscribe`` documents the fields."""

    kinds: tuple[str, ...] | None = None
    tickers: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    min_priority: int | None = None
    universe: str | None = None
    start: int | Literal["now", "first"] = "now"
    notices: bool = False

    def message(self, start: int | str, hello: Mapping[str, Any]) -> str:
        """Return the message that subscribes to the run of ``hello`` from ``start`` on."""
        wanted = {"kinds": self.kinds, "tickers": self.tickers, "sources": self.sources}
        named = {name: list(names) for name, names in wanted.items() if names is not None}
        single = {"universe": self.universe, "min_priority": self.min_priority}
        more = {name: value for name, value in single.items() if value is not None}
        if self.notices and hello["features"].get("notices"):  # a server without the feature rejects the key
            more["notices"] = True
        return json.dumps({"type": "subscribe", "from": start, "run": hello["run"], **named, **more})


class Follower:
    """Follows one run. Iterate ``batches`` once.

    Parameters
    ----------
    url
        Address of the WebSocket, as ``addresses.websocket_url`` returns it.
    token
        Token to send to the server; None = no token.
    give_up_seconds
        How long to retry without a connection.
    on_hello
        Called with the server's first message, and again with the first one after a seek of the replay.
    report
        Called with one line when the connection is lost, when it is back, and for each notice.
    """

    def __init__(
        self,
        url: str,
        subscription: Subscription,
        token: str | None,
        give_up_seconds: float,
        on_hello: Callable[[Mapping[str, Any]], None],
        report: Callable[[str], None],
    ) -> None:
        self.url = url
        self.next: int | None = None
        """The sequence number to continue from; None before the first answer."""
        self.end: Mapping[str, Any] | None = None
        """The server's last message: the run is over. None before it."""
        self.hello: Mapping[str, Any] | None = None
        """The server's first message; None before it."""
        self.unreadable = 0
        """Number of events that the server cannot read."""
        self._on_hello = on_hello
        self._subscription = subscription
        self._token = token
        self._give_up_seconds = give_up_seconds
        self._report = report
        self._lost_at: float | None = None
        self._loss_reported = False

    async def batches(self) -> AsyncGenerator[list[dict[str, Any]]]:
        """Yield batches of events to the end of the run; each batch is ordered by priority, highest first.

        Raises
        ------
        UsageError
            The server rejects the subscription or the connection.
        ServingError
            The server cannot be reached, or has deleted events.
        """
        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        self._lost_at = asyncio.get_running_loop().time()
        connections = connect(
            self.url,
            additional_headers=headers,
            compression=None,
            max_size=MAX_MESSAGE_BYTES,
            process_exception=self._retry_error,
            reconnect_delays=_delays,
        )
        try:
            # The library's iterator is a generator, though its type does not say so: closing it closes the connection.
            async with aclosing(cast("AsyncGenerator[ClientConnection]", aiter(connections))) as attempts:
                async for connection in attempts:
                    try:
                        async with aclosing(self._read(connection)) as batches:
                            async for batch in batches:
                                yield batch
                    except ConnectionClosed as closed:
                        self._lost(closed)
                        await asyncio.sleep(FIRST_DELAY_SECONDS)
                    else:
                        return
        except InvalidURI as error:
            raise UsageError(f"{self.url} is not the address of a server; write http://HOST:PORT") from error
        except (WebSocketException, OSError) as error:
            raise ServingError(f"cannot follow {self.url}: {error}") from error

    async def _read(self, connection: ClientConnection) -> AsyncGenerator[list[dict[str, Any]]]:
        """Yield the batches of one connection; end with the run."""
        hello = json.loads(await connection.recv())
        if hello.get("type") != "hello":
            raise ServingError(f"{self.url} is not a tickstock server: its first message is {str(hello)[:60]}")
        self._begin(hello)
        self._found()
        await connection.send(
            self._subscription.message(self._subscription.start if self.next is None else self.next, hello)
        )
        async for text in connection:
            message = json.loads(text)
            kind = message["type"]
            if kind == "error" and message["code"] == "unreadable" and "next_sequence" in message:
                await connection.send(self._pass_over(message, hello))
                continue
            if kind == "error":
                raise self._error(message)
            if kind == "notice":
                self._report(message["text"])
            if kind in ("subscribed", "heartbeat", "events", "end") and message["next"] is not None:
                if kind == "events":
                    yield message["events"]
                self.next = message["next"]
            if kind == "end":
                self.end = message
                return
        raise ConnectionClosed(connection.protocol.close_rcvd, connection.protocol.close_sent)

    def _begin(self, hello: Mapping[str, Any]) -> None:
        """Begin with a run, or with another epoch of the same run."""
        known, self.hello = self.hello, hello
        if known is not None and known["run"] == hello["run"]:
            return
        if known is not None:
            if known["epoch"]["run"] != hello["epoch"]["run"]:
                raise ServingError(
                    f"{self.url} now serves run {hello['run']} instead of {known['run']}; start again to follow it"
                )
            begins = hello["epoch"]["first_sequence"]
            wanted = self._subscription.start
            # Numbers denote the same events in every epoch, so events since the seek are not lost.
            self.next = (
                hello["first_sequence"] if wanted == "first" else begins if wanted == "now" else min(wanted, begins)
            )
            self._loss_reported = False
            self._report(f"the replay moved to another time: starting again with event {self.next}")
        self._on_hello(hello)

    def _pass_over(self, message: dict[str, Any], hello: Mapping[str, Any]) -> str:
        """Return the message that subscribes behind events that the server cannot read."""
        first, self.next = message["first_sequence"], message["next_sequence"]
        self.unreadable += self.next - first
        self._report(f"warning: {message['message']}")
        return self._subscription.message(self.next, hello)

    def _error(self, message: dict[str, Any]) -> ServingError | UsageError:
        if message["code"] == "expired":
            first = message["first_sequence"]
            return ServingError(f"{self.url} has deleted some of the requested events: resume with --from {first}")
        if message["code"] in ("invalid", "ahead"):
            return UsageError(f"{self.url}: {message['message']}")
        return ServingError(f"{self.url}: {message['message']}")

    def _retry_error(self, error: Exception) -> Exception | None:
        """Return None to retry after an error, else the error that ends the attempts."""
        if isinstance(error, InvalidStatus) and error.response.status_code in REJECTION_STATUSES:
            return UsageError(f"{self.url} rejects the connection: {_rejection(error)}")
        if process_exception(error) is not None:
            reason = str(error) if isinstance(error, InvalidHandshake) else type(error).__name__
            return ServingError(f"cannot follow {self.url}: {reason}")
        self._lost(error)
        assert self._lost_at is not None
        if asyncio.get_running_loop().time() - self._lost_at >= self._give_up_seconds:
            return ServingError(f"cannot reach {self.url} for {self._give_up_seconds:g} s: {_reason(error)}")
        return None

    def _lost(self, error: Exception) -> None:
        if self._lost_at is None:
            self._lost_at = asyncio.get_running_loop().time()
        if not self._loss_reported:
            self._loss_reported = True
            self._report(f"no connection to {self.url} ({_reason(error)}); retrying")

    def _found(self) -> None:
        self._lost_at = None
        if self._loss_reported:
            self._loss_reported = False
            self._report("connected" if self.next is None else f"connected again, resuming with event {self.next}")


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionClosed):
        return "it closed the connection"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _rejection(error: InvalidStatus) -> str:
    """Return the message of a tickstock server, else the status."""
    try:
        return str(json.loads(error.response.body or b"")["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"status {error.response.status_code}"


def _delays() -> Generator[float]:
    delay = FIRST_DELAY_SECONDS
    while True:
        yield delay
        delay = min(2 * delay, LONGEST_DELAY_SECONDS)

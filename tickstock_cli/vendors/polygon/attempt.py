"""One attempt at a connection that is open: its states from the greeting to its end.

::

    authenticating ─▶ subscribing ─▶ streaming

1. Each state but streaming has a limit of time. When it is over, the attempt ends.
2. The whole set of items is asked for; acknowledgements are matched by name. What is missing after 10 s is asked for
   again, once, and then reported.
3. Frames are handed to the receiver as they come, in every state. Statuses are read from frames that hold the word, by
   a task; all others are not looked into.
4. A watch looks at limits of time, pings, and judges silence.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import msgspec
from websockets.exceptions import ConnectionClosed

from tickstock_cli.core.clock import Clock
from tickstock_cli.core.counted import counted
from tickstock_cli.errors import FeedError
from tickstock_cli.vendors.polygon.opening import FeedSocket, closing_words
from tickstock_cli.vendors.polygon.params import Key, PolygonParams, entitlement_hint
from tickstock_cli.vendors.polygon.staleness import ChannelSilence, SilenceJudgement
from tickstock_cli.vendors.polygon.subscriptions import Subscriptions, chunks, command

STATUS_MARK, STATUS_LETTER = b"status", b"u"
"""A frame without this word holds no status. Few frames hold this letter of it, which is found ten times as quickly."""
POLICY_VIOLATION = 1008
"""Close code of a connection that is one too many."""
REFUSAL_SECONDS = 1.0
"""After a refusal of real-time data, how long acknowledgements of other items are waited for."""
SILENCE_WORDS = "no rows of "


class ConnectionState(StrEnum):
    """What a connection is doing."""

    COOLING = "cooling"
    """Waits before it connects again, because the vendor has reported too many connections."""
    CONNECTING = "connecting"
    AUTHENTICATING = "authenticating"
    SUBSCRIBING = "subscribing"
    STREAMING = "streaming"
    STOPPED = "stopped"


class FrameReceiver(Protocol):
    """Takes what a connection receives and what becomes of it; every call is on the loop's thread."""

    def received(self, frame: bytes) -> None:
        """Stamp a frame and put it into the queue."""

    @property
    def is_full(self) -> bool:
        """Whether the queue has no room."""

    async def room(self) -> None:
        """Return once the queue has room."""

    def began(self) -> None:
        """Mark that the next frames are those of another attempt."""

    def lost(self, reason: str) -> None:
        """Mark that an attempt whose items were acknowledged has ended."""

    def notice(self, text: str) -> None:
        """Show the user a line."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Times that are no settings, in seconds; tests shorten them."""

    watch: float = 0.25
    """Between two looks at limits of time, pings and silence."""
    ping: float = 20.0
    """Between two pings, and the limit of the time in which something must be received after one."""


@dataclass(slots=True)
class ConnectionFacts:
    """What a connection knows of itself; read from any thread.

    Parameters
    ----------
    since
        When it came to this state, ns UTC.
    connects
        Connections that were opened.
    problem
        What is wrong, in words.
    clock_offset_ms
        Our date minus that of the vendor's answer to the last handshake, which is in whole seconds.
    prefix
        Names the connection in what is told of it, where a feed has several.
    """

    state: ConnectionState = ConnectionState.CONNECTING
    since: int = 0
    authenticated: bool = False
    was_authenticated: bool = False
    connects: int = 0
    problem: str | None = None
    clock_offset_ms: float | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How an attempt ended.

    Parameters
    ----------
    too_many
        Whether the vendor has reported too many connections.
    status
        HTTP status of a handshake that was refused.
    """

    reason: str
    streamed_seconds: float = 0.0
    too_many: bool = False
    status: int | None = None


@dataclass(frozen=True, slots=True)
class ConnectionParts:
    """What the attempts of one connection share.

    Parameters
    ----------
    now
        ns UTC, by the clock of the stamps.
    clock
        Measures how long an attempt streamed.
    """

    facts: ConnectionFacts
    subscriptions: Subscriptions
    key: Key
    params: PolygonParams
    receiver: FrameReceiver
    silence: ChannelSilence
    now: Callable[[], int]
    clock: Clock
    intervals: Intervals

    def to(self, state: ConnectionState) -> None:
        """Come to a state."""
        self.facts.state = state
        self.facts.since = self.now()


class Attempt:
    """An open connection, from the greeting to its end. On one loop."""

    def __init__(self, connected: FeedSocket, parts: ConnectionParts) -> None:
        self._socket = connected
        self._parts = parts
        self._facts = parts.facts
        self._subscriptions = parts.subscriptions
        self._reason: str | None = None
        self._fatal: FeedError | None = None
        self._too_many = False
        self._words: str | None = None
        self._deadline: float | None = None
        self._key_sent = False
        self._asked_again = False
        self._no_real_time: str | None = None
        self._streams_since: int | None = None
        self._pinged: float | None = None
        self._heard = 0
        self._heard_at_ping = 0
        self._waits_for_room = False

    async def run(self) -> AttemptEnd:
        """Receive until the connection ends, and return how.

        Raises
        ------
        FeedError
            The vendor refuses the key or the plan: another attempt would, too.
        """
        self._subscriptions.begin()
        self._parts.receiver.began()
        self._to(ConnectionState.AUTHENTICATING, self._parts.params.auth_seconds)
        watch = asyncio.ensure_future(self._watch())
        try:
            reason, code = await self._read()
        finally:
            watch.cancel()
            self._socket.transport.abort()
            self._facts.authenticated = False
        if watch.done() and not watch.cancelled():
            watch.result()
        if self._fatal is not None:
            raise self._fatal
        return self._ended(self._reason or reason, code)

    def _ended(self, reason: str, code: int | None) -> AttemptEnd:
        if self._words is not None and self._words not in reason:
            reason = f"{reason}: {self._words}"
        streamed = 0 if self._streams_since is None else self._parts.clock.now() - self._streams_since
        return AttemptEnd(reason, streamed / 1e9, self._too_many or code == POLICY_VIOLATION)

    async def _read(self) -> tuple[str, int | None]:
        """Receive until the connection ends; return the reason and the vendor's close code.

        Nearly all frames are taken as they come; here are those with a status, and all while the queue is full.
        """
        receiver = self._parts.receiver
        self._socket.take = self._take_rows
        try:
            while True:
                frame = await self._socket.recv(decode=False)
                self._heard += 1
                receiver.received(frame)
                if STATUS_MARK in frame:
                    for status, message in statuses(frame):
                        await self._take(status, message)
                if receiver.is_full:
                    self._waits_for_room = True
                    await receiver.room()
                    self._waits_for_room = False
        except ConnectionClosed as closed:
            return closing_words(closed)

    def _take_rows(self, frame: bytes) -> bool:
        """Take a frame without a status if the queue has room; return whether it was taken."""
        receiver = self._parts.receiver
        if receiver.is_full or (STATUS_LETTER in frame and STATUS_MARK in frame):
            return False
        self._heard += 1
        receiver.received(frame)
        return True

    async def _take(self, status: str, message: str) -> None:
        """Take a status of the vendor; items are matched as they came, and other words are shown without the key."""
        if status == "success" and self._facts.state is not ConnectionState.AUTHENTICATING:
            self._take_success(message)
            return
        message = self._parts.key.masked(message)
        if status == "auth_failed":
            self._stop_for_good(f"the feed refuses the key: {message or status}")
        elif status == "max_connections":
            self._too_many = True
            self._words = message or status
        elif self._facts.state is ConnectionState.AUTHENTICATING:
            await self._take_before_auth(status, message)
        elif status == "error":
            self._take_refusal(message)
        elif status != "connected":
            self._words = message or status

    async def _take_before_auth(self, status: str, message: str) -> None:
        if status in ("connected", "success"):
            if not self._key_sent and not await self._send_key():
                self._abort("the connection broke off while the key was sent")
        elif status == "auth_success":
            self._facts.authenticated = self._facts.was_authenticated = True
            self._to(ConnectionState.SUBSCRIBING, self._parts.params.subscribe_seconds)
            await self._ask()
        else:
            self._abort(f"the feed does not accept the key now: {message or status}")

    async def _send_key(self) -> bool:
        """Send the key; return whether it was sent. An error's traceback would hold the message, so none leaves."""
        self._key_sent = True
        try:
            await self._socket.send(json.dumps({"action": "auth", "params": self._parts.key.reveal()}))
        except (ConnectionClosed, OSError, RuntimeError):
            return False
        return True

    async def _ask(self) -> None:
        """Ask for all items that are not acknowledged."""
        for chunk in chunks(self._subscriptions.missing):
            await self._socket.send(command(chunk))

    def _take_success(self, message: str) -> None:
        if self._subscriptions.acknowledge(message) and not self._subscriptions.missing:
            self._facts.problem = None
            if self._facts.state is ConnectionState.SUBSCRIBING:
                self._stream()

    def _take_refusal(self, message: str) -> None:
        self._subscriptions.refuse(message)
        if "real-time data" in message and self._facts.state is ConnectionState.SUBSCRIBING:
            self._no_real_time = message
            self._limit(REFUSAL_SECONDS)

    def _stream(self) -> None:
        """Come to the state in which rows are expected."""
        self._to(ConnectionState.STREAMING)
        self._streams_since = self._parts.clock.now()
        self._parts.silence.begin(self._parts.now())
        self._facts.problem = self._report()
        if self._facts.problem is not None:
            self._parts.receiver.notice(self._facts.problem)
        elif self._facts.connects > 1:
            count = self._subscriptions.acknowledged
            self._parts.receiver.notice(f"streaming again: {counted(count, 'subscription')} acknowledged")

    def _report(self) -> str | None:
        """Return a line about items that are not acknowledged, with what helps; None if there are none."""
        report = self._subscriptions.report()
        hint = None if report is None else self._hint()
        return report if hint is None else f"{report}; {hint}"

    def _hint(self) -> str | None:
        """Return what helps against refusals; None if there are none, or nothing is known to."""
        if not self._subscriptions.refusals:
            return None
        refused = (item.partition(".")[0] for item in self._subscriptions.missing)
        return entitlement_hint(self._parts.params.feed, refused)

    def _to(self, state: ConnectionState, seconds: float | None = None) -> None:
        """Come to a state that may last ``seconds``; None is no limit."""
        self._parts.to(state)
        self._deadline = None
        if seconds is not None:
            self._limit(seconds)

    def _limit(self, seconds: float) -> None:
        """End the state ``seconds`` from now, unless it ends earlier."""
        limit = asyncio.get_running_loop().time() + seconds
        self._deadline = limit if self._deadline is None else min(self._deadline, limit)

    def _abort(self, reason: str) -> None:
        """End the attempt: the reader finds the connection closed."""
        self._reason = self._reason or reason
        self._socket.transport.abort()

    def _stop_for_good(self, reason: str) -> None:
        self._fatal = FeedError(reason)
        self._socket.transport.abort()

    async def _watch(self) -> None:
        """Look at limits of time, the vendor's answers and silence, until the attempt ends."""
        with suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(self._parts.intervals.watch)
                now = asyncio.get_running_loop().time()
                if self._deadline is not None and now >= self._deadline:
                    await self._time_over()
                await self._ping(now)
                if self._facts.state is ConnectionState.STREAMING:
                    self._judge_silence()

    async def _time_over(self) -> None:
        """Act on the end of a state's time."""
        self._deadline = None
        if self._facts.state is ConnectionState.AUTHENTICATING:
            self._abort(f"no answer to the key within {self._parts.params.auth_seconds:g} s")
        elif self._no_real_time is not None and not self._subscriptions.acknowledged:
            hint = self._hint() or "a delayed plan needs --feed delayed"
            self._stop_for_good(f"the feed refuses real-time data: {self._no_real_time}; {hint}")
        elif not self._asked_again:
            self._asked_again = True
            self._limit(self._parts.params.subscribe_seconds)
            await self._ask()
        else:
            self._stream()

    async def _ping(self, now: float) -> None:
        """Ping at intervals, and end the attempt if nothing was received for an interval after a ping.

        Any frame is an answer. While the queue has no room nothing is read, so silence proves nothing.
        """
        if self._pinged is not None:
            if now - self._pinged < self._parts.intervals.ping:
                return
            if self._heard == self._heard_at_ping and not self._waits_for_room:
                self._abort(f"nothing came for {self._parts.intervals.ping:g} s after a ping")
                return
        self._pinged, self._heard_at_ping = now, self._heard
        asyncio.ensure_future(await self._socket.ping()).add_done_callback(self._answered)

    def _answered(self, answer: asyncio.Future[Any]) -> None:
        if not answer.cancelled() and answer.exception() is None:
            self._heard += 1

    def _judge_silence(self) -> None:
        silence = self._parts.silence
        judgement = silence.judge(self._parts.now())
        text = f"{SILENCE_WORDS}{', '.join(silence.silent)} for longer than a channel is silent at this time of day"
        if judgement is SilenceJudgement.RECONNECT:
            self._abort(text)
        elif judgement is SilenceJudgement.ALERT:
            self._facts.problem = text
            self._parts.receiver.notice(text)
        elif not silence.silent and (self._facts.problem or "").startswith(SILENCE_WORDS):
            self._facts.problem = self._report()


def statuses(frame: bytes) -> list[tuple[str, str]]:
    """Return status and message of all statuses of a frame, in order; none if it cannot be read."""
    try:
        events = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    if not isinstance(events, list):
        return []
    return [
        (str(event.get("status", "")), str(event.get("message", "")))
        for event in events
        if isinstance(event, dict) and event.get("ev") == "status"
    ]

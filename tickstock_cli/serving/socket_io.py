"""Clients of the older system: events, notices and heartbeats over Socket.IO, one room per user.

The Socket.IO library queues packets for a client without a bound. Therefore a task per user reads the events, and only
while the queues of all clients of the user are short. A client that takes no data for ``send_seconds`` is disconnected;
so is a user whose next events the feed no longer keeps.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp

from tickstock_cli.errors import UsageError
from tickstock_cli.serving.hub import Hub
from tickstock_cli.serving.legacy_feed import EventFeed, LegacyFeed, OvertakenError, ReplayFeed

EVENT_NAME = "market_event"
HEARTBEAT_NAME = "heartbeat"
NOTICE_NAME = "notice"

QUEUED_PACKETS = 15
"""Most packets in the library's queue of one client; its writer holds as many again. A polling client gets the whole
queue in one answer, and the library's own client accepts at most 16 packets in an answer: these and a ping."""
OUTBOX_MESSAGES = 100
"""Most messages that wait for one user."""
CHECK_SECONDS = 0.02
"""Interval of checks of a full queue: the library has no callback for a queue that shrinks."""
MAX_USER_ID = 128


@dataclass(eq=False, slots=True)
class User:
    """A user with at least one client.

    Parameters
    ----------
    next, next_notice
        The sequence number of the event, and the number of the notice of a live feed, to send next.
    outbox
        Names and data of waiting messages to this user.
    """

    id: str
    feed: EventFeed
    next: int
    next_notice: int
    members: set[str] = field(default_factory=set)
    outbox: deque[tuple[str, dict[str, Any]]] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def room(self) -> str:
        """The room of the user's clients."""
        return f"user_{self.id}"

    @property
    def caught_up(self) -> bool:
        return self.next >= self.feed.end and not self.outbox


class SocketIoPublisher:
    """The Socket.IO endpoint. Built before the event loop runs; its methods run in the loop unless they say otherwise.

    Raises
    ------
    UsageError
        The library is not installed.
    """

    def __init__(self) -> None:
        try:
            import socketio
        except ImportError as error:
            raise UsageError("Socket.IO needs an extra: pip install 'tickstock[socketio]'") from error
        silent = logging.getLogger("tickstock.socketio")
        silent.setLevel(logging.CRITICAL + 1)  # errors of clients are not errors of the server
        self._connection_refused = socketio.exceptions.ConnectionRefusedError
        self._io = socketio.AsyncServer(
            async_mode="asgi",
            cors_allowed_origins="*",  # the access rules check the origin first
            logger=silent,
            engineio_logger=silent,
        )
        self.app: ASGIApp = socketio.ASGIApp(self._io)
        self._io.on("connect", self._connect)
        self._io.on("disconnect", self._disconnect)
        self._users: dict[str, User] = {}
        self._owners: dict[str, User] = {}
        self._hub: Hub | None = None
        self._feed: LegacyFeed | None = None
        self._following: asyncio.Task[None] | None = None

    def start(self, hub: Hub) -> None:
        """Follow the log and send its events from now on; of a finished run, send all events."""
        self._hub = hub
        if hub.served.over:
            return
        self._feed = self._follow(hub.served.log.next_sequence)

    def begin_epoch(self) -> None:
        """Follow another epoch: its events continue the stream, because the old protocol has no runs."""
        if self._following is not None:
            self._following.cancel()
        self._feed = self._follow(self.hub.served.begins)
        for user in self._users.values():
            user.feed, user.next = self._feed, self._feed.next
            user.wake.set()

    def _follow(self, begin: int) -> LegacyFeed:
        feed = LegacyFeed(self.hub.served.log, self.hub.notifier, begin, self.hub.served.kinds)
        self._following = asyncio.create_task(feed.follow())
        return feed

    async def stop(self) -> None:
        """End every task."""
        tasks = [task for task in (self._following, *(user.task for user in self._users.values())) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def disconnect_all(self) -> None:
        """Disconnect every client, so that no open poll delays the end of the server."""
        for socket in list(self._io.eio.sockets.values()):
            await self._close(socket)

    def emit_to_user(self, data: Mapping[str, Any], user_id: str, event_name: str = EVENT_NAME) -> bool:
        """Send a message to all clients of a user, in room ``user_<id>``. Safe in any thread; never blocks.

        Returns
        -------
        bool
            Whether the message was accepted: not if the user has no client or too many messages wait.
        """
        user = self._users.get(user_id)
        if user is None or len(user.outbox) >= OUTBOX_MESSAGES:
            return False
        user.outbox.append((event_name, dict(data)))
        self.hub.notifier.notify()
        return True

    def prepare_heartbeat(self, api_health: bool, market_status: str | None, user_id: str) -> dict[str, Any]:
        """Return the heartbeat for a user: health of the run, phase and time of the market, last sequence number.

        Safe in any thread. The server itself sends one every few seconds.
        """
        market, _ = self.hub.pulse()
        return {
            "type": HEARTBEAT_NAME,
            "user_id": user_id,
            "api_health": api_health,
            "market_status": market_status,
            "time": None if market.time is None else market.time / 1e9,
            "last_sequence": self.hub.served.log.next_sequence - 1,
        }

    @property
    def hub(self) -> Hub:
        """The state that all clients share; available once the server has started."""
        assert self._hub is not None
        return self._hub

    async def _connect(self, sid: str, environ: Mapping[str, Any], auth: Any = None) -> None:
        user_id = _user_id(environ, auth)
        if not 0 < len(user_id) <= MAX_USER_ID:
            raise self._connection_refused(
                f"a user id is missing: send auth {{user_id: …}} or ?user_id=…, 1 to {MAX_USER_ID} characters"
            )
        user = self._users.get(user_id)
        if user is None:
            if self.hub.full:
                raise self._connection_refused("the server has no room for another client; try again later")
            user = self._admit(user_id)
        user.members.add(sid)
        self._owners[sid] = user
        await self._io.enter_room(sid, user.room)

    def _admit(self, user_id: str) -> User:
        log = self.hub.served.log
        if self._feed is None:
            feed: EventFeed = ReplayFeed(log, self.hub.served.kinds)
            user = User(user_id, feed, log.first_sequence, self.hub.notices.next_number)
        else:
            user = User(user_id, self._feed, self._feed.next, self.hub.notices.next_number)
        self._users[user_id] = user
        self.hub.clients.add(user)
        self.hub.notifier.add(user.wake)
        user.task = asyncio.create_task(self._pump(user))
        return user

    async def _disconnect(self, sid: str, *_: Any) -> None:
        user = self._owners.pop(sid, None)
        if user is None:
            return
        user.members.discard(sid)
        if not user.members:
            self._users.pop(user.id, None)
            self.hub.clients.discard(user)
            self.hub.notifier.remove(user.wake)
            if user.task is not None:
                user.task.cancel()

    async def _pump(self, user: User) -> None:
        """Send messages, notices, events and heartbeats as long as the user has a client."""
        loop, every = asyncio.get_running_loop(), self.hub.limits.heartbeat_seconds
        heartbeat_at = loop.time() + every
        while True:
            user.wake.clear()
            room = await self._make_room(user)
            if loop.time() >= heartbeat_at:
                heartbeat_at = loop.time() + every
                market, health = self.hub.pulse()
                beat = self.prepare_heartbeat(health.ok, market.phase, user.id)
                await self._io.emit(HEARTBEAT_NAME, beat, room=user.room)
            elif not await self._advance(user, room):
                try:
                    async with asyncio.timeout_at(heartbeat_at):
                        await user.wake.wait()
                except TimeoutError:
                    continue

    async def _advance(self, user: User, room: int) -> bool:
        """Send waiting messages, then notices, then events, at most ``room`` packets; return whether any were sent."""
        own = [user.outbox.popleft() for _ in range(min(room, len(user.outbox)))]
        for name, data in own:
            await self._io.emit(name, data, room=user.room)
        room -= len(own)
        notices = self.hub.notices.since(user.next_notice)[:room]
        for number, notice in notices:
            await self._io.emit(NOTICE_NAME, {"number": number, **notice}, room=user.room)
            user.next_notice = number + 1
        feed = user.feed
        try:
            events = await feed.since(user.next, room - len(notices))
        except OvertakenError:
            await self._cut_off(user.members)
            return True
        for event in events:
            await self._io.emit(EVENT_NAME, event, room=user.room)
        if user.feed is feed:  # no other epoch has begun meanwhile
            user.next += len(events)
        self.hub.sent_events += len(events) * len(user.members)
        return bool(own or notices or events)

    async def _make_room(self, user: User) -> int:
        """Wait until every client of the user has room; return for how many packets. Disconnect stalled clients."""
        await asyncio.sleep(0)  # the library's writers empty the queues of clients that keep up
        checks = 0
        while True:
            waiting = {sid: self._waiting(sid) for sid in user.members}
            stuck = {sid for sid, packets in waiting.items() if packets >= QUEUED_PACKETS}
            if not stuck:
                return QUEUED_PACKETS - max(waiting.values(), default=0)
            # Time is counted in checks: while a busy machine does not run the server, no client can take data.
            if checks * CHECK_SECONDS >= self.hub.limits.send_seconds:
                await self._cut_off(stuck)
            await asyncio.sleep(CHECK_SECONDS)
            checks += 1

    def _waiting(self, sid: str) -> int:
        """Return the number of packets in the library's queue of a client."""
        socket = self._io.eio.sockets.get(self._io.manager.eio_sid_from_sid(sid, "/"))
        return 0 if socket is None else int(socket.queue.qsize())

    async def _cut_off(self, members: set[str]) -> None:
        for sid in tuple(members):
            self.hub.cut_off += 1
            socket = self._io.eio.sockets.get(self._io.manager.eio_sid_from_sid(sid, "/"))
            if socket is not None:
                await self._close(socket)

    async def _close(self, socket: Any) -> None:
        # The library's own disconnect waits for an empty queue. A client that takes no data is closed by its missing
        # pong.
        await socket.close(wait=False, abort=True, reason=self._io.reason.SERVER_DISCONNECT)
        await socket.queue.put(None)  # ends a writer or a poll that waits for packets


def _user_id(environ: Mapping[str, Any], auth: Any) -> str:
    if isinstance(auth, Mapping) and "user_id" in auth:
        return str(auth["user_id"])
    return parse_qs(str(environ.get("QUERY_STRING", ""))).get("user_id", [""])[0]

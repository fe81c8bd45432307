"""Clients of the older system: events and heartbeats over Socket.IO, one room a user.

The Socket.IO library keeps what a client has not taken yet in a queue without a bound. So events wait here instead:
a task per user pulls them, and only while the queues of all the user's clients are short. A client that takes
nothing for ``send_seconds`` is disconnected; so is a user whom the legacy_feed overtakes.
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

QUEUED_PACKETS = 15
"""The most of ours that wait in one client's queue of the library; its writer holds as many again. Polling clients get
a whole queue in one answer, and the library's own takes no answer of more than 16 packets: these and a ping."""
OUTBOX_MESSAGES = 100
"""The most that wait for one user alone."""
LOOK_SECONDS = 0.02
"""Between two looks at a queue that is full: the library does not tell when it has shrunk."""
MAX_USER_ID = 128


@dataclass(eq=False, slots=True)
class User:
    """A user with at least one client.

    Parameters
    ----------
    next
        The sequence number to send next.
    outbox
        Names and data of what was sent to the user alone and waits.
    """

    id: str
    tale: EventFeed
    next: int
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
        return self.next >= self.tale.end and not self.outbox

    def describe(self) -> dict[str, Any]:
        return {"address": f"socket.io {self.room}", "next": self.next, "acknowledged": None}


class SocketIoPublisher:
    """The Socket.IO endpoint. Built before the event loop runs; all else happens in one, but for what says otherwise.

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
        silent.setLevel(logging.CRITICAL + 1)  # what a client gets wrong is no error of ours
        self._refused = socketio.exceptions.ConnectionRefusedError
        self._io = socketio.AsyncServer(
            async_mode="asgi",
            cors_allowed_origins="*",  # the access rules have looked at the origin before
            logger=silent,
            engineio_logger=silent,
        )
        self.app: ASGIApp = socketio.ASGIApp(self._io)
        self._io.on("connect", self._connect)
        self._io.on("disconnect", self._disconnect)
        self._users: dict[str, User] = {}
        self._owners: dict[str, User] = {}
        self._hub: Hub | None = None
        self._legacy_feed: LegacyFeed | None = None
        self._following: asyncio.Task[None] | None = None

    def start(self, hub: Hub) -> None:
        """Begin to follow the log; what it gets from here on is sent. Of a run that is over, everything is."""
        self._hub = hub
        if hub.served.over:
            return
        self._legacy_feed = self._follow(hub.served.log.next_sequence)

    def begin_epoch(self) -> None:
        """Go over to another epoch: its events follow those sent before, because the old protocol knows no runs."""
        if self._following is not None:
            self._following.cancel()
        self._legacy_feed = self._follow(self.hub.served.begins)
        for user in self._users.values():
            user.tale, user.next = self._legacy_feed, self._legacy_feed.next
            user.wake.set()

    def _follow(self, begin: int) -> LegacyFeed:
        legacy_feed = LegacyFeed(self.hub.served.log, self.hub.notifier, begin)
        self._following = asyncio.create_task(legacy_feed.follow())
        return legacy_feed

    async def stop(self) -> None:
        """End every task."""
        tasks = [task for task in (self._following, *(user.task for user in self._users.values())) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def disconnect_all(self) -> None:
        """Show every client out, so that none holds up the end of the server with a poll."""
        for socket in list(self._io.eio.sockets.values()):
            await self._close(socket)

    def emit_to_user(self, data: Mapping[str, Any], user_id: str, event_name: str = EVENT_NAME) -> bool:
        """Send something to all clients of a user, in room ``user_<id>``. Safe in any thread; never blocks.

        Returns
        -------
        bool
            Whether it was taken: not if the user has no client, or too much waits for them already.
        """
        user = self._users.get(user_id)
        if user is None or len(user.outbox) >= OUTBOX_MESSAGES:
            return False
        user.outbox.append((event_name, dict(data)))
        self.hub.notifier.notify()
        return True

    def prepare_heartbeat(self, api_health: bool, market_status: str | None, user_id: str) -> dict[str, Any]:
        """Return the heartbeat for a user: whether the run is well, the market's phase, and where it stands.

        Safe in any thread. The server sends one every few seconds by itself.
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
        """What all clients share; there once the server has started."""
        assert self._hub is not None
        return self._hub

    async def _connect(self, sid: str, environ: Mapping[str, Any], auth: Any = None) -> None:
        user_id = _user_id(environ, auth)
        if not 0 < len(user_id) <= MAX_USER_ID:
            raise self._refused(f"name a user: auth {{user_id: …}} or ?user_id=…, 1 to {MAX_USER_ID} characters")
        user = self._users.get(user_id)
        if user is None:
            if self.hub.full:
                raise self._refused("all places are taken; try again later")
            user = self._admit(user_id)
        user.members.add(sid)
        self._owners[sid] = user
        await self._io.enter_room(sid, user.room)

    def _admit(self, user_id: str) -> User:
        log = self.hub.served.log
        if self._legacy_feed is None:
            user = User(user_id, ReplayFeed(log), log.first_sequence)
        else:
            user = User(user_id, self._legacy_feed, self._legacy_feed.next)
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
        """Send what there is to send, and heartbeats, as long as the user has a client."""
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
        """Send what waits for the user alone, then events; ``room`` packets at most. Tells whether there were any."""
        own = [user.outbox.popleft() for _ in range(min(room, len(user.outbox)))]
        for name, data in own:
            await self._io.emit(name, data, room=user.room)
        tale = user.tale
        try:
            events = await tale.since(user.next, room - len(own))
        except OvertakenError:
            await self._cut_off(user.members)
            return True
        for event in events:
            await self._io.emit(EVENT_NAME, event, room=user.room)
        if user.tale is tale:  # and no epoch has begun meanwhile
            user.next += len(events)
        self.hub.sent_events += len(events) * len(user.members)
        return bool(own or events)

    async def _make_room(self, user: User) -> int:
        """Wait until every client of the user can take something; give how many packets. Cuts off who does not."""
        await asyncio.sleep(0)  # the library's writers empty the queues of clients that keep up
        looks = 0
        while True:
            waiting = {sid: self._waiting(sid) for sid in user.members}
            stuck = {sid for sid, packets in waiting.items() if packets >= QUEUED_PACKETS}
            if not stuck:
                return QUEUED_PACKETS - max(waiting.values(), default=0)
            # Time is counted in looks: while the server itself stands still, as on a busy machine, no client can take.
            if looks * LOOK_SECONDS >= self.hub.limits.send_seconds:
                await self._cut_off(stuck)
            await asyncio.sleep(LOOK_SECONDS)
            looks += 1

    def _waiting(self, sid: str) -> int:
        """Return how many packets the library keeps for a client."""
        socket = self._io.eio.sockets.get(self._io.manager.eio_sid_from_sid(sid, "/"))
        return 0 if socket is None else int(socket.queue.qsize())

    async def _cut_off(self, members: set[str]) -> None:
        for sid in tuple(members):
            self.hub.cut_off += 1
            socket = self._io.eio.sockets.get(self._io.manager.eio_sid_from_sid(sid, "/"))
            if socket is not None:
                await self._close(socket)

    async def _close(self, socket: Any) -> None:
        # Not by the library's disconnect, which waits for the queue to empty. Of a client that takes nothing, the
        # missed pong ends the connection.
        await socket.close(wait=False, abort=True, reason=self._io.reason.SERVER_DISCONNECT)
        await socket.queue.put(None)  # ends a writer, or the answer to a poll, that waits for something to send


def _user_id(environ: Mapping[str, Any], auth: Any) -> str:
    if isinstance(auth, Mapping) and "user_id" in auth:
        return str(auth["user_id"])
    return parse_qs(str(environ.get("QUERY_STRING", ""))).get("user_id", [""])[0]

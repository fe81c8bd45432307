"""The session of one WebSocket client: it reads the log at the client's own pace.

A session holds a cursor and at most one message. If the client takes no data, the session waits in a send: it costs the
buffer of the transport (64 KiB and one message) and slows no other client. After ``send_seconds`` it is closed.
One message holds events of one block of the log at most, highest priority first. Every message of events and every
heartbeat carries the next sequence number, so the client can resume there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect

from tickstock_cli.errors import DamagedError, ExpiredError, TickstockError
from tickstock_cli.serving.encoded import EncodedBlock, Row
from tickstock_cli.serving.hub import CLOSE_SECONDS, Hub
from tickstock_cli.serving.protocol import (
    NOTICES,
    Ack,
    AlertMessage,
    End,
    Error,
    Heartbeat,
    HeartbeatHealth,
    HeartbeatMarket,
    Lag,
    Message,
    MessageError,
    Subscribe,
    Subscribed,
    read_message,
)
from tickstock_cli.serving.selection import RejectedError, Selection, expired, first_wanted, select, unreadable

ABORT = "tickstock.abort"
"""Key of the connection's state that holds the function of ``wire`` that aborts it after some seconds."""

MAX_ERRORS = 100
"""Invalid messages in a row after which a session closes: the client is broken or hostile."""
POLICY_VIOLATION = 1008
SERVICE_RESTART = 1012


@dataclass(slots=True)
class SubscriptionState:
    """The subscription of a client and its position.

    Parameters
    ----------
    next
        The next sequence number to read.
    window
        The most events sent beyond the last acknowledged one; None = no limit.
    alerts, notices
        Number of the next alert and the next notice to send; None = no alerts, no notices.
    """

    selection: Selection
    next: int
    window: int | None
    alerts: int | None
    notices: int | None
    ended: bool = False
    _sent: deque[int] = field(default_factory=deque)

    @property
    def unacknowledged(self) -> int:
        """Number of events sent and not acknowledged; 0 without a window."""
        return len(self._sent)

    @property
    def room(self) -> int | None:
        """Number of events that may be sent now; None = no limit."""
        return None if self.window is None else self.window - len(self._sent)

    def acknowledge(self, sequence: int) -> None:
        """Mark all events up to ``sequence`` as acknowledged."""
        while self._sent and self._sent[0] <= sequence:
            self._sent.popleft()

    def take(self, block: EncodedBlock) -> tuple[list[Row], int]:
        """Return the matching events of a block from ``next`` on, as many as there is room for, and advance ``next``.

        Events are taken in the order of the run, so one number still describes the position of the client.

        Returns
        -------
        tuple
            The events, highest priority first, and the new ``next``.
        """
        places: Sequence[int] = range(self.next - block.first, len(block.rows))
        if not self.selection.everything:
            places = [place for place in places if self.selection.matches(block.rows[place])]
        following = block.next
        if self.room is not None:
            if len(places) > self.room:
                places, following = places[: self.room], block.first + places[self.room]
            self._sent.extend(block.first + place for place in places)
        self.next = following
        return self.selection.priorities.highest_first(block.rows[place] for place in places), following


class StalledError(Exception):
    """The client took no byte for ``send_seconds``."""


class ClientSession:
    """One connection, from accept to close. Call ``run`` once."""

    def __init__(self, hub: Hub, websocket: WebSocket) -> None:
        self._hub = hub
        self._served = hub.served
        self._encoded = hub.encoded
        self._websocket = websocket
        self._subscription: SubscriptionState | None = None
        self._wake = asyncio.Event()
        self._heartbeat_at = 0.0
        self._errors = 0
        self._sending = 0

    @property
    def caught_up(self) -> bool:
        wanted = self._subscription
        return not self._sending and (wanted is None or wanted.next >= self._served.log.next_sequence)

    async def run(self) -> None:
        """Serve the client until it leaves, stalls, or the server stops."""
        await self._websocket.accept()
        self._hub.clients.add(self)
        self._hub.notifier.add(self._wake)
        try:
            await self._send_message(self._hub.hello())
            await self._converse()
        except WebSocketDisconnect:
            pass
        except StalledError:
            self._hub.cut_off += 1
            self._abort(0.0)
        finally:
            self._abort(CLOSE_SECONDS)
            self._hub.notifier.remove(self._wake)
            self._hub.clients.discard(self)

    def _abort(self, seconds: float) -> None:
        abort: Callable[[float], None] = self._websocket.scope["state"][ABORT]
        abort(seconds)

    async def _converse(self) -> None:
        """Receive and send concurrently; when one of the two tasks ends, both end."""
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._pump())]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in ended:
            await task

    async def _send(self, text: str) -> None:
        self._sending += 1  # both tasks send
        try:
            async with asyncio.timeout(self._hub.limits.send_seconds):
                await self._websocket.send_text(text)
        except TimeoutError as error:
            raise StalledError from error
        finally:
            self._sending -= 1

    async def _send_message(self, message: Message) -> None:
        await self._send(message.to_json())

    async def _listen(self) -> None:
        """Answer the messages of the client until it disconnects."""
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            problem = await self._handle(message.get("text"))
            self._errors = 0 if problem is None else self._errors + 1
            if problem is not None:
                await self._send_message(problem)
            if self._errors >= MAX_ERRORS:
                await self._websocket.close(POLICY_VIOLATION, f"{MAX_ERRORS} invalid messages in a row")
                return

    async def _handle(self, text: str | None) -> Error | None:
        if text is None:
            return Error(code="malformed", message="binary messages are not supported: send JSON as text")
        try:
            message = read_message(text)
        except MessageError as error:
            return error.error
        if isinstance(message, Subscribe):
            return await self._subscribe(message)
        if isinstance(message, Ack):
            return self._acknowledge(message)
        self._subscription = None
        await self._send_message(Subscribed(next=None))
        return None

    async def _subscribe(self, wanted: Subscribe) -> Error | None:
        try:
            selection = select(self._served, wanted)
            start = first_wanted(self._served, wanted)
        except RejectedError as error:
            return error.error
        alerts = self._hub.alerts.next_number if wanted.alerts else None
        notices = self._hub.notices.next_number if wanted.notices else None
        await self._send_message(Subscribed(next=start))
        self._subscription = SubscriptionState(selection, start, wanted.window, alerts, notices)
        self._wake.set()
        return None

    def _acknowledge(self, message: Ack) -> Error | None:
        subscription = self._subscription
        if subscription is None:
            return Error(code="invalid", message="there is no subscription to acknowledge", field="type")
        if message.sequence >= subscription.next:
            return Error(
                code="invalid",
                message=f"sequence is {message.sequence}, but only events below {subscription.next} were sent",
                field="sequence",
            )
        subscription.acknowledge(message.sequence)
        self._wake.set()
        return None

    async def _pump(self) -> None:
        """Send events, alerts, notices and heartbeats until the client disconnects."""
        loop = asyncio.get_running_loop()
        self._heartbeat_at = loop.time() + self._hub.limits.heartbeat_seconds
        while True:
            self._wake.clear()
            if self._hub.served is not self._served:
                await self._close_for_epoch()
                return
            if loop.time() >= self._heartbeat_at:
                self._heartbeat_at = loop.time() + self._hub.limits.heartbeat_seconds
                await self._send_message(self._heartbeat())
            if self._subscription is not None and await self._advance(self._subscription):
                await asyncio.sleep(0)  # sends to a fast client never block: let the other sessions run
                continue
            try:
                async with asyncio.timeout_at(self._heartbeat_at):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _close_for_epoch(self) -> None:
        """Close the connection so that the client reconnects to another epoch of the run."""
        try:
            async with asyncio.timeout(self._hub.limits.send_seconds):
                await self._websocket.close(SERVICE_RESTART, "the replay moved to another time: connect again")
        except TimeoutError as error:
            raise StalledError from error

    async def _advance(self, subscription: SubscriptionState) -> bool:
        """Send the next alerts, notices, and events as far as there is room; return whether the position advanced."""
        await self._send_alerts(subscription)
        await self._send_notices(subscription)
        log = self._served.log
        over, following = (
            self._served.over,
            log.next_sequence,
        )  # in this order: the log gets its last event before it ends
        if subscription.next >= following:
            if over and not subscription.ended:
                subscription.ended = True
                time = self._hub.pulse()[0].time
                await self._send_message(End(next=following, broken_off=self._served.broken_off, time=time))
            return False
        if subscription.room == 0:
            return False
        if subscription.next < log.first_sequence:
            await self._drop(subscription, expired(subscription.next, log.first_sequence))
            return False
        try:
            text = await self._take(subscription)
        except ExpiredError:  # deleted since the check above; the next round tells the client
            return True
        except DamagedError as error:  # the client decides whether to go on behind it
            await self._drop(subscription, unreadable(error))
            return False
        except TickstockError as error:
            await self._drop(subscription, Error(code="unreadable", message=str(error)))
            return False
        if text:
            await self._send(text)
        return True

    async def _take(self, subscription: SubscriptionState) -> str:
        """Return a message with the next matching events, empty if there are none, and advance the position."""
        block = await self._encoded.block(subscription.next)
        if self._subscription is not subscription:  # replaced while the block was read
            return ""
        rows, following = subscription.take(block)
        self._hub.sent_events += len(rows)
        texts = ",".join([row.text for row in rows])
        return f'{{"type":"events","next":{following},"events":[{texts}]}}' if rows else ""

    async def _send_alerts(self, subscription: SubscriptionState) -> None:
        if subscription.alerts is not None:
            for number, alert in self._hub.alerts.since(subscription.alerts):
                await self._send_message(AlertMessage(number=number, alert=dict(alert)))
                subscription.alerts = number + 1

    async def _send_notices(self, subscription: SubscriptionState) -> None:
        if subscription.notices is not None:
            for number, notice in self._hub.notices.since(subscription.notices):
                await self._send_message(NOTICES[notice["kind"]](number=number, **notice))
                subscription.notices = number + 1

    async def _drop(self, subscription: SubscriptionState, reason: Error) -> None:
        """End a subscription that cannot continue, and send the reason; the client subscribes again."""
        if self._subscription is subscription:
            self._subscription = None
        await self._send_message(reason)

    def _heartbeat(self) -> Heartbeat:
        market, health = self._hub.pulse()
        following = self._served.log.next_sequence
        wanted = self._subscription
        return Heartbeat(
            next=wanted.next if wanted else None,
            last_sequence=following - 1,
            market=HeartbeatMarket(time=market.time, phase=market.phase),
            health=HeartbeatHealth(ok=health.ok, reasons=list(health.reasons)),
            lag=Lag(
                unsent=following - wanted.next if wanted else None,
                unacknowledged=wanted.unacknowledged if wanted and wanted.window is not None else None,
            ),
        )

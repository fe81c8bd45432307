"""One WebSocket client: it says what it wants, and pulls it from the log at its own pace.

A session holds a cursor and at most one message. A client that takes nothing makes its session wait in a send, so
it costs what the transport buffers (64 KiB and one message) and slows nobody; after ``send_seconds`` it is cut off.
What it pulls at once, a page of the log at most, it gets highest priority first.
Where it was is known to the client: every message of events, and every heartbeat, says what to ask for next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from tickstock_cli.errors import ExpiredError, TickstockError
from tickstock_cli.serving.encoded import EventPage, Row
from tickstock_cli.serving.hub import Hub
from tickstock_cli.serving.protocol import (
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
from tickstock_cli.serving.selection import RefusedError, Selection, expired, first_wanted, select

CLOSE_SECONDS = 2.0
"""How long a connection that is being closed may take to empty its buffer before it is cut."""
ABORT = "tickstock.abort"
"""Key of the connection's state under which ``wire`` puts what cuts it, after so many seconds, whatever it holds."""

MAX_ERRORS = 100
"""A client that sends so many messages in a row that are wrong is broken or hostile."""
POLICY_VIOLATION = 1008
SERVICE_RESTART = 1012


@dataclass(slots=True)
class SubscriptionState:
    """What a client wants and how far it is.

    Parameters
    ----------
    next
        The sequence number to look at next.
    window
        The most events sent beyond the last acknowledged one; None = no limit.
    alerts
        Number of the next alert to send; None = no alerts wanted.
    """

    selection: Selection
    next: int
    window: int | None
    alerts: int | None
    acknowledged: int | None = None
    ended: bool = False
    _sent: deque[int] = field(default_factory=deque)

    @property
    def unacknowledged(self) -> int:
        """Events sent and not acknowledged; counted only with a window."""
        return len(self._sent)

    @property
    def room(self) -> int | None:
        """Events that may be sent now; None = any number."""
        return None if self.window is None else self.window - len(self._sent)

    def acknowledge(self, sequence: int) -> None:
        """Note that everything up to ``sequence`` has been dealt with."""
        self.acknowledged = max(self.acknowledged or 0, sequence)
        while self._sent and self._sent[0] <= sequence:
            self._sent.popleft()

    def take(self, page: EventPage) -> tuple[list[Row], int]:
        """Take the wanted events of a page from ``next`` on, as far as there is room, and go on behind them.

        What is taken is decided by the order of the run alone, so one number still says all of where a client is.

        Returns
        -------
        tuple
            The events, highest first, and what is next now.
        """
        places: Sequence[int] = range(self.next - page.first, len(page.rows))
        if not self.selection.everything:
            places = [place for place in places if self.selection.matches(page.rows[place])]
        following = page.next
        if self.room is not None:
            if len(places) > self.room:
                places, following = places[: self.room], page.first + places[self.room]
            self._sent.extend(page.first + place for place in places)
        self.next = following
        return self.selection.priorities.highest_first(page.rows[place] for place in places), following


class StalledError(Exception):
    """The client took no byte for too long."""


class ClientSession:
    """One connection, from its acceptance to its end. Use ``run`` once."""

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

    def describe(self) -> dict[str, Any]:
        client = self._websocket.client
        wanted = self._subscription
        return {
            "address": f"{client.host}:{client.port}" if client else None,
            "next": wanted.next if wanted else None,
            "acknowledged": wanted.acknowledged if wanted else None,
        }

    async def run(self) -> None:
        """Serve the client until it leaves, stalls, or the server stops."""
        await self._websocket.accept()
        self._hub.clients.add(self)
        self._hub.notifier.add(self._wake)
        try:
            await self._tell(self._hub.hello())
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
        """Listen and send at once; the first of the two to end, ends both."""
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
        self._sending += 1  # by either task
        try:
            async with asyncio.timeout(self._hub.limits.send_seconds):
                await self._websocket.send_text(text)
        except TimeoutError as error:
            raise StalledError from error
        finally:
            self._sending -= 1

    async def _tell(self, message: Message) -> None:
        await self._send(message.text())

    async def _listen(self) -> None:
        """Answer what the client sends, until it leaves."""
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            problem = await self._handle(message.get("text"))
            self._errors = 0 if problem is None else self._errors + 1
            if problem is not None:
                await self._tell(problem)
            if self._errors >= MAX_ERRORS:
                await self._websocket.close(POLICY_VIOLATION, f"{MAX_ERRORS} messages in a row were wrong")
                return

    async def _handle(self, text: str | None) -> Error | None:
        if text is None:
            return Error(code="malformed", message="binary messages mean nothing here: send JSON as text")
        try:
            message = read_message(text)
        except MessageError as error:
            return error.error
        if isinstance(message, Subscribe):
            return await self._subscribe(message)
        if isinstance(message, Ack):
            return self._acknowledge(message)
        self._subscription = None
        await self._tell(Subscribed(next=None))
        return None

    async def _subscribe(self, wanted: Subscribe) -> Error | None:
        try:
            selection = select(self._served, wanted)
            start = first_wanted(self._served, wanted)
        except RefusedError as error:
            return error.error
        alerts = self._hub.alerts.next_number if wanted.alerts else None
        await self._tell(Subscribed(next=start))
        self._subscription = SubscriptionState(selection, start, wanted.window, alerts)
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
        """Send what there is to send, and heartbeats, until the client is gone."""
        loop = asyncio.get_running_loop()
        self._heartbeat_at = loop.time() + self._hub.limits.heartbeat_seconds
        while True:
            self._wake.clear()
            if self._hub.served is not self._served:
                await self._send_away()
                return
            if loop.time() >= self._heartbeat_at:
                self._heartbeat_at = loop.time() + self._hub.limits.heartbeat_seconds
                await self._tell(self._heartbeat())
            if self._subscription is not None and await self._advance(self._subscription):
                await asyncio.sleep(0)  # a client that keeps up never blocks a send: let the others have their turn
                continue
            try:
                async with asyncio.timeout_at(self._heartbeat_at):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _send_away(self) -> None:
        """Have the client come back, to another epoch of the run."""
        try:
            async with asyncio.timeout(self._hub.limits.send_seconds):
                await self._websocket.close(SERVICE_RESTART, "the replay has gone to another time: connect again")
        except TimeoutError as error:
            raise StalledError from error

    async def _advance(self, subscription: SubscriptionState) -> bool:
        """Send the next alerts and events, if there are any and room for them; tells whether it went on."""
        await self._send_alerts(subscription)
        log = self._served.log
        over, following = self._served.over, log.next_sequence  # in this order: the last event comes before the end
        if subscription.next >= following:
            if over and not subscription.ended:
                subscription.ended = True
                await self._tell(End(next=following))
            return False
        if subscription.room == 0:
            return False
        if subscription.next < log.first_sequence:
            await self._drop(subscription, expired(subscription.next, log.first_sequence))
            return False
        try:
            text = await self._take(subscription)
        except ExpiredError:  # between the look at first_sequence and the reading; the next look tells the client
            return True
        except TickstockError as error:  # a segment of the log is damaged: trying again would not help
            await self._drop(subscription, Error(code="unreadable", message=str(error)))
            return False
        if text:
            await self._send(text)
        return True

    async def _take(self, subscription: SubscriptionState) -> str:
        """Return the next events as a message, empty if none matched, and go on behind them."""
        page = await self._encoded.page(subscription.next)
        if self._subscription is not subscription:  # replaced while the page was read
            return ""
        rows, following = subscription.take(page)
        self._hub.sent_events += len(rows)
        texts = ",".join([row.text for row in rows])
        return f'{{"type":"events","next":{following},"events":[{texts}]}}' if rows else ""

    async def _send_alerts(self, subscription: SubscriptionState) -> None:
        if subscription.alerts is not None:
            for number, alert in self._hub.alerts.since(subscription.alerts):
                await self._tell(AlertMessage(number=number, alert=dict(alert)))
                subscription.alerts = number + 1

    async def _drop(self, subscription: SubscriptionState, reason: Error) -> None:
        """End a subscription that cannot go on; the client must say itself where to begin again."""
        if self._subscription is subscription:
            self._subscription = None
        await self._tell(reason)

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

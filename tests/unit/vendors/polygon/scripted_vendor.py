"""A vendor on loopback whose connections follow a script each; the last script is that of all further connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Event, Thread
from typing import Any

import pyarrow as pa
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tickstock_cli.config.settings import LiveSettings
from tickstock_cli.core.calendar import XNYS
from tickstock_cli.core.feed import FeedListener, Gap, WireError
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.row_stream import ReceivedRows
from tickstock_cli.vendors.polygon.attempt import Intervals
from tickstock_cli.vendors.polygon.params import PolygonParams
from tickstock_cli.vendors.polygon.source import PolygonSource

KEY = "k3y-that-is-nowhere-else"
NOW_MS = 1_800_000_000_000


def status(name: str, message: str = "") -> dict[str, str]:
    """Return a status as the vendor sends it."""
    return {"ev": "status", "status": name, "message": message}


def trade(number: int, ticker: str = "AAPL", **more: Any) -> dict[str, Any]:
    """Return a trade as the vendor sends it, with a trade id and a sequence number of its own."""
    fields = {"x": 4, "i": str(number), "z": 3, "p": 100.0 + number, "s": 100, "t": NOW_MS + number, "q": number}
    return {"ev": "T", "sym": ticker, **fields, **more}


class Client:
    """One client, as a script sees it."""

    def __init__(self, connection: ServerConnection, played: Vendor) -> None:
        self.vendor = played
        self.connection = connection
        self.items: list[str] = []
        self.commands: list[dict[str, Any]] = []

    async def tell(self, *events: Any, binary: bool = False) -> None:
        """Send events in one frame."""
        text = json.dumps(list(events))
        await self.connection.send(text.encode() if binary else text)

    async def tell_text(self, text: str) -> None:
        await self.connection.send(text)

    async def command(self) -> dict[str, Any]:
        """Receive the next command."""
        self.commands.append(json.loads(await self.connection.recv()))
        return self.commands[-1]

    async def sign_on(self) -> None:
        """Greet the client, and accept its key."""
        await self.tell(status("connected", "Connected Successfully"))
        assert (await self.command())["params"] == KEY
        await self.tell(status("auth_success", "authenticated"))

    async def subscribe(self, count: int, refused: Sequence[str] = (), silent: Sequence[str] = ()) -> None:
        """Receive commands with ``count`` items in all, and acknowledge them by name."""
        asked = 0
        while asked < count:
            items = (await self.command())["params"].split(",")
            asked += len(items)
            good = [item for item in items if item not in refused and item not in silent]
            self.items += good
            told = [status("success", f"subscribed to: {item}") for item in good]
            await self.tell(*told, *[status("error", "not authorized") for item in items if item in refused])

    async def ready(self, count: int = 1) -> None:
        await self.sign_on()
        await self.subscribe(count)

    def abort(self) -> None:
        """Break off without a close frame."""
        self.connection.transport.abort()

    async def received(self) -> None:
        """Wait until the client has received what was sent."""
        await (await self.connection.ping())

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds that another thread brings about."""
        while not condition():
            await asyncio.sleep(0.005)

    async def stay(self) -> None:
        """Stay until the client leaves."""
        with suppress(ConnectionClosed):
            while True:
                await self.command()


Script = Callable[[Client], Awaitable[None]]


async def good(client: Client) -> None:
    """Serve one item, send a trade, and stay."""
    await client.ready()
    await client.tell(trade(1))
    await client.stay()


@dataclass
class Vendor:
    """A running vendor: its address, and its clients so far."""

    scripts: Sequence[Script | HTTPStatus]
    clients: list[Client] = field(default_factory=list)
    handshakes: int = 0
    url: str = ""

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:  # noqa: ARG002
        script = self.scripts[min(self.handshakes, len(self.scripts) - 1)]
        self.handshakes += 1
        return connection.respond(script, "no") if isinstance(script, HTTPStatus) else None

    async def serve(self, connection: ServerConnection) -> None:
        script = self.scripts[min(self.handshakes, len(self.scripts)) - 1]
        assert not isinstance(script, HTTPStatus)
        client = Client(connection, self)
        self.clients.append(client)
        with suppress(ConnectionClosed):
            await script(client)


@contextmanager
def vendor(*scripts: Script | HTTPStatus) -> Iterator[Vendor]:
    """Run a vendor on loopback, one script per connection."""
    played = Vendor(scripts)
    ready, ends = Event(), []

    async def main() -> None:
        done = asyncio.Event()
        ends.append((asyncio.get_running_loop(), done))
        async with serve(
            played.serve, "127.0.0.1", 0, process_request=played.answer, ping_interval=None, close_timeout=0.1
        ) as server:
            host, port = server.sockets[0].getsockname()[:2]
            played.url = f"ws://{host}:{port}"
            ready.set()
            await done.wait()

    thread = Thread(target=asyncio.run, args=(main(),))
    thread.start()
    ready.wait()
    try:
        yield played
    finally:
        loop, done = ends[0]
        loop.call_soon_threadsafe(done.set)
        thread.join()


@dataclass
class Heard(FeedListener):
    """What a listener was told."""

    gaps: list[Gap] = field(default_factory=list)
    errors: list[WireError] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def gap(self, gap: Gap) -> None:
        self.gaps.append(gap)

    def wire_error(self, error: WireError) -> None:
        self.errors.append(error)

    def notice(self, text: str) -> None:
        self.notices.append(text)


class Feed:
    """Our client of a vendor: a source whose waits between attempts take no time and are noted.

    Parameters
    ----------
    live
        The section ``live``; None: its defaults.
    params
        Settings of the section ``polygon``.
    calendar
        That of the configuration.
    """

    def __init__(
        self,
        url: str,
        tickers: str = "AAPL",
        intervals: Intervals | None = None,
        live: LiveSettings | None = None,
        calendar: MarketCalendar = XNYS,
        **params: Any,
    ) -> None:
        settings = PolygonParams(url=url, **{"channels": ("T",), "seed": 1, **params})
        sections = {"live": live or LiveSettings()}
        options = ReadOptions(params=settings, sections=sections, calendar=calendar, keep_originals=False)
        self.source = PolygonSource.open([tickers], options)
        self.source.intervals = intervals or Intervals(watch=0.01)
        self.source.sleep = self._no_wait
        self.heard = Heard()
        self.source.listen(self.heard)
        self.waits: list[float] = []
        self.rows: list[dict[str, Any]] = []

    async def _no_wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)

    def read(self, rows: int) -> list[dict[str, Any]]:
        """Read until there are so many rows, then end cleanly; return all rows that came."""
        try:
            for batch in self.source.record_batches():
                self.take(batch)
                if len(self.rows) >= rows:
                    self.source.interrupt()
        finally:
            self.source.close()
        return self.rows

    def take(self, rows: ReceivedRows | None) -> None:
        """Take rows as the source yields them."""
        parts = () if rows is None else (rows,) if isinstance(rows, pa.RecordBatch) else rows
        self.rows += [row for part in parts for row in part.to_pylist()]

    @property
    def prices(self) -> list[float]:
        """The prices of the rows so far."""
        return [row["price"] for row in self.rows]

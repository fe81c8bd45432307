"""The server of an embedded system, as its clients see it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tickstock_cli.errors import ServingError, UsageError
from tickstock_cli.eventlog.opening import open_log
from tickstock_cli.runtime.system import MultiChannelSystem
from tickstock_cli.serving.addresses import websocket_url
from tickstock_cli.serving.client import Follower, Subscription
from tickstock_cli.testing import SECOND, new_york

START = new_york("2024-06-12", "10:00:00")
RISES = [{"ticker": "ABC", "timestamp": START + n * SECOND, "price": 100.0 + n, "size": 10} for n in range(6)]
LOCAL = "127.0.0.1:0"


async def followed(url: str) -> list[float]:
    """Return the prices of all events that a client gets until it is told that the run is over."""
    follower = Follower(websocket_url(url), Subscription(start="first"), None, 5.0, lambda _: None, lambda _: None)
    return [event["price"] async for batch in follower.batches() for event in batch]


def test_a_client_gets_every_event_to_the_end_of_the_system() -> None:
    """Also the last event, which only the end of the input releases."""

    async def run() -> list[float]:
        async with MultiChannelSystem() as system, system.serve(LOCAL) as server:
            client = asyncio.create_task(followed(server.url))
            await system.process_tick_data(RISES)
            await system.finish()
            return await client

    assert asyncio.run(run()) == [101.0, 102.0, 103.0, 104.0, 105.0]


def test_page_status_metrics_and_health_are_those_of_the_system() -> None:
    """An operator needs nothing but the address."""

    async def run() -> dict[str, httpx.Response]:
        async with (
            MultiChannelSystem() as system,
            system.serve(LOCAL) as server,
            httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=60) as http,
        ):
            await system.process_tick_data(RISES)
            system.get_system_status()
            return {path: await http.get(path) for path in ("/", "/status", "/metrics", "/health")}

    answers = asyncio.run(run())

    assert [answer.status_code for answer in answers.values()] == [200] * 4
    assert "<html" in answers["/"].text
    status: dict[str, Any] = answers["/status"].json()
    assert status["system_overview"]["rows"] == 6
    assert "tickstock" in answers["/metrics"].text


def test_the_page_draws_the_prices_of_rows_since_the_start_of_the_server() -> None:
    """The line holds prices as the rules saw them: a price that was rejected is not drawn."""

    async def run() -> list[float]:
        async with MultiChannelSystem() as system:
            await system.process_tick_data(RISES[:1])
            async with (
                system.serve(LOCAL) as server,
                httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=60) as http,
            ):
                await system.process_tick_data([{**RISES[1], "price": -1.0}, *RISES[1:]])
                answer = await http.get("/api/prices", params={"ticker": "ABC"})
                prices: list[float] = answer.json()["prices"]
                return prices

    assert asyncio.run(run()) == [105.0]  # one price a bucket of ten seconds


def test_the_log_in_a_named_folder_outlives_the_server(tmp_path: Path) -> None:
    """Its events can be served again after the program has ended."""

    async def run() -> None:
        async with MultiChannelSystem() as system, system.serve(LOCAL, tmp_path / "log"):
            await system.process_tick_data(RISES)
            await system.finish()

    asyncio.run(run())

    log = open_log(tmp_path / "log")
    assert log.finished
    assert log.read(1, 100).events["price"].to_pylist() == [101.0, 102.0, 103.0, 104.0, 105.0]


def test_a_server_that_ends_early_leaves_the_system_running() -> None:
    """A program may serve for a while only; the next server begins with the events that follow."""

    async def run() -> list[float]:
        async with MultiChannelSystem() as system:
            async with system.serve(LOCAL):
                await system.process_tick_data(RISES[:3])
            async with system.serve(LOCAL) as server:
                client = asyncio.create_task(followed(server.url))
                await system.process_tick_data(RISES[3:])
                await system.finish()
                return await client

    assert asyncio.run(run()) == [102.0, 103.0, 104.0, 105.0]


def test_a_taken_port_and_a_system_that_does_not_run_are_errors_at_once() -> None:
    """Nobody waits for a server that cannot be there."""

    async def run() -> None:
        system = MultiChannelSystem()
        with pytest.raises(UsageError, match="the system does not run"):
            await system.serve(LOCAL).__aenter__()
        with pytest.raises(UsageError, match="the port must be 0 to 65535"):
            system.serve("127.0.0.1:web")
        async with system, system.serve(LOCAL) as server:
            with pytest.raises(ServingError, match="in use"):
                await system.serve(f"127.0.0.1:{server.port}").__aenter__()

    asyncio.run(run())

"""What channels did lately, as the monitor, the server and the terminal show it."""

from __future__ import annotations

import asyncio
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread, get_ident
from typing import Any

import httpx
import pytest

from tests.cli.running import error_line, run_tickstock
from tests.unit.runtime.failing_system import QUICK, SystemUnderTest, climb
from tickstock_cli.core.metrics import BreakerState, ChannelMetrics
from tickstock_cli.runtime.channel_history import BATCHES_KEPT
from tickstock_cli.runtime.system import MultiChannelSystem
from tickstock_cli.testing import SECOND, new_york

START = new_york("2024-06-12", "10:00:00")
SERVE = "127.0.0.1:0"


def rises(count: int, ticker: str = "ABC") -> list[dict[str, Any]]:
    """Return trades, each a new high."""
    return [
        {"ticker": ticker, "timestamp": START + n * SECOND, "price": 100.0 + n / 10, "size": 1} for n in range(count)
    ]


def test_a_channel_shows_its_last_batches_tickers_and_changes() -> None:
    """Numbers that add up: rows of the batches, events, shares of the time."""

    async def story() -> tuple[dict[str, Any], dict[str, Any]]:
        async with MultiChannelSystem() as system:
            await system.process_tick_data(rises(30))
            await system.process_tick_data(rises(10, "XYZ"))
            monitor = system.reporter.monitor
            found = monitor.get_channel_debug_info("tick-1")
            assert found is not None
            assert monitor.get_channel_debug_info("tick-7") is None
            return found, monitor.get_health_summary()

    found, summary = asyncio.run(story())

    assert sum(batch["rows"] for batch in found["batches"]) == 40
    assert {share["ticker"]: share["rows"] for share in found["time_by_ticker"]} == {"ABC": 30, "XYZ": 10}
    assert sum(share["share"] for share in found["time_by_ticker"]) == pytest.approx(1)
    assert {slow["ticker"] for slow in found["slowest"]} == {"ABC", "XYZ"}
    assert [change["text"] for change in found["changes"]] == ["initializing to active"]
    assert max(depth["rows"] for depth in found["queue_depth"]) >= 30
    assert found["shards"] == list(range(64))
    assert [line["name"] for line in summary["channels"]] == ["tick-1", "ohlcv-1", "fmv-1"]


def test_the_history_is_bounded_however_long_a_system_runs() -> None:
    """A service of months must not remember its first morning."""

    async def story() -> dict[str, Any]:
        async with MultiChannelSystem({"tick_channel": {"batch_rows": 10}}) as system:
            await system.process_tick_data(rises(10 * BATCHES_KEPT + 500))
            return system.reporter.monitor.get_channel_debug_info("tick-1") or {}

    found = asyncio.run(story())

    assert len(found["batches"]) == BATCHES_KEPT
    assert found["batches"][-1]["rows"] == 10


def test_errors_show_their_rows_and_the_breaker_its_causes() -> None:
    """Which row, of which ticker, in which detector, and what followed from it."""

    async def story() -> dict[str, Any]:
        limits = {**QUICK, "tick_channel.breaker_failures": 2, "tick_channel.breaker_open_ms": 60_000}
        tested = SystemUnderTest(climb(["BAD"], 20), {**limits, "tick_channel.batch_rows": 5}, bad=lambda: {"BAD"})
        await tested.system.initialize_system()
        for batch in tested.source.batches(5):
            await tested.system.feed(batch)
        instance = next(tested.system.instances())
        await tested.until(lambda: instance.snapshot().breaker.state is BreakerState.OPEN)
        found: dict[str, Any] | None = tested.system.reporter.monitor.get_channel_debug_info("tick-1")
        await tested.system.shutdown(0)
        assert found is not None
        return found

    found = asyncio.run(story())

    error = found["errors"][0]
    assert (error["ticker"], error["detector"]) == ("BAD", "highlow")
    assert error["reason"] == "highlow: ValueError: this ticker fails"
    assert error["first_row"]["price"] == 100.0
    assert "code" not in error["first_row"]
    assert any(change["what"] == "breaker" and "2 failures in a row" in change["text"] for change in found["changes"])
    assert {issue["rule"] for issue in found["performance_issues"]} >= {"failing_rows", "open_breaker"}


def test_the_server_and_the_terminal_show_it() -> None:
    """An operator has the address, and perhaps no browser."""

    async def story() -> tuple[httpx.Response, httpx.Response, list[Any]]:
        async with (
            MultiChannelSystem() as system,
            system.serve(SERVE) as server,
            httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=60) as http,
        ):
            await system.process_tick_data(rises(30))
            commands = (
                ["debug", server.url],
                ["debug", server.url, "tick-1"],
                ["debug", server.url, "tick-1", "--json"],
            )
            shown = [await asyncio.to_thread(run_tickstock, *command) for command in commands]
            shown.append(await asyncio.to_thread(run_tickstock, "debug", server.url, "tick-9"))
            return await http.get("/debug"), await http.get("/debug/channels/tick-9"), shown

    summary, unknown, (every, one, document, wrong) = asyncio.run(story())

    assert summary.json()["summary"] == "3 of 3 channel instances are healthy; nothing to do"
    assert unknown.status_code == 404
    assert unknown.json()["error"]["message"] == "no channel 'tick-9'; the run has tick-1, ohlcv-1, fmv-1"
    assert every.stdout.startswith("3 of 3 channel instances are healthy")
    assert "last batches" in one.stdout
    assert "initializing to active" in one.stdout
    assert json.loads(document.stdout)["batches"][0]["rows"] == 30
    assert wrong.returncode == 1
    assert "answers 404: no channel 'tick-9'" in error_line(wrong)


def test_an_address_without_a_server_is_one_line() -> None:
    """The wrong port is the usual mistake."""
    result = run_tickstock("debug", "127.0.0.1:1")

    assert result.returncode == 1
    address = "http://127.0.0.1:1/debug"
    assert error_line(result) == f"cannot read {address}: connection refused; is a tickstock server there?"


def test_another_thread_reads_on_the_loop_of_the_system() -> None:
    """Instances change on their loop alone: a reader beside it could see half of a change, or shift their windows."""

    async def story() -> tuple[set[int], int]:
        async with MultiChannelSystem() as system:
            await system.process_tick_data(rises(3))
            threads: set[int] = set()
            instance = next(system.instances())
            snapshot = instance.snapshot

            def watched() -> ChannelMetrics:
                threads.add(get_ident())
                return snapshot()

            instance.snapshot = watched  # type: ignore[method-assign]  # to see who reads
            await asyncio.to_thread(system.reporter.monitor.get_health_summary)
            return threads, get_ident()

    threads, loop = asyncio.run(story())

    assert threads == {loop}


def test_a_document_of_another_program_is_refused() -> None:
    """Another web server on that port answers JSON, too."""

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        thread = Thread(target=stranger.handle_request)
        thread.start()
        result = run_tickstock("debug", f"127.0.0.1:{stranger.server_port}")
        thread.join()

    assert error_line(result).endswith("is no debug document of a tickstock server")

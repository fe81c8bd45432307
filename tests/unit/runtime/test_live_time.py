"""Market time between the calls of an embedded system: events come although no further row does."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tickstock_cli.engine.market_clock import DateClock
from tickstock_cli.runtime.system import MultiChannelSystem
from tickstock_cli.testing import SECOND, new_york

ALL_DAY = {"session": {"calendar": "24/7"}}
PAST = new_york("2024-06-12", "10:00:00")


def overvalued(timestamp: int) -> dict[str, Any]:
    """Return a fair value that is far from the market price: its event waits for the end of a window."""
    return {"ticker": "ABC", "timestamp": timestamp, "fmv": 103.0, "market_price": 100.0}


async def first_event(settings: dict[str, Any], timestamp: int) -> dict[str, Any]:
    """Hand in one row and nothing after it; return the event that is told while the system waits."""
    async with MultiChannelSystem(settings) as system:
        events = system.events()
        result = await system.process_fmv_data(overvalued(timestamp))
        assert result.events == ()
        return await anext(events)


def test_an_event_of_now_is_told_although_no_further_row_comes() -> None:
    """A program that embeds the system hands in live rows, and a quiet market has none for minutes."""
    now = time.time_ns()

    event = asyncio.run(first_event(ALL_DAY, now))

    assert (event["kind"], event["ticker"]) == ("fmv", "ABC")
    assert event["emitted_at"] >= now


def test_rows_of_the_past_pass_time_by_the_machine_s_clock_on_request() -> None:
    """A simulation in real time has dates of its own."""
    event = asyncio.run(first_event({**ALL_DAY, "system": {"market_clock": "wall"}}, PAST))

    assert event["kind"] == "fmv"


def test_a_row_after_time_has_passed_counts_as_available_then() -> None:
    """The first event was released: a row that was available before must not change what it competed with."""

    async def late_event() -> tuple[dict[str, Any], dict[str, Any]]:
        async with MultiChannelSystem({**ALL_DAY, "fmv": {"cooldown_seconds": 0}}) as system:
            events = system.events()
            now = time.time_ns()
            await system.process_fmv_data(overvalued(now))
            first = await anext(events)
            await system.process_fmv_data({**overvalued(now), "ticker": "XYZ"})
            return first, await anext(events)

    first, second = asyncio.run(late_event())

    assert second["emitted_at"] > first["emitted_at"]
    assert second["available_at"] >= first["emitted_at"]


def test_rows_of_the_past_pass_market_time_by_themselves() -> None:
    """A program that hands in a recording gets the same events, however long it thinks between two rows."""
    now = time.time_ns()
    past, live = DateClock(lambda: now), DateClock(lambda: now)

    past.came(PAST, 7)
    live.came(now - SECOND, 7)

    assert past.schedule is None
    assert live.schedule is not None
    assert live.schedule.market_at(7 + 2 * SECOND) == now + SECOND


@pytest.mark.parametrize("waiting", [["DEF"], ["DEF", "GHI"]])
def test_time_that_has_passed_is_not_passed_again_while_rows_wait(waiting: list[str]) -> None:
    """An open breaker or a stuck batch held rows; the clock fed thousands of empty batches a second meanwhile."""

    async def story() -> tuple[int, int]:
        one_row = {"queue_rows": 1, "batch_rows": 1}  # the second one waits on disk
        settings = {**ALL_DAY, "router": {"overflow": "spill"}, "fmv_channel": one_row}
        async with MultiChannelSystem(settings) as system:
            await system.process_fmv_data(overvalued(PAST))
            for instance in system.instances():
                instance.pause()
            rows = [{**overvalued(PAST), "ticker": ticker} for ticker in waiting]
            calls = [asyncio.create_task(system.process_fmv_data(row)) for row in rows]
            while system.queued_rows() < len(rows):
                await asyncio.sleep(0.001)
            release = system.next_release()
            await system.advance(release)
            following = system.next_release()
            for instance in system.instances():
                instance.resume()
            await asyncio.gather(*calls)
            return release, following

    release, following = asyncio.run(story())

    assert following > release

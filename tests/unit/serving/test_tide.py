"""Waking: everybody, soon, and not once an append."""

from __future__ import annotations

import asyncio
from threading import Thread

from tickstock_cli.serving.tide import Tide


def test_a_thousand_appends_in_a_moment_are_one_wave() -> None:
    """From another thread; the last append is seen by the wave that follows it."""

    async def story() -> int:
        tide, event, waves = Tide(asyncio.get_running_loop(), interval=0.05), asyncio.Event(), 0
        tide.add(event)
        appended = 0

        def append() -> None:
            nonlocal appended
            for _ in range(1_000):
                appended += 1
                tide.rise()

        thread = Thread(target=append)
        thread.start()
        thread.join()
        while appended and (waves := waves + 1):
            await event.wait()
            event.clear()
            if appended == 1_000:
                return waves
        return 0

    assert asyncio.run(story()) == 1


def test_a_loop_that_has_ended_is_left_in_peace() -> None:
    """The appender may live longer than the server."""

    async def story() -> Tide:
        return Tide(asyncio.get_running_loop())

    asyncio.run(story()).rise()

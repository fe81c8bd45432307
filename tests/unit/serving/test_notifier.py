"""Waking: everybody, soon, and not once an append."""

from __future__ import annotations

import asyncio
from threading import Thread

from tickstock_cli.serving.notifier import INTERVAL_SECONDS_EACH, Notifier


def test_a_thousand_appends_at_once_are_one_flush() -> None:
    """From another thread; the last append is seen by the wave that follows it."""

    async def story() -> int:
        notifier, event, waves = Notifier(asyncio.get_running_loop(), interval=0.05), asyncio.Event(), 0
        notifier.add(event)
        appended = 0

        def append() -> None:
            nonlocal appended
            for _ in range(1_000):
                appended += 1
                notifier.notify()

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


def test_flushes_are_rarer_with_more_waiting_tasks() -> None:
    """A thousand clients get twice as many events at once, half as often, as five hundred."""

    async def story(clients: int) -> float:
        loop = asyncio.get_running_loop()
        notifier, events = Notifier(loop, interval=0.001), [asyncio.Event() for _ in range(clients)]
        for event in events:
            notifier.add(event)
        woken: list[float] = []
        for _ in range(2):
            notifier.notify()
            await events[0].wait()
            events[0].clear()
            woken.append(loop.time())
        return woken[1] - woken[0]

    assert asyncio.run(story(1_000)) >= 0.9 * 1_000 * INTERVAL_SECONDS_EACH


def test_notifying_a_closed_loop_does_nothing() -> None:
    """The appender may live longer than the server."""

    async def story() -> Notifier:
        return Notifier(asyncio.get_running_loop())

    asyncio.run(story()).notify()

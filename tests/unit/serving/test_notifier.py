"""Waking: everybody, soon, and not once an append."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from contextvars import Context
from threading import Thread
from typing import TypeVarTuple

import pytest

from tickstock_cli.serving.notifier import INTERVAL_SECONDS_EACH, Notifier

Ts = TypeVarTuple("Ts")


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


class ManualLoop(asyncio.SelectorEventLoop):
    """A loop whose time stands still: it runs callbacks at once, and keeps the delays of those for later."""

    def __init__(self) -> None:
        super().__init__()
        self.delays: list[float] = []

    def time(self) -> float:
        return 1_000.0

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        callback(*args)
        return asyncio.Handle(callback, args, self, context)

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self.delays.append(delay)
        return asyncio.TimerHandle(self.time() + delay, callback, args, self, context)


@pytest.mark.parametrize("clients", [500, 1_000])
def test_flushes_are_rarer_with_more_waiting_tasks(clients: int) -> None:
    """A thousand clients get twice as many events at once, half as often, as five hundred."""
    events = [asyncio.Event() for _ in range(clients)]
    with closing(ManualLoop()) as loop:
        notifier = Notifier(loop, interval=0.001)
        for event in events:
            notifier.add(event)
        notifier.notify()
        assert all(event.is_set() for event in events)
        notifier.notify()

    assert loop.delays == [pytest.approx(clients * INTERVAL_SECONDS_EACH)]


def test_notifying_a_closed_loop_does_nothing() -> None:
    """The appender may live longer than the server."""

    async def story() -> Notifier:
        return Notifier(asyncio.get_running_loop())

    asyncio.run(story()).notify()

"""The loop that a running system has for itself, seen from the threads that wait for it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from tickstock_cli.errors import SystemBrokenError
from tickstock_cli.runtime.pipeline import LoopThread

LONGEST_SECONDS = 60
"""What has not come after so long never will; better a failed test than one that hangs."""


def test_a_call_to_a_loop_that_ends_is_an_error() -> None:
    """A request of the control API, say: its thread would wait for ever, and with it the server and the process."""
    begun = Event()

    async def endless() -> None:
        begun.set()
        await asyncio.Event().wait()

    with ThreadPoolExecutor(1) as threads:
        with LoopThread() as thread:
            waiting = threads.submit(thread.call, endless())
            assert begun.wait(LONGEST_SECONDS)

        with pytest.raises(SystemBrokenError, match="the system has ended"):
            waiting.result(LONGEST_SECONDS)


def test_a_loop_that_has_ended_refuses_calls() -> None:
    """Nobody would ever do it."""

    async def nothing() -> None:
        pass

    with LoopThread() as thread:
        thread.call(nothing())

    with pytest.raises(SystemBrokenError, match="the system has ended"):
        thread.call(nothing())

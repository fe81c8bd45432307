"""Work of the running system that a caller begins: it ends whatever becomes of the caller, or after a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from tickstock_cli.errors import TickstockError

ResultT = TypeVar("ResultT")


class BegunWork:
    """Runs work in tasks of its own. On one asyncio loop.

    A caller that is cancelled, by `asyncio.wait_for` for example, gives up waiting; the work itself goes on. Rows that
    are half in the queues would keep every later row waiting for ever.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, ResultT]) -> asyncio.Task[ResultT]:
        """Begin work; works begun first get the loop first."""
        task = asyncio.create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)
        return task

    async def finished(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Begin work, and return its result or raise its error."""
        return await asyncio.shield(self.begin(work))

    async def within(self, seconds: float, work: Coroutine[Any, Any, ResultT], late: TickstockError) -> ResultT:
        """Begin work, and return its result or raise its error; raise ``late`` if it takes longer than ``seconds``.

        Work in a thread cannot be ended: it goes on, and nobody waits for it.
        """
        task = self.begin(work)
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            task.add_done_callback(_heard)
            raise late
        return task.result()


def _heard(task: asyncio.Task[Any]) -> None:
    """Take the error of a task that nobody waits for any more."""
    if not task.cancelled():
        task.exception()

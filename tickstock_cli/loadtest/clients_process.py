"""WebSocket clients of the system under test, all in one process of their own.

Each client counts the events it receives, misses and receives twice. A few also measure latency, from an event's due
time to its arrival; more would take CPU time from the system.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from tickstock_cli.core.schedule import Schedule
from tickstock_cli.errors import ServingError
from tickstock_cli.loadtest.child import Child, run_child
from tickstock_cli.loadtest.lean_client import LeanClient
from tickstock_cli.loadtest.stage_latency import StageLatency

MEASURING = 4
"""Limit of the clients that measure latency; they are spread over all clients that read."""
CONNECTING_AT_ONCE = 50
CONNECT_SECONDS = 30.0
END_SECONDS = 10.0
"""Limit for clients to receive the last events once the run is over."""
LOOK_SECONDS = 0.02


class ClientPool:
    """All clients of a run."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._url: str = job["url"]
        self._kinds = tuple(job["kinds"])
        self._count: int = job["clients"]
        self._stalled: int = job["stalled"]
        self.latency = StageLatency(job["ends"])
        self.schedule: Schedule | None = None
        self.all: list[LeanClient] = []

    @property
    def reading(self) -> Sequence[LeanClient]:
        """The clients that read."""
        return [client for client in self.all if not client.stalls]

    async def connect(self) -> None:
        """Connect and subscribe all clients.

        Raises
        ------
        ServingError
            The server did not accept a client.
        """
        parts = urlsplit(self._url)
        assert parts.hostname is not None  # the system reported the URL
        port = parts.port or 80
        loop = asyncio.get_running_loop()
        step = max(1, (self._count - self._stalled) // MEASURING)
        for begin in range(0, self._count, CONNECTING_AT_ONCE):
            group: list[LeanClient] = []
            for number in range(begin, min(begin + CONNECTING_AT_ONCE, self._count)):
                stalls = number >= self._count - self._stalled
                measures = not stalls and number % step == 0 and number // step < MEASURING
                client = LeanClient(parts.netloc, self._kinds, self._measure if measures else None, stalls)
                group.append(client)
            self.all += group
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    for client in group:
                        await loop.create_connection(partial(_itself, client), parts.hostname, port)
                    await asyncio.gather(*(client.subscribed for client in group))
            except (OSError, TimeoutError) as error:
                why = str(error) or "the server does not answer"
                raise ServingError(
                    f"client {len(self.all)} of {self._count} cannot follow {self._url}: {why}"
                ) from error

    async def wait_for_end(self) -> None:
        """Wait until every client that reads has received all events or is disconnected; ``END_SECONDS`` at most."""
        until = asyncio.get_running_loop().time() + END_SECONDS
        while not all(client.ended or client.lost for client in self.reading):
            if asyncio.get_running_loop().time() > until:
                return
            await asyncio.sleep(LOOK_SECONDS)

    def second(self, end: int) -> dict[str, Any]:  # noqa: ARG002 - all of its events have arrived by now
        """Return the figures of the second that has just ended."""
        return {"latency": self.latency.take_second()}

    def end(self) -> dict[str, Any]:
        """Return the figures of the whole run."""
        reading = self.reading
        return {
            **self.second(0),
            "by_stage": self.latency.by_stage(),
            "count": len(self.all),
            "stalled": len(self.all) - len(reading),
            "by_client": [client.delivered for client in reading],
            "repeats": sum(client.repeats for client in reading),
            "gaps": sum(client.gaps for client in reading),
            "unfinished": sum(not client.ended for client in reading),
            "disconnected": sum(bool(client.lost) for client in reading),
            "lost": next((client.lost for client in reading if client.lost), ""),
        }

    def close(self) -> None:
        """Close all connections."""
        for client in self.all:
            client.close()

    def _measure(self, events: list[dict[str, Any]], now: int) -> None:
        if self.schedule is not None:
            market = np.array([event["emitted_at"] for event in events], np.int64)
            late = np.maximum(now - self.schedule.due_times(market), 0)
            self.latency.record("client", market, late // 1000)


def _itself(client: LeanClient) -> LeanClient:
    return client


async def _work(child: Child) -> None:
    job = child.job
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    clients = ClientPool(job)
    await clients.connect()
    anchor = await asyncio.to_thread(child.ready)
    clients.schedule = Schedule(anchor, job["start"], job["speed"])
    child.every_second(anchor, clients.second)
    await asyncio.to_thread(child.stopped.wait)
    await clients.wait_for_end()
    child.report("done", **clients.end())
    clients.close()


def work(child: Child) -> None:
    """Connect, wait for the start, receive events until the command to stop, then the last ones."""
    asyncio.run(_work(child))


if __name__ == "__main__":
    run_child(work)

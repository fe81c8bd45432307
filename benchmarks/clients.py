"""Serving: one WebSocket client that takes a log of events, against hundreds at once, some of which stall.

Protects that a desk full of clients can follow one run, and that the server's memory is its own.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, Section
from benchmarks.fresh import Sample, call
from benchmarks.rounds import Samples, column, interleave
from benchmarks.workloads import WARM_UP

CLIENTS, STALLED = 500, 25
ONE, MANY = "one client", f"{CLIENTS} clients, {STALLED} more stalled"
MIB = 1 << 20
PER_EVENT_BAR = 1.0
"""What an event costs a client of many, over what it costs a single one: reading and encoding is shared."""


def serve(recording: str, clients: int, stalled: int) -> Sample:
    """Serve the events of a replay to so many clients, from the first connection until each has every event."""
    from tickstock_cli.broadcast.broadcast import Broadcast
    from tickstock_cli.build import settings_model
    from tickstock_cli.engine.control import Control
    from tickstock_cli.replaying import Request
    from tickstock_cli.replaying import replay as run_replay
    from tickstock_cli.runtime.opening import PipelineName
    from tickstock_cli.serving.server import Address

    request = Request(paths=[recording], settings=settings_model()(), pipeline=PipelineName.MULTI)
    control = Control(None)
    with TemporaryDirectory() as folder, Broadcast(request, control, Address("127.0.0.1", 0), Path(folder)) as served:
        result = run_replay(request, control, lambda _: served, attach=served.attach, open_sinks=served.open_sinks)
        served.finish()
        url = served.url.replace("http", "ws", 1) + "ws"
        begun, cpu = time.perf_counter(), time.process_time()
        asyncio.run(_follow_all(url, result.tally.events, clients, stalled))
        return {
            "events": result.tally.events,
            "seconds": time.perf_counter() - begun,
            "cpu_seconds": time.process_time() - cpu,
        }


async def _follow_all(url: str, events: int, clients: int, stalled: int) -> None:
    from websockets.asyncio.client import connect

    async def follow() -> None:
        async with connect(url, compression=None, proxy=None) as connection:
            await connection.send('{"type": "subscribe", "from": "first"}')
            following = 0
            while following <= events:
                following = json.loads(await connection.recv()).get("next") or following

    async with AsyncExitStack() as stack:
        for _ in range(stalled):
            connection = await stack.enter_async_context(
                connect(url, compression=None, proxy=None, max_queue=1, close_timeout=0.1)
            )
            await connection.send('{"type": "subscribe", "from": "first"}')
        await asyncio.gather(*(follow() for _ in range(clients)))


def measure(rounds: int, announce: Callable[[str], None]) -> Samples:
    """Measure one client and many in turn, on the warm-up's market."""
    recording = str(WARM_UP.folder)
    subjects: dict[str, Callable[[], Sample]] = {
        ONE: partial(call, serve, recording=recording, clients=1, stalled=0),
        MANY: partial(call, serve, recording=recording, clients=CLIENTS, stalled=STALLED),
    }
    return interleave(subjects, rounds, announce)


def section(samples: Samples) -> Section:
    """Return what an event costs a client."""
    one, many = samples[ONE], samples[MANY]
    share = tuple(
        crowd["cpu_seconds"] / CLIENTS / single["cpu_seconds"] for crowd, single in zip(many, one, strict=True)
    )
    figures = [
        Figure("CPU a client, many / one", "×", share, PER_EVENT_BAR, "server and clients together"),
        Figure(ONE, "s", column(one, "seconds")),
        Figure(MANY, "s", column(many, "seconds"), note="until each has every event"),
        Figure("peak memory, many", "MiB", column(many, "peak_rss_bytes", 1 / MIB), note="server and clients"),
    ]
    return Section(f"clients: {many[0]['events']:,} events", "a desk full of clients can follow one run", figures)

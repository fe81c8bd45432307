"""Benchmarks of the published figures, the README's section on speed: run like those of ``benchmarks.py``.

They use what this version alone has, so a baseline holds their figures against limits, and no gate compares revisions
by them.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

from tickstock_cli.core.shipped import shipped_folder
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.result import RunResult
from tickstock_cli.perf.benchmarks import Sample, Turns, peak_rss_bytes, timed
from tickstock_cli.replaying import Request
from tickstock_cli.replaying import replay as run_replay

STALLED_SHARE = 0.05
"""Clients that have stopped reading, over those that follow."""
WARM_UP_NS = 60_000_000_000


def pyarrow(job: Sample) -> Turns:
    """Decode the ticks as pyarrow does by default, and keep nothing."""
    import pyarrow.parquet as pq

    def read() -> int:
        return sum(batch.num_rows for batch in pq.ParquetFile(_ticks(job)).iter_batches())

    yield {"rows": read()}
    yield from timed(read)


def one_worker(job: Sample) -> Turns:
    """Replay the ticks flat out, events to Parquet, from the first byte read to the file closed."""
    return _flat_out(job, _ticks(job), 1)


def two_workers(job: Sample) -> Turns:
    """Replay the ticks as ``one_worker`` does, with two."""
    return _flat_out(job, _ticks(job), 2)


def longer(job: Sample) -> Turns:
    """Replay a longer recording as ``one_worker`` does, for its memory."""
    return _flat_out(job, job["longer"], 1)


def _ticks(job: Sample) -> str:
    return str(Path(job["recording"], "ticks.parquet"))


def _flat_out(job: Sample, ticks: str, workers: int) -> Turns:
    out = str(Path(job["folder"], "events.parquet"))
    run_replay(Request(paths=[ticks], outs=[out], workers=workers, start=job["start"], end=job["start"] + WARM_UP_NS))
    yield {}
    request = Request(paths=[ticks], outs=[out], workers=workers)
    results: list[RunResult] = []
    for times in timed(lambda: results.append(run_replay(request))):
        result = results[-1]
        yield {"rows": result.rows, "digest": result.digest, **times}


def scheduled(job: Sample) -> Turns:
    """Replay many ticks of few tickers, and the bars of all, on a schedule through the running system.

    Then flat out: both must give one digest. Latency counts from a row's scheduled time, so that a system that stalls
    cannot hide it.
    """
    out = str(Path(job["folder"], "events.parquet"))
    paths = [job["busy"], str(Path(job["recording"], "bars.parquet"))]
    stretch = {"start": job["busy_start"], "end": job["busy_end"]}
    run_replay(Request(paths=paths, outs=[out], start=stretch["start"], end=stretch["start"] + WARM_UP_NS, speed=1e9))
    yield {}
    pipelines: list[Any] = []
    counts = RowsPerSecond()
    cpu = time.process_time()
    result = run_replay(
        Request(paths=paths, outs=[out], **stretch, speed=job["busy_speed"]),
        observe=lambda _: counts,
        attach=pipelines.append,
    )
    cpu = time.process_time() - cpu
    status = pipelines[0].last_status
    latency = status["event_latency_ms"]
    peak = peak_rss_bytes()
    flat_cpu = time.process_time()
    flat = run_replay(Request(paths=paths, outs=[out], **stretch))
    flat_cpu = time.process_time() - flat_cpu
    scheduled_seconds = (stretch["end"] - stretch["start"]) / job["busy_speed"] / 1e9
    yield {
        "rows_per_second": result.rows / scheduled_seconds,
        "slowest_second": counts.slowest(),
        "over_schedule": counts.seconds / scheduled_seconds,
        "p50_ms": latency["p50"],
        "p99_ms": latency["p99"],
        "p999_ms": latency["p99.9"],
        "max_ms": latency["max"],
        "decision_us": status["system_overview"]["router"]["decision_mean_us"],
        "paced_peak_bytes": peak,
        "cpu_over_flat_out": cpu / flat_cpu,
        "other_digests": int(flat.digest != result.digest),
    }


class RowsPerSecond(Observer):
    """Counts rows by wall second, from the first row on: whether a rate was held, or only reached on average."""

    def __init__(self) -> None:
        self._begun: float | None = None
        self._done: dict[int, int] = {}
        self.seconds = 0.0
        """From the first row to the last."""

    def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's
        now = time.perf_counter()
        if self._begun is None:
            self._begun = now
        self.seconds = now - self._begun
        self._done[int(self.seconds)] = rows

    def slowest(self) -> int:
        """Return the rows of the slowest whole second."""
        totals = [self._done[second] for second in sorted(self._done)]
        whole = [after - before for before, after in pairwise(totals[:-1])]
        return min(whole, default=0)


def clients(job: Sample) -> Turns:
    """Serve the events of sample_data to one WebSocket client, then to hundreds at once, while some more read nothing.

    CPU time is that of server and clients together: reading and encoding is shared, so what an event costs a client of
    many must not be more than what it costs the only one.
    """
    from tickstock_cli.broadcast.broadcast import Broadcast
    from tickstock_cli.build import settings_model
    from tickstock_cli.engine.control import Control
    from tickstock_cli.runtime.opening import PipelineName
    from tickstock_cli.serving.server import Address

    sample = shipped_folder("sample_data")
    request = Request(paths=[sample], settings=settings_model()(), pipeline=PipelineName.MULTI)
    control = Control(None)
    folder = Path(job["folder"], "log")
    with Broadcast(request, control, Address("127.0.0.1", 0), folder) as served:
        result = run_replay(request, control, lambda _: served, attach=served.attach, open_sinks=served.open_sinks)
        served.finish()
        url = served.url.replace("http", "ws", 1) + "ws"
        yield {"events": result.tally.events}
        one = _follow(url, result.tally.events, 1, 0)
        many = _follow(url, result.tally.events, job["clients"], round(STALLED_SHARE * job["clients"]))
        yield {"one_seconds": one[0], "many_seconds": many[0], "cpu_ratio": many[1] / job["clients"] / one[1]}


def _follow(url: str, events: int, following: int, stalled: int) -> tuple[float, float]:
    """Return wall and CPU seconds until each client has every event."""
    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(_follow_all(url, events, following, stalled))
    return time.perf_counter() - wall, time.process_time() - cpu


async def _follow_all(url: str, events: int, following: int, stalled: int) -> None:
    from websockets.asyncio.client import connect

    async def follow() -> None:
        async with connect(url, compression=None, proxy=None, ping_interval=None) as connection:
            await connection.send('{"type": "subscribe", "from": "first"}')
            reached = 0
            while reached <= events:
                reached = json.loads(await connection.recv()).get("next") or reached

    async with AsyncExitStack() as stack:
        for _ in range(stalled):
            connection = await stack.enter_async_context(
                connect(url, compression=None, proxy=None, max_queue=1, close_timeout=0.1)
            )
            await connection.send('{"type": "subscribe", "from": "first"}')
        await asyncio.gather(*(follow() for _ in range(following)))

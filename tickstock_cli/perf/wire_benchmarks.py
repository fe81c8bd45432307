"""Benchmarks of a live run: the vendor, played in a process of its own, sends trades at a rate; events are told.

Run like those of ``benchmarks.py``. A trade is due at its timestamp: the schedule of the vendor. It begins where the
least time passed between a trade's timestamp and its arrival, so a vendor or a run that stalls cannot hide it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.build import settings_model
from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.feed import FeedListener
from tickstock_cli.engine.observer import Observer
from tickstock_cli.live.ending import LiveEnd
from tickstock_cli.live.request import LiveRequest
from tickstock_cli.live.result import LiveResult
from tickstock_cli.live.run import run_live
from tickstock_cli.measurement.histogram import Histogram
from tickstock_cli.perf import benchmark_runs
from tickstock_cli.perf.benchmarks import Sample, Turns
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.vendors.polygon.wire import Decoder

EVENTS_PER_FRAME = 25
SLACK_NS = 120_000_000_000
"""A run ends this long after its last trade was due, even if trades are missing."""
CAUGHT_UP_NS = 100_000_000
"""A run has caught up behind a burst once trades are processed this soon after they were due."""
FRAMES, FRAMES_TOGETHER, DECODE_PASSES = 2_000, 20, 5
"""Frames that both decoders read, those of a few ms together for ours, and how often: the best pass counts."""


def wire(job: Sample) -> Turns:
    """Run live on the direct path, as without a server or a dashboard, at an even rate."""
    return _live(job, job["wire"], PipelineName.DIRECT)


def wire_running(job: Sample) -> Turns:
    """Do the same through the running system, as with them."""
    return _live(job, job["wire"], PipelineName.MULTI)


def wire_burst(job: Sample) -> Turns:
    """Run live while trades come three times as fast for a while; measure when the run has caught up."""
    return _live(job, job["burst"], PipelineName.DIRECT, job["burst_end"])


def wire_client(job: Sample) -> Turns:
    """Read the feed as fast as it goes: by the vendor's own client with an empty handler, then by a whole live run.

    Rates are those of a processor: events by the CPU time of the process that reads. Then both decode the same frames.
    """
    yield {}
    rows = pq.read_metadata(job["wire"]).num_rows
    with vendor(job["wire"], "--speed", "max", "--loop") as url:
        theirs = asyncio.run(_read_by_massive(url, rows))
    with vendor(job["wire"], "--speed", "max") as url:
        ours = _Watch(rows)
        _run_live(url, job, ours, PipelineName.DIRECT)
    with vendor(job["wire"], "--speed", "max", "--loop") as url:
        frames = asyncio.run(_frames_of(url, min(FRAMES, max(1, rows // EVENTS_PER_FRAME))))
    decode_theirs, decode_ours = _decode_seconds(frames)
    yield {
        "massive_events_per_cpu_second": rows / theirs,
        "live_events_per_cpu_second": rows / ours.cpu_seconds,
        "live_over_massive": theirs / ours.cpu_seconds,
        "decode_over_massive": decode_theirs / decode_ours,
    }


@contextmanager
def vendor(recording: str, *options: str) -> Iterator[str]:
    """Play a recording in a process of its own within the context; the value is its address."""
    command = ("replay", recording, "--as-polygon", "127.0.0.1:0", "--start-on-subscribe", "--client-buffer", "1GiB")
    arguments = (*command, "--events-per-frame", str(EVENTS_PER_FRAME), *options)
    program = ("-P", "-m", "tickstock_cli", *arguments)
    with benchmark_runs.start_python(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


class _Watch(FeedListener, Observer):
    """Watches a live run: what came, what became of it, and when.

    Parameters
    ----------
    expected
        Trades that come; ``complete`` is called when they have.
    """

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._began: tuple[float, float] | None = None
        self._steps: list[tuple[int, int]] = []
        self._told: list[tuple[int, pa.RecordBatch]] = []
        self.complete: Callable[[], None] = lambda: None
        self.now: Callable[[], int] = time.time_ns
        self.received = 0
        self.least_lag = 2**62
        """Least time from a trade's timestamp to when it was received, ns."""
        self.cpu_seconds = self.seconds = 0.0
        """Of the process, and of the wall, from the first row on."""

    def rows(self, batches: Sequence[pa.RecordBatch]) -> None:
        if self._began is None:
            self._began = time.process_time(), time.perf_counter()
        for batch in batches:
            lags = batch.column("received_at").to_numpy() - batch.column("timestamp").to_numpy()
            self.least_lag = min(self.least_lag, int(lags.min()))
            self.received += batch.num_rows
        if self.received >= self._expected:
            self.complete()

    def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's
        assert self._began is not None  # rows came before they are processed
        self.cpu_seconds = time.process_time() - self._began[0]
        self.seconds = time.perf_counter() - self._began[1]
        self._steps.append((self.now(), rows))

    def released(self, events: pa.RecordBatch, count: int) -> None:  # noqa: ARG002 - the observer's
        self._told.append((self.now(), events.select(["emitted_at", "available_at", "timestamp"])))

    def due_to_told(self) -> Histogram:
        """Return the latencies from when a trade was due to when its event was told, in µs.

        For an event that waited for the end of its window, the wait does not count.
        """
        found = Histogram()
        for told, events in self._told:
            emitted, available, timestamp = (events.column(place).cast(pa.int64()).to_numpy() for place in range(3))
            found.record(np.maximum(told - emitted + available - timestamp - self.least_lag, 0) // 1_000)
        return found

    def behind(self, times: Int64s) -> tuple[Int64s, Int64s]:
        """Return when each step was done, as a time of the recording, and how long its last trade had been due, ns."""
        now, rows = np.array(self._steps, dtype=np.int64).reshape(-1, 2).T
        done = now - self.least_lag
        return done, done - times[np.maximum(rows, 1) - 1]


def _live(job: Sample, recording: str, pipeline: PipelineName, burst_end: int | None = None) -> Turns:
    """Yield the figures of a live run on a recording, played at its own speed."""
    yield {}
    times = pq.read_table(recording, columns=["timestamp"])["timestamp"].to_numpy()
    watch = _Watch(len(times))
    load = os.getloadavg()[0]
    with vendor(recording) as url:
        result = _run_live(url, job, watch, pipeline, int(times[-1] - times[0]) + SLACK_NS)
    due, arrivals = watch.due_to_told().summary(), result.run.arrivals
    assert arrivals is not None  # a live run has a queue
    done, behind = watch.behind(times)
    sample = {
        "rows": result.rows,
        "events": result.run.tally.events,
        "lost_rows": len(times) - result.rows,
        "spilled_rows": arrivals.spilled_total,
        "received_to_told_p50_ms": result.latency_ms["p50"],
        "received_to_told_p99_ms": result.latency_ms["p99"],
        "due_to_told_p50_ms": due.p50_ms,
        "due_to_told_p99_ms": due.p99_ms,
        "processors": watch.cpu_seconds / watch.seconds,
        "load_before": load,
    }
    if burst_end is not None:
        in_time = done[(done >= burst_end) & (behind <= CAUGHT_UP_NS)]
        sample["caught_up_seconds"] = float(in_time.min(initial=int(done.max())) - burst_end) / 1e9
    yield sample


def _run_live(
    url: str, job: Sample, watch: _Watch, pipeline: PipelineName, longest_ns: int | None = None
) -> LiveResult:
    """Run live until all trades have come, as `tickstock live` does."""
    os.environ["POLYGON_API_KEY"] = "the vendor played takes any"
    settings = settings_model().model_validate({"polygon": {"url": url, "channels": ["T"]}})
    request = LiveRequest(
        "polygon:*",
        settings,
        outs=[str(Path(job["folder"], "events.jsonl"))],
        duration_ns=longest_ns,
        pipeline=pipeline,
    )
    end = LiveEnd(None, time.time_ns, longest_ns)
    watch.complete = end.stop

    def observe(feed: Any) -> Observer:
        watch.now = feed.stamps.now
        return watch

    return run_live(request, end, observe, (watch,))


class _EnoughError(Exception):
    """As many messages as were asked for have come; it ends a client, which has no other end."""


async def _read_by_massive(url: str, events: int) -> float:
    """Return the CPU seconds of this process in which the vendor's client reads events with an empty handler."""
    seen, began = 0, 0.0

    async def handle(messages: list[Any]) -> None:
        nonlocal seen, began
        began = began or time.process_time()
        seen += len(messages)
        if seen >= events:
            raise _EnoughError

    await _massive(url, handle)
    return time.process_time() - began


async def _frames_of(url: str, frames: int) -> list[bytes]:
    """Return frames of market events as the vendor's client gets them."""
    found: list[bytes] = []

    async def handle(frame: Any) -> None:
        text = frame if isinstance(frame, str) else frame.decode()
        if '"ev":"status"' not in text:
            found.append(text.encode())
        if len(found) >= frames:
            raise _EnoughError

    await _massive(url, handle, raw=True)
    return found


async def _massive(url: str, handle: Callable[[Any], Any], *, raw: bool = False) -> None:
    """Run the vendor's client, unmodified but for its address, until its handler has enough."""
    from massive import WebSocketClient

    address = url.removeprefix("ws://")
    client = WebSocketClient("any key", feed=address, subscriptions=["T.*"], secure=False, raw=raw)
    try:
        await client.connect(handle, proxy=None)
    except _EnoughError:
        return


def _decode_seconds(frames: Sequence[bytes]) -> tuple[float, float]:
    """Return the CPU seconds in which the vendor's client and ours decode frames, each its best pass, in turns."""
    import json

    from massive.websocket.models import Market, parse

    logger, decoder = logging.getLogger(__name__), Decoder()
    texts = [frame.decode() for frame in frames]  # what the client receives
    stamped = [(frame, number) for number, frame in enumerate(frames)]
    groups = [stamped[start : start + FRAMES_TOGETHER] for start in range(0, len(stamped), FRAMES_TOGETHER)]
    theirs, ours = [], []
    for _ in range(DECODE_PASSES):
        begun = time.process_time()
        for text in texts:
            parse(json.loads(text), logger, Market.Stocks)
        theirs.append(time.process_time() - begun)
        begun = time.process_time()
        for group in groups:
            decoder.decode(group)
        ours.append(time.process_time() - begun)
    return min(theirs), min(ours)

"""A soak: a day of the market in minutes, with drawn faults, through a live run that records.

Run like the benchmarks of ``benchmarks.py``. The vendor is played in a process of its own. The waits before another
connection pass as fast as the market, so that there are as many as in a day. At the end the recording must replay to
the events that were told.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from threading import Thread, Timer
from types import TracebackType
from typing import Any, Self

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.build import settings_model
from tickstock_cli.core.feed import FeedListener
from tickstock_cli.engine.observer import Observer
from tickstock_cli.live.ending import LiveEnd
from tickstock_cli.live.request import LiveRequest
from tickstock_cli.live.result import LiveResult
from tickstock_cli.live.run import run_live
from tickstock_cli.perf import benchmark_runs
from tickstock_cli.perf.benchmarks import Sample, Turns
from tickstock_cli.perf.soak_recording import fault_file
from tickstock_cli.review.parity import check_parity
from tickstock_cli.runtime.opening import PipelineName

PARTS, WARM_UP_PARTS, TOGETHER = 24, 8, 3
"""Memory is read in each of so many parts of the day; it is warm after some; figures are medians of some of them."""
ANSWER_SECONDS = 1.0
"""Limit of the time for an answer of the vendor, in seconds of the wall: some of its faults give none."""
SLACK_NS = 120_000_000_000
"""The run ends this long after the last row was due, whatever the vendor says."""
IN_FLIGHT_SECONDS = 1.0
"""How long rows may take from the vendor to the run."""
_ADDRESS = re.compile(r" on (ws://\S+), at speed ")


def soak(job: Sample) -> Turns:
    """Run live through a day with faults; return what came of it, its memory, and its parity."""
    yield {}
    folder, day = Path(job["folder"]), Path(job["soak"])
    times = pq.read_table(day / "trades.parquet", columns=["timestamp"])["timestamp"]
    first, last = int(times[0].as_py()), int(times[-1].as_py())
    rows = sum(pq.read_metadata(path).num_rows for path in day.glob("*.parquet"))
    faults = folder / "faults.toml"
    faults.write_text(fault_file(rows / ((last - first) / 60e9)), encoding="utf-8")
    watch = _DayWatch(first, last)
    load = os.getloadavg()[0]
    with _FaultyVendor(day, job["soak_speed"], faults) as vendor:
        result = _run_live(vendor, job["soak_speed"], folder, watch, round((last - first) / job["soak_speed"]))
    parity = check_parity(folder / "rec")
    ledger = result.as_dict()["ledger"]
    warm = watch.resident[WARM_UP_PARTS : WARM_UP_PARTS + TOGETHER] or watch.resident[-1:]
    yield {
        "market_hours": (watch.latest - first) / 3_600e9,
        "wire_events": ledger["wire.events"],
        "events": result.run.tally.events,
        "faults": sum(vendor.summary["faults"].values()),
        "fault_kinds": len(vendor.summary["faults"]),
        "reconnects": result.health.reconnects or 0,
        "gaps": len(result.gaps),
        "unaccounted": abs(_unaccounted(ledger)),
        "differences": parity.total,
        "untold": len(parity.untold),
        "told_and_recorded": parity.events,
        "not_recorded": sum((result.recording or {}).get(name, 0) for name in NOT_RECORDED),
        "warm_bytes": median(warm),
        "last_over_warm": median(watch.resident[-TOGETHER:]) / median(warm),
        "load_before": load,
    }


NOT_RECORDED = ("rows_not_recorded", "events_not_recorded", "waiting")


def _run_live(vendor: _FaultyVendor, speed: float, folder: Path, watch: _DayWatch, length_ns: int) -> LiveResult:
    """Run live until the vendor has sent its last row."""
    os.environ["POLYGON_API_KEY"] = "the vendor played takes any"
    feed_settings = {"url": vendor.url, "seed": 1, "auth_seconds": ANSWER_SECONDS, "subscribe_seconds": ANSWER_SECONDS}
    settings = settings_model().model_validate({"polygon": {**feed_settings, "channels": ["T", "AM"]}})
    request = LiveRequest(
        "polygon:*",
        settings,
        outs=[str(folder / "events.jsonl")],
        record=folder / "rec",
        duration_ns=length_ns + SLACK_NS,
        pipeline=PipelineName.DIRECT,
    )
    end = LiveEnd(None, time.time_ns, request.duration_ns)
    vendor.when_done(lambda: Timer(IN_FLIGHT_SECONDS, end.stop).start())

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / speed)

    def observe(feed: Any) -> Observer:
        feed.sleep = sleep
        return Observer()

    return run_live(request, end, observe, (watch,))


def _unaccounted(ledger: dict[str, int]) -> int:
    """Return the messages of the wire that no counter has."""
    ends = ("tick.read", "ohlcv.read", "wire.status", "wire.bad_event", "wire.unknown_event", "wire.duplicate")
    return ledger["wire.events"] - sum(ledger.get(name, 0) for name in ends)


class _DayWatch(FeedListener):
    """Watches how far the market is, and the memory of this process at even distances of its time.

    Parameters
    ----------
    first, last
        Times of the first and the last trade, ns UTC.
    """

    def __init__(self, first: int, last: int) -> None:
        self._last = last
        self._part_ns = max(1, (last - first) // PARTS)
        self._next = first + self._part_ns
        self._process = psutil.Process()
        self.latest = first
        """Time of the latest trade that came."""
        self.resident: list[int] = []
        """Resident bytes, once in each part of the day."""

    def rows(self, batches: Sequence[pa.RecordBatch]) -> None:
        for batch in batches:
            if "price" in batch.schema.names:
                self.latest = min(self._last, max(self.latest, batch.column("timestamp")[-1].as_py() or 0))
        if self.latest >= self._next or not self.resident:
            self._next = self.latest + self._part_ns
            self.resident.append(self._process.memory_info().rss)


class _FaultyVendor(AbstractContextManager["_FaultyVendor"]):
    """Plays a recording with faults in a process of its own within the context.

    Attributes
    ----------
    url
        Its address.
    summary
        What it printed at its end; after the context.
    """

    def __init__(self, recording: Path, speed: float, faults: Path) -> None:
        options = ("--start-on-subscribe", "--speed", str(speed), "--fault", str(faults), "--json")
        self._program = ("-P", "-m", "tickstock_cli", "replay", str(recording), "--as-polygon", "127.0.0.1:0", *options)
        self._done: Callable[[], None] = lambda: None
        self.summary: dict[str, Any] = {}

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = benchmark_runs.start_python(self._program, stdout=pipe, stderr=pipe, text=True)
        assert self._process.stderr is not None
        told = []
        for line in self._process.stderr:
            told.append(line)
            if found := _ADDRESS.search(line):
                self.url = found[1]
                break
        else:
            raise RuntimeError(f"the vendor did not start: {''.join(told)}")
        self._listening = Thread(target=self._listen, daemon=True)
        return self

    def when_done(self, done: Callable[[], None]) -> None:
        """Call ``done`` once the last row was sent."""
        self._done = done
        self._listening.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        assert self._process.stdout is not None
        with self._process:
            text = self._process.stdout.read()
        if error is None:
            self.summary = json.loads(text)

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if line.startswith("every row is out"):
                self._done()

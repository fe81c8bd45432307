"""Feeding: merged batches become chunks in the instances' queues; if the queues are full, rows can wait on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeVar

from tickstock_cli.config.settings import Settings
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.clock import Clock
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.engine.core import Core
from tickstock_cli.engine.spill import Spill
from tickstock_cli.errors import OutputError
from tickstock_cli.runtime.begun import BegunWork
from tickstock_cli.runtime.building import Instances, channel_sections
from tickstock_cli.runtime.chunks import Chunk
from tickstock_cli.runtime.collector import Collector
from tickstock_cli.runtime.instance import ProcessingChannel
from tickstock_cli.runtime.router import DataChannelRouter
from tickstock_cli.runtime.sections import MS

ResultT = TypeVar("ResultT")
SPILL = "spill"
"""Name of the rows on disk, in the monitor."""
SPARE_TICKERS = 1_024
"""Initial room for tickers; it doubles when it is full, because every instance must be idle while state grows."""


class Feeder:
    """Feeds rows to the router, in the order of the calls. On one asyncio loop.

    With the setting ``router.overflow = spill``, rows that find no room go to disk, and ``catch_up`` queues them later;
    otherwise feeding waits.

    Parameters
    ----------
    check
        Raises `SystemBrokenError` once no row can be processed any more.
    report
        Called with the name of the rows on disk and their problem, or None if there is none.
    """

    def __init__(
        self,
        settings: Settings,
        core: Core,
        instances: Instances,
        router: DataChannelRouter,
        collector: Collector,
        clock: Clock,
        check: Callable[[], None],
        report: Callable[[str, str | None], None],
    ) -> None:
        self._core = core
        self._instances = instances
        self._router = router
        self._collector = collector
        self._clock = clock
        self._check = check
        self._report = report
        self.capacity = 0
        """The number of tickers that the state of the channels has room for."""
        self._window_ns: int = settings.coordinator.window_ms * MS
        self._window = 0
        self._watermark = 0
        """The market time up to which rows were taken, those on disk included."""
        self._piece_rows = min(section.queue_rows for section in channel_sections(settings).values())
        self._spills = settings.router.overflow == "spill"
        self._spill = Spill()
        self._disk = ThreadPoolExecutor(1, "tickstock-spill")
        self._spilled = asyncio.Event()
        self._feeding = asyncio.Lock()
        self._begun = BegunWork()
        self._progress = asyncio.Event()

    @property
    def spilled_rows(self) -> int:
        """The number of rows on disk."""
        return sum(self._spill.rows.values())

    async def feed(self, batch: MergedBatch, schedule: Schedule | None) -> list[Chunk]:
        """Queue rows behind all rows fed before, also if the caller is cancelled; see `MultiChannelSystem.feed`.

        Returns
        -------
        list
            The chunks of the rows that were not spilled.

        Raises
        ------
        SystemBrokenError
            A channel failed in a way that leaves its state undefined.
        """
        return await self._begun.finished(self._feed_pieces(batch, schedule))

    async def _feed_pieces(self, batch: MergedBatch, schedule: Schedule | None) -> list[Chunk]:
        chunks = []
        async with self._feeding:
            for chunk in self._pieces(batch):
                self._check()
                self._watermark = chunk.watermark
                spills = self._must_spill(chunk)
                if not spills:
                    self._report(SPILL, None)
                if not (spills and await self._spilled_to_disk(chunk, schedule)):
                    chunks.append(Chunk.of(chunk, self._clock.now(), schedule, self._core.unjudged(chunk)))
                    await self._feed(chunks[-1])
        self._check()
        return chunks

    async def settle(self) -> None:
        """Wait until all rows fed are processed and their events released.

        Raises
        ------
        SystemBrokenError
            See ``feed``.
        """
        async with self._feeding:
            while self._collector.waiting or self._spilled.is_set():
                self._check()
                self._progress.clear()
                self.flush()
                await self._progress.wait()
        self._check()
        self._core.grow(len(self._core.symbols))  # no instance is at work: checkpoints know every ticker

    async def catch_up(self) -> None:
        """Queue what was spilled as soon as there is room, oldest first. Runs until it is cancelled."""
        while True:
            await self._spilled.wait()
            while len(self._spill):
                self._check()
                spilled, batch = await self._on_disk(self._spill.oldest)
                chunk = Chunk.of(batch, spilled.received, spilled.schedule, self._core.unjudged(batch))
                await self._feed(chunk)
                await self._on_disk(self._spill.drop)
                self._note_spilled()
                self._progress.set()
            self._spilled.clear()  # only now is what waits on disk none, in the figures of the instances, too
            self._progress.set()

    def note_progress(self) -> None:
        """Wake ``settle`` and a wait for the disk: rows were processed or dropped, or the system broke."""
        self._progress.set()

    def flush(self) -> None:
        """Make every instance process its queued rows without waiting for a full batch."""
        for instance in self._every_instance():
            instance.flush()

    def next_release(self) -> int:
        """Return the market time (int64 ns) at which events may be released although no row comes."""
        release = self._core.next_release()
        if not (self._collector.waiting or self._spilled.is_set()):
            return release
        # Rows that are not processed yet may cause events, which may wait for the end of the window. What may be
        # released up to the watermark is released once they are processed: to advance market time again is of no use.
        window_end = (self._watermark // self._window_ns + 1) * self._window_ns + 1
        return window_end if release <= self._watermark else min(release, window_end)

    async def grow(self) -> None:
        """Make room for all tickers of the symbol table, while every instance is idle."""
        tickers = len(self._core.symbols)
        if tickers <= self.capacity:
            return
        capacity = max(SPARE_TICKERS, 1 << (tickers - 1).bit_length())
        async with AsyncExitStack() as stack:
            for instance in self._every_instance():
                await stack.enter_async_context(instance.idle)
            self._core.grow(capacity)
            self.capacity = capacity

    def close(self) -> None:
        """End the disk's thread and remove the rows on disk."""
        self._disk.shutdown(wait=True)
        self._spill.close()

    def _every_instance(self) -> Iterator[ProcessingChannel]:
        for instances in self._instances.values():
            yield from instances

    def _pieces(self, batch: MergedBatch) -> Iterator[MergedBatch]:
        """Cut a batch so that no chunk is larger than a queue."""
        if len(batch) <= self._piece_rows:
            yield batch
            return
        times = batch.available_at()
        for start in range(0, len(batch), self._piece_rows):
            stop = min(start + self._piece_rows, len(batch))
            yield batch.cut(start, stop, batch.watermark if stop == len(batch) else int(times[stop - 1]))

    async def _feed(self, chunk: Chunk) -> None:
        if len(chunk.batch):
            await self.grow()
        self._collector.begin(chunk)
        if len(chunk.batch):
            await self._router.route(chunk)
        else:
            self._collector.settle()
        window = chunk.batch.watermark // self._window_ns
        if window != self._window:
            # A window has ended: only rows that wait for a full batch still delay its events.
            self._window = window
            self.flush()

    def _must_spill(self, chunk: MergedBatch) -> bool:
        """Return whether rows go to disk: there is no room, or earlier rows are there."""
        return self._spills and (bool(len(self._spill)) or not self._router.has_room(chunk))

    async def _spilled_to_disk(self, chunk: MergedBatch, schedule: Schedule | None) -> bool:
        """Spill rows and return whether the disk took them.

        If it did not, the monitor shows the problem, and the return waits until the rows can be queued.
        """
        try:
            await self._on_disk(partial(self._spill.write, chunk, self._clock.now(), schedule))
        except OutputError as error:
            self._report(SPILL, f"{error}; their source waits instead")
            while len(self._spill):
                self._progress.clear()
                await self._progress.wait()
                self._check()
            return False
        self._report(SPILL, None)
        self._note_spilled()
        return True

    def _note_spilled(self) -> None:
        for record, instances in self._instances.items():
            instances[0].note_spilled(self._spill.rows.get(record, 0))  # the linear path spills as its rows' types
        self._spilled.set()

    async def _on_disk(self, work: Callable[[], ResultT]) -> ResultT:
        """Do work on the disk in a thread, and return its result: the loop serves sockets and queues meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)

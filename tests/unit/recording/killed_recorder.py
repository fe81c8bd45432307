"""A process that records and is killed at a moment of its own clock; run by `test_kill_bound`.

Nothing in it waits for the machine: rows come, writes last and the kill happens at times of one clock, which waits and
writes move forward. So how much a kill loses does not depend on how busy the machine is.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path
from random import Random
from threading import Event

from tests.unit.recording.making import SECOND, at, bars, recorded_folder, recorder, ticks
from tickstock_cli.core.stamps import Stamps
from tickstock_cli.recording.recorder import Recorder
from tickstock_cli.testing import ManualClock

BEGIN = at("2026-01-05 10:00:00")
LONGEST_WRITE_NS, LONGEST_SYNC_NS = 120_000_000, 40_000_000
"""Of a slow disk: rows of both types take it up to 0.56 s, and the first ones, with two new files, up to 1.2 s."""
ROWS_NS = SECOND // 20
"""Mean time between two frames with rows."""


class SlowDisk:
    """Writes each frame in two parts, and takes time for every part and every sync."""

    def __init__(self, rng: Random, clock: ManualClock) -> None:
        self._rng = rng
        self._clock = clock
        self._write, self._sync = os.pwrite, os.fsync
        self._is_second = False

    def write(self, file: int, content: memoryview, begin: int) -> int:
        """Write as ``os.pwrite`` does."""
        self._clock.advance(self._rng.randrange(LONGEST_WRITE_NS))
        size = len(content) if self._is_second else self._rng.randrange(1, len(content))
        self._is_second = not self._is_second
        return self._write(file, content[:size], begin)

    def sync(self, file: int) -> None:
        """Sync as ``os.fsync`` does."""
        self._clock.advance(self._rng.randrange(LONGEST_SYNC_NS))
        self._sync(file)


def record_until_killed(folder: Path, seed: int) -> None:
    """Record drawn rows until a drawn moment; say which stamps were received, and last when the kill comes."""
    rng, clock = Random(seed), ManualClock(BEGIN)
    stamps, killed = Stamps(clock.now, clock.now), BEGIN + round(rng.uniform(0, 12) * SECOND)
    with recorded_folder(folder) as locked:
        recording = recorder(locked, clock=clock)
        disk = SlowDisk(rng, clock)
        os.pwrite, os.fsync = disk.write, disk.sync  # type: ignore[assignment]  # called with views only
        time = BEGIN
        while (time := time + round(rng.expovariate(1 / ROWS_NS))) < killed:
            clock.at(time, partial(receive, recording, stamps, rng.random() < 0.1))
        clock.at(killed, partial(die, killed))
        with recording:
            Event().wait()


def receive(recording: Recorder, stamps: Stamps, is_bar: bool) -> None:
    """Receive a frame with one row, and hand it to the recorder as a feed does."""
    stamp = stamps.stamp()
    print("ohlcv" if is_bar else "tick", stamp)
    recording.rows([(bars if is_bar else ticks)([stamp])])


def die(moment: int) -> None:
    """Say when, and end as by ``kill -9``: nothing is tidied up."""
    print("killed", moment, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run with a folder and a seed from the command line."""
    record_until_killed(Path(sys.argv[1]), int(sys.argv[2]))

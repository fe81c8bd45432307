"""Snapshots: positions within a run from which a seek can start.

A snapshot is the core's state in a file, and the position of all other parts in memory. Number and bytes of the
snapshots are bounded. When there are too many, the one is removed that leaves the smallest gap relative to its distance
from the present market time, so that snapshots are dense around the market time, and sparse far from it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.clock import Clock
from tickstock_cli.engine.position import RunPosition
from tickstock_cli.errors import OutputError

SPACING_NS = 60_000_000_000
"""Market time between two snapshots, at least."""
MOST_SNAPSHOTS = 64
MOST_BYTES = 1 << 30
COST_SHARE = 100
"""Snapshots may take one part in this many of wall time, because rows wait until the state is copied."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A position, and the file with its state; no file = the state before the first row."""

    place: RunPosition
    path: Path | None = None
    size: int = 0

    def state(self) -> dict[str, NDArray[Any]] | None:
        """Return the state, by name; None is that before the first row.

        Raises
        ------
        OutputError
            The file cannot be read.
        """
        if self.path is None:
            return None
        try:
            # numpy leaves a file that it opened itself open if it is damaged
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise OutputError(f"cannot go back: the snapshot {self.path} cannot be read ({error})") from error


class Snapshots:
    """The snapshots of one run, in a folder of their own that the caller removes.

    Rows wait for a copy of the state, not for the disk: a thread writes the copy, one snapshot at a time.

    Parameters
    ----------
    clock
        Wall time, to measure the cost of a snapshot.
    report
        Called with the reason why a snapshot could not be written or read; with None once one could. A seek takes
        longer without it.
    most, most_bytes
        Bounds; one snapshot may be larger than ``most_bytes``, and is then the only one. The frontier does not count.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        report: Callable[[str | None], None] = lambda _: None,
        spacing_ns: int = SPACING_NS,
        most: int = MOST_SNAPSHOTS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self.report = report
        self._spacing_ns = spacing_ns
        self._most = most
        self._most_bytes = most_bytes
        self._start = Snapshot(RunPosition())
        self._kept: list[Snapshot] = []
        self._taken = 0
        self._not_before = 0
        self._writer = ThreadPoolExecutor(1, "tickstock-snapshot")
        self._writing: tuple[RunPosition, Future[Snapshot]] | None = None
        self.frontier: Snapshot | None = None
        """The furthest position of all runs; None before the first seek back."""

    def begin(self, ledger: Mapping[str, int]) -> None:
        """Set the counts before the first row."""
        self._start = Snapshot(RunPosition(ledger=ledger))

    def is_due(self, market_time: int) -> bool:
        """Return whether a snapshot here is worth its cost."""
        if self._writing is not None and not self._writing[1].done():
            return False
        self.wait()
        near = any(abs(kept.place.market_time - market_time) < self._spacing_ns for kept in self._kept)
        return not near and self._clock.now() >= self._not_before

    def take(self, state: Mapping[str, NDArray[Any]], place: RunPosition) -> None:
        """Write a snapshot in the background; a failure is reported, and the snapshot is missing."""
        self.wait()
        begun = self._clock.now()
        copied = {name: array.copy() for name, array in state.items()}
        self._writing = place, self._writer.submit(self._write, copied, place)
        now = self._clock.now()
        self._not_before = now + COST_SHARE * (now - begun)

    def wait(self) -> None:
        """Wait for the file that is being written, and remove snapshots beyond the bounds."""
        if self._writing is None:
            return
        place, written = self._writing
        self._writing = None
        try:
            self._kept.append(written.result())
            self.report(None)
        except OSError as error:
            self.report(f"cannot keep a snapshot in {self._folder}: {(error.strerror or str(error)).lower()}")
        self._kept.sort(key=lambda kept: kept.place.rows)
        while len(self._kept) > self._most or sum(kept.size for kept in self._kept) > self._most_bytes:
            if len(self._kept) == 1:
                break
            markets = [kept.place.market_time for kept in self._kept]
            _remove(self._kept.pop(most_dispensable(markets, place.market_time)))

    def move_frontier(self, state: Mapping[str, NDArray[Any]], place: RunPosition) -> None:
        """Keep the position that a seek back leaves.

        Raises
        ------
        OutputError
            It cannot be written: the run cannot seek back.
        """
        self.wait()
        former = self.frontier
        try:
            self.frontier = self._write(state, place)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OutputError(f"cannot go back: no snapshot can be kept in {self._folder} ({reason})") from error
        if former is not None:
            _remove(former)

    def before(self, target: int) -> Snapshot:
        """Return the newest snapshot before ``target`` (ns UTC); the start of the run always counts as one."""
        self.wait()
        known = self._kept if self.frontier is None else [*self._kept, self.frontier]
        usable = [kept for kept in known if kept.place.watermark <= target + 1]
        return max(usable, key=lambda kept: (kept.place.rows, kept.place.watermark), default=self._start)

    def _write(self, state: Mapping[str, NDArray[Any]], place: RunPosition) -> Snapshot:
        self._taken += 1
        path = self._folder / f"snapshot-{self._taken}.npz"
        try:
            with path.open("wb") as stream:
                np.savez(stream, **state)  # type: ignore[arg-type]  # numpy's stub takes keywords for its options
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return Snapshot(place, path, path.stat().st_size)


def most_dispensable(times: Sequence[int], now: int) -> int:
    """Return the index of the time whose removal leaves the smallest gap relative to its distance from ``now``.

    Parameters
    ----------
    times
        In rising order, at least one.
    """
    gaps = [after - before for before, after in zip((0, *times), (*times[1:], times[-1]), strict=False)]
    scores = [gap / (1 + abs(now - time)) for gap, time in zip(gaps, times, strict=True)]
    return scores.index(min(scores))


def _remove(snapshot: Snapshot) -> None:
    assert snapshot.path is not None  # the start has no file, and is never removed
    os.unlink(snapshot.path)

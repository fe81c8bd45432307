"""Micro-benchmarks of one side with pytest-benchmark: a batch through the core, its coordination and publication.

Run as a script's tests, with the side's source first on the path; see `benchmarks`. Every round starts from the same
state and gives the same result, so a round that does less work fails instead of looking fast.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tickstock_cli.build import build_core, build_encoder, settings_model
from tickstock_cli.core.digest import EventDigest
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.engine.core import Core
from tickstock_cli.eventlog.manifest import RunInfo
from tickstock_cli.eventlog.writer import EventLog
from tickstock_cli.sources.recordings import Recordings

ROUNDS, WARM_UP_ROUNDS = 9, 1
RECORDING = os.environ.get("TICKSTOCK_PERF_RECORDING", "")
BATCH_ROWS = int(os.environ.get("TICKSTOCK_PERF_BATCH_ROWS", "65536"))


@dataclass(slots=True)
class Morning:
    """A core in the middle of a recording: its state, the next batch, and the events of that batch."""

    core: Core
    state: dict[str, np.ndarray[Any, Any]]
    batch: Any
    handed: tuple[Any, int]
    events: pa.RecordBatch

    def restore(self) -> None:
        """Restore the state before the batch."""
        self.core.restore({name: array.copy() for name, array in self.state.items()}, Ledger())


@pytest.fixture(scope="module")
def morning() -> Iterator[Morning]:
    """Return a core in the middle of the recording."""
    settings = settings_model()()
    handed: list[tuple[Any, int]] = []
    coordinate = Core.coordinate

    def listening(self: Core, events: Any, watermark: int) -> EventRows:
        handed.append(([part.copy() for part in events], watermark))
        return coordinate(self, events, watermark)

    with Recordings.open([RECORDING]) as recordings:
        core = build_core(settings, recordings.symbols)
        batches = list(recordings.batches(BATCH_ROWS))
        half = len(batches) // 2
        with patch.object(Core, "coordinate", listening):
            released = [core.step(batch).events for batch in batches[:half]]
            state = {name: array.copy() for name, array in core.state().items()}
            core.step(batches[half])
        events = build_encoder(settings, recordings.symbols).to_arrow(np.concatenate(released))
        yield Morning(core, state, batches[half], handed[-1], events)


def test_kernels(benchmark: BenchmarkFixture, morning: Morning) -> None:
    """A batch through validation and every detector, and the coordinator."""
    told = []

    def work() -> None:
        told.append(len(morning.core.step(morning.batch).events))

    benchmark.pedantic(work, setup=morning.restore, rounds=ROUNDS, warmup_rounds=WARM_UP_ROUNDS)  # type: ignore[no-untyped-call]
    assert len(set(told)) == 1


def test_coordinate(benchmark: BenchmarkFixture, morning: Morning) -> None:
    """The events of a batch through the coordinator."""
    told = []

    def begin() -> tuple[tuple[Any, int], dict[str, Any]]:
        morning.restore()
        events, watermark = morning.handed
        return ([part.copy() for part in events], watermark), {}

    def work(events: Any, watermark: int) -> None:
        told.append(len(morning.core.coordinate(events, watermark)))

    benchmark.pedantic(work, setup=begin, rounds=20 * ROUNDS, warmup_rounds=WARM_UP_ROUNDS)  # type: ignore[no-untyped-call]
    assert len(set(told)) == 1


def test_publish(benchmark: BenchmarkFixture, morning: Morning, tmp_path: Path) -> None:
    """The events of half a recording into the event log, and into a digest."""
    folders = iter(range(1_000))
    digests = set()

    def begin() -> tuple[tuple[Path], dict[str, Any]]:
        return (tmp_path / str(next(folders)),), {}

    def work(folder: Path) -> None:
        digest = EventDigest()
        digest.update(morning.events)
        with EventLog(folder, RunInfo("perf", 0, "perf")) as log:
            log.append(morning.events)
            log.finish()
        digests.add(digest.hexdigest())

    benchmark.pedantic(work, setup=begin, rounds=ROUNDS, warmup_rounds=WARM_UP_ROUNDS)  # type: ignore[no-untyped-call]
    assert len(digests) == 1

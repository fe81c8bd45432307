"""The running system tells what a direct run tells, to the last byte: whatever its queues, instances and faults."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.differential.against import Recording
from tests.oracle.random_cases import random_case
from tickstock_cli.build import build_core, build_encoder
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.digest import EventDigest
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.engine.core import StepResult
from tickstock_cli.replaying import Request, read_options
from tickstock_cli.runtime.assignment import RoutingStrategy
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.runtime.system import MultiChannelSystem
from tickstock_cli.sources.recordings import Recordings

ROWS = 300
BATCHINGS = ("immediate", "size", "time", "hybrid", "adaptive")


@pytest.fixture
def rng(seed: int) -> Random:
    """Draw how to run it."""
    return Random(f"runtime of {seed}")


@pytest.fixture
def recording(seed: int, rng: Random, tmp_path: Path) -> Recording:
    """Write the recording of a seed; the system that runs it is drawn, too."""
    recording = Recording(*random_case(seed, ROWS), tmp_path)
    recording.settings = drawn_system(recording.settings, rng)
    return recording


def drawn_system(settings: Settings, rng: Random) -> Settings:
    """Return the settings with channels of one to three instances, short queues, and any batching."""
    drawn: dict[str, Any] = {"router": {"strategy": rng.choice(list(RoutingStrategy)).value}}
    for name in ("tick_channel", "ohlcv_channel", "fmv_channel"):
        rows = rng.choice((5, 50, 1000))
        drawn[name] = {
            "instances": rng.randint(1, 3),
            "queue_rows": rows,
            "batch_rows": rng.randint(1, rows),
            "batching": rng.choice(BATCHINGS),
            "batch_wait_ms": rng.choice((1, 5)),
        }
    return settings.model_copy(
        update={name: getattr(settings, name).model_copy(update=values) for name, values in drawn.items()}
    )


def test_the_running_system_writes_the_same_files(recording: Recording, rng: Random) -> None:
    """Events in every format, ledger, digest and rejected rows."""
    running = recording.replayed(pipeline=PipelineName.MULTI, batch_rows=rng.choice((7, 50, 300)))

    assert running == recording.replayed()


def test_the_linear_path_writes_the_same_files(recording: Recording) -> None:
    """Record by record."""
    assert recording.replayed(pipeline=PipelineName.LINEAR) == recording.replayed()


def test_stops_and_resumptions_of_the_running_system_change_no_file(recording: Recording, rng: Random) -> None:
    """Its checkpoints wait for what is queued; a direct run could go on from them just as well."""
    stops = [rng.randint(1, 5) for _ in range(rng.randint(1, 2))]
    stopped = recording.replayed_with_stops(stops, batch_rows=50, pipeline=PipelineName.MULTI)

    assert stopped == recording.replayed()


def test_killed_instances_lose_nothing(recording: Recording, rng: Random) -> None:
    """Shards move while rows are queued and under way, and come back; no row is lost, none overtakes another."""
    digest, ledger = asyncio.run(run_with_kills(recording, rng))
    undisturbed = recording.replayed()

    assert digest == undisturbed.digest
    assert ledger == undisturbed.ledger


async def run_with_kills(recording: Recording, rng: Random) -> tuple[str, dict[str, int]]:
    """Run a recording through a system whose instances die and come back at random moments."""
    with Recordings.open(recording.paths, read_options(Request(recording.paths), recording.settings)) as source:
        results: list[StepResult] = []
        core = build_core(recording.settings, source.symbols)
        system = MultiChannelSystem(recording.settings, core, publish=results.append)
        encoder = build_encoder(recording.settings, source.symbols)
        digest = EventDigest()
        await system.initialize_system()
        for batch in source.batches(rng.choice((1, 3, 17))):
            await system.feed(batch)
            if rng.random() < 0.1:
                victim = rng.choice(list(system.instances()))
                await victim.kill()
                await system.router.reassign()
                await system.feed(batch.cut(0, 0, batch.watermark))
                victim.start()
        await system.settle()
        for result in results:
            digest.update(encoder.to_arrow(result.events))
        digest.update(encoder.to_arrow(system.core.finish()))
        await system.shutdown()
        ledger: Ledger = system.core.ledger
        ledger.check()
        return digest.hexdigest(), ledger.as_dict()


ROTATION = (
    test_the_running_system_writes_the_same_files,
    test_the_linear_path_writes_the_same_files,
    test_stops_and_resumptions_of_the_running_system_change_no_file,
    test_killed_instances_lose_nothing,
    *[None] * 3,  # turns of test_rollout
)
"""Tests that share the seeds among them: each recording is run in one of these ways, with ``--deep`` in all."""

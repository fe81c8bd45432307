"""A gradual rollout tells what a direct run tells: whatever the share, its changes, and the faults of the channels."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import pytest

from tests.differential.against import Recording
from tests.differential.test_runtime import drawn_system
from tests.oracle.random_cases import random_case
from tests.unit.runtime.failing_system import FailingDetector
from tickstock_cli.build import build_channels, build_core, build_detectors, build_encoder
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.digest import EventDigest
from tickstock_cli.engine.channels import Channels
from tickstock_cli.engine.core import StepResult
from tickstock_cli.replaying import Request, read_options
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.runtime.system import MultiChannelSystem
from tickstock_cli.sources.recordings import Recordings

ROWS = 300
SHARES = (0, 1, 30, 50, 100)


@pytest.fixture
def rng(seed: int) -> Random:
    """Draw how to run it."""
    return Random(f"rollout of {seed}")


@pytest.fixture
def recording(seed: int, rng: Random, tmp_path: Path) -> Recording:
    """Write the recording of a seed; its channels and the share at the start are drawn, too."""
    recording = Recording(*random_case(seed, ROWS), tmp_path)
    share = recording.settings.pipeline.model_copy(update={"rollout_percent": rng.choice(SHARES)})
    recording.settings = drawn_system(recording.settings, rng).model_copy(update={"pipeline": share})
    return recording


def test_a_rollout_writes_the_same_files(recording: Recording, rng: Random) -> None:
    """Events in every format, ledger, digest and rejected rows, at any share."""
    running = recording.replayed(pipeline=PipelineName.ROLLOUT, batch_rows=rng.choice((7, 50, 300)))

    assert running == recording.replayed()


def test_changes_of_the_share_and_killed_instances_lose_nothing(recording: Recording, rng: Random) -> None:
    """Tickers change sides while their rows are queued and under way: no row is lost, none overtakes another."""
    digest, ledger = asyncio.run(run_with_changes(recording, rng))
    undisturbed = recording.replayed()

    assert digest == undisturbed.digest
    assert ledger == undisturbed.ledger


def test_a_channel_that_fails_where_the_linear_path_does_not_changes_nothing(recording: Recording, rng: Random) -> None:
    """Detectors raise on drawn tickers in the channels only: state goes back, and rows are judged again."""
    digest, ledger = asyncio.run(run_with_changes(recording, rng, failing=0.3))
    undisturbed = recording.replayed()

    assert digest == undisturbed.digest
    assert ledger == undisturbed.ledger


def failing_channels(settings: Settings, systems: list[MultiChannelSystem], rng: Random, share: float) -> Channels:
    """Return channels whose detectors raise on a share of the tickers, while these are on the multi-channel path."""
    drawn: dict[int, bool] = {}

    def bad(record: str) -> set[int]:
        rollout = systems[0].rollout
        assert rollout is not None
        codes = np.flatnonzero(~rollout._on_linear[record][:-1]).tolist()
        return {code for code in codes if drawn.setdefault(code, rng.random() < share)}

    return build_channels(
        settings,
        {
            name: FailingDetector(part, partial(bad, part.channel), set)
            for name, part in build_detectors(settings).items()
        },
    )


async def run_with_changes(recording: Recording, rng: Random, failing: float = 0.0) -> tuple[str, dict[str, int]]:
    """Run a recording through a rollout whose share changes, and whose instances die, at random moments."""
    with Recordings.open(recording.paths, read_options(Request(recording.paths), recording.settings)) as source:
        results: list[StepResult] = []
        core = build_core(recording.settings, source.symbols)
        systems: list[MultiChannelSystem] = []
        if failing:
            core.channels = failing_channels(recording.settings, systems, rng, failing)
        system = MultiChannelSystem(recording.settings, core, publish=results.append, rollout=True)
        systems.append(system)
        encoder = build_encoder(recording.settings, source.symbols)
        digest = EventDigest()
        await system.initialize_system()
        for batch in source.batches(rng.choice((1, 3, 17))):
            await system.feed(batch)
            if rng.random() < 0.2:
                await system.set_rollout_percent(rng.choice(SHARES))
            if rng.random() < 0.1:
                victim = rng.choice(list(system.instances()))
                await victim.kill()
                system.router.fall_back_from_failed()
                await system.router.align()
                await system.feed(batch.cut(0, 0, batch.watermark))
                victim.start()
        await system.settle()
        for result in results:
            digest.update(encoder.to_arrow(result.events))
        digest.update(encoder.to_arrow(system.core.finish()))
        await system.shutdown()
        system.core.ledger.check()
        return digest.hexdigest(), system.core.ledger.as_dict()


ROTATION = (
    *[None] * 4,  # turns of test_runtime
    test_a_rollout_writes_the_same_files,
    test_changes_of_the_share_and_killed_instances_lose_nothing,
    test_a_channel_that_fails_where_the_linear_path_does_not_changes_nothing,
)
"""Tests that share the seeds among them and with those of `test_runtime`."""

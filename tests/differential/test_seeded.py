"""Long recordings from seeds, from Parquet files to event files: the oracle says what they hold.

``--deep`` tries each in every way, ``--cases N`` tries more of them.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.differential.against import FailAfter, Recording, Replayed
from tests.oracle.random_cases import random_case

ROWS = 600
BATCH_ROWS = (1, 2, 7, 50, 97, 300, 599)


@pytest.fixture(scope="module")
def written(seed: int, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Write the recording of a seed."""
    return Recording(*random_case(seed, ROWS), tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="module")
def whole(written: Recording) -> Replayed:
    """Replay the recording in one piece."""
    return written.replayed()


@pytest.fixture
def recording(written: Recording, tmp_path: Path) -> Recording:
    """Return the recording for runs of one test."""
    return written.into(tmp_path)


@pytest.fixture
def rng(seed: int) -> Random:
    """Draw how to cut it."""
    return Random(f"cuts of {seed}")


def test_a_replay_gives_what_the_oracle_gives(written: Recording, whole: Replayed) -> None:
    """Events, ledger and rejected rows, value for value."""
    assert written.differences(whole) == []


def test_batch_sizes_and_workers_change_no_file(recording: Recording, whole: Replayed, rng: Random) -> None:
    """Every file is equal to the last byte."""
    cut = recording.replayed(batch_rows=rng.choice(BATCH_ROWS), workers=rng.randint(1, 3))

    assert cut == whole


def test_stops_and_resumptions_change_no_file(recording: Recording, whole: Replayed, rng: Random) -> None:
    """Stopped up to three times; each variant has the same batch size, since only whole batches are kept."""
    stops = [rng.randint(1, 5) for _ in range(rng.randint(1, 3))]
    stopped = recording.replayed_with_stops(stops, batch_rows=rng.choice(BATCH_ROWS[2:5]), workers=rng.randint(1, 3))

    assert stopped == whole


def test_a_crashed_run_resumes_from_its_last_checkpoint(recording: Recording, whole: Replayed, rng: Random) -> None:
    """Nothing is left under the outputs' names in between; batches and workers may differ afterwards."""
    checkpoint: dict[str, Any] = {"checkpoint": recording.folder / "checkpoint", "checkpoint_every_ns": 0}
    with pytest.raises(KeyboardInterrupt):
        recording.replay(observer=FailAfter(rng.randint(2, 5)), batch_rows=97, workers=rng.randint(1, 3), **checkpoint)
    assert sorted(path.name for path in recording.folder.glob("*.*") if not path.name[0].isdigit()) == []

    resumed = recording.replayed(batch_rows=rng.choice(BATCH_ROWS[3:]), resume=True, **checkpoint)

    assert resumed == whole


ROTATION = (
    test_batch_sizes_and_workers_change_no_file,
    test_stops_and_resumptions_change_no_file,
    test_a_crashed_run_resumes_from_its_last_checkpoint,
)
"""Tests that share the seeds among them: each recording is replayed in one of these ways, with ``--deep`` in all."""

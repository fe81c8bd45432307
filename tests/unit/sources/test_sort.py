"""Sorting out of core: bounded, stable, and clean behind itself."""

from __future__ import annotations

import errno
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tickstock_cli.errors import OutputError
from tickstock_cli.sources.recordings import ReadOptions, Recordings, Unsorted

NOON = 1_381_248_000_000_000_000
Write = Callable[..., Path]


def shuffled(write: Write, rows: int) -> Path:
    """Write ticks in random order."""
    order = np.random.default_rng(7).permutation(rows)
    return write(ticker=["IBM"] * rows, timestamp=NOON + order, price=order + 1.0, size=np.ones(rows, dtype=np.int64))


def options(tmp_path: Path, memory: int) -> ReadOptions:
    """Sort in a folder of the test's."""
    return ReadOptions(unsorted=Unsorted.SORT, sort_memory_bytes=memory, sort_dir=tmp_path / "sort")


def test_many_runs_merge_into_one_order_and_no_file_is_left(write: Write, tmp_path: Path) -> None:
    """The memory given holds a hundredth of the file."""
    (tmp_path / "sort").mkdir()
    with Recordings.open([shuffled(write, 20_000)], options(tmp_path, 30_000)) as recordings:
        steps = list(recordings.batches(3_000))
        assert np.concatenate([step.ticks.timestamp for step in steps]).tolist() == list(range(NOON, NOON + 20_000))
    assert list((tmp_path / "sort").iterdir()) == []


def test_stopping_early_leaves_no_file_either(write: Write, tmp_path: Path) -> None:
    """Closing the recording is enough, wherever reading stopped."""
    (tmp_path / "sort").mkdir()
    with Recordings.open([shuffled(write, 2_000)], options(tmp_path, 10_000)) as recordings:
        next(recordings.batches(10))
        assert list((tmp_path / "sort").iterdir()) != []
    assert list((tmp_path / "sort").iterdir()) == []


def test_an_unwritable_sort_folder_is_an_error(write: Write, tmp_path: Path) -> None:
    """The message names the place, the reason, and the way out."""
    path = shuffled(write, 100)
    with Recordings.open([path], options(tmp_path, 1_000)) as recordings, pytest.raises(OutputError) as caught:
        list(recordings.batches(10))
    assert f"cannot write temporary files to {tmp_path / 'sort'}: No such file" in str(caught.value)
    assert "TMPDIR" in str(caught.value)


def test_a_full_disk_is_an_error(write: Write, tmp_path: Path) -> None:
    """What the system refuses to store is never taken for stored, and leaves nothing behind."""
    path = shuffled(write, 20_000)
    (tmp_path / "sort").mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Recordings.open([path], options(tmp_path, 1_000)) as recordings:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))
        try:
            with pytest.raises(OutputError, match=r"cannot write temporary files to .*: File too large") as caught:
                list(recordings.batches(10))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EFBIG
    assert list((tmp_path / "sort").iterdir()) == []

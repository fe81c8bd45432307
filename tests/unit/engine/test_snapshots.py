"""Snapshots: few enough to keep, close enough together to go back quickly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.engine.position import RunPosition
from tickstock_cli.engine.snapshots import Snapshots, most_dispensable
from tickstock_cli.errors import OutputError
from tickstock_cli.testing import MINUTE, SECOND, ManualClock

STATE = {"tick/states": np.arange(1_000, dtype=np.int64)}


def place(minute: int) -> RunPosition:
    """Return a place so many minutes into the market."""
    return RunPosition(rows=100 * minute, events=minute, market_time=minute * MINUTE, watermark=minute * MINUTE)


def taken(folder: Path, minutes: int, **bounds: int) -> Snapshots:
    """Take a snapshot every minute."""
    snapshots = Snapshots(folder, ManualClock(), **bounds)  # type: ignore[arg-type]  # bounds are numbers
    for minute in range(1, minutes + 1):
        snapshots.take(STATE, place(minute))
    snapshots.wait()
    return snapshots


def test_a_seek_begins_at_the_newest_snapshot_before_its_time(tmp_path: Path) -> None:
    """Or at the start, which needs no file."""
    snapshots = taken(tmp_path, 5)

    assert snapshots.before(3 * MINUTE).place == place(3)
    assert snapshots.before(4 * MINUTE - 2).place == place(3)
    assert snapshots.before(99 * MINUTE).place == place(5)
    assert snapshots.before(30 * SECOND).place == RunPosition()
    assert snapshots.before(30 * SECOND).state() is None
    state = snapshots.before(3 * MINUTE).state()
    assert state is not None
    assert np.array_equal(state["tick/states"], STATE["tick/states"])


@pytest.mark.parametrize("bounds", [{"most": 12}, {"most_bytes": 12 * 8_300}])
def test_a_long_day_keeps_few_snapshots_close_to_the_market_time(tmp_path: Path, bounds: dict[str, int]) -> None:
    """A thousand minutes, a dozen files: the further back, the longer the way from the last one."""
    snapshots = taken(tmp_path, 1_000, **bounds)

    assert len(list(tmp_path.iterdir())) == 12
    for back in (1, 5, 20, 100, 400):
        way = 1_000 - back - snapshots.before((1_000 - back) * MINUTE).place.market_time // MINUTE
        assert way <= max(2, 1.5 * back)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=30, unique=True).map(sorted), st.integers(0, 10**6))
def test_one_snapshot_can_always_be_removed(times: list[int], now: int) -> None:
    """The first, the last, wherever the market stands."""
    assert 0 <= most_dispensable(times, now) < len(times)


class Copied(np.ndarray):
    """State that takes a fifth of a second to copy."""

    clock: ManualClock

    def copy(self, order: object = "C") -> Copied:  # noqa: ARG002 - numpy's
        """See ``numpy.ndarray.copy``."""
        self.clock.advance(SECOND // 5)
        return self


def test_a_snapshot_is_due_by_distance_and_cost(tmp_path: Path) -> None:
    """One whose copy took a fifth of a second is not taken again before twenty have passed."""
    clock = ManualClock()
    state = STATE["tick/states"].view(Copied)
    state.clock = clock
    snapshots = Snapshots(tmp_path, clock)
    assert snapshots.is_due(MINUTE)
    snapshots.take({"tick/states": state}, place(1))
    snapshots.wait()

    assert not snapshots.is_due(5 * MINUTE)
    clock.advance(20 * SECOND)
    assert snapshots.is_due(5 * MINUTE)
    assert not snapshots.is_due(2 * MINUTE - 1)


def test_a_snapshot_keeps_the_state_of_its_time(tmp_path: Path) -> None:
    """The core goes on in its arrays while the file is written."""
    state = {"tick/states": np.arange(1_000_000, dtype=np.int64)}
    snapshots = Snapshots(tmp_path, ManualClock())
    snapshots.take(state, place(1))
    state["tick/states"][:] = -1

    kept = snapshots.before(2 * MINUTE).state()

    assert kept is not None
    assert np.array_equal(kept["tick/states"], np.arange(1_000_000))


def test_a_snapshot_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    """The next one that can be taken ends the complaint; going back without a place to return to is refused."""
    told: list[str | None] = []
    folder = tmp_path / "gone"
    snapshots = Snapshots(folder, ManualClock(), told.append)
    snapshots.take(STATE, place(1))
    with pytest.raises(OutputError, match=r"cannot go back: no snapshot can be kept in .*gone"):
        snapshots.move_frontier(STATE, place(1))
    folder.mkdir()
    snapshots.take(STATE, place(2))
    snapshots.wait()

    assert told == [f"cannot keep a snapshot in {folder}: no such file or directory", None]
    assert snapshots.before(MINUTE).place == RunPosition()
    assert snapshots.frontier is None


def test_one_frontier_is_kept_beside_the_snapshots(tmp_path: Path) -> None:
    """A seek forward can begin at it; the file of the former one is removed."""
    snapshots = taken(tmp_path, 2)
    snapshots.move_frontier(STATE, place(10))
    snapshots.move_frontier(STATE, place(20))

    assert snapshots.before(25 * MINUTE).place == place(20)
    assert snapshots.before(15 * MINUTE).place == place(2)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("left", [0, 1, 100, -1])
def test_a_snapshot_that_was_cut_short_is_an_error_of_one_line(tmp_path: Path, left: int) -> None:
    """It names the file, wherever it ends; the run stays where it is."""
    snapshots = taken(tmp_path, 1)
    snapshots.wait()
    path = tmp_path / "snapshot-1.npz"
    path.write_bytes(path.read_bytes()[:left])

    with pytest.raises(OutputError, match=r"cannot go back: the snapshot .*snapshot-1.npz cannot be read"):
        snapshots.before(MINUTE).state()

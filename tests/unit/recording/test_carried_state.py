"""Days that were removed: what follows them replays as if they were still there."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.unit.recording.making import at
from tests.unit.recording.running import Life, live, market
from tickstock_cli.build import settings_model
from tickstock_cli.core.hour_files import STATE_FILE
from tickstock_cli.errors import DataError
from tickstock_cli.recording.retention import Retention
from tickstock_cli.recording.warm_state import warm_state
from tickstock_cli.review.parity import check_parity
from tickstock_cli.sources.recordings import Recordings
from tickstock_cli.testing.raising import raises

DAYS = ("2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08")


def live_each_day(folder: Path, retention: Retention, *, kill_last: bool = False) -> None:
    """Record a run a day."""
    for number, day in enumerate(DAYS):
        killed_at = 6 if kill_last and day == DAYS[-1] else None
        rows = market(number + 1, at(f"{day} 09:59:30"))
        live(folder, Life(rows, range(0, 30, 2), killed_at), retention=retention)


def test_parity_holds_after_days_were_removed(tmp_path: Path) -> None:
    """A recording that keeps a month must not lose its proof in the second one."""
    live_each_day(tmp_path, Retention(keep_days=1), kill_last=True)
    assert sorted(path.name for path in tmp_path.glob("2026-*")) == list(DAYS[2:])
    parity = check_parity(tmp_path)
    assert parity.equal, parity.differences
    assert [start.events > 0 for start in parity.starts] == [False, False, True, True]
    with Recordings.open([tmp_path]) as source:
        assert any("days before the first one were removed" in note for note in source.notes)


def test_the_next_run_goes_on_from_the_same_state_with_and_without_the_removed_days(tmp_path: Path) -> None:
    """Averages of volumes and last prices go back further than the days that are kept."""
    live_each_day(tmp_path / "whole", Retention())
    live_each_day(tmp_path / "kept", Retention(keep_days=1))
    settings = settings_model()()
    whole, kept = (warm_state(tmp_path / name, settings).initial for name in ("whole", "kept"))
    assert whole is not None
    assert kept is not None
    assert whole.floor == kept.floor
    known = len(whole.tickers)
    assert kept.tickers == whole.tickers
    for name, array in whole.arrays.items():
        # As text, because a missing value of a record equals no other one.
        assert repr(kept.arrays[name][:known].tolist()) == repr(array[:known].tolist()), name


def test_a_damaged_state_is_named_and_can_be_removed(tmp_path: Path) -> None:
    """The rows that are kept must stay readable."""
    live_each_day(tmp_path, Retention(keep_days=1))
    (tmp_path / STATE_FILE).write_bytes(b"PK damaged")
    with raises(DataError, "remove it to replay"):
        check_parity(tmp_path)
    (tmp_path / STATE_FILE).unlink()
    assert check_parity(tmp_path).events > 0


def test_a_state_of_an_earlier_layout_is_not_taken_for_ours(tmp_path: Path) -> None:
    """Segments had room for four phases: the same numbers meant other days."""
    live_each_day(tmp_path, Retention(keep_days=1))
    with np.load(tmp_path / STATE_FILE) as stored:
        earlier = {name: stored[name] for name in stored.files if name != "version"}
    np.savez(tmp_path / STATE_FILE, **earlier)
    with raises(DataError, "is of another version of tickstock; remove it to replay"):
        check_parity(tmp_path)

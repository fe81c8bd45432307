"""A kill -9 at any moment loses at most the rows of two seconds, by the stamps with which they were received."""

from __future__ import annotations

from pathlib import Path
from signal import SIGKILL

import pytest

from tests.cli.prepared import run_prepared
from tests.unit.recording.making import SECOND, received
from tickstock_cli.recording.folder import RecordedFolder
from tickstock_cli.recording.recorder import FLUSH_NS
from tickstock_cli.recording.recover import recover

PROGRAM = "from tests.unit.recording.killed_recorder import main; main()"
MOST_LOST_NS = 2 * SECOND
KILLS, DEEP_KILLS = 10, 100


def test_a_kill_loses_at_most_two_seconds_of_rows(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Whatever was received until two seconds before is in the recovered recording; nothing is there twice."""
    lost = []
    for seed in range(DEEP_KILLS if request.config.getoption("--deep") else KILLS):
        folder = tmp_path / str(seed)
        run = run_prepared(folder, str(seed), program=PROGRAM)
        assert run.returncode == -SIGKILL, run.stderr
        *rows, (_, killed) = [(name, int(time)) for name, time in map(str.split, run.stdout.splitlines())]
        with RecordedFolder(folder).locked() as locked:
            recover(locked)
        for record in ("tick", "ohlcv"):
            stamps = [time for name, time in rows if name == record]
            paths = sorted(folder.glob(f"*/{record}-*.parquet"))
            kept = [time for path in paths for time in received(path)]
            assert kept == stamps[: len(kept)], f"seed {seed}: {record}"
            missing = stamps[len(kept) :]
            lost += [killed - time for time in missing[:1]]
            assert not missing or killed - missing[0] <= MOST_LOST_NS, f"seed {seed}: {record}"
    assert max(lost) > FLUSH_NS, "no kill came during a write, which is when most is lost"

"""A terminal that is closed during a run: the run ends cleanly, although nothing can be shown any more."""

from __future__ import annotations

import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.market import write_recording
from tests.cli.test_replay_terminal import LONGEST_WAIT, on_a_terminal
from tests.unit.engine.events import TEN
from tickstock_cli.testing import SECOND, Tick

pytestmark = [
    pytest.mark.usefixtures("compiled"),
    pytest.mark.skipif(
        signal.getsignal(signal.SIGHUP) is signal.SIG_IGN,
        reason="whoever runs the tests has SIGHUP ignored, as nohup does, and tickstock lets it be",
    ),
]


@pytest.mark.parametrize("more", [(), ("--pipeline", "multi", "--dashboard")])
def test_a_closed_terminal_ends_a_run_once(tmp_path: Path, more: tuple[str, ...]) -> None:
    """The system and the shell both send SIGHUP: the second one must not drop the outputs."""
    rows = [Tick("IBM", TEN + second * SECOND // 10, 100.0 * 1.003**second) for second in range(20_000)]
    write_recording(rows[:200], tmp_path / "recorded")

    replay = ("replay", "recorded", "--speed", "1", "--out", "e.parquet", *more)
    with on_a_terminal(*replay, folder=tmp_path) as (terminal, process):
        terminal.wait_for("▲ high")
        terminal.close()
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGHUP)
        process.wait(LONGEST_WAIT)

    assert pq.read_table(tmp_path / "e.parquet").num_rows > 0
    assert not list(tmp_path.glob(".*.part"))

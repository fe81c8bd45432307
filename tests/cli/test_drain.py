"""Stopping a running system: what is queued is processed within a bound, and what became of it is told."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path
from time import sleep

import pyarrow.parquet as pq
import pytest

from tests.cli.altered import SCANS, SLUGGISH, STUCK
from tests.cli.conftest import Here
from tests.cli.market import morning
from tests.cli.processes import running

pytestmark = pytest.mark.usefixtures("compiled")

PACED = ("replay", "recorded", "--speed", "30", "--out", "e.parquet")
ONE_BY_ONE = ("--set", "tick_channel.batch_rows=1")


@pytest.fixture(autouse=True)
def recorded(tmp_path: Path) -> None:
    """Write a morning."""
    morning(tmp_path / "recorded")


def wait_for_scans(process: subprocess.Popen[str], folder: Path, count: int) -> None:
    """Wait until the detector has begun so many scans: rows that are due meanwhile are queued."""
    scans = folder / SCANS
    while not scans.exists() or scans.stat().st_size < count:
        assert process.poll() is None, process.communicate()
        sleep(0.01)
    scans.unlink()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_queued_rows_are_processed_and_reported(here: Here, tmp_path: Path, number: signal.Signals) -> None:
    """A channel has fallen behind its market; the stop gives it the time to catch up, and outputs are whole."""
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("whoever runs the tests has this signal ignored, as nohup does, and tickstock lets it be")
    here("replay", "recorded", "--out", "whole.parquet")
    # Thirty rows a second come, and ten are scanned: rows wait, however late this process notices.
    with running(*PACED, "--speed", "10", *ONE_BY_ONE, folder=tmp_path, detector=SLUGGISH) as process:
        wait_for_scans(process, tmp_path, 3)
        process.send_signal(number)
        _, told = process.communicate()

    assert process.returncode == 130
    drained, stopped = told.splitlines()[-2:]
    assert re.fullmatch(r"drained the queues: [1-9][\d,]* rows processed in \d+\.\d\d s", drained)
    assert re.fullmatch(r"stopped after [\d,]+ rows; outputs are whole up to there", stopped)
    events = pq.read_table("e.parquet").to_pylist()
    assert events == pq.read_table("whole.parquet").to_pylist()[: len(events)]


def test_rows_beyond_the_drain_time_are_dropped_counted_and_reported(here: Here, tmp_path: Path) -> None:
    """Ten rows a second against ninety: no bound is enough. The ledger balances, and the last checkpoint is good."""
    here("replay", "recorded", "--out", "whole.parquet")
    kept = ("--checkpoint", "kept")
    with running(*PACED, *kept, folder=tmp_path, detector=SLUGGISH) as process:
        wait_for_scans(process, tmp_path, 3)
        process.send_signal(signal.SIGINT)
        process.communicate()
    Path("e.parquet").unlink()

    bound = ("--set", "system.drain_seconds=0.3", "--resume", "--json")
    with running(*PACED, *kept, *ONE_BY_ONE, *bound, folder=tmp_path, detector=SLUGGISH) as process:
        wait_for_scans(process, tmp_path, 3)
        process.send_signal(signal.SIGINT)
        output, told = process.communicate()
    result = json.loads(output)

    assert process.returncode == 130
    drained, stopped = told.splitlines()[-2:]
    left = sum(count for name, count in result["ledger"].items() if name.endswith(".dropped_on_stop"))
    assert left > 0
    assert result["drained"]["rows_dropped"] == left
    assert drained.endswith(f"; {left:,} were left, time was up (system.drain_seconds)")
    assert f"outputs lack what {left:,} of them would have told; go on from the checkpoint " in stopped
    assert not list(tmp_path.glob(".*.part"))
    assert pq.read_table("e.parquet").num_rows == result["events"]

    resumed = here("replay", "recorded", "--out", "e.parquet", *kept, "--resume")
    assert resumed.returncode == 0
    assert Path("e.parquet").read_bytes() == Path("whole.parquet").read_bytes()


def test_a_second_signal_ends_at_once_and_damages_nothing(tmp_path: Path) -> None:
    """The detector never comes back, so no bound helps: what stood under the output's name before still does."""
    (tmp_path / "e.parquet").write_text("precious")
    with running(*PACED, folder=tmp_path, detector=STUCK) as process:
        wait_for_scans(process, tmp_path, 1)
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate()

    assert process.returncode == 130
    assert told.splitlines()[-1] == "interrupted"
    assert (tmp_path / "e.parquet").read_text() == "precious"
    assert not list(tmp_path.glob(".*.part"))

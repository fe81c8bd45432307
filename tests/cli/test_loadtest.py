"""Load tests as users run them: small ones, with real processes, real sockets and real clients.

The first has new interpreters, as users have; the processes of the others are forks, which start quicker.
Nothing here holds a latency against a limit that a busy machine could miss.
"""

from __future__ import annotations

import json
import os
import re
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cli.forked_load_test import fork_module
from tests.cli.prepared import run_prepared, without_pandas
from tests.cli.processes import running
from tests.cli.running import error_line, run_tickstock
from tickstock_cli.eventlog.journal import JOURNAL
from tickstock_cli.loadtest import child_process
from tickstock_cli.loadtest.catalogue import load_scenario
from tickstock_cli.loadtest.observation import OTHERS, Observation, Second, StageSpan
from tickstock_cli.loadtest.orchestrator import INTERRUPTED, LoadTestOptions, Orchestrator

SMALL = """
title = "A small market, everything at once"
[symbols]
tick = 60
ohlcv = 120
fmv = 20
volatility = 4.0
[moves]
surges = 20
[[stages]]
name = "before"
seconds = 2
tick = 200
ohlcv = 20
fmv = 10
warm_up = true
[[stages]]
name = "open"
seconds = 3
tick = 600
ohlcv = 20
fmv = 10
[clients]
count = 5
stalled = 0.4
[thresholds]
ohlcv_symbols_per_minute = "off"
tick_p99_ms = "off"
tick_mean_ms = "off"
end_to_end_p99_ms = "off"
surge_p95_ms = "off"
recovery_seconds = "off"
"""
FAULTS = """
[[faults]]
kind = "duplicate"
share = 0.05
ms = 50
[[faults]]
kind = "reorder"
share = 0.05
ms = 80
[[faults]]
kind = "disconnect"
ms = 200
every_seconds = 2
"""
TYPES = ("tick", "ohlcv", "fmv")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a scenario of five seconds, with clients of which some stall."""
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hold every test to what a load test promises: no process of it is left, nor a file."""
    # Not below tmp_path, which pytest makes before: the path of a local socket has room for some hundred characters.
    with tempfile.TemporaryDirectory(prefix="tl-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setenv("PYTHONPATH", without_pandas(tmp_path)["PYTHONPATH"])  # four processes would import it
        monkeypatch.setattr(tempfile, "tempdir", folder)
        run_prepared(program="")  # the template of prepared processes stays
        before = set(psutil.Process().children(recursive=True))
        yield
        left = set(psutil.Process().children(recursive=True)) - before
        # Other tests of this process keep a browser, which starts and ends processes of its own as it likes.
        assert {process for process in left if not before & set(process.parents())} == set()
        assert list(Path(folder).iterdir()) == []


def verdicts(document: dict[str, Any]) -> dict[str, Any]:
    """Return measured figures by name."""
    return {verdict["name"]: verdict["measured"] for verdict in document["verdicts"]}


def test_a_load_test_accounts_for_every_row(small: Path, tmp_path: Path) -> None:
    """All that was asked was sent, all that was sent was read, and the events are those of the direct pipeline.

    One threshold is missed: a CI job needs no parser, one line says which figure, and the exit code says stop.
    """
    out = tmp_path / "out"

    result = run_tickstock(
        "loadtest", small, "--set", "thresholds.memory_mib=1", "--out", out, "--json", folder=tmp_path
    )

    assert result.returncode == 4
    assert re.search(r"^error: \d of 8 targets were not met: .*memory_mib", result.stderr, re.MULTILINE)
    assert (out / "report.html").exists()
    assert (out / "junit.xml").exists()
    document = json.loads((out / "result.json").read_bytes())
    seen = document["observation"]
    assert seen["aborted"] is None
    assert seen["sent"] == seen["truth"]["rows"] == {"tick": 2200, "ohlcv": 100, "fmv": 50}
    assert [seen["ledger"][f"{record}.read"] for record in TYPES] == [2200, 100, 50]
    assert seen["digest"] == seen["truth"]["digest"]
    assert seen["ledger"] == seen["truth"]["ledger"]
    assert seen["events"] > 0
    assert seen["foreign_events"] == 0
    assert seen["clients"] == {
        "count": 5,
        "stalled": 2,
        "delivered": 3 * seen["events"],
        "repeats": 0,
        "gaps": 0,
        "disconnected": 0,
    }
    assert verdicts(document)["lost_rows"] == 0
    assert json.loads(result.stdout)["data_hash"] == document["data_hash"]
    for second in seen["seconds"][:4]:  # a process may be done before it tells of the last one
        assert second["asked"]["tick"] in (200, 600)
        assert second["memory_bytes"] > 0
        assert set(second["cpu_seconds"]) - {OTHERS} == {"generator", "system", "clients"}
    assert sum(second["processed"]["tick"] for second in seen["seconds"]) <= 2200


def test_faults_of_the_feed_change_no_event_and_lose_no_row(small: Path) -> None:
    """Re-sends are rejected, late rows judged as flat out, and a connection that breaks twice loses nothing."""
    small.write_text(SMALL + FAULTS)

    seen = conduct(small, transport="ws")

    assert seen.sent == dict(seen.truth.rows)
    assert {record: seen.ledger[f"{record}.read"] for record in TYPES} == seen.sent
    assert seen.truth.duplicates["tick"] > 0
    assert seen.truth.faults["disconnects"] >= 1
    assert (seen.digest, seen.ledger) == (seen.truth.digest, seen.truth.ledger)
    assert any("broke" in note for note in seen.notes)


class Acting:
    """Watches a load test, and does something in its first second.

    Parameters
    ----------
    act
        What to do.
    """

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self.seconds: list[Second] = []

    def begun(self, spans: tuple[StageSpan, ...]) -> None:
        """See ``LoadTestProgress``."""

    def second(self, second: Second) -> None:
        """Do it once."""
        self.seconds.append(second)
        if len(self.seconds) == 1:
            self._act()

    def phase(self, words: str) -> None:
        """See ``LoadTestProgress``."""


def conduct(path: Path, act: Callable[[Orchestrator], None] = lambda _: None, **how: Any) -> Observation:
    """Run a load test here, with prepared processes, and act on it after its first second."""
    options = LoadTestOptions(load_scenario(str(path), how.pop("sets", ())), path.stem, **how)
    orchestrator = Orchestrator(options)
    orchestrator.progress = Acting(lambda: act(orchestrator))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(child_process, "start_python", fork_module)
        return orchestrator.run()


@pytest.mark.parametrize("victim", ["system", "generator", "clients"])
def test_a_killed_process_is_an_error_of_one_line(small: Path, victim: str) -> None:
    """Who is gone and how, with all that was seen before; the others are ended, too."""
    endless = ["stages.open.seconds=600"]  # on a busy machine, the first second may be told when the last one is over
    seen = conduct(small, lambda orchestrator: os.kill(orchestrator.pids[victim], signal.SIGKILL), sets=endless)

    assert seen.aborted == f"the {victim} of the load test ended unexpectedly: signal 9"
    assert len(seen.seconds) >= 1
    assert seen.truth.reason == seen.aborted
    assert bool(seen.ledger) is (victim != "system")


def test_a_threshold_with_abort_after_ends_the_run_early(small: Path) -> None:
    """Nobody waits for the end of an hour that was lost in its first minute."""
    seen = conduct(
        small,
        sets=["stages.open.seconds=600", "thresholds.memory_mib.limit=1", "thresholds.memory_mib.abort_after=2"],
    )

    assert seen.aborted is not None
    assert seen.aborted.startswith("memory_mib was above 1 for 2 s")
    assert 4 <= len(seen.seconds) < 60
    assert seen.ledger["tick.read"] > 0


def test_ctrl_c_writes_what_was_seen_and_is_exit_code_130(small: Path, tmp_path: Path) -> None:
    """As with every command; and the figures of an interrupted run are whole for the time that it ran."""
    arguments = ("loadtest", small, "--set", "stages.open.seconds=600", "--out", tmp_path / "out")
    with running(*arguments, folder=tmp_path, forked_load_test=True) as process:
        while not sum(file.stat().st_size for file in Path(tempfile.gettempdir()).glob(f"*/log/{JOURNAL}")):
            assert process.poll() is None, process.communicate()  # no event was told yet
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()

    assert process.returncode == 130
    assert "stopped after" in told
    assert "Traceback" not in told
    seen = json.loads((tmp_path / "out" / "result.json").read_bytes())["observation"]
    assert seen["aborted"] == INTERRUPTED
    assert seen["ledger"]["tick.read"] == seen["ledger"]["tick.processed"] + seen["ledger"].get("tick.rejected.late", 0)
    assert seen["clients"]["gaps"] == 0


def test_a_search_prints_every_trial_and_ctrl_c_keeps_its_result(small: Path, tmp_path: Path) -> None:
    """Real trials in fresh processes take some ten seconds each; a log must not be silent meanwhile."""
    quiet = [
        part
        for name, rate in (("tick", 60), ("ohlcv", 2), ("fmv", 1))
        for part in ("--set", f"stages.open.{name}={rate}")
    ]
    arguments = ("--find-max", "--set", "clients.count=0", *quiet, "--out", "out")
    with running("loadtest", small, *arguments, folder=tmp_path, forked_load_test=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()

    assert re.match(r"6\d rows/s, tick p99 [\d.,]+ ms: (sustained|not sustained: .*)\n", first)
    assert process.returncode == 130
    assert "Traceback" not in told
    found = json.loads((tmp_path / "out" / "result.json").read_bytes())["observation"]["capacity"]
    assert [trial["factor"] for trial in found["probes"]][:1] == [1.0]
    assert found["probes"][0]["processed_per_second"] > 10


def test_an_unknown_scenario_is_an_error_before_the_start(tmp_path: Path) -> None:
    """Exit code 2 and a suggestion, at once."""
    result = run_tickstock("loadtest", "market_open_surg", folder=tmp_path)

    assert result.returncode == 2
    assert "did you mean market_open_surge?" in error_line(result)


def test_an_unwritable_folder_is_an_error_before_the_start(small: Path, tmp_path: Path) -> None:
    """Not after half an hour, when the figures would be lost."""
    result = run_tickstock("loadtest", small, "--set", "stages.open.seconds=6000", "--out", small, folder=tmp_path)

    assert result.returncode == 1
    assert error_line(result) == f"cannot write into {small}: it is a file, not a folder; choose another name"


def test_an_invalid_speed_is_an_error(small: Path, tmp_path: Path) -> None:
    """Rates times zero would be no load at all."""
    result = run_tickstock("loadtest", small, "--speed", "0", folder=tmp_path)

    assert result.returncode == 2
    assert error_line(result) == "--speed must be a number above 0, was 0"

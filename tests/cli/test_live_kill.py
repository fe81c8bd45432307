"""A live run that is killed: its recording is readable, is recovered, goes on, and replays to what was told."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from signal import SIGKILL
from time import sleep

import pyarrow.parquet as pq
import pytest

from tests.cli.live_runs import until
from tests.cli.processes import read_lines
from tests.cli.running import run_tickstock
from tests.cli.serving import end, start, words
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.core.hour_files import EVENTS, hour_file, journal_content
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.recording.folder import RecordedFolder

SAMPLE = Path("sample_data").resolve()
KILLS, DEEP_KILLS = 3, 100
MOST_EVENTS = 8
"""A run is killed after so many events at most."""
LAST_EVENTS = 5

pytestmark = pytest.mark.timeout(3_600)
"""A hundred kills take some minutes."""


def check_readable(folder: Path) -> None:
    """Read every finished file with its checksums, and every journal up to what was being written.

    A run that is killed while it creates a journal leaves one without a whole schema, and then without a row.
    """
    recorded = RecordedFolder(folder)
    schemas = {**RECORDED, EVENTS: EVENT_SCHEMA}
    for hour in recorded.finished():
        pq.read_table(hour.finished, page_checksum_verification=True)
    for hour in recorded.journals():
        size = hour.journal.stat().st_size
        assert journal_content(hour.journal).schema is not None or size <= schemas[hour.type].serialize().size


@contextmanager
def noted(process: subprocess.Popen[str], folder: Path, kill: int) -> Iterator[None]:
    """Add to an error what the killed run had said, and what it left."""
    _, talk = words(process)
    try:
        yield
    except AssertionError as error:
        left = "".join(f"{path} {path.stat().st_size:,}\n" for path in sorted(folder.rglob("*")) if path.is_file())
        error.add_note(f"kill {kill}, exit code {process.returncode}; the run said:\n{talk}\nand left:\n{left}")
        raise


def told_on_disk(folder: Path) -> int:
    """Return the number of events in a recovered folder."""
    hours = (hour_file(path) for path in folder.glob("*/*.parquet"))
    return sum(pq.read_metadata(hour.finished).num_rows for hour in hours if hour is not None and hour.type == EVENTS)


def test_kills_at_drawn_moments_harm_no_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """With kill -9, nobody gets to tidy up: what is on disk must do."""
    monkeypatch.setenv("POLYGON_API_KEY", "a-secret-that-is-nowhere")
    folder = tmp_path / "rec"
    rng = Random(10)
    deep = request.config.getoption("--deep")
    kills, market = (DEEP_KILLS, long_market(tmp_path)) if deep else (KILLS, (SAMPLE, "--speed", "600"))
    with start("replay", *market, "--as-polygon", ":0", "--loop", "--start-on-subscribe") as vendor:
        assert vendor.stdout is not None
        url = vendor.stdout.readline().strip()
        live = ("live", "--url", url, "--symbols", "*", "--record", folder)
        for number in range(kills):
            with start(*live) as process:
                told = read_lines(process, rng.randint(1, MOST_EVENTS))
                process.kill()
                with noted(process, folder, number):
                    assert all(told), "it ended by itself"
                    check_readable(folder)
                    parity = run_tickstock("parity", folder, "--json")
                    assert parity.returncode == 0, parity
                    assert [each["end"] for each in json.loads(parity.stdout)["starts"]] == ["killed"] * (number + 1)
        assert run_tickstock("recover", folder).returncode == 0
        assert "nothing to do" in run_tickstock("recover", folder).stdout
        last = events_of(live, LAST_EVENTS)
    parity = json.loads(run_tickstock("parity", folder, "--json").stdout)
    assert parity["equal"] is True
    assert parity["starts"][-1]["end"] == "clean"
    assert parity["events"] == told_on_disk(folder) >= LAST_EVENTS
    assert last == 0
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"a-secret-that-is-nowhere" not in kept


def test_kills_without_traffic_harm_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the market opens, at any moment: while the run starts, connects or waits."""
    monkeypatch.setenv("POLYGON_API_KEY", "any")
    folder, rng = tmp_path / "rec", Random(11)
    with start("replay", SAMPLE, "--as-polygon", ":0", "--start-on-subscribe", "--end", "00:01") as vendor:
        assert vendor.stdout is not None
        live = ("live", "--url", vendor.stdout.readline().strip(), "--symbols", "*", "--record", folder)
        for number in range(KILLS):
            with start(*live) as process:
                sleep(rng.uniform(0.1, 2))
                process.kill()
                with noted(process, folder, number):
                    assert process.returncode == -SIGKILL
        with start(*live) as process:
            until_recording(folder, process)
            process.kill()
            with noted(process, folder, KILLS):
                check_readable(folder)
                assert run_tickstock("recover", folder).returncode == 0
                parity = run_tickstock("parity", folder, "--json")
                assert parity.returncode == 0, parity
    starts = json.loads(parity.stdout)["starts"]
    assert 1 <= len(starts) <= KILLS + 1
    assert {each["end"] for each in starts} == {"killed"}


def until_recording(folder: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a run has written its start."""
    before = RecordedFolder(folder).starts() if (folder / "run.json").exists() else ()
    until(lambda: (folder / "run.json").exists() and RecordedFolder(folder).starts() != before, process, "it recorded")


def long_market(folder: Path) -> tuple[str | Path, ...]:
    """Return a market in which every run finds new events: the sample has told all of its own after some kills."""
    market = folder / "market"
    made = run_tickstock("synth", market, "--rows", "1000000", "--symbols", "2000", "--no-fmv")
    assert made.returncode == 0
    return (market, "--speed", "60", "--start", "09:30")


def events_of(live: tuple[str | Path, ...], events: int) -> int:
    """Run live until it told some events, end it by a signal, and return its exit code."""
    with start(*live) as process:
        read_lines(process, events)
        return end(process)[0]

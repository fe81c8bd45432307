"""Ctrl-C: a clean end that can be gone on from, to the same bytes as without it."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from threading import Event

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Here
from tests.cli.market import write_recording
from tests.cli.processes import last_words, read_lines, running
from tests.unit.engine.events import TEN, busy_morning, morning_events
from tickstock_cli.cli.interrupting import stop_on_interrupt, stop_on_signals
from tickstock_cli.engine.control import Control
from tickstock_cli.testing import SECOND, Tick

pytestmark = pytest.mark.usefixtures("compiled")


def test_an_interrupted_run_is_valid_and_resumes_to_the_same_bytes(here: Here, tmp_path: Path) -> None:
    """A real SIGINT, in the middle of a paced replay; resumed flat out, with one bad row before and one behind it."""
    bad = [Tick("BAD", TEN + second * SECOND, -1.0) for second in (2, 1400)]
    write_recording([*busy_morning(), *bad], tmp_path / "recorded")
    outs = ("--out", "e.parquet", "--out", "e.csv", "--rejects", "r.parquet")
    here("replay", "recorded", *outs, "--json")
    whole = {name: Path(name).read_bytes() for name in ("e.parquet", "e.csv", "r.parquet")}
    for name in whole:
        Path(name).unlink()

    paced = ("replay", "recorded", *outs, "--out", "-", "--speed", "60", "--checkpoint", "kept")
    with running(*paced, folder=tmp_path) as process:
        lines = read_lines(process, 20)
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        lines += process.stdout.readlines()
        told = last_words(process)

    events = pq.read_table("e.parquet").to_pylist()
    assert process.returncode == 130
    assert 20 <= len(events) < len(morning_events())
    assert events == [json.loads(line) for line in lines] == morning_events().to_pylist()[: len(events)]
    assert len(Path("e.csv").read_text().splitlines()) == 1 + len(events)
    assert pq.read_table("r.parquet").num_rows == 1
    assert f"{len(events)} events" in told
    assert told.splitlines()[-1].startswith("stopped after ")
    assert told.splitlines()[-1].endswith(" rows; outputs are whole up to there; go on with --checkpoint kept --resume")

    resumed = here("replay", "recorded", *outs, "--checkpoint", "kept", "--resume", "--json")

    assert resumed.returncode == 0
    assert json.loads(resumed.stdout)["interrupted"] is False
    assert {name: Path(name).read_bytes() for name in whole} == whole


def test_ctrl_c_does_not_wait_for_the_next_row(tmp_path: Path) -> None:
    """It is an hour away. With JSON lines, too: polars, loaded behind our back, would let it wait on."""
    rows = [Tick("IBM", TEN + second * SECOND, 100.0 + second) for second in (0, 2, 3600)]
    write_recording(rows, tmp_path / "slow")

    slow = ("replay", "slow", "--speed", "10", "--out", "-", "--out", "e.jsonl")
    with running(*slow, folder=tmp_path, fresh=()) as process:
        read_lines(process, 1)
        process.send_signal(signal.SIGINT)
        told = last_words(process)

    assert process.returncode == 130
    assert told.endswith("stopped after 2 rows; outputs are whole up to there\n")
    assert len((tmp_path / "e.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_run_that_holds_its_control_s_lock(number: signal.Signals) -> None:
    """It interrupts whatever line is running: one that waited for the lock here would wait for itself."""
    control = Control(1)
    before = signal.getsignal(number)

    with stop_on_interrupt(control):
        with control._lock:
            signal.raise_signal(number)
        assert control.changed.wait(60)

    assert control.stopped
    assert signal.getsignal(number) is before


def test_a_timer_of_the_caller_goes_on_after_a_run() -> None:
    """Its signal is ours meanwhile: a watchdog that was never heard again would guard nothing."""
    rang = Event()
    before = signal.signal(signal.SIGALRM, lambda *_: rang.set())
    timer = signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with stop_on_interrupt(Control(1)):
            pass
        assert rang.wait(60)
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def test_a_second_signal_is_an_interrupt() -> None:
    """Whatever the run is waiting for."""
    with stop_on_interrupt(Control(1)):
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_second_signal_ends_a_server_that_is_stopping() -> None:
    """Servers and watchers run on a loop: the first one asks them to end, the second one does not ask."""

    async def end_slowly() -> None:
        stopped = asyncio.Event()
        stop_on_signals(asyncio.get_running_loop(), stopped.set)
        signal.raise_signal(signal.SIGTERM)
        await stopped.wait()
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(end_slowly())

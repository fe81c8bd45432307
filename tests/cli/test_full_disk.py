"""A disk that fills during a run, and is emptied again or not: told everywhere, and nothing is lost in silence."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, prlimit
from time import monotonic, sleep
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.cli.conftest import Here
from tests.cli.live_runs import CHANNELS, ended, live, played_market, summary_of, until_sent
from tests.cli.market import morning
from tests.cli.prepared import COMMAND
from tests.cli.processes import running
from tests.cli.running import run_tickstock
from tests.cli.test_replay_serve import address_of, steer
from tickstock_cli.vendors.polygon.server.vendor import PlayOptions, vendor_in_thread

SMALL = "from resource import *; setrlimit(RLIMIT_FSIZE, (30_000, RLIM_INFINITY))\n"
"""How a program gets a disk that takes no large file."""
SETTINGS = {
    "monitoring.interval_ms": 50,
    "monitoring.resolve_after_seconds": 0.2,
    "monitoring.cooldown_seconds": 0,
}


def ask(url: str) -> tuple[int, str]:
    """Return status and text of an answer, whatever the status."""
    try:
        with urlopen(url, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def until(condition: Callable[[], bool]) -> None:
    """Wait for something to come true; fails after a minute."""
    deadline = monotonic() + 60
    while not condition():
        assert monotonic() < deadline, "waited for a minute"
        sleep(0.05)


def test_a_disk_that_is_full_for_a_while_loses_no_event(here: Here, tmp_path: Path) -> None:
    """The event log and an output cannot be written for a while: no file may grow beyond a kilobyte."""
    morning(tmp_path / "recorded")
    flat = json.loads(here("replay", "recorded", "--out", "flat.jsonl", "--json").stdout)
    sets = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
    command = ["replay", "recorded", "--speed", "60", "--serve", "127.0.0.1:0", "--log", "log", "--json", *sets]
    with running(*command, "--out", "served.jsonl", folder=tmp_path) as process:
        address = address_of(process)

        def document() -> dict[str, Any]:
            status: dict[str, Any] = json.loads(ask(f"{address}/status")[1])
            return status

        def subjects() -> set[str]:
            return {alert["subject"] for alert in document().get("active_alerts", [])}

        until(lambda: document().get("event_latency_ms", {"count": 0})["count"] > 20)
        until(lambda: ask(f"{address}/health")[0] == 200)
        prlimit(process.pid, RLIMIT_FSIZE, (1_024, RLIM_INFINITY))
        until(lambda: subjects() >= {"event log", "served.jsonl"})
        status, health = ask(f"{address}/health")
        metrics = ask(f"{address}/metrics")[1]
        told = {alert["subject"]: alert for alert in document()["active_alerts"]}

        prlimit(process.pid, RLIMIT_FSIZE, (RLIM_INFINITY, RLIM_INFINITY))
        until(lambda: not subjects() & {"event log", "served.jsonl"})
        until(lambda: ask(f"{address}/health")[0] == 200)
        resolved = {alert["subject"]: alert["resolved_at"] for alert in document()["recent_alerts"]}
        steer(address, action="speed", speed=5_000)
        output, _ = process.communicate(timeout=240)
        served = json.loads(output)

    assert status == 503
    assert "the file is larger than this system or shell (ulimit -f) allows" in health
    assert "the file is larger than this system or shell (ulimit -f) allows" in health
    for subject in ("event log", "served.jsonl"):
        assert (told[subject]["type"], told[subject]["severity"]) == ("CHANNEL_FAILURE", "critical")
        assert resolved[subject] is not None
    assert re.search(r'^tickstock_active_alerts\{severity="critical"\} [1-9]', metrics, re.MULTILINE)
    assert process.returncode == 0
    assert (served["digest"], served["ledger"]) == (flat["digest"], flat["ledger"])
    assert (tmp_path / "served.jsonl").read_bytes() == (tmp_path / "flat.jsonl").read_bytes()


@pytest.mark.usefixtures("compiled")
def test_a_disk_that_stays_full_fails_the_run_with_the_reason(tmp_path: Path) -> None:
    """At the end there is no later: one line with every reason, and no half an output under the final name."""
    morning(tmp_path / "recorded")
    command = ["replay", "recorded", "--speed", "2000", "--serve", "127.0.0.1:0", "--out", "served.jsonl"]
    with running(*command, folder=tmp_path) as process:
        address_of(process)
        prlimit(process.pid, RLIMIT_FSIZE, (1_024, RLIM_INFINITY))
        _, told = process.communicate(timeout=240)

    assert process.returncode == 1
    assert re.fullmatch(
        r"error: every output failed: cannot write event log .* wait in memory; cannot write served.jsonl: .*",
        told.splitlines()[-1],
    )
    assert not (tmp_path / "served.jsonl").exists()


def test_a_recording_that_could_not_be_finished_is_an_error_of_the_live_run(tmp_path: Path) -> None:
    """The alerts went on, and the summary is printed; a scheduler must hear that rows are missing."""
    with (
        vendor_in_thread([list(played_market())], PlayOptions(speed=600, start_on_subscribe=True)) as vendor,
        live(
            *("--url", vendor.url, "--symbols", "*", *CHANNELS, "--record", "rec", "--json"),
            folder=tmp_path,
            program=f"{SMALL}{COMMAND}",
        ) as process,
    ):
        until_sent(vendor, process)
        out, err = ended(process, signal.SIGINT)

    recording = summary_of(out)["recording"]
    assert process.returncode == 1, err
    assert recording["waiting"] > 0
    assert err.splitlines()[-1].endswith(f"; {recording['waiting']:,} rows and events were not written")
    assert "cannot record to rec: the file is larger than this system" in err.splitlines()[-1]
    assert run_tickstock("parity", tmp_path / "rec").returncode == 0

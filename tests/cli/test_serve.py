"""`tickstock serve`: from a log or an event file to a page, and a clean end."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.prepared import COMMAND, start_process
from tests.cli.running import error_line, run_tickstock
from tests.cli.serving import end, served_file, write_events
from tests.unit.serving.served_runs import START, event, events
from tickstock_cli.core.digest import EventDigest
from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.eventlog.manifest import RunInfo
from tickstock_cli.eventlog.writer import EventLog


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return the folder of a finished run."""
    folder = tmp_path / "log"
    with EventLog(folder, RunInfo("run-7", START, "a story at 20x", universes={"own": ("ABC",)})) as log:
        log.append(events([event(number) for number in range(1, 6)]))
        log.finish()
    return folder


def digest_of(rows: list[dict[str, Any]]) -> str:
    """Return the digest that a replay of these events tells."""
    digest = EventDigest()
    digest.update(events(rows))
    return digest.hexdigest()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_log_is_served_until_a_signal(log: Path, number: signal.Signals) -> None:
    """The address is data, on stdout; being stopped is how a server ends, so the exit code is 0."""
    with served_file(log) as (process, url):
        page = httpx.get(f"{url}api/events", timeout=60).json()
        own = httpx.get(f"{url}api/events?universe=own", timeout=60).json()
        document = httpx.get(f"{url}status", timeout=60).json()
        html = httpx.get(url, timeout=60)
        code, talk = end(process, number)

    assert [row["sequence"] for row in page["events"]] == [1, 2, 3, 4, 5]
    assert [row["sequence"] for row in own["events"]] == [3]
    assert (page["run"], page["finished"]) == ("run-7", True)
    assert document["system_overview"]["status"] == "finished"
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    assert (code, talk) == (0, f"serving 5 events of {log}; Ctrl-C stops\n")


FEW_FILES = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); {COMMAND}"


def test_half_open_requests_do_not_shut_a_server_with_few_files(log: Path) -> None:
    """As under ``ulimit -n 64``: 80 connections took all files, and nobody came in any more."""
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start_process("serve", log, "--port", "0", program=FEW_FILES, text=True, **pipes) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with ExitStack() as connections:
            for _ in range(80):
                half = connections.enter_context(socket.create_connection(("127.0.0.1", httpx.URL(url).port)))
                half.sendall(b"GET / HTTP/1.1\r\n")
            refused = httpx.get(f"{url}status", timeout=60)
        while (answer := httpx.get(f"{url}status", timeout=60)).status_code == 503:
            continue  # the server has not seen yet that they are gone
        code, talk = end(process)

    assert (refused.status_code, answer.status_code) == (503, 200)
    assert answer.json()["server"]["refused_connections"] >= 65
    assert (code, talk) == (0, f"serving 5 events of {log}; Ctrl-C stops\n")


def test_a_damaged_segment_is_said_at_the_start_and_to_whoever_asks_for_it(tmp_path: Path) -> None:
    """One line, `/health`, an alert, and the client's answer; all other events are served, and none is wrong."""
    folder = tmp_path / "log"
    with EventLog(folder, RunInfo("run-5", START), LogLimits(memory_bytes=1)) as log:
        for first in range(1, 301, 100):
            log.append(events([event(number) for number in range(first, first + 100)]))
        log.finish()
    segment = sorted(folder.glob("*.arrow"))[100]
    segment.write_bytes(segment.read_bytes()[:-1] + b"x")
    with served_file(folder) as (process, url):
        health = httpx.get(f"{url}health")
        alerts = httpx.get(f"{url}status").json()["active_alerts"]
        before, damaged, behind = (httpx.get(f"{url}api/events?limit=200&from={n}").json() for n in (1, 101, 102))
        watched = run_tickstock("watch", url, "--json")
        _, talk = end(process)

    lost = f"1 event cannot be read, 101 to 101 ({segment.name}): restore the files from a copy"
    assert (health.status_code, health.json()["reasons"]) == (503, [lost])
    assert [alert["message"] for alert in alerts] == [f"event log: {lost}"]
    assert f"warning: {lost}" in talk
    assert [row["sequence"] for row in before["events"]] == list(range(1, 101))
    assert (before["next"], damaged["error"]["next_sequence"]) == (101, 102)
    assert [row["sequence"] for row in behind["events"]] == list(range(102, 301))
    assert (len(watched.stdout.splitlines()), watched.returncode) == (299, 1)
    assert watched.stderr.endswith("error: the run is over, but the server cannot read 1 of its events\n")


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
def test_an_event_file_is_served_like_a_log(tmp_path: Path, suffix: str) -> None:
    """The same file is the same run, also after a restart and in another format."""
    path = write_events(tmp_path / f"events{suffix}", 5)
    with served_file(path) as (_, url):
        page = httpx.get(f"{url}api/events?kinds=low", timeout=60).json()

    assert [row["sequence"] for row in page["events"]] == [1]
    assert page["run"] == digest_of([event(number) for number in range(1, 6)])[:16]


def test_an_incomplete_log_is_served(tmp_path: Path) -> None:
    """It says so, and its health is not good."""
    folder = tmp_path / "log"
    with EventLog(folder, RunInfo("run-8", START), LogLimits()) as log:
        log.append(events([event(1), event(2)]))
    with (folder / "journal").open("ab") as journal:
        journal.write(b"torn")
    with served_file(folder) as (process, url):
        answer = httpx.get(f"{url}health", timeout=60)
        finished = httpx.get(f"{url}api/events", timeout=60).json()["finished"]
        _, talk = end(process)

    assert answer.status_code == 503
    assert finished
    assert "warning: the run broke off while event 3 was being written" in talk


def test_a_killed_run_that_lost_nothing_is_served_as_incomplete(tmp_path: Path) -> None:
    """All that it told is there, so its health is good; but it told less than a whole run."""
    folder = tmp_path / "log"
    with EventLog(folder, RunInfo("run-9", START), LogLimits()) as log:
        log.append(events([event(1), event(2)]))
    with served_file(folder) as (process, url):
        status = httpx.get(f"{url}status", timeout=60).json()
        watched = run_tickstock("watch", url)
        _, talk = end(process)

    assert watched.returncode == 1
    assert re.fullmatch(
        r"times are those of New York\n"
        r"error: the run broke off at \d{4}-\d\d-\d\d [\d:]{8} New York; "
        r"its last event is of 2026-03-03 09:30:02.000: 2 events\n",
        watched.stderr,
    )
    assert status["health"]["ok"]
    assert status["system_overview"]["status"] == "broken off"
    assert "note: the run broke off" in talk


def test_a_network_without_a_token_is_warned_of(log: Path, tmp_path: Path) -> None:
    """The token itself comes from a file, so that no list of processes shows it."""
    key = tmp_path / "key"
    key.write_text("let-me-in\n")
    with served_file(log, "--host", "0.0.0.0") as (process, _):
        assert "warning: whoever can reach 0.0.0.0 can read these events" in end(process)[1]
    with served_file(log, "--host", "0.0.0.0", "--token", f"@{key}") as (process, url):
        assert httpx.get(url.replace("/?token=let-me-in", "/status"), timeout=60).status_code == 401
        assert httpx.get(url.replace("/?", "/status?"), timeout=60).status_code == 200
        assert "warning" not in end(process)[1]


def test_named_origins_and_older_clients_can_connect(log: Path) -> None:
    """The same options as of a served replay; Socket.IO answers at its usual place."""
    pytest.importorskip("socketio", reason="the extra socketio is not installed")
    foreign = {"Origin": "https://desk.example"}
    with served_file(log, "--origin", "https://desk.example", "--socketio") as (_, url):
        assert httpx.get(f"{url}status", headers=foreign, timeout=60).status_code == 200
        assert httpx.get(f"{url}socket.io/?EIO=4&transport=polling", headers=foreign, timeout=60).status_code == 200
    with served_file(log) as (_, url):
        assert httpx.get(f"{url}status", headers=foreign, timeout=60).status_code == 403
        assert httpx.get(f"{url}socket.io/?EIO=4&transport=polling", timeout=60).status_code == 404


def test_a_taken_port_is_one_line(log: Path) -> None:
    """Exit code 1, and what to do."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        result = run_tickstock("serve", log, "--port", str(port))

    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        f"error: cannot serve on 127.0.0.1:{port}: address already in use; choose another port, 0 takes any free one"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["none"], 3, "none does not exist; name the folder of an event log, or a file of events"),
        (["nosuch.parquet"], 3, "nosuch.parquet does not exist; name the folder of an event log, or a file of events"),
        (["."], 3, "is not an event log: it has no log.json"),
        (["events.txt"], 2, "unknown format of events.txt"),
        (["log", "--token", ""], 2, "option '--token' has an empty value"),
        (["log", "--origin", "desk.example"], 2, "--origin must be a scheme and a host"),
        (["log", "--token", "@none"], 2, "cannot read the token of --token @none: no such file or directory; name a"),
    ],
)
def test_a_path_that_is_no_log_is_an_error_of_one_line(
    tmp_path: Path, arguments: list[str], code: int, expected: str
) -> None:
    """With the exit code of its kind."""
    (tmp_path / "events.txt").write_text("x")
    result = run_tickstock("serve", *arguments, folder=tmp_path)

    assert result.returncode == code
    assert expected in error_line(result)


def test_paging_back_stops_at_a_damaged_segment_and_goes_on_before_it(tmp_path: Path) -> None:
    """The page asks for events before a number; within the damage the error names where the older ones end."""
    folder = tmp_path / "log"
    with EventLog(folder, RunInfo("run-6", START), LogLimits(memory_bytes=1)) as log:
        log.append(events([event(number) for number in range(1, 31)]))
        log.finish()
    segment = sorted(folder.glob("*.arrow"))[9]
    segment.write_bytes(segment.read_bytes()[:-1] + b"x")
    with served_file(folder) as (_, url):
        behind, damaged, before = (httpx.get(f"{url}api/events?before={n}", timeout=60).json() for n in (31, 11, 10))

    assert [row["sequence"] for row in behind["events"]] == list(range(11, 31))
    assert (behind["previous"], damaged["error"]["first_sequence"]) == (11, 10)
    assert [row["sequence"] for row in before["events"]] == list(range(1, 10))

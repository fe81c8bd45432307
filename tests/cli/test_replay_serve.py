"""A replay that is served while it runs: followed and steered from outside, with the files of any other replay."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.cli.market import morning
from tests.cli.processes import running
from tests.cli.running import error_line, run_tickstock
from tickstock_cli.testing import new_york


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a busy morning."""
    folder = tmp_path_factory.mktemp("served")
    morning(folder / "recorded")
    return folder


def address_of(process: subprocess.Popen[str]) -> str:
    """Wait for the line that says where a command serves."""
    assert process.stderr is not None
    for line in process.stderr:
        found = re.match(r"serving on (http://127\.0\.0\.1:\d+)/", line)
        if found:
            return found[1]
    raise AssertionError("the command ended without serving")


def get(url: str) -> dict[str, object]:
    """Read a JSON answer."""
    with urlopen(url, timeout=60) as answer:
        document: dict[str, object] = json.load(answer)
        return document


def steer(address: str, **action: object) -> dict[str, object]:
    """Post an action to the control API."""
    body = json.dumps(action).encode()
    request = Request(f"{address}/api/control", body, {"content-type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        document: dict[str, object] = json.load(answer)
        return document


def test_a_client_gets_every_event_that_the_file_gets(market: Path) -> None:
    """From the first to the last, with numbers that leave no hole; the file is that of a flat-out replay."""
    flat = json.loads(run_tickstock("replay", "recorded", "--json", "--out", "flat.parquet", folder=market).stdout)
    command = ["replay", "recorded", "--speed", "1", "--serve", "127.0.0.1:0", "--json", "--out", "served.parquet"]
    (market / "own.txt").write_text("ABC\n")
    command += ["--set", "priority.universes.own=@own.txt"]  # for clients: decides no event
    with running(*command, folder=market) as process:
        address = address_of(process)
        with connect(f"{address.replace('http', 'ws')}/ws", open_timeout=60) as client:
            hello = json.loads(client.recv())
            assert (hello["type"], hello["universes"]) == ("hello", ["own"])
            client.send(json.dumps({"type": "subscribe", "from": 1}))
            steer(address, action="speed", speed=1000)
            numbers: list[int] = []
            line: dict[str, object] = {"times": []}
            while (message := json.loads(client.recv(timeout=60)))["type"] != "end":
                if message["type"] == "events":
                    numbers += sorted(event["sequence"] for event in message["events"])
                    ticker = message["events"][-1]["ticker"]
                    line = line if line["times"] else get(f"{address}/api/prices?ticker={ticker}")
        output, _ = process.communicate(timeout=240)
        served = json.loads(output)

    assert numbers == list(range(1, flat["events"] + 1))
    assert line["times"]
    assert served["digest"] == flat["digest"]
    assert served["ledger"] == flat["ledger"]
    assert (market / "served.parquet").read_bytes() == (market / "flat.parquet").read_bytes()


def test_prices_do_not_depend_on_the_files_once_they_are_read(market: Path, tmp_path: Path) -> None:
    """A recording that was cut short while it ran answered 500: prices are the run's memory, from --start on."""
    shutil.copytree(market / "recorded", tmp_path / "recorded")
    command = ["replay", "recorded", "--start", "2024-06-12T10:05-04:00", "--speed", "1", "--serve", "127.0.0.1:0"]
    with running(*command, folder=tmp_path) as process:
        address = address_of(process)
        steer(address, action="seek", time="2024-06-12T14:08:00Z")
        events_come(address)
        for file in (tmp_path / "recorded").iterdir():
            os.truncate(file, file.stat().st_size // 2)
        times = get(f"{address}/api/prices?ticker=IBM")["times"]

    assert isinstance(times, list)
    assert min(times) >= new_york("2024-06-12", "10:05:00")


def test_the_share_of_a_rollout_changes_while_it_runs_and_no_file_tells(market: Path) -> None:
    """Raised over HTTP, with a channel killed on the way: both sides did some of it; digest and ledger are equal."""
    flat = json.loads(run_tickstock("replay", "recorded", "--json", "--out", "flat.parquet", folder=market).stdout)
    rollout = ["--pipeline", "rollout", "--set", "pipeline.rollout_percent=0", "--set", "monitoring.interval_ms=50"]
    command = ["replay", "recorded", "--speed", "1", "--serve", "127.0.0.1:0", "--json", "--out", "rolled.parquet"]
    with running(*command, *rollout, folder=market) as process:
        address = address_of(process)
        sent_to(address, "2024-06-12T14:08:00Z")
        assert steer(address, action="rollout", percent=100)["rollout_percent"] == 100
        sent_to(address, "2024-06-12T14:16:00Z")
        steer(address, action="kill", channel="tick-1")
        while not rollout_of(address)["fallen"]:
            sleep(0.02)
        assert "tickstock_pipeline_fallbacks_total" in urlopen(f"{address}/metrics", timeout=60).read().decode()
        steer(address, action="speed", speed="max")
        output, _ = process.communicate(timeout=240)
        rolled = json.loads(output)

    assert (rolled["digest"], rolled["ledger"]) == (flat["digest"], flat["ledger"])
    assert (market / "rolled.parquet").read_bytes() == (market / "flat.parquet").read_bytes()
    sides = rolled["rollout"]
    assert sides["multi"]["processed"] > 0 < sides["linear"]["processed"]
    assert sides["multi"]["latency_ms"]["p99"] > 0 < sides["linear"]["latency_ms"]["p99"]
    assert (sides["multi"]["success_rate"], sides["linear"]["success_rate"]) == (1, 1)
    assert sides["fallbacks"] == len(sides["fallen"]) > 0


def rollout_of(address: str) -> dict[str, Any]:
    """Return both sides of the rollout as ``/status`` has them."""
    status: Any = get(f"{address}/status")
    sides: dict[str, Any] = status["system_overview"]["rollout"]
    return sides


def test_older_clients_and_named_origins_can_connect(market: Path) -> None:
    """A Socket.IO client gets the events that are still to come; a page of another origin is let in by its name."""
    pytest.importorskip("socketio", reason="the extra socketio is not installed")
    options = ["--speed", "1", "--serve", "127.0.0.1:0", "--socketio", "--origin", "https://Desk.example/"]
    with running("replay", "recorded", *options, folder=market) as process:
        address = address_of(process)
        url = f"{address.replace('http', 'ws')}/ws"
        with connect(url, additional_headers={"Origin": "https://desk.example"}, open_timeout=60) as page:
            assert json.loads(page.recv())["type"] == "hello"
        kind, ticker = asyncio.run(first_told(address))

    assert kind in ("high", "low", "surge", "trend", "fmv")
    assert ticker


async def first_told(address: str) -> tuple[str, str]:
    """Connect as a client of the older system, and return the first event's kind and ticker."""
    import socketio

    events: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    client = socketio.AsyncClient(reconnection=False)
    client.on("market_event", events.put)
    await client.connect(address, auth={"user_id": "42"}, transports=["websocket"], wait_timeout=60)
    async with asyncio.timeout(60):
        event = await events.get()
    await client.disconnect()
    return event["type"], event["ticker"]


def test_a_served_replay_is_controlled_over_http(market: Path) -> None:
    """Paused, it stands; sent ahead, it runs there with every event on the way; stopped by a signal it ends cleanly."""
    with running("replay", "recorded", "--speed", "1", "--serve", "127.0.0.1:0", folder=market) as process:
        address = address_of(process)
        assert steer(address, action="pause")["paused"] is True
        target = steer(address, action="seek", time="2024-06-12T14:10:00Z")
        assert target["paused"] is True
        events_come(address)
        assert steer(address, action="speed", speed=50)["speed"] == 50
        process.terminate()
        assert process.wait(timeout=60) == 130


def follow(client: ClientConnection, until: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Return the events of a connection, in the order of their numbers, up to the first message that passes."""
    events: list[dict[str, Any]] = []
    while not until(message := json.loads(client.recv(timeout=60))):
        events += message.get("events", [])
    return sorted([*events, *message.get("events", [])], key=lambda event: event["sequence"])


@contextmanager
def subscribed(address: str) -> Iterator[tuple[ClientConnection, dict[str, Any]]]:
    """Connect and ask for everything, and return what hello says."""
    with connect(f"{address.replace('http', 'ws')}/ws", open_timeout=60) as client:
        hello = json.loads(client.recv())
        client.send(json.dumps({"type": "subscribe", "from": "first", "run": hello["run"]}))
        yield client, hello


def sent_to(address: str, time: str) -> dict[str, Any]:
    """Seek a time and wait until the market is there, and return how it stands."""
    standing = steer(address, action="seek", time=time)
    deadline = monotonic() + 60
    while standing["going_to"] is not None:
        assert monotonic() < deadline
        sleep(0.02)
        standing = get(f"{address}/api/control")
    return standing


def told_so_far(address: str) -> list[dict[str, Any]]:
    """Return what the log tells now."""
    events: Any = get(f"{address}/api/events?limit=10000")["events"]
    return list(events)


def test_a_seek_back_repeats_events_for_clients_and_not_in_files(market: Path) -> None:
    """Clients are sent away and come back to another epoch of the same numbers; files and digest know nothing of it."""
    flat = json.loads(run_tickstock("replay", "recorded", "--json", "--out", "flat.parquet", folder=market).stdout)
    command = ["replay", "recorded", "--speed", "1", "--serve", "127.0.0.1:0", "--json", "--log", "log"]
    with running(*command, "--out", "sought.parquet", folder=market) as process:
        address = address_of(process)
        steer(address, action="pause")
        with subscribed(address) as (client, first):
            sent_to(address, "2024-06-12T14:20:00Z")
            told = told_so_far(address)
            standing = sent_to(address, "2024-06-12T14:10:00Z")
            with pytest.raises(ConnectionClosed) as closed:
                follow(client, lambda _: False)
        past = told_so_far(address)
        with subscribed(address) as (client, second):
            steer(address, action="speed", speed=1000)
            steer(address, action="resume")
            everything = follow(client, lambda message: message["type"] == "end")
        output, _ = process.communicate(timeout=240)

    ten_past = new_york("2024-06-12", "10:10:00")
    assert (closed.value.rcvd.code if closed.value.rcvd else None) == 1012
    assert (standing["time"], standing["paused"]) == (ten_past, True)
    assert second["epoch"] == {"run": first["run"], "number": 2, "first_sequence": len(past) + 1}
    assert past == [event for event in told if event["emitted_at"] <= ten_past]
    assert everything[: len(told)] == told
    assert [event["sequence"] for event in everything] == list(range(1, flat["events"] + 1))
    assert json.loads(output)["digest"] == flat["digest"]
    assert json.loads(output)["ledger"] == flat["ledger"]
    assert (market / "sought.parquet").read_bytes() == (market / "flat.parquet").read_bytes()
    assert json.loads((market / "log" / "log.json").read_text())["finished"]["digest"] == flat["digest"]


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("2024-06-12T13:00:00Z", "cannot go to 2024-06-12T13:00:00Z: the recording begins at 2024-06-12T14:00:01Z"),
        ("2024-06-12T23:00:00Z", "cannot go to 2024-06-12T23:00:00Z: the recording ends at 2024-06-12T14:24:59Z"),
    ],
)
def test_a_time_beyond_the_recording_is_refused(market: Path, time: str, words: str) -> None:
    """With the reason and the field, and the market stays where it is."""
    recording = market / "recorded" / "ticks.parquet"
    with running("replay", str(recording), "--speed", "1", "--serve", "127.0.0.1:0", folder=market) as process:
        address = address_of(process)
        with pytest.raises(HTTPError) as refused:
            steer(address, action="seek", time=time)
        error = json.load(refused.value)["error"]

    assert (refused.value.code, error["field"]) == (409, "time")
    assert words in error["message"]


def events_come(address: str) -> None:
    """Wait until the system has published something; fails after a minute."""
    deadline = monotonic() + 60
    while monotonic() < deadline:
        latency = get(f"{address}/status").get("event_latency_ms", {"count": 0})
        if latency["count"]:  # type: ignore[index]
            return
        sleep(0.05)
    raise AssertionError("no event within a minute")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--serve", "127.0.0.1:0", "--pipeline", "direct"], 2, "--serve shows the running system"),
        (["--serve", "127.0.0.1:0", "--pipeline", "compare"], 2, "--serve shows the running system"),
        (["--dashboard", "--pipeline", "compare"], 2, "--dashboard shows the running system"),
        (["--serve", "localhost:99999"], 2, "the port must be 0 to 65535"),
        (["--serve", "127.0.0.1:0", "--token", "@nowhere.txt"], 2, "cannot read the token of --token @nowhere.txt"),
        (["--serve", "127.0.0.1:0", "--token", "two words"], 2, "--token must be printable ASCII without spaces"),
        (["--serve", "127.0.0.1:0", "--pipeline", "linear"], 2, "leave --pipeline out, or say multi or rollout"),
        (["--set", "pipeline.rollout_percent=101"], 2, "pipeline.rollout_percent = 101"),
        (["--dashboard"], 2, "--dashboard shows the running system: add --speed N or --pipeline multi"),
        (["--provenance", "--out", "e.parquet"], 2, "--provenance needs the running system"),
        (["--serve", "127.0.0.1:0", "--log", "recorded"], 1, "is not empty"),
        (["--serve", "127.0.0.1:0", "--origin", "desk.example"], 2, "--origin must be a scheme and a host"),
        (["--serve", "127.0.0.1:0", "--origin", "https://desk.example/page"], 2, "was https://desk.example/page"),
        (["--log", "kept"], 2, "--log is about the server: add --serve"),
        (["--origin", "https://desk.example"], 2, "--origin is about the server: add --serve"),
        (["--socketio"], 2, "--socketio is about the server: add --serve"),
    ],
)
def test_invalid_options_are_errors_before_the_run(market: Path, options: list[str], code: int, words: str) -> None:
    """One line, and nothing written."""
    result = run_tickstock("replay", "recorded", *options, folder=market)

    assert words in error_line(result)
    assert result.returncode == code
    assert not (market / "e.parquet").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["--serve", "foo", "recorded"],
            (
                "no such file or folder: foo; the word after --serve is read as a path unless it is an address: for an "
                "address write HOST:PORT, as in 127.0.0.1:8765"
            ),
        ),
        (["none", "--serve"], "no such file or folder: none"),
        (["none", "--serve", "127.0.0.1:0"], "no such file or folder: none"),
    ],
)
def test_nothing_is_served_before_the_recordings_are_found(market: Path, words: list[str], line: str) -> None:
    """The only line names the mistake; a word after --serve that is no address is one of the paths."""
    result = run_tickstock("replay", *words, folder=market)

    assert (result.returncode, result.stdout) == (3, "")
    assert result.stderr == f"error: {line}\n"

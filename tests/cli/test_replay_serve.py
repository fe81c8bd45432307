"""A replay that is served while it runs: followed and steered from outside, with the files of any other replay."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from time import monotonic, sleep
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from websockets.sync.client import connect

from tests.cli.market import morning
from tests.cli.processes import running
from tests.cli.running import error_line, run_tickstock

SPEED = "100"


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
    with urlopen(url, timeout=10) as answer:
        document: dict[str, object] = json.load(answer)
        return document


def steer(address: str, **action: object) -> dict[str, object]:
    """Post an action to the control API."""
    body = json.dumps(action).encode()
    request = Request(f"{address}/api/control", body, {"content-type": "application/json"})
    with urlopen(request, timeout=10) as answer:
        document: dict[str, object] = json.load(answer)
        return document


def test_a_client_gets_every_event_that_the_file_gets(market: Path) -> None:
    """From the first to the last, with numbers that leave no hole; the file is that of a flat-out replay."""
    flat = json.loads(run_tickstock("replay", "recorded", "--json", "--out", "flat.parquet", folder=market).stdout)
    command = ["replay", "recorded", "--speed", SPEED, "--serve", "127.0.0.1:0", "--json", "--out", "served.parquet"]
    with running(*command, folder=market) as process:
        address = address_of(process)
        with connect(f"{address.replace('http', 'ws')}/ws") as client:
            hello = json.loads(client.recv())
            assert hello["type"] == "hello"
            client.send(json.dumps({"type": "subscribe", "from": 1}))
            numbers: list[int] = []
            while (message := json.loads(client.recv(timeout=60)))["type"] != "end":
                if message["type"] == "events":
                    numbers += [event["sequence"] for event in message["events"]]
        output, _ = process.communicate(timeout=60)
        served = json.loads(output)

    assert numbers == list(range(1, flat["events"] + 1))
    assert served["digest"] == flat["digest"]
    assert served["ledger"] == flat["ledger"]
    assert (market / "served.parquet").read_bytes() == (market / "flat.parquet").read_bytes()


def test_a_served_replay_is_steered_from_outside(market: Path) -> None:
    """Paused, it stands; sent ahead, it runs there with every event on the way; stopped by a signal it ends cleanly."""
    with running("replay", "recorded", "--speed", "1", "--serve", "127.0.0.1:0", folder=market) as process:
        address = address_of(process)
        assert steer(address, action="pause")["paused"] is True
        target = steer(address, action="seek", time="2024-06-12T14:10:00Z")
        assert target["paused"] is True
        events_come(address)
        with pytest.raises(HTTPError) as refused:
            steer(address, action="seek", time="2024-06-12T14:01:00Z")
        assert "cannot go back" in json.load(refused.value)["error"]["message"]
        assert steer(address, action="speed", speed=50)["speed"] == 50
        process.terminate()
        assert process.wait(timeout=30) == 130


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
        (["--serve", "localhost:99999"], 2, "the port must be 0 to 65535"),
        (["--serve", "127.0.0.1:0", "--token", "@nowhere.txt"], 2, "cannot read the token of --token @nowhere.txt"),
        (["--serve", "127.0.0.1:0", "--token", "two words"], 2, "--token must be printable ASCII without spaces"),
        (["--dashboard"], 2, "--dashboard shows the running system: add --speed N or --pipeline multi"),
        (["--provenance", "--out", "e.parquet"], 2, "--provenance needs the running system"),
        (["--serve", "127.0.0.1:0", "--log", "recorded"], 1, "is not empty"),
    ],
)
def test_what_cannot_be_served_is_said_before_anything_runs(
    market: Path, options: list[str], code: int, words: str
) -> None:
    """One line, and nothing written."""
    result = run_tickstock("replay", "recorded", *options, folder=market)

    assert words in error_line(result)
    assert result.returncode == code
    assert not (market / "e.parquet").exists()

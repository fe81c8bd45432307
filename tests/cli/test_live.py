"""`tickstock live` as a user starts it, against a vendor that the test plays."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from array import array
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fcntl import F_SETPIPE_SZ, fcntl, ioctl
from pathlib import Path
from random import Random
from termios import FIONREAD
from threading import Thread
from time import sleep, time_ns
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pyarrow.parquet as pq
import pytest
from websockets.sync.client import connect

from tests.cli.live_runs import (
    CHANNELS,
    KEY,
    KEY_VARIABLE,
    between,
    detections,
    ended,
    files_with,
    live,
    played_market,
    summary_of,
    unbalanced,
    until,
    until_sent,
    write_market,
)
from tests.cli.processes import LONGEST_SECONDS
from tests.cli.running import error_line, run_tickstock
from tests.unit.engine.events import TEN
from tests.unit.vendors.polygon.scripted_vendor import Client, status
from tests.unit.vendors.polygon.scripted_vendor import vendor as scripted
from tickstock_cli.core.times import format_time
from tickstock_cli.testing import MINUTE, SECOND
from tickstock_cli.vendors.polygon.server.fault_plan import FaultPlan
from tickstock_cli.vendors.polygon.server.vendor import PlayOptions, vendor_in_thread

SPEED = 600.0
MORNING = (TEN, TEN + 12 * MINUTE, TEN + 60 * MINUTE)
"""The begin of the market, where the vendor is restarted, and the end, ns UTC."""


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what a replay of the played market gives."""
    folder = write_market(tmp_path_factory.mktemp("market") / "recorded")
    found: dict[str, Any] = json.loads(run_tickstock("replay", folder, "--json").stdout)
    return found


@dataclass
class Story:
    """A live run with everything on, whose vendor was restarted in the middle, and what was seen of it."""

    folder: Path
    code: int = -1
    out: str = ""
    err: str = ""
    command: bytes = b""
    pages: dict[str, str] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def summary(self) -> dict[str, Any]:
        return summary_of(self.out)


def follow(address: str, messages: list[dict[str, Any]]) -> None:
    """Take all messages of a server until its run is over."""
    with connect(f"ws{address.removeprefix('http')}/ws", open_timeout=60) as client:
        messages.append(json.loads(client.recv(timeout=60)))
        client.send(json.dumps({"type": "subscribe", "from": 1, "notices": True}))
        while messages[-1]["type"] != "end":
            messages.append(json.loads(client.recv(timeout=240)))


def look(told: Story, pid: int, address: str) -> None:
    """Keep what a running command shows of itself."""
    for page in ("health", "status", "metrics", "api/control"):
        try:
            with urlopen(f"{address}/{page}", timeout=60) as answer:
                told.pages[page] = answer.read().decode()
        except HTTPError as unhealthy:  # on a busy machine rows wait, and /health says so with 503
            told.pages[page] = unhealthy.read().decode()
    own = Path("/proc") / str(pid)
    if own.is_dir():
        told.command = (own / "cmdline").read_bytes() + (own / "comm").read_bytes()


def served_at(told: Story, process: subprocess.Popen[str]) -> str:
    """Wait for the line that says where the run is served."""
    assert process.stderr is not None
    for line in process.stderr:
        told.err += line
        if found := re.match(r"serving on (http://[\d.:]+)/", line):
            return found[1]
    raise AssertionError(f"it ended without serving: {told.err}")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Run live once for all tests that look at a run: recorded, served, with outputs, a shadow and a restart."""
    told = Story(tmp_path_factory.mktemp("live"))
    (told.folder / "calm.toml").write_text("[highlow]\ncooldown_seconds = 600\n")
    outs = ("--out", "e.jsonl", "--out", "e.parquet", "--out", "e.csv")
    more = ("--json", "--record", "rec", "--serve", "127.0.0.1:0", "--log", "log", "--shadow", "calm.toml")
    begin, restart, end = MORNING
    options = PlayOptions(speed=SPEED, start_on_subscribe=True)
    with ExitStack() as stack:
        with vendor_in_thread([between(begin, restart)], options) as first:
            arguments = ("--url", first.url, "--symbols", "*", *CHANNELS, *outs, *more)
            process = stack.enter_context(live(*arguments, folder=told.folder, TICKSTOCK_DEBUG="1"))
            address = served_at(told, process)
            client = Thread(target=follow, args=(address, told.messages))
            client.start()
            until_sent(first, process)
            again = replace(options, port=int(first.url.rpartition(":")[2]))
        with vendor_in_thread([between(restart, end)], again) as second:
            until_sent(second, process)
            look(told, process.pid, address)
            told.out, err = ended(process, signal.SIGINT)
        client.join()
        told.err += err
        told.code = process.returncode
    return told


def test_the_summary_has_the_figures_that_are_documented(story: Story) -> None:
    """Scripts read it: Ctrl-C is a clean end, and stdout holds nothing else."""
    found = story.summary
    assert story.code == 0, story.err
    assert list(found)[:9] == [
        "ledger", "events", "digest", "gaps", "reconnects", "latency_ms", "subscriptions", "seconds", "peak_rss_bytes",
    ]  # fmt: skip
    assert unbalanced(found["ledger"]) == 0
    rows = sum(batch.num_rows for batch in played_market())
    assert sum(found["ledger"][f"{record}.read"] for record in ("tick", "ohlcv", "fmv")) == rows
    assert found["subscriptions"] == {"wanted": 3, "acknowledged": 3, "silent": 0}
    assert 0 < found["latency_ms"]["p50"] <= found["latency_ms"]["p99"] <= found["latency_ms"]["max"]
    assert found["peak_rss_bytes"] > 0 < found["seconds"]
    assert found["failure"] is None


def test_a_vendor_that_restarts_leaves_a_gap_and_nothing_else(story: Story, market: dict[str, Any]) -> None:
    """It is in the summary, on stderr and in the recording; what is detected is what the replay of the rows detects."""
    (gap,) = story.summary["gaps"]
    assert story.summary["reconnects"] == 1
    assert gap["channels"] == ["T", "AM", "FMV"]
    assert gap["begin"] < gap["end"]
    assert f"no rows of T, AM, FMV ({gap['reason']})" in story.err
    assert "feed: streaming again: 3 subscriptions acknowledged" in story.err
    kept = [json.loads(line) for line in (story.folder / "rec" / "gaps.jsonl").read_text().splitlines()]
    assert gap["end"] in [entry["end"] for entry in kept]
    assert detections(story.summary["ledger"]) == detections(market["ledger"])


def test_the_recording_replays_to_the_same_events_and_digest(story: Story) -> None:
    """Parity holds over the restart, and a plain replay needs no option."""
    again = run_tickstock("parity", story.folder / "rec", "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["events"] == story.summary["events"] > 0
    replayed = json.loads(run_tickstock("replay", story.folder / "rec", "--json").stdout)
    assert (replayed["digest"], replayed["events"]) == (story.summary["digest"], story.summary["events"])


def test_every_output_has_every_event(story: Story) -> None:
    """Files, and those of the shadow beside them."""
    events = story.summary["events"]
    lines = [json.loads(line) for line in (story.folder / "e.jsonl").read_text().splitlines()]
    assert len(lines) == pq.read_table(story.folder / "e.parquet").num_rows == events
    assert len((story.folder / "e.csv").read_text().splitlines()) == 1 + events
    shadow = story.summary["shadow"]
    assert (shadow["config"], shadow["missing"]) == ("calm.toml", 0)
    assert len((story.folder / "e.shadow.jsonl").read_text().splitlines()) == shadow["events"]
    assert shadow["digest"] != story.summary["digest"]


def test_a_client_of_the_server_gets_every_event_and_the_notices(story: Story) -> None:
    """Live events are served exactly as a replay's, minutes are announced once, and a gap twice."""
    told = [event for message in story.messages if message["type"] == "events" for event in message["events"]]
    assert sorted(event["sequence"] for event in told) == list(range(1, story.summary["events"] + 1))
    notices = [message for message in story.messages if message["type"] == "notice"]
    minutes = [notice["minute"] for notice in notices if notice["kind"] == "minute"]
    assert minutes == sorted(set(minutes))
    assert len(minutes) >= 20
    assert [notice["end"] is None for notice in notices if notice["kind"] == "gap"] == [True, False]


def test_the_pages_of_the_server_show_the_feed(story: Story) -> None:
    """A monitor sees what the feed does."""
    source = json.loads(story.pages["status"])["system_overview"]["arrivals"]["source"]
    assert (source["subscriptions_wanted"], source["subscriptions_acknowledged"]) == (3, 3)
    assert (source["gaps"], source["reconnects"]) == (1, 1)
    assert "tickstock_source_gaps_total 1" in story.pages["metrics"]
    assert json.loads(story.pages["health"])
    assert json.loads(story.pages["api/control"])["actions"] == ["kill"]


def test_the_key_is_nowhere(story: Story) -> None:
    """No output, file, page, process title or traceback has it."""
    shown = [story.out, story.err, story.command.decode(), *story.pages.values(), json.dumps(story.messages)]
    assert [text for text in shown if KEY in text] == []
    assert files_with(KEY, [story.folder]) == []
    assert (story.folder / "log").is_dir()


def test_a_refusal_that_repeats_the_key_is_told_without_it(tmp_path: Path) -> None:
    """The server's words are told, in an error, a traceback and the recording, and end the run with exit code 1."""

    async def refuse(client: Client) -> None:
        await client.tell(status("connected"))
        await client.command()
        await client.tell(status("auth_failed", f"the key {KEY} is unknown"))
        await client.stay()

    with scripted(refuse) as vendor:
        arguments = ("--url", vendor.url, "--symbols", "A", "--record", "rec", "--out", "e.jsonl", "--serve", ":0")
        with live(*arguments, "--log", "log", folder=tmp_path, TICKSTOCK_DEBUG="1") as process:
            out, err = ended(process)

    assert process.returncode == 1
    assert "the feed refuses the key: the key *** is unknown" in err
    assert KEY not in out + err
    assert files_with(KEY, [tmp_path]) == []
    assert "ledger: every row and every event, accounted for" in out
    assert (tmp_path / "e.jsonl").read_text() == ""


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "bad_key", "because": "plan"}, "Your plan doesn't include websocket access."),
        ({"kind": "max_connections", "seconds": 0}, "end the other program that uses the key"),
    ],
)
def test_a_feed_that_ends_for_good_leaves_outputs_whole(tmp_path: Path, fault: dict[str, Any], words: str) -> None:
    """Rows came before: their events are written, the summary is printed, and the exit code is 1."""
    plan = FaultPlan.model_validate(
        {"fault": [{"kind": "abort", "connection": 1, "after_rows": 2_000}, {**fault, "connection": [2, 3]}]}
    )
    quick = ("--set", "polygon.cooling_seconds=0.01", "--set", "polygon.cooling_times=1")
    with vendor_in_thread([list(played_market())], PlayOptions(speed=None), plan) as vendor:
        arguments = ("--url", vendor.url, "--symbols", "*", *CHANNELS, "--json", "--out", "e.parquet", *quick)
        with live(*arguments, "--record", "rec", folder=tmp_path) as process:
            out, err = ended(process)

    found = summary_of(out)
    assert process.returncode == 1
    assert words in err.splitlines()[-1]
    assert words in found["failure"]
    assert pq.read_table(tmp_path / "e.parquet").num_rows == found["events"] > 0
    assert unbalanced(found["ledger"]) == 0
    assert json.loads(run_tickstock("parity", tmp_path / "rec", "--json").stdout)["starts"][0]["end"] == "clean"


def test_events_are_lines_of_json_in_a_pipe_and_a_second_interrupt_leaves(tmp_path: Path) -> None:
    """A reader that stops reading stops the run at its next event; who insists gets away, with exit code 130."""
    with (
        vendor_in_thread([list(played_market())], PlayOptions(speed=SPEED, start_on_subscribe=True)) as vendor,
        live("--url", vendor.url, "--symbols", "*", folder=tmp_path) as process,
    ):
        assert process.stdout is not None
        fcntl(process.stdout, F_SETPIPE_SZ, 4_096)
        until(lambda: is_full(process), process, "the pipe was full")
        process.send_signal(signal.SIGINT)
        until(lambda: not vendor.hub.accepted, process, "the feed was left")
        process.send_signal(signal.SIGINT)
        assert process.wait(LONGEST_SECONDS) == 130

        # Read at last: the reader's own buffer holds more than the pipe, and the run would not stand still.
        assert json.loads(process.stdout.readline())["ticker"] in ("IBM", "AAPL", "MSFT")


def is_full(process: subprocess.Popen[str]) -> bool:
    """Return whether a command waits for room in its pipe: the next line does not fit, so nothing comes any more."""
    before = waiting_bytes(process)
    sleep(0.5)
    return before >= 3_500 and waiting_bytes(process) == before


def waiting_bytes(process: subprocess.Popen[str]) -> int:
    """Return the number of bytes that wait in a command's pipe to be read."""
    assert process.stdout is not None
    waiting = array("i", [0])
    ioctl(process.stdout, FIONREAD, waiting)
    return waiting[0]


def test_a_run_ends_when_its_time_is_up(tmp_path: Path) -> None:
    """By a duration and at a time, both with exit code 0 and a summary."""
    soon = format_time(time_ns() + 2 * SECOND)
    with vendor_in_thread([list(played_market())], PlayOptions(speed=SPEED)) as vendor:
        feed = ("--url", vendor.url, "--symbols", "IBM", "--json")
        with (
            live(*feed, "--duration", "2s", folder=tmp_path) as lasting,
            live(*feed, "--until", soon, folder=tmp_path) as timed,
        ):
            found = [summary_of(ended(process)[0]) for process in (lasting, timed)]
    assert [lasting.returncode, timed.returncode] == [0, 0]
    assert [summary["subscriptions"]["wanted"] for summary in found] == [2, 2]


@pytest.mark.parametrize("number", range(2))
def test_live_detects_what_the_replay_detects_at_any_speed(tmp_path: Path, market: dict[str, Any], number: int) -> None:
    """Detectors measure the time of events; SIGTERM ends as Ctrl-C does, with everything processed."""
    rng = Random(number)
    options = PlayOptions(
        speed=10 ** rng.uniform(2.5, 5), start_on_subscribe=True, events_per_frame=rng.choice((1, 25, 100, 1_000))
    )
    with (
        vendor_in_thread([list(played_market())], options) as vendor,
        live("--url", vendor.url, "--symbols", "*", *CHANNELS, "--json", folder=tmp_path) as process,
    ):
        until_sent(vendor, process)
        out, err = ended(process, signal.SIGTERM)
    assert process.returncode == 0, err
    assert detections(summary_of(out)["ledger"]) == detections(market["ledger"])


ANY = ("live", "--symbols", "AAPL")


@pytest.mark.parametrize(
    ("arguments", "key", "words"),
    [
        (ANY, "", "set POLYGON_API_KEY or MASSIVE_API_KEY; without an account, tickstock replay PATH --as-polygon"),
        (("live",), KEY, "--symbols is missing"),
        ((*ANY, "--channels", "T,A,AM"), KEY, "A"),
        ((*ANY, "--bars-from-trades", "1s", "--channels", "T,AM"), KEY, "leave AM out of the channels"),
        ((*ANY, "--duration", "1h", "--until", "16:00"), KEY, "--duration and --until both end the run; give one"),
        ((*ANY, "--json", "--out", "-"), KEY, "both write to stdout"),
        ((*ANY, "--url", "http://127.0.0.1"), KEY, "is no address of a feed"),
    ],
)
def test_what_contradicts_itself_is_one_line(arguments: tuple[str, ...], key: str, words: str, tmp_path: Path) -> None:
    """Before anything is recorded: the folder of the recording is not made."""
    result = run_tickstock(*arguments, "--record", "rec", folder=tmp_path, environment={KEY_VARIABLE: key})
    assert words in error_line(result)
    assert result.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_a_check_tells_what_is_granted_and_fails_if_something_is_not(tmp_path: Path) -> None:
    """A script asks before the market opens; nothing is left open."""
    plan = FaultPlan.model_validate({"fault": [{"kind": "not_authorized", "items": ["AM.*"]}]})
    market, options = [list(played_market())], PlayOptions(speed=1.0)
    with vendor_in_thread(market, options) as generous, vendor_in_thread(market, options, plan) as strict:
        check = ("--symbols", "*", "--check", "--set", "polygon.subscribe_seconds=0.3")
        with live("--url", strict.url, *check, "--json", folder=tmp_path) as refused:  # each listens for some seconds
            granted = run_tickstock("live", "--url", generous.url, *check, environment={KEY_VARIABLE: KEY})
            out, err = ended(refused)

    assert granted.returncode == 0
    assert "AM             1 of 1 subscription acknowledged" in granted.stdout
    assert re.search(r"authenticated  yes\n.*\n.*\n  rows .*\n  lag .*\n  clock offset ", granted.stdout)
    (found,) = json.loads(out)["connections"]
    assert refused.returncode == 1
    assert "1 of 2 not acknowledged: AM.* (not authorized)" in err
    assert (found["missing"], found["refusals"]) == (["AM.*"], ["not authorized"])
    assert KEY not in granted.stdout + granted.stderr + out + err

"""`tickstock replay … --as-polygon`: a recording as the vendor's feed, from its start to its end."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from pathlib import Path

import pytest

from tests.cli.running import error_line, run_tickstock
from tests.cli.serving import end, start
from tests.unit.vendors.polygon.played_client import Event, raw_client
from tickstock_cli.vendors.polygon.server.fault_plan import FaultPlan, load_faults

SAMPLE = Path("sample_data").resolve()
PAGE = Path("docs/polygon.md").resolve()
MORNING = ("--start", "09:30", "--end", "09:31")
TOML = re.compile(r"^```toml\n(.*?)^```", re.M | re.S)


async def read(url: str, items: str, count: int) -> list[Event]:
    """Subscribe, and read so many market events."""
    async with raw_client(url) as client:
        await client.subscribe(items)
        return await client.events(count)


def test_a_client_gets_the_rows_and_a_signal_ends_with_the_counts() -> None:
    """A script reads the address from the first line, and ends the vendor when it has seen enough."""
    with start("replay", SAMPLE, "--as-polygon", "127.0.0.1:0", "--speed", "max", *MORNING) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        events = asyncio.run(read(url, "T.*,AM.*,FMV.*", 1_000))
        assert {event["ev"] for event in events} == {"T", "AM", "FMV"}
        assert [event["t"] for event in events if event["ev"] == "T"] == sorted(
            event["t"] for event in events if event["ev"] == "T"
        )
        code, talk = end(process, signal.SIGTERM)
        assert code == 0
        assert f"as Polygon on {url}, as fast as clients read; Ctrl-C stops" in talk
        assert re.search(r"released [\d,]+ events; sent [\d,]+ in [\d,]+ frames over 1 connection\n", talk)


def test_json_is_one_object_at_the_end() -> None:
    """Stdout holds nothing else, so that it can be parsed."""
    with start(
        "replay", SAMPLE, "--as-polygon", ":0", "--speed", "1e9", "--symbols", "TICK01", "--json"
    ) as process:  # fmt: skip
        assert process.stderr is not None
        while "every row is out" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        summary = json.loads(out)
        assert process.returncode == 0
        assert summary["passes"] == 1
        assert (summary["connections"], summary["events_sent"], summary["faults"]) == (0, 0, {})


def test_faults_of_a_file_happen_and_are_counted(tmp_path: Path) -> None:
    """The connection is closed with its code, and the summary says how often."""
    faults = tmp_path / "faults.toml"
    faults.write_text('[[fault]]\nkind = "close"\ncode = 1012\nafter_rows = 5\n')

    async def story(url: str) -> tuple[int, int]:
        async with raw_client(url) as client:
            await client.subscribe("T.*")
            events, code = await client.until_closed()
            return len(events), code

    with start("replay", SAMPLE, "--as-polygon", ":0", "--speed", "max", "--fault", faults, *MORNING) as process:
        assert process.stdout is not None
        assert asyncio.run(story(process.stdout.readline().strip())) == (5, 1012)
        assert "faults: close 1" in end(process)[1]


def test_what_the_wire_cannot_carry_is_said() -> None:
    """Somebody who compares needs to know that times are cut, and that flags need conditions."""
    with start("replay", SAMPLE, "--as-polygon", ":0", "--speed", "1e9", *MORNING) as process:
        assert process.stderr is not None
        talk = ""
        while "every row is out" not in talk:
            talk += process.stderr.readline()
        assert "note: the wire cannot carry times with a part of a millisecond; tick rows have them" in talk
        assert "note: the wire cannot carry flags that conditions do not give; tick rows have them" in talk
        assert "note: the wire cannot carry values of market_price; fmv rows have them" in talk
        end(process)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--as-polygon", ":0", "--out", "events.csv"), "--out is about events, and --as-polygon sends the rows"),
        (("--as-polygon", ":0", "--serve", ":0"), "--serve is about events"),
        (("--as-polygon", ":0", "--pipeline", "multi"), "--pipeline is about events"),
        (("--loop",), "--loop is about the vendor played: add --as-polygon HOST:PORT"),
        (("--key", "k"), "--key is about the vendor played"),
        (("--fault", "faults.toml"), "--fault is about the vendor played"),
        (("--as-polygon", "nowhere:port"), "the port must be 0 to 65535"),
        (("--as-polygon", ":0", "--client-buffer", "4MB"), "as in 4MiB, was 4MB"),
        (("--as-polygon", ":0", "--fault", "missing.toml"), "cannot read the faults of missing.toml"),
        (("--as-polygon", ":0", "--speed", "0"), "--speed must be max or a number above 0"),
    ],
)
def test_what_does_not_go_together_is_one_line(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    """Nothing is served then, and the exit code is that of usage."""
    result = run_tickstock("replay", SAMPLE, *arguments, folder=tmp_path)
    assert words in error_line(result)
    assert result.returncode == 2


def test_a_taken_port_fails_before_anything_is_read() -> None:
    """The line says which address, and the exit code is that of a failure."""
    with start("replay", SAMPLE, "--as-polygon", ":0") as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip().removeprefix("ws://")
        result = run_tickstock("replay", SAMPLE, "--as-polygon", address)
        assert result.returncode == 1
        assert f"cannot serve on {address}: " in error_line(result)


def test_every_fault_of_the_page_is_one(tmp_path: Path) -> None:
    """The page shows each kind of fault in a file that can be copied."""
    plans = []
    for text in TOML.findall(PAGE.read_text(encoding="utf-8")):
        path = tmp_path / "faults.toml"
        path.write_text(text)
        plans.append(load_faults(path))
    kinds = {fault.kind for plan in plans for fault in plan.fault}
    every = FaultPlan.model_json_schema()["properties"]["fault"]["items"]["discriminator"]["mapping"]
    assert kinds == set(every)

"""`tickstock watch`: events of a server in a terminal, a pipe or a file."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.processes import LONGEST_SECONDS
from tests.cli.running import error_line, run_tickstock
from tests.cli.serving import end, served_file, start, until_sent, words, write_events
from tests.cli.small_disk import small_disk
from tests.unit.serving.served_runs import NewLog, event, new_log, served
from tickstock_cli.build import build_event_schema, settings_model
from tickstock_cli.serving.server import Address
from tickstock_cli.sources.event_files import read_declarations, read_events

__all__ = ["new_log"]


OUTS = ("--out", "e.jsonl", "--out", "e.parquet")


@pytest.fixture(scope="module")
def served_events(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Serve a file of events, and return the file and the address."""
    path = write_events(tmp_path_factory.mktemp("served") / "events.parquet", 600)
    with served_file(path) as (_, url):
        yield path, url


def test_a_run_is_shown_line_by_line(served_events: tuple[Path, str]) -> None:
    """Data on stdout, talk on stderr, the end with the run."""
    result = run_tickstock("watch", served_events[1], "--kinds", "surge,fmv", "--tickers", "ABC")

    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 80
    assert result.stdout.splitlines()[0].split()[:5] == ["03-03", "09:30:09.000", "ABC", "▲", "fmv"]
    assert result.stderr == "times are those of New York\nthe run is over: 80 events\n"


def test_a_universe_of_the_server_is_followed_by_its_name(new_log: NewLog) -> None:
    """The server knows its tickers; a name it does not know is answered with those it does."""
    log = new_log(30)
    log.finish()
    with served(log) as server:
        result = run_tickstock("watch", server.server.url, "--universe", "first", "--min-priority", "2", "--json")
        unknown = run_tickstock("watch", server.server.url, "--universe", "second")

    assert [json.loads(line)["sequence"] for line in result.stdout.splitlines()] == [6, 12, 15, 21, 27, 30]
    assert unknown.returncode == 2
    assert error_line(unknown).endswith("no universe is named 'second'; the universes are first")


def test_lines_can_come_highest_first(new_log: NewLog) -> None:
    """Of what comes at once; without the option they come in the order of the run."""
    log = new_log(5)
    log.finish()
    with served(log) as server:
        told = [run_tickstock("watch", server.server.url, *more).stdout for more in ([], ["--highest-first"])]

    by_time, by_priority = ([line.split()[4] for line in text.splitlines()] for text in told)
    assert by_time == ["low", "surge", "trend", "fmv", "high"]
    assert by_priority == ["low", "high", "surge", "trend", "fmv"]


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
def test_a_watched_file_is_the_file_that_was_served(
    served_events: tuple[Path, str], tmp_path: Path, suffix: str
) -> None:
    """Byte for byte: nothing is lost or bent on the way through JSON."""
    copy, original = tmp_path / f"copy{suffix}", write_events(tmp_path / f"original{suffix}", 600)
    result = run_tickstock("watch", served_events[1], "--out", copy)

    assert (result.returncode, result.stdout) == (0, "")
    assert copy.read_bytes() == original.read_bytes()


def test_a_watched_file_declares_the_kinds_of_the_run(tmp_path: Path) -> None:
    """A reader of the copy shows kinds and limits as one of the original does."""
    schema = build_event_schema(settings_model()())
    original = write_events(tmp_path / "original.parquet", 20, schema)
    with served_file(original) as (_, url):
        run_tickstock("watch", url, "--out", tmp_path / "copy.parquet")

    copy = tmp_path / "copy.parquet"
    assert read_events(copy).equals(read_events(original))
    assert [(one.name, one.kinds) for one in read_declarations(copy)] == [
        (one.name, one.kinds) for one in read_declarations(original)
    ]
    assert read_declarations(copy)


def test_a_full_disk_under_one_file_costs_no_other(served_events: tuple[Path, str], tmp_path: Path) -> None:
    """What can be written is written, and the error says which file is whole."""
    with small_disk():
        result = run_tickstock("watch", served_events[1], "--from", "first", *OUTS, folder=tmp_path)

    assert result.returncode == 1
    assert "error: 1 of 2 outputs failed: cannot write e.jsonl: " in result.stderr
    assert result.stderr.endswith("; written: e.parquet\n")
    assert [path.name for path in tmp_path.iterdir()] == ["e.parquet"]
    assert read_events(tmp_path / "e.parquet").height == 600


def test_json_lines_carry_the_numbers(served_events: tuple[Path, str]) -> None:
    """A program that stores the last one goes on behind it."""
    result = run_tickstock("watch", served_events[1], "--json", "--from", "599")

    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row.pop("sequence") for row in rows] == [599, 600]
    assert rows[1] == event(600)


def test_ctrl_c_leaves_a_complete_file_and_names_the_next_event(new_log: NewLog, tmp_path: Path) -> None:
    """130, as everywhere; with --from nothing is missing and nothing twice."""
    log = new_log(700)
    with served(log) as server:
        first, rest = tmp_path / "first.parquet", tmp_path / "rest.parquet"
        with start("watch", server.server.url, "--out", first) as process:
            until_sent(server, 700, process)
            code, talk = end(process)
        log.add(20)
        log.finish()
        number = talk.rstrip().rpartition(" ")[2]
        run_tickstock("watch", server.server.url, "--out", rest, "--from", number)

    assert code == 130
    assert talk.startswith("stopped after ")
    told = [*read_events(first)["event_id"], *read_events(rest)["event_id"]]
    assert told == [event(number)["event_id"] for number in range(1, 721)]


def test_a_stopped_watch_leaves_the_file_of_an_earlier_run(new_log: NewLog, tmp_path: Path) -> None:
    """Yesterday's whole file must not become today's short one."""
    log = new_log(100)
    target = tmp_path / "e.csv"
    target.write_text("of yesterday")
    with served(log) as server, start("watch", server.server.url, "--out", target) as process:
        until_sent(server, 100, process)
        code, talk = end(process)

    assert code == 130
    assert target.read_text() == "of yesterday"
    assert len((tmp_path / "e.csv.partial").read_text().splitlines()) == 101
    assert "these events are in " in talk


def test_watching_survives_a_restart_of_the_server(new_log: NewLog) -> None:
    """By itself: it says that the connection is gone, and that it is back."""
    log = new_log(10)
    with served(log) as server, start("watch", server.server.url, "--json") as process:
        assert process.stdout is not None
        before = [json.loads(process.stdout.readline())["sequence"] for _ in range(10)]
        port = server.server.port
        server.stop()
        log.add(10)
        log.finish()
        with served(log, address=Address(port=port)):
            after, talk = words(process)
        code = process.returncode

    assert (before, code) == (list(range(1, 11)), 0)
    assert [json.loads(line)["sequence"] for line in after.splitlines()] == list(range(11, 21))
    assert talk.splitlines() == [
        f"no connection to ws://127.0.0.1:{port}/ws (it closed the connection); retrying",
        "connected again, resuming with event 11",
        "the run is over: 20 events",
    ]


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
def test_a_watched_file_survives_a_restart_of_the_server(new_log: NewLog, tmp_path: Path, suffix: str) -> None:
    """Byte for byte the file of a run that was watched without a break."""
    log = new_log(300)
    copy, original = tmp_path / f"copy{suffix}", write_events(tmp_path / f"original{suffix}", 900)
    with served(log) as server, start("watch", server.server.url, "--out", copy) as process:
        until_sent(server, 300, process)
        port = server.server.port
        server.stop()
        log.add(600)
        log.finish()
        with served(log, address=Address(port=port)):
            _, talk = words(process)

    assert process.returncode == 0
    assert talk.splitlines()[-1] == "the run is over: 900 events"
    assert copy.read_bytes() == original.read_bytes()


def test_events_received_before_the_loss_of_a_server_are_kept(new_log: NewLog, tmp_path: Path) -> None:
    """Hours of events must not go with it; the exit code says that the run did not come to its end."""
    copy = tmp_path / "copy.parquet"
    with served(new_log(300)) as server, start("watch", server.server.url, "--out", copy, "--give-up", "0") as process:
        until_sent(server, 300, process)
        server.stop()
        _, talk = words(process)

    assert process.returncode == 1
    assert talk.splitlines()[1] == "note: outputs hold the 300 events that came before"
    assert len(read_events(copy)) == 300


def test_an_unreachable_server_is_an_error_after_a_time() -> None:
    """It says at once that it tries again, and at the end that it gave up."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    result = run_tickstock("watch", f"127.0.0.1:{port}", "--give-up", "0")

    assert result.returncode == 1
    assert result.stderr.splitlines()[0].endswith("retrying")
    assert result.stderr.splitlines()[1].startswith(f"error: cannot reach ws://127.0.0.1:{port}/ws for 0 s")


def test_a_closed_stdout_ends_watching_quietly(served_events: tuple[Path, str]) -> None:
    """`tickstock watch … | head -1` is no error worth a line."""
    with start("watch", served_events[1]) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.wait(LONGEST_SECONDS)
        assert process.stderr is not None
        complaint = process.stderr.read()

    assert (process.returncode, complaint) == (1, "times are those of New York\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--from", "0"], "--from must be now, first, or the number of an event"),
        (["--from", "701"], "the next event is 601"),
        (["--kinds", "hihg"], "the kinds are high, low, surge, trend, fmv"),
        (["--sources", "nasdaq"], 'sources[0] is "nasdaq"'),
        (["--out", "events.xls"], "unknown format of output 'events.xls'"),
        (["--json", "--out", "-"], "--json and --out - both write to stdout"),
        (["--json", "--highest-first"], "--highest-first is for lines on the terminal"),
        (["--universe", "core"], "no universe is named 'core'; this run has none"),
        (["--tickers", ","], "--tickers , names no ticker"),
        (["--kinds", ","], "--kinds , has no name; write A,B"),
        (["--sources", " , "], "--sources , has no name"),
    ],
)
def test_an_invalid_address_is_an_error_of_one_line(
    served_events: tuple[Path, str], tmp_path: Path, arguments: list[str], expected: str
) -> None:
    """Exit code 2, and nothing was written."""
    result = run_tickstock("watch", served_events[1], *arguments, folder=tmp_path)

    assert result.returncode == 2
    assert expected in error_line(result)
    assert list(tmp_path.iterdir()) == []


def test_a_sigterm_ends_watching_like_ctrl_c(new_log: NewLog) -> None:
    """A supervisor's stop is no crash."""
    with served(new_log(3)) as server, start("watch", server.server.url, "--json") as process:
        assert process.stdout is not None
        process.stdout.readline()
        code, talk = end(process, signal.SIGTERM)

    assert (code, talk) == (130, "stopped after 3 events; go on with --from 4\n")

"""Outputs appear whole under their names, or not at all."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from tests.cli.prepared import run_prepared, start_process
from tickstock_cli.errors import OutputError, UsageError
from tickstock_cli.sinks.opening import open_sink
from tickstock_cli.sinks.outputs import open_output

ONE_COLUMN = pa.schema([pa.field("ticker", pa.string())])

TO_STDOUT = """
import pyarrow as pa
from tickstock_cli.errors import OutputError
from tickstock_cli.sinks.opening import open_sink

schema = pa.schema([pa.field("ticker", pa.string())])
try:
    sink = open_sink("-", schema)
    for _ in range(50):
        sink.write(pa.record_batch([["AAPL"] * 5_000], schema=schema))
    sink.commit()
except OutputError as error:
    raise SystemExit(str(error))
"""


def test_a_link_keeps_pointing_to_the_file_that_was_replaced(tmp_path: Path) -> None:
    """`latest.jsonl -> today.jsonl` must not turn into a file of its own."""
    real, link = tmp_path / "today.jsonl", tmp_path / "latest.jsonl"
    link.symlink_to(real)

    output = open_output(str(link))
    output.stream.write(b"whole\n")
    output.commit()

    assert link.is_symlink()
    assert real.read_bytes() == b"whole\n"


def test_a_named_pipe_is_refused_and_kept(tmp_path: Path) -> None:
    """Replacing it by a file would cut off whoever reads it."""
    pipe = tmp_path / "events.jsonl"
    os.mkfifo(pipe)

    with pytest.raises(OutputError, match="it is a device or a pipe"):
        open_output(str(pipe))

    assert pipe.is_fifo()


def test_a_folder_that_cannot_be_entered_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """It was an error of the system, without what to do."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o644)
    if os.access(folder, os.X_OK):
        pytest.skip("this user may enter every folder")

    with pytest.raises(OutputError, match=r"events\.jsonl: permission denied; choose a folder you may write to"):
        open_output(str(folder / "events.jsonl"))


def test_the_temporary_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    """In a container the next run may well have the same process id."""
    target = tmp_path / "events.jsonl"
    stale = tmp_path / f".events.jsonl.{os.getpid()}.part"
    stale.write_bytes(b"half a li")

    output = open_output(str(target))
    output.stream.write(b"whole\n")
    output.commit()

    assert target.read_bytes() == b"whole\n"
    assert not stale.exists()


def test_the_temporaries_of_other_killed_processes_are_removed(tmp_path: Path) -> None:
    """After `kill -9` nobody else would; those of other targets, and what only looks like one, stay."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    stale = tmp_path / f".events.jsonl.{ended.pid}.part"
    others = [tmp_path / f".other.jsonl.{ended.pid}.part", tmp_path / ".events.jsonl.old.part"]
    for path in (stale, *others):
        path.write_bytes(b"half a li")

    open_output(str(tmp_path / "events.jsonl")).abort()

    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_the_temporary_of_a_running_process_stays(tmp_path: Path) -> None:
    """Its process id may belong to another container: then its lock tells that it is being written."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    foreign = tmp_path / f".events.jsonl.{ended.pid}.part"
    unlocked = tmp_path / f".events.jsonl.{os.getppid()}.part"
    unlocked.touch()

    with foreign.open("wb") as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        open_output(str(tmp_path / "events.jsonl")).abort()

    assert sorted(tmp_path.iterdir()) == sorted([foreign, unlocked])


def test_a_folder_that_vanishes_before_commit_is_an_error(tmp_path: Path) -> None:
    """Success is only what can be read back under the name."""
    folder = tmp_path / "out"
    folder.mkdir()
    output = open_output(str(folder / "events.csv"))
    next(folder.iterdir()).unlink()
    folder.rmdir()

    with pytest.raises(OutputError, match="its folder does not exist"):
        output.commit()

    output.abort()


def test_a_suffix_nobody_writes_is_a_usage_error() -> None:
    """The message lists what there is."""
    with pytest.raises(UsageError, match=r"ends in \.parquet, \.jsonl, \.csv, or - for stdout"):
        open_sink("events.xlsx")


def test_the_suffix_may_be_in_capitals(tmp_path: Path) -> None:
    """EVENTS.CSV is a CSV file."""
    sink = open_sink(str(tmp_path / "EVENTS.CSV"), ONE_COLUMN)
    sink.commit()

    assert (tmp_path / "EVENTS.CSV").read_text() == '"ticker"\n'


def test_dash_writes_json_lines_to_stdout() -> None:
    """Every row arrives, in a pipe too."""
    result = run_prepared(program=TO_STDOUT)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == '{"ticker":"AAPL"}\n' * 250_000


def test_a_reader_that_leaves_early_is_an_error() -> None:
    """`| head -1` took one line; the run must not claim it delivered them all."""
    with start_process(program=TO_STDOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read()

    assert first == '{"ticker":"AAPL"}\n'
    assert process.returncode != 0
    assert "cannot write standard output: its reader closed it before the end" in complaint


def test_a_full_disk_behind_stdout_is_an_error() -> None:
    """/dev/full takes no byte, as a redirect to a full disk does."""
    with open("/dev/full", "w") as full:
        result = run_prepared(program=TO_STDOUT, stdout=full)

    assert result.returncode == 1
    assert result.stderr.startswith("cannot write standard output: the disk is full")

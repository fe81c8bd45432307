"""`tickstock replay --out -` among other commands: JSON lines, readers that leave, and readers that hang."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Here
from tests.cli.market import morning
from tests.cli.prepared import run_prepared
from tests.cli.processes import last_words, read_lines, running
from tests.unit.engine.events import morning_events

pytestmark = pytest.mark.usefixtures("compiled")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a recording and a former output."""
    morning(tmp_path / "recorded")
    (tmp_path / "e.parquet").write_bytes(b"yesterday")
    return tmp_path


def files_of(folder: Path) -> dict[str, bytes]:
    """Read the files of a folder, hidden ones too."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_data_is_on_stdout_and_messages_are_on_stderr(here: Here, folder: Path) -> None:
    """The lines are those of a .jsonl file; the summary is beside them, not among them."""
    result = here("replay", folder / "recorded", "--out", "-", "--out", "e.jsonl", "--table")

    assert result.returncode == 0
    assert result.stdout.encode() == (folder / "e.jsonl").read_bytes()
    assert [json.loads(line) for line in result.stdout.splitlines()] == morning_events().to_pylist()
    assert f"{len(morning_events())} events" in result.stderr
    assert "ledger" in result.stderr


@pytest.mark.parametrize("fresh", [None, ("-u",)], ids=["buffered", "unbuffered"])
def test_a_closed_stdout_ends_the_run_quietly(folder: Path, fresh: tuple[str, ...] | None) -> None:
    """`| head -1` gets its line, and no complaint; the exit code says that not all was delivered.

    Unbuffered, as in most containers, a write to a closing pipe says how much it took and raises nothing.
    """
    with running("replay", "recorded", "--out", "-", folder=folder, fresh=fresh) as process:
        line = read_lines(process, 1)[0]
        told = last_words(process)

    assert json.loads(line) == morning_events().to_pylist()[0]
    assert (process.returncode, told) == (1, "")


def test_a_closed_stdout_is_reported_and_costs_no_file(folder: Path) -> None:
    """The file is whole; what the reader did not get is an error, so silence would be a lie."""
    with running("replay", "recorded", "--out", "-", "--out", "e.parquet", folder=folder) as process:
        read_lines(process, 1)
        told = last_words(process)

    assert process.returncode == 1
    reason = "cannot write standard output: its reader closed it before the end; events were lost"
    lines = told.splitlines()
    assert lines[0] == f"warning: {reason}; the other outputs go on"
    assert lines[-1] == f"error: 1 of 2 outputs failed: {reason}; written: e.parquet"
    assert pq.read_table(folder / "e.parquet").num_rows == len(morning_events())


def test_a_full_disk_behind_stdout_is_an_error(folder: Path) -> None:
    """As in `--out - > events.jsonl` on a full disk."""
    with open("/dev/full", "w") as full:
        result = run_prepared("replay", "recorded", "--out", "-", cwd=folder, stdout=full)

    assert result.returncode == 1
    assert result.stderr == (
        "error: cannot write standard output: the disk is full; free some space or write elsewhere\n"
    )


def test_a_second_signal_ends_a_run_whose_reader_hangs(folder: Path) -> None:
    """The first asks for a clean end, which a full pipe holds up; the second drops everything and leaves no file.

    Two different signals, because two of one kind may arrive as one.
    """
    before = files_of(folder)
    with running("replay", "recorded", "--out", "-", "--out", "e.parquet", folder=folder) as process:
        read_lines(process, 1)
        os.kill(process.pid, signal.SIGTERM)
        os.kill(process.pid, signal.SIGINT)
        assert process.stderr is not None
        told = process.stderr.read()
        process.wait()

    assert (process.returncode, told) == (130, "interrupted\n")
    assert files_of(folder) == before

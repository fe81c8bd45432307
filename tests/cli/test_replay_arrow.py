"""`tickstock replay arrow:…`: rows from another process, as Arrow streams through a pipe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Here
from tests.cli.market import morning
from tests.cli.prepared import start_process
from tests.cli.processes import LONGEST_SECONDS

pytestmark = pytest.mark.usefixtures("compiled")

WRITER = """
import sys
import pyarrow as pa, pyarrow.parquet as pq

rows = pq.read_table(sys.argv[1])
with pa.ipc.new_stream(sys.stdout.buffer, rows.schema) as stream:
    stream.write_table(rows, max_chunksize=100)
"""
"""What docs/recordings.md shows."""


@pytest.fixture
def ticks(tmp_path: Path) -> Path:
    """Return a recording of the ticks of a morning."""
    return morning(tmp_path / "recorded") / "ticks.parquet"


def stream_of(rows: pa.Table) -> bytes:
    """Write rows as one Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows, max_chunksize=100)
    return sink.getvalue().to_pybytes()


@contextmanager
def replaying(*arguments: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a replay with a pipe for its input."""
    with start_process(
        "replay",
        *arguments,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("TICKSTOCK_")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_rows_of_another_process_are_replayed(here: Here, ticks: Path, tmp_path: Path) -> None:
    """The events of a stream are those of the recording it was written from, to the last byte."""
    here("replay", ticks, "--out", "file.parquet")
    with (
        subprocess.Popen([sys.executable, "-c", WRITER, str(ticks)], stdout=subprocess.PIPE) as writer,
        replaying("arrow:-", "--out", "pipe.parquet", "--json", folder=tmp_path) as process,
    ):
        assert writer.stdout is not None
        assert process.stdin is not None
        while piece := writer.stdout.read(1_000):
            process.stdin.write(piece)
        _, told = process.communicate(timeout=LONGEST_SECONDS)

    assert (process.returncode, told) == (0, b"")
    assert (tmp_path / "pipe.parquet").read_bytes() == (tmp_path / "file.parquet").read_bytes()


def test_rows_are_processed_as_they_arrive(ticks: Path, tmp_path: Path) -> None:
    """A writer that goes on for hours is not waited for: its events are told while it is still at it."""
    with replaying("arrow:-", "--out", "-", folder=tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(stream_of(pq.read_table(ticks)))
        process.stdin.flush()

        first = process.stdout.readline()

        assert b'"kind"' in first
        assert process.poll() is None
        process.communicate(b"", LONGEST_SECONDS)
    assert process.returncode == 0


def test_ctrl_c_ends_a_replay_whose_input_is_silent(ticks: Path, tmp_path: Path) -> None:
    """Nothing comes, so nothing wakes the reader: the signal has to."""
    with replaying("arrow:-", "--out", "e.jsonl", "--out", "-", folder=tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(stream_of(pq.read_table(ticks)))
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()

        assert process.wait(LONGEST_SECONDS) == 130
    assert rest.count(b"\n") == (tmp_path / "e.jsonl").read_bytes().count(b"\n") - 1


def test_a_replay_waits_for_the_writer_of_a_named_pipe(here: Here, ticks: Path, tmp_path: Path) -> None:
    """Reader and writer may start in any order."""
    os.mkfifo(tmp_path / "pipe")
    here("replay", ticks, "--out", "file.parquet")
    with replaying("arrow:pipe", "--out", "pipe.parquet", folder=tmp_path) as process:
        with (tmp_path / "pipe").open("wb") as pipe:
            pipe.write(stream_of(pq.read_table(ticks)))
        process.communicate(timeout=LONGEST_SECONDS)

    assert (tmp_path / "pipe.parquet").read_bytes() == (tmp_path / "file.parquet").read_bytes()


def test_a_writer_that_dies_is_an_error(here: Here, ticks: Path, tmp_path: Path) -> None:
    """Between two batches, what came looks whole; only the mark at the end tells."""
    whole = stream_of(pq.read_table(ticks))
    rows = pq.read_metadata(ticks).num_rows

    told = []
    for number, came in enumerate((whole[:-8], whole[:-1_000], b"", b"ARROW1\0\0", b"price,size\n180.0,1\n")):
        (tmp_path / f"{number}.arrow").write_bytes(came)
        result = here("replay", f"arrow:{number}.arrow", "--out", "e.parquet")
        assert result.returncode == 3
        assert result.stderr.count("\n") == 1
        told.append(result.stderr)

    assert (
        told[0] == f"error: arrow:0.arrow is cut off behind row {rows}: its writer ended before the end of the stream\n"
    )
    assert told[1].startswith("error: cannot read arrow:1.arrow behind row ")
    assert told[2].startswith("error: arrow:2.arrow is empty: its writer wrote no Arrow stream")
    assert told[3].startswith(
        "error: arrow:3.arrow is an Arrow file, not a stream: write it with pyarrow.ipc.new_stream"
    )
    assert told[4].startswith(
        "error: cannot read arrow:4.arrow behind row 0: it is damaged, cut off or not an Arrow stream"
    )
    assert not (tmp_path / "e.parquet").exists()


def test_rejected_rows_keep_their_original_values(here: Here, ticks: Path, tmp_path: Path) -> None:
    """A stream has gone by when its row is judged: what nobody kept could not be shown."""
    columns = pq.read_table(ticks).to_pydict()
    columns["price"][7], columns["ticker"][300] = -1.0, None
    (tmp_path / "bad.arrow").write_bytes(stream_of(pa.table(columns)))

    here("replay", "arrow:bad.arrow", "--rejects", "rejects.parquet")
    strict = here("replay", "arrow:bad.arrow", "--strict")

    kept = pq.read_table(tmp_path / "rejects.parquet").select(["ticker", "price", "file", "row", "reason"]).to_pylist()
    assert kept == [
        {"ticker": columns["ticker"][7], "price": -1.0, "file": "arrow:bad.arrow", "row": 7, "reason": "price"},
        {"ticker": None, "price": columns["price"][300], "file": "arrow:bad.arrow", "row": 300, "reason": "ticker"},
    ]
    assert strict.stderr.startswith(
        "error: arrow:bad.arrow: row 7 has a price that is no number above zero (price=-1.0)"
    )


def test_guesses_about_a_stream_are_reported_at_the_end(here: Here, ticks: Path, tmp_path: Path) -> None:
    """Before its first row, nobody knows how it is to be read."""
    columns = pq.read_table(ticks).to_pydict()
    columns["timestamp"] = pa.array(columns["timestamp"]).cast(pa.timestamp("ns"))
    (tmp_path / "naive.arrow").write_bytes(stream_of(pa.table(columns)))

    result = here("replay", "arrow:naive.arrow", "--json")

    assert result.stderr.startswith("note: in arrow:naive.arrow, times without a zone are read as UTC")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("arrow:-", "--checkpoint", "c"), "arrow:- can be read only once, and a checkpoint is of no use without it"),
        (("arrow:-", "--pipeline", "compare"), "arrow:- can be read only once, and the comparison replays it twice"),
        (("arrow:-", "--sort"), "--sort sorts recordings, but arrow:- is read in the order of arrival"),
        (("arrow:-", "recorded"), "arrow:- and recorded are read by different sources"),
        (("arrow:-", "arrow:x"), "a run reads one Arrow stream, not arrow:- and arrow:x"),
        (("arrow:",), "the target arrow: has no stream"),
        (("arrow:-", "--start", "09:30"), "the recording does not show the date of 09:30; write it too"),
    ],
)
def test_options_that_need_a_file_are_errors_before_a_pipe_is_read(
    here: Here, arguments: tuple[str, ...], told: str
) -> None:
    """In one line, with exit code 2."""
    result = here("replay", *arguments)

    assert result.returncode == 2
    assert result.stderr.startswith(f"error: {told}")
    assert result.stderr.count("\n") == 1


def test_an_unknown_source_is_not_read_as_a_file(here: Here) -> None:
    """A typo in a scheme is told with the schemes there are."""
    result = here("replay", "arow:-")

    assert result.returncode == 3
    assert result.stderr == (
        "error: no such file or folder: arow:-; and no source arow (sources: recordings, arrow, polygon)\n"
    )


@pytest.mark.parametrize("command", ["verify", "inspect"])
def test_commands_that_read_twice_refuse_a_pipe(here: Here, command: str) -> None:
    """They read their input more than once."""
    result = here(command, "arrow:-")

    assert result.returncode == 2
    assert result.stderr.startswith("error: arrow:- ")

"""Recordings in an object store."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Here
from tests.cli.running import error_line, run_process
from tests.object_server import ObjectServer, known, objects
from tickstock_cli.core.shipped import shipped_folder

__all__ = ["known", "objects"]

SAMPLE = shipped_folder("sample_data")
DIGEST = "aa3631101022bd4e"


@pytest.fixture
def bucket(known: ObjectServer) -> str:
    """Return a bucket with the sample."""
    name = known.new_bucket()
    for path in SAMPLE.glob("*.parquet"):
        known.put_file(f"{name}/sample/{path.name}", path)
    return name


def test_a_replay_of_objects_finds_the_events_of_the_files(bucket: str, known: ObjectServer, here: Here) -> None:
    """The digest covers every event."""
    result = here("replay", f"s3://{bucket}/sample", "--json", environment=known.environment)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["digest"].startswith(DIGEST)


def test_inspect_shows_objects_by_their_names(bucket: str, known: ObjectServer, here: Here) -> None:
    """No temporary file appears."""
    result = here("inspect", f"s3://{bucket}/sample", "--json", environment=known.environment)
    assert result.returncode == 0, result.stderr
    files = json.loads(result.stdout)["files"]
    assert [file["path"] for file in files] == [
        f"s3://{bucket}/sample/{name}.parquet" for name in ("ticks", "bars", "fmv")
    ]
    assert files[0]["bytes"] == (SAMPLE / "ticks.parquet").stat().st_size


def test_an_object_that_is_no_recording_is_told_by_its_name(bucket: str, known: ObjectServer, here: Here) -> None:
    """The user never named the local copy."""
    known.put(f"{bucket}/broken.parquet", b"PAR1 and nothing else")
    result = here("replay", f"s3://{bucket}/broken.parquet", environment=known.environment)
    assert result.returncode == 3
    assert error_line(result).startswith(f"cannot read s3://{bucket}/broken.parquet: it is damaged")


def test_local_copies_are_gone_after_the_command(bucket: str, known: ObjectServer, tmp_path: Path) -> None:
    """They fill a disk otherwise."""
    room = tmp_path / "room"
    room.mkdir()
    result = run_process(
        "replay", f"s3://{bucket}/sample", "--json", environment={**known.environment, "TMPDIR": str(room)}, fresh=True
    )
    assert json.loads(result.stdout)["digest"].startswith(DIGEST), result.stderr
    assert list(room.iterdir()) == []


@pytest.mark.parametrize("name", ["events.parquet", "events.jsonl", "events.csv"])
def test_outputs_are_written_as_objects(
    name: str, bucket: str, known: ObjectServer, here: Here, tmp_path: Path
) -> None:
    """Byte for byte the file of the same name, beside which nothing appears."""
    outs = "--out", f"s3://{bucket}/runs/1/{name}", "--out", name
    result = here("replay", f"s3://{bucket}/sample", *outs, "--json", environment=known.environment)
    assert result.returncode == 0, result.stderr
    assert known.get(f"{bucket}/runs/1/{name}") == (tmp_path / name).read_bytes()
    assert [key for key in known.keys(bucket) if key.startswith("runs")] == [f"runs/1/{name}"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_rejected_rows_are_written_as_an_object(bucket: str, known: ObjectServer, here: Here) -> None:
    """As events are, also without one."""
    outs = "--out", f"s3://{bucket}/events.jsonl", "--rejects", f"s3://{bucket}/rejects.parquet"
    options = "--symbols", "NONESUCH"
    result = here("replay", f"s3://{bucket}/sample", *outs, *options, environment=known.environment)
    assert result.returncode == 0, result.stderr
    assert known.get(f"{bucket}/events.jsonl") == b""
    assert known.get(f"{bucket}/rejects.parquet")[:4] == b"PAR1"


def test_a_run_that_fails_writes_no_object(bucket: str, known: ObjectServer, here: Here, tmp_path: Path) -> None:
    """What stood there before stays, as with a file."""
    times = [1_381_248_000_000_000_000 + second * 10**9 for second in range(3)]
    ticks = {"ticker": ["IBM"] * 3, "timestamp": times, "price": [180.0, 181.0, -1.0], "size": [1, 2, 3]}
    pq.write_table(pa.table(ticks), tmp_path / "ticks.parquet")
    known.put_file(f"{bucket}/odd/ticks.parquet", tmp_path / "ticks.parquet")
    known.put(f"{bucket}/events.jsonl", b"before")
    out = f"s3://{bucket}/events.jsonl"
    result = here("replay", f"s3://{bucket}/odd", "--strict", "--out", out, environment=known.environment)
    assert result.returncode == 3
    assert f"s3://{bucket}/odd/ticks.parquet" in result.stderr
    assert known.get(f"{bucket}/events.jsonl") == b"before"


def test_a_bucket_that_is_not_there_ends_a_run_before_its_first_row(known: ObjectServer, here: Here) -> None:
    """Not after an hour."""
    result = here("replay", "sample_data", "--out", "s3://nobody-has-it/events.jsonl", environment=known.environment)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        "error: cannot write s3://nobody-has-it/events.jsonl: there is no bucket nobody-has-it"
    )


def test_events_that_cannot_be_uploaded_are_kept(bucket: str, known: ObjectServer, here: Here, tmp_path: Path) -> None:
    """An account that may only write is refused every question, so the refusal shows at the end: nothing is lost."""
    with known.refusing(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path))
        result = here("replay", "sample_data", "--out", f"s3://{bucket}/events.jsonl", environment=known.environment)
    assert result.returncode == 1
    line = result.stderr.splitlines()[-1]
    assert f"cannot write s3://{bucket}/events.jsonl: access is denied" in line
    kept = Path(line.partition("its content is in ")[2])
    assert kept.is_relative_to(tmp_path)
    assert len(kept.read_text().splitlines()) == 1_655
    assert "events.jsonl" not in known.keys(bucket)


def test_an_object_that_is_read_is_not_replaced(bucket: str, known: ObjectServer, here: Here) -> None:
    """However its name is written."""
    path = f"s3://{bucket}/sample/ticks.parquet"
    result = here("replay", path, "--out", f"s3://{bucket}//sample/ticks.parquet", environment=known.environment)
    assert result.returncode == 2
    assert error_line(result).endswith("is a recording to be read and would be replaced; name another output")


@pytest.mark.parametrize(
    "command",
    [
        ("import", "csv", "s3://archive/day.csv", "--out", "there"),
        ("import", "csv", "day.csv", "--out", "s3://archive/there"),
        ("synth", "s3://archive/market"),
        ("backtest", "sample_data", "--out", "s3://archive/found"),
        ("replay", "sample_data", "--checkpoint", "s3://archive/state"),
        ("diff", "s3://archive/a.parquet", "s3://archive/b.parquet"),
    ],
)
def test_what_is_on_the_disk_only_is_refused_at_a_store(command: tuple[str, ...], here: Here, tmp_path: Path) -> None:
    """No folder with the name of a scheme appears."""
    (tmp_path / "day.csv").write_text("ticker,timestamp,price,size\nIBM,2024-01-03T15:00:00Z,1.0,1\n")
    result = here(*command)
    assert result.returncode == 2, result.stderr
    assert "on the disk, not at s3://archive/" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["day.csv"]

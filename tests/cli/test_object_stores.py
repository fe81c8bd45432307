"""Recordings in an object store."""

from __future__ import annotations

import json
from pathlib import Path

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

"""`gs://`: the same commands on the other client of Arrow's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Here
from tests.cli.running import error_line
from tests.google_store import GoogleStore, google
from tests.unit.importing.flat_files import TRADES, trade, write_gz
from tickstock_cli.core.shipped import shipped_folder

__all__ = ["google"]

DIGEST = "aa3631101022bd4e"


@pytest.fixture
def bucket(google: GoogleStore) -> str:
    """Return a bucket with the sample."""
    for path in shipped_folder("sample_data").glob("*.parquet"):
        google.put("archive", f"sample/{path.name}", path.read_bytes())
    return "gs://archive"


def test_a_replay_finds_the_events_of_the_files(bucket: str, google: GoogleStore, here: Here) -> None:
    """From a prefix, to objects that are the files of the same names."""
    out = f"{bucket}/runs/1/events.parquet"
    result = here(
        "replay", f"{bucket}/sample", "--out", out, "--out", "events.parquet", "--json", environment=google.environment
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["digest"].startswith(DIGEST)
    compared = here("diff", out, "events.parquet", environment=google.environment)
    assert compared.returncode == 0, compared.stderr


def test_globs_find_objects(bucket: str, google: GoogleStore, here: Here) -> None:
    """At the end and in the middle of a name."""
    result = here("inspect", f"{bucket}/s*/t*.parquet", "--json", environment=google.environment)
    assert result.returncode == 0, result.stderr
    assert [file["path"] for file in json.loads(result.stdout)["files"]] == [f"{bucket}/sample/ticks.parquet"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("gs://archive/no.parquet", "no such object or prefix: gs://archive/no.parquet"),
        ("gs://nobody-has-it/a.parquet", "cannot read gs://nobody-has-it/a.parquet: there is no bucket nobody-has-it"),
    ],
)
@pytest.mark.usefixtures("bucket")
def test_what_is_not_there_is_one_line(path: str, line: str, google: GoogleStore, here: Here) -> None:
    """An object, and a bucket."""
    result = here("replay", path, environment=google.environment)
    assert result.returncode == 3
    assert error_line(result) == line


def test_an_object_that_is_replaced_while_it_is_fetched_is_no_mixture(
    google: GoogleStore, here: Here, tmp_path: Path
) -> None:
    """Its generation tells it; an import of the new content is told as replaced by what it was imported as."""
    made = write_gz(tmp_path / "made.csv.gz", TRADES, [trade("A", at * 10**9, f"{10 + at}") for at in range(3)])
    google.put("flatfiles", "trades_v1/2024-01-03.csv.gz", made.read_bytes())
    command = ("import", "polygon-flatfiles", "gs://flatfiles/trades_v1", "--out", "days")

    first = here(*command, environment=google.environment)
    again = here(*command, environment=google.environment)
    later = write_gz(tmp_path / "made.csv.gz", TRADES, [trade("A", at * 10**9, f"{10 + at}") for at in range(4)])
    google.put("flatfiles", "trades_v1/2024-01-03.csv.gz", later.read_bytes())
    other = here(*command, environment=google.environment)

    assert "3 tick to days/2024-01-03/tick.parquet" in first.stdout, first.stderr
    assert "imported before" in again.stdout
    assert "was replaced since it was imported on" in error_line(other)

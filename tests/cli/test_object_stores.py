"""Recordings in an object store."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Here
from tests.cli.running import error_line, run_process
from tests.object_server import ObjectServer, known, objects
from tests.unit.importing.flat_files import TRADES, trade, write_gz
from tickstock_cli.core.shipped import shipped_folder
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings

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


def test_days_outside_the_wanted_times_are_not_fetched(known: ObjectServer, tmp_path: Path) -> None:
    """Their footers are enough, whatever the unit of the times; an object that does not tell is fetched."""
    name, day, first = known.new_bucket(), 86_400 * 10**9, 1_704_292_200_000_000_000
    for number in range(8):
        times = pa.array([first + number * day + second * 10**9 for second in range(3)])
        column = times.cast(pa.timestamp("ns")).cast(pa.timestamp("ms")) if number % 2 else times
        ticks = pa.table({"ticker": ["A"] * 3, "timestamp": column, "price": [1.0] * 3, "size": [1.0] * 3})
        path = tmp_path / f"day-{number}.parquet"
        pq.write_table(ticks, path, write_statistics=number != 7)
        known.put_file(f"{name}/{path.name}", path)
    start, end = first + 3 * day, first + 3 * day + 1
    within = ReadOptions(start=start, end=end)

    with Recordings.open([f"s3://{name}"], within) as stored, Recordings.open([tmp_path], within) as files:
        fetched = [file.path.name for file in stored.files]
        rows = [sum(len(step.ticks) for step in recordings.batches(100)) for recordings in (stored, files)]

    assert fetched == [f"day-{number}.parquet" for number in (1, 2, 3, 4, 5, 7)]
    assert rows == [1, 1]


def test_events_are_compared_and_scored_in_a_store(
    bucket: str, known: ObjectServer, here: Here, tmp_path: Path
) -> None:
    """Parquet, JSON lines and CSV, as files are."""
    outs = [f"s3://{bucket}/events{suffix}" for suffix in (".parquet", ".jsonl", ".csv")]
    here("replay", "sample_data", *(word for out in outs for word in ("--out", out)), environment=known.environment)
    for out in outs[1:]:
        result = here("diff", outs[0], out, environment=known.environment)
        assert result.returncode == 0, result.stderr
    truth = pl.DataFrame(schema={"kind": str, "ticker": str, "direction": int, "start": int, "end": int})
    truth.write_parquet(tmp_path / "truth.parquet")
    known.put_file(f"{bucket}/market/_truth.parquet", tmp_path / "truth.parquet")
    scored = here("score", outs[0], f"s3://{bucket}/market", "--json", environment=known.environment)
    assert scored.returncode == 0, scored.stderr
    other = truth.vstack(pl.DataFrame([("surge", "NONE", 1, 0, 1)], schema=truth.schema, orient="row"))
    other.write_parquet(tmp_path / "other.parquet")
    known.put_file(f"{bucket}/other/_truth.parquet", tmp_path / "other.parquet")
    mistaken = here("score", outs[0], f"s3://{bucket}/other", environment=known.environment)
    assert mistaken.returncode == 3
    assert error_line(mistaken).startswith(f"{outs[0]} and s3://{bucket}/other have no ticker in common (")


def test_events_that_are_not_in_a_store_are_named(bucket: str, known: ObjectServer, here: Here) -> None:
    """An object that is not there, and a prefix."""
    nowhere = here("diff", f"s3://{bucket}/no.parquet", "b.parquet", environment=known.environment)
    prefix = here("diff", f"s3://{bucket}/sample", "b.parquet", environment=known.environment)
    assert (nowhere.returncode, prefix.returncode) == (3, 3)
    assert error_line(nowhere) == f"no such object or prefix: s3://{bucket}/no.parquet"
    assert error_line(prefix) == f"cannot read s3://{bucket}/sample: it is a prefix; name an object"


def test_an_import_goes_to_the_disk(here: Here, tmp_path: Path) -> None:
    """A store cannot change all files of a folder at once, and the line says what to do."""
    result = here("import", "csv", "day.csv", "--out", "s3://archive/there")
    assert result.returncode == 2
    assert error_line(result) == (
        "an import changes all files of a folder at once, which s3://archive/there cannot: import into a folder of the "
        "disk, and copy it there"
    )
    assert list(tmp_path.iterdir()) == []


class TestImport:
    """Flat files lie in a store of their vendor."""

    KEY = "us_stocks_sip/trades_v1/2024/01/2024-01-03.csv.gz"

    @pytest.fixture
    def flat_files(self, known: ObjectServer, tmp_path: Path) -> str:
        """Return a bucket with the trades of a day."""
        name = known.new_bucket()
        self.put(known, name, tmp_path, rows=3)
        return name

    def put(self, known: ObjectServer, name: str, folder: Path, rows: int) -> None:
        """Write the trades of the day as an object."""
        lines = [trade(ticker, at * 10**9, f"{10 + at}") for ticker in ("A", "B") for at in range(rows)]
        known.put_file(f"{name}/{self.KEY}", write_gz(folder / "made.csv.gz", TRADES, lines))

    def test_files_of_a_prefix_are_read_from_the_store(self, flat_files: str, known: ObjectServer, here: Here) -> None:
        """The folder of a prefix says the data set; the next import need not read them again."""
        command = ("import", "polygon-flatfiles", f"s3://{flat_files}/us_stocks_sip/trades_v1", "--out", "days")

        first = here(*command, environment=known.environment)
        again = here(*command, environment=known.environment)

        path = f"s3://{flat_files}/{self.KEY}"
        assert first.stdout == f"{path}: 6 tick to days/2024-01-03/tick.parquet\n", first.stderr
        assert again.stdout.startswith(f"{path}: imported before, on ")

    def test_one_that_is_not_there_yet_may_come(self, flat_files: str, known: ObjectServer, here: Here) -> None:
        """The exit code lets a scheduler try again; a bucket that is not there is another matter."""
        later = f"s3://{flat_files}/{self.KEY.replace('01-03', '01-04')}"

        result = here("import", "polygon-flatfiles", later, "--out", "days", environment=known.environment)
        csv = here("import", "csv", later, "--out", "days", environment=known.environment)
        nowhere = later.replace(flat_files, "nobody-has-it")
        bucket = here("import", "polygon-flatfiles", nowhere, "--out", "days", environment=known.environment)

        assert (result.returncode, csv.returncode, bucket.returncode) == (5, 3, 3)
        assert error_line(bucket) == f"cannot read {nowhere}: there is no bucket nobody-has-it"
        assert error_line(result) == f"{later}: there is no such object; it may not be published yet"
        assert error_line(csv) == f"{later}: there is no such object"

    def test_one_that_was_replaced_is_told(
        self, flat_files: str, known: ObjectServer, here: Here, tmp_path: Path
    ) -> None:
        """By its content: the same one, written again, was not."""
        command = ("import", "polygon-flatfiles", f"s3://{flat_files}/{self.KEY}", "--out", "days")
        here(*command, environment=known.environment)

        self.put(known, flat_files, tmp_path, rows=3)
        same = here(*command, environment=known.environment)
        self.put(known, flat_files, tmp_path, rows=4)
        other = here(*command, environment=known.environment)
        anew = here(*command, "--replace", environment=known.environment)

        assert "imported before" in same.stdout
        assert other.returncode == 3
        assert "was replaced since it was imported on" in error_line(other)
        assert "8 tick to days/2024-01-03/tick.parquet in place of the rows it had before" in anew.stdout

    def test_a_zip_in_a_store_is_read(self, known: ObjectServer, here: Here, tmp_path: Path) -> None:
        """Also one of many parts, which its directory at the end describes."""
        name = known.new_bucket()
        with ZipFile(tmp_path / "made.zip", "w") as archive:
            archive.writestr("ticks.csv", "ticker,timestamp,price,size\n" + "A,1704292200,10.5,100\n" * 500_000)
        known.put_file(f"{name}/ticks.zip", tmp_path / "made.zip")

        result = here("import", "csv", f"s3://{name}/*.zip", "--out", "days", environment=known.environment)

        assert result.stdout == f"s3://{name}/ticks.zip: 500,000 tick to days/2024-01-03/tick.parquet\n", result.stderr


def test_an_object_that_is_read_is_not_replaced(bucket: str, known: ObjectServer, here: Here) -> None:
    """However its name is written."""
    path = f"s3://{bucket}/sample/ticks.parquet"
    result = here("replay", path, "--out", f"s3://{bucket}//sample/ticks.parquet", environment=known.environment)
    assert result.returncode == 2
    assert error_line(result).endswith("is a recording to be read and would be replaced; name another output")


@pytest.mark.parametrize(
    "command",
    [
        ("synth", "s3://archive/market"),
        ("backtest", "sample_data", "--out", "s3://archive/found"),
        ("replay", "sample_data", "--checkpoint", "s3://archive/state"),
        ("loadtest", "steady_state", "--out", "s3://archive/result"),
        ("report", "s3://archive/result"),
        ("config", "show", "--config", "s3://archive/tickstock.toml"),
        ("replay", "sample_data", "--serve", "127.0.0.1:0", "--log", "s3://archive/log"),
        ("replay", "sample_data", "--serve", "127.0.0.1:0", "--token", "@s3://archive/token"),
        ("replay", "sample_data", "--as-polygon", "127.0.0.1:0", "--fault", "s3://archive/faults.toml"),
        ("replay", "sample_data", "--symbols", "@s3://archive/tickers.txt"),
        ("config", "show", "--set", 'priority.universes.tech=["@s3://archive/tickers.txt"]'),
        ("backtest", "sample_data", "--strategy", "s3://archive/fade.toml"),
        ("loadtest", "s3://archive/scenario.toml"),
        ("perf", "run", "--out", "s3://archive/here/perf.json"),
        ("parity", "s3://archive/days"),
    ],
)
def test_what_is_on_the_disk_only_is_refused_at_a_store(command: tuple[str, ...], here: Here, tmp_path: Path) -> None:
    """No folder with the name of a scheme appears."""
    result = here(*command)
    assert result.returncode == 2, result.stderr
    assert re.search(r"s3://archive/.*can only be on the disk|only be on the disk, and s3://archive/", result.stderr)
    assert "is in an object store: name a path on the disk, and copy" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        ("replay", "s3://"),
        ("inspect", "s3:///day.parquet"),
        ("verify", "s3:/"),
        ("import", "csv", "s3://", "--out", "recorded"),
        ("replay", "sample_data", "--rejects", "s3://"),
        ("diff", "s3://", "events.parquet"),
    ],
)
def test_a_scheme_without_a_bucket_is_one_clear_line(command: tuple[str, ...], here: Here, tmp_path: Path) -> None:
    """The library's path of it has no slash, so that it looked like the name of a missing file."""
    result = here(*command)
    assert result.returncode == 2, result.stderr
    assert re.search(r"^error: s3://\S* names no bucket: write s3://BUCKET/NAME$", result.stderr, re.MULTILINE)
    assert list(tmp_path.iterdir()) == []

"""From a name in an object store to objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.object_server import ObjectServer
from tickstock_cli.errors import DataError, UsageError
from tickstock_cli.sources.discover import discover
from tickstock_cli.sources.unread import unread_files, unread_notes
from tickstock_cli.storage import stores
from tickstock_cli.storage.listing import objects_at
from tickstock_cli.storage.names import is_object, object_name, shown_as_path

TREE = [
    "b.parquet",
    "a/z.parquet",
    "a/README.md",
    "_truth.parquet",
    ".part.parquet",
    "_tmp/c.parquet",
    "date=2026-01-05/ticker=BRK%2FB/part-0.parquet",
    "date=2026-01-06/ticker=IBM/part-0.PARQUET",
    "date=2026-01-06/ticker=IBM/deep/er/part-1.parquet",
    "date=2026-01-06/.hidden/part-2.parquet",
    "notes/x.txt",
]
PATTERNS = [
    "",
    "a",
    "a/",
    "b.parquet",
    "_truth.parquet",
    "a/README.md",
    "*",
    "*.parquet",
    "a/*",
    "date=*",
    "date=2026-01-0[6-9]/*/*.PARQUET",
    "date=2026-01-0?/ticker=IBM",
    "date=*/ticker=IBM/part-0.PARQUET",
    "**/part-?.parquet",
    "**",
    "date=2026-01-06/**",
    "*/**/er",
    "notes/*.txt",
]


def key_of(name: str) -> str:
    """Return the key in a name."""
    return name.split("/", 3)[3]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_objects_are_found_as_files_are(pattern: str, known: ObjectServer, tmp_path: Path) -> None:
    """One rule for names, folders and globs: whoever copies a folder to a bucket reads the same files there."""
    bucket = known.new_bucket()
    for name in TREE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        known.put(f"{bucket}/{name}")

    local = [str(Path(found.path).relative_to(tmp_path)) for found in discover([f"{tmp_path}/{pattern}"])]
    found = discover([f"s3://{bucket}/{pattern}"])
    assert [key_of(one.path) for one in found] == local
    assert len(local) > 0


def test_partitions_are_read_from_keys(known: ObjectServer) -> None:
    """Hive trees keep dates and tickers in the names of folders, percent-encoded."""
    bucket = known.new_bucket()
    known.put(f"{bucket}/ticks/date=2026-01-05/ticker=BRK%2FB/part-0.parquet")
    assert discover([f"s3://{bucket}/ticks"])[0].partitions == {"date": "2026-01-05", "ticker": "BRK/B"}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("none.parquet", "no such object or prefix: s3://{bucket}/none.parquet"),
        ("2027-*", "no object matches s3://{bucket}/2027-*"),
        ("notes", "no object below s3://{bucket}/notes ends with .parquet"),
    ],
)
def test_a_name_without_an_object_is_an_error(key: str, message: str, known: ObjectServer) -> None:
    """It says what was looked for."""
    bucket = known.new_bucket()
    known.put(f"{bucket}/notes/x.txt")
    with pytest.raises(DataError) as raised:
        objects_at(f"s3://{bucket}/{key}", [".parquet"])
    assert str(raised.value) == message.format(bucket=bucket)


@pytest.mark.usefixtures("known")
def test_a_missing_bucket_is_told_from_a_missing_object() -> None:
    """The bucket is what has to be corrected."""
    with pytest.raises(DataError, match=r"^cannot read s3://nobody-has-it/x: there is no bucket nobody-has-it$"):
        objects_at("s3://nobody-has-it/x", [".parquet"])


@pytest.mark.parametrize("path", ["s3://", "gs://", "s3:///key"])
def test_a_name_without_a_bucket_is_a_wrong_use(path: str) -> None:
    """Nothing is asked of a store."""
    with pytest.raises(UsageError, match=r"names no bucket: write (s3|gs)://BUCKET/NAME$"):
        objects_at(path, [".parquet"])


def test_refused_credentials_are_said_with_the_remedy(known: ObjectServer) -> None:
    """The message holds neither key."""
    bucket = known.new_bucket()
    known.put(f"{bucket}/day.parquet")
    with known.refusing(), pytest.raises(DataError) as raised:
        objects_at(f"s3://{bucket}/day.parquet", [".parquet"])
    assert str(raised.value) == (
        f"cannot read s3://{bucket}/day.parquet: access is denied; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, to an account that may"
    )


@pytest.mark.usefixtures("known")
def test_a_server_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library tries a few times and gives up."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(DataError, match=r"^cannot read s3://archive/x: the server cannot be reached or does not "):
        objects_at("s3://archive/x", [".parquet"])


def test_a_google_server_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's limit is the one that is set: its own is 15 minutes."""
    monkeypatch.setattr(stores, "RETRY_SECONDS", 1)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    with pytest.raises(DataError, match=r"^cannot read gs://archive/x: the server cannot be reached or does not "):
        objects_at("gs://archive/x", [".parquet"])


def test_the_waits_of_the_google_library_end_within_a_minute() -> None:
    """The docs promise it: a wait can begin right before the limit, and lasts up to twice all shortest ones before."""
    limit, waits = stores.RETRY_SECONDS, 0
    while 2**waits - 1 < limit:  # the shortest waits so far, 1 + 2 + 4 + ...
        waits += 1
    assert limit + 2**waits + stores.CONNECT_SECONDS < 60


@pytest.mark.parametrize(
    ("mark", "kind", "way_out"),
    [
        ("_delta_log/0.json", "Delta", "copy the table to the disk, where they are read"),
        (".hoodie/x", "Hudi", "export it to Parquet"),
        ("metadata/v1.metadata.json", "Iceberg", "export it to Parquet"),
    ],
)
def test_a_table_is_refused(mark: str, kind: str, way_out: str, known: ObjectServer) -> None:
    """Objects that its log has removed would be read, too; also when a folder inside it is named."""
    bucket = known.new_bucket()
    known.put(f"{bucket}/table/day=1/a.parquet")
    known.put(f"{bucket}/table/{mark}")
    for path in ("", "table", "table/day=1", "table/day=1/a.parquet", "*", "**/a.parquet", "*/day=1/*.parquet"):
        with pytest.raises(DataError, match=rf"^s3://{bucket}/table is a table of {kind}, .*: {way_out}, or "):
            discover([f"s3://{bucket}/{path}"])


def test_objects_beside_recordings_are_told(known: ObjectServer) -> None:
    """As in folders; objects without content are marks of folders or of ended jobs."""
    bucket = known.new_bucket()
    known.put(f"{bucket}/day/a.parquet", b"rows")
    for name in ("b.csv", "c.csv.gz", "_d.csv", "README", "deep/e.csv"):
        known.put(f"{bucket}/day/{name}", b"rows")
    known.put(f"{bucket}/day/DONE")
    for path in ("day", "da*", "day/"):
        others: list[str] = []
        discover([f"s3://{bucket}/{path}"], others)
        (note,) = unread_notes(unread_files(others))
        assert note.startswith(f"2 .csv files and 1 .csv.gz file are not read, first s3://{bucket}/day/b.csv; ")
    with pytest.raises(DataError, match=r"/deep ends with .*; tickstock import makes recordings of CSV and zip files"):
        discover([f"s3://{bucket}/day/deep"])


def test_a_path_of_the_library_shows_an_object_as_it_was_named() -> None:
    """It joins slashes: both forms mean the same object."""
    joined = Path("s3://archive/2026/ticks.parquet")
    assert is_object(joined)
    assert str(object_name(joined)) == str(shown_as_path(joined)) == "s3://archive/2026/ticks.parquet"
    assert shown_as_path(joined).name == "ticks.parquet"
    assert not is_object("s3/ticks.parquet")

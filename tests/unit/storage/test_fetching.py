"""From objects to local copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.object_server import ObjectServer
from tickstock_cli.errors import DataError, OutputError
from tickstock_cli.storage import fetching
from tickstock_cli.storage.fetching import fetched, original_name
from tickstock_cli.storage.listing import StoredObject, objects_at
from tickstock_cli.storage.progress import Progress, fetches_shown

PART = 1 << 16


@contextmanager
def watched(follow: Callable[[int, int], object] | None = None) -> Iterator[list[tuple[int, int]]]:
    """Collect the progress of fetches within the context; ``follow`` is told, too."""
    told: list[tuple[int, int]] = []

    def progress(done: int, whole: int) -> None:
        told.append((done, whole))
        if follow is not None:
            follow(done, whole)

    @contextmanager
    def display(objects: int, size: int) -> Iterator[Progress]:
        assert objects > 0
        assert size > 0
        yield progress

    with fetches_shown(display):
        yield told


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let objects of a few hundred kilobytes be read in several parts."""
    monkeypatch.setattr(fetching, "_PART_BYTES", PART)


@pytest.mark.usefixtures("small_parts")
def test_objects_of_any_size_are_fetched_whole(known: ObjectServer, tmp_path: Path) -> None:
    """Sizes around those of a part, and an empty object; a copy has the last name of its object."""
    bucket = known.new_bucket()
    contents = [Random(size).randbytes(size) for size in (0, 1, PART - 1, PART, PART + 1, 5 * PART + 7)]
    for number, content in enumerate(contents):
        known.put(f"{bucket}/{number}/day.parquet", content)

    copies = fetched(objects_at(f"s3://{bucket}", [".parquet"]), tmp_path)
    assert [copy.read_bytes() for copy in copies] == contents
    assert {copy.name for copy in copies} == {"day.parquet"}
    assert str(original_name(copies[1])) == f"s3://{bucket}/1/day.parquet"


def test_an_object_is_fetched_once_in_a_process(known: ObjectServer, tmp_path: Path) -> None:
    """A command opens its recordings several times. Another version is another object."""
    bucket = known.new_bucket()
    known.put(f"{bucket}/day.parquet", b"one")
    (one,) = fetched(objects_at(f"s3://{bucket}", [".parquet"]), tmp_path)
    with watched() as told:
        (again,) = fetched(objects_at(f"s3://{bucket}", [".parquet"]), tmp_path)
    assert again == one
    assert told == []

    known.put(f"{bucket}/day.parquet", b"another")
    (other,) = fetched(objects_at(f"s3://{bucket}", [".parquet"]), tmp_path)
    assert other.read_bytes() == b"another"


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("size", [3 * PART, 3 * PART - 5, 5])
def test_an_object_that_is_replaced_meanwhile_is_no_mixture(size: int, known: ObjectServer, tmp_path: Path) -> None:
    """It ends in an error, whatever the new version's size."""
    bucket = known.new_bucket()
    known.put(f"{bucket}/day.parquet", b"a" * 3 * PART)

    def replace(done: int, whole: int) -> None:
        if done == whole:
            known.put(f"{bucket}/day.parquet", b"b" * size)

    listed = objects_at(f"s3://{bucket}", [".parquet"])
    why = r"day\.parquet was replaced while it was fetched: run the command again$"
    with watched(replace), pytest.raises(DataError, match=why):
        fetched(listed, tmp_path)


@pytest.mark.usefixtures("small_parts")
def test_a_fetch_shows_how_far_it_is(known: ObjectServer, tmp_path: Path) -> None:
    """The bytes of all objects, from the first part to the last one."""
    bucket = known.new_bucket()
    for name in ("a", "b"):
        known.put(f"{bucket}/{name}.parquet", b"a" * 2 * PART)

    with watched() as told:
        fetched(objects_at(f"s3://{bucket}", [".parquet"]), tmp_path)

    assert [whole for _, whole in told] == [4 * PART] * len(told)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (4 * PART, 4 * PART)


def test_an_object_that_was_removed_since_is_said(known: ObjectServer, tmp_path: Path) -> None:
    """Between the listing and the reading."""
    bucket = known.new_bucket()
    known.put(f"{bucket}/day.parquet", b"one")
    (listed,) = objects_at(f"s3://{bucket}", [".parquet"])
    gone = StoredObject(listed.name.at(f"{bucket}/gone.parquet"), 3, 0)
    with pytest.raises(DataError, match=rf"^no such object: s3://{bucket}/gone\.parquet$"):
        fetched([listed, gone], tmp_path)


def test_objects_without_room_on_the_disk_are_not_begun(known: ObjectServer, tmp_path: Path) -> None:
    """Filling the disk would take hours, and other programs' room."""
    bucket = known.new_bucket()
    known.put(f"{bucket}/day.parquet", b"one")
    (listed,) = objects_at(f"s3://{bucket}", [".parquet"])
    vast = StoredObject(listed.name, 1 << 60, listed.modified)
    with pytest.raises(OutputError, match=r"GB free, but the objects to be read have 1,152,921,504\.6 GB: name fewer"):
        fetched([vast], tmp_path)

"""Batches on disk: what the disk refuses or loses is told, and nothing is left behind."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tickstock_cli.core.batch import TickBatch
from tickstock_cli.core.batch_file import BatchFile, TemporaryFolder
from tickstock_cli.errors import OutputError


def ticks(rows: int) -> TickBatch:
    """Return rows whose every value is their number."""
    numbers = np.arange(rows)
    whole = (numbers.astype(np.int32), numbers, numbers, numbers, numbers)
    return TickBatch(*whole, numbers.astype(np.float64), numbers, numbers.astype(np.uint8))


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond ``size`` bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[TemporaryFolder]:
    """Return a temporary folder in the test's."""
    folder = TemporaryFolder(tmp_path)
    yield folder
    folder.close()


def test_a_full_disk_leaves_no_part_of_a_batch(folder: TemporaryFolder, tmp_path: Path) -> None:
    """The batches before it stay whole, and the next ones find their place once there is room."""
    file = folder.batch_file()
    with files_of_at_most(5_000):
        with pytest.raises(OutputError, match=r"cannot write temporary files to .*: File too large; free space there"):
            file.write(ticks(3), ticks(1_000))
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
        file.write(ticks(3))
        with pytest.raises(OutputError):
            file.write(ticks(1_000))
    file.write(ticks(5))

    assert [file.read(number).origin.tolist() for number in range(len(file))] == [[0, 1, 2], [0, 1, 2, 3, 4]]


def test_what_a_failed_write_left_shifts_no_later_batch(folder: TemporaryFolder, tmp_path: Path) -> None:
    """A disk that refuses a write may refuse to shorten the file, too; rows read from a wrong place are other rows."""
    file = folder.batch_file()
    file.write(ticks(3))
    (path,) = (path for path in tmp_path.rglob("*.batches"))
    with path.open("ab") as other:
        other.write(b"half of a batch")

    file.write(ticks(5))

    assert [file.read(number).origin.tolist() for number in range(2)] == [[0, 1, 2], [0, 1, 2, 3, 4]]


def test_a_file_that_was_cut_short_takes_no_further_batch(folder: TemporaryFolder, tmp_path: Path) -> None:
    """A hole of zeros would be read as rows."""
    file = folder.batch_file()
    file.write(ticks(3))
    (path,) = (path for path in tmp_path.rglob("*.batches"))
    cut_short(path)

    with pytest.raises(OutputError, match="the file was cut short"):
        file.write(ticks(5))


def removed(path: Path) -> None:
    """Remove a file under its user."""
    path.unlink()


def cut_short(path: Path) -> None:
    """Take the last byte of a file."""
    os.truncate(path, path.stat().st_size - 1)


def made_a_folder(path: Path) -> None:
    """Put something in its place that cannot be read."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(removed, "No such file"), (cut_short, "the file was cut short"), (made_a_folder, "Is a directory")],
)
def test_rows_that_cannot_be_read_back_are_told(
    folder: TemporaryFolder, tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    """The message says how many rows, where and why, and the file can still be given up."""
    file = folder.batch_file()
    file.write(ticks(3), ticks(4))
    (path,) = (path for path in tmp_path.rglob("*") if path.is_file())
    damage(path)

    with pytest.raises(OutputError, match=rf"^cannot read back {path} \(rows: 7\): {reason}.*; run again, and let "):
        file.read(1)
    file.remove()


def test_a_folder_removed_by_somebody_else_is_made_again(folder: TemporaryFolder, tmp_path: Path) -> None:
    """A live run lasts for weeks, and cleaners of temporary files remove what looks unused."""
    folder.batch_file()
    (made,) = tmp_path.iterdir()
    made.rmdir()
    file: BatchFile = folder.batch_file()
    file.write(ticks(2))

    assert len(file.read(0)) == 2
    folder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_system_without_room_for_any_temporary_file_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python finds no folder at all then, on a full disk too; its own error would name a dozen of them."""
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("tempfile._candidate_tempdir_list", list)

    with pytest.raises(OutputError, match="cannot write temporary files to the system's folder for them: No usable"):
        TemporaryFolder().batch_file()

"""Files below a folder: none is lost in silence, and nothing waits for a writer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tickstock_cli.errors import DataError
from tickstock_cli.importing.files import files_of
from tickstock_cli.sources.discover import discover
from tickstock_cli.sources.folder_walk import files_below, unreachable


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """Make a folder with files, for the test to close and the fixture to open again."""
    folder = tmp_path / "data" / "day"
    folder.mkdir(parents=True)
    (folder / "a.parquet").touch()
    (folder / "a.csv").touch()
    yield folder
    folder.chmod(0o755)


@pytest.mark.parametrize("mode", [0o000, 0o644, 0o311])
def test_a_folder_that_cannot_be_read_is_an_error(locked: Path, mode: int) -> None:
    """Imports left out its files without a word; listed but not entered, it was an error of no file."""
    locked.chmod(mode)
    if os.access(locked, os.R_OK | os.X_OK):
        pytest.skip("this user may read every folder")
    wanted = rf"cannot read the folder {locked}: permission denied"

    with pytest.raises(DataError, match=wanted):
        list(files_below(str(locked.parent)))
    with pytest.raises(DataError, match=wanted):
        discover([locked.parent])
    with pytest.raises(DataError, match=wanted):
        files_of([locked.parent], (".csv",))


def test_a_file_in_a_folder_that_cannot_be_entered_is_not_missing(locked: Path) -> None:
    """It was called missing."""
    locked.chmod(0o644)
    if os.access(locked, os.X_OK):
        pytest.skip("this user may read every folder")

    with pytest.raises(DataError, match=rf"cannot read {locked / 'a.parquet'}: permission denied"):
        discover([locked / "a.parquet"])


def test_links_say_where_they_lead(tmp_path: Path) -> None:
    """A circle was a damaged Parquet file."""
    circle, dangling = tmp_path / "circle.parquet", tmp_path / "dangling.parquet"
    circle.symlink_to(circle.name)
    dangling.symlink_to("gone.parquet")

    assert unreachable(str(tmp_path)) is unreachable(str(tmp_path / "none")) is None
    assert unreachable(str(circle)) == f"cannot read {circle}: its links lead in a circle"
    assert unreachable(str(dangling)) == f"{dangling} is a link to gone.parquet, which is not there"
    with pytest.raises(DataError, match="its links lead in a circle"):
        discover([circle])


class TestFilesToImport:
    """The same rules as for recordings."""

    def test_links_to_folders_are_followed_and_links_to_nothing_are_found(self, tmp_path: Path) -> None:
        """Both were left out without a word."""
        day = tmp_path / "archive" / "day"
        day.mkdir(parents=True)
        (day / "a.csv").touch()
        data = tmp_path / "data"
        data.mkdir()
        (data / "linked").symlink_to(day)
        (data / "again").symlink_to(data)
        (data / "gone.csv").symlink_to("nowhere.csv")
        os.mkfifo(data / "pipe.csv")

        wanted = [data / "gone.csv", data / "linked" / "a.csv"]

        assert files_of([data], (".csv",)) == files_of([tmp_path / "d*"], (".csv",)) == wanted

    def test_a_file_of_several_names_is_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its rows counted twice."""
        (tmp_path / "day").mkdir()
        real = tmp_path / "day" / "b.csv"
        real.touch()
        (tmp_path / "day" / "a-latest.csv").symlink_to("b.csv")
        monkeypatch.chdir(tmp_path)

        assert files_of([tmp_path / "day"], (".csv",)) == [real]
        assert files_of([Path("day"), tmp_path / "day"], (".csv",)) == [Path("day/b.csv")]
        assert files_of([tmp_path / "day", Path("day/a-latest.csv")], (".csv",)) == [Path("day/a-latest.csv")]

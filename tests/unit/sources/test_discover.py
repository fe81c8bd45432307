"""From what a user names to files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tickstock_cli.errors import DataError
from tickstock_cli.sources.discover import discover, hive_partitions


def touch(folder: Path, *names: str) -> None:
    """Make empty files."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names(folder: Path, *paths: str | Path) -> list[str]:
    """Return what is found, relative to a folder."""
    return [str(Path(found.path).relative_to(folder)) for found in discover(paths)]


def test_a_folder_gives_every_parquet_file_below_it_sorted_by_path(tmp_path: Path) -> None:
    """Other files, and names that writers use for their own ends, are left alone."""
    touch(tmp_path, "b.parquet", "a/z.parquet", "a/README.md", "_truth.parquet", ".part.parquet", "_tmp/c.parquet")
    assert names(tmp_path, tmp_path) == ["a/z.parquet", "b.parquet"]


def test_paths_keep_the_order_they_are_given_in(tmp_path: Path) -> None:
    """A file named first is first; only what a folder or glob expands to is sorted."""
    touch(tmp_path, "z.parquet", "day/b.parquet", "day/a.parquet", "m.data")
    found = names(tmp_path, tmp_path / "z.parquet", tmp_path / "m.data", tmp_path / "day")
    assert found == ["z.parquet", "m.data", "day/a.parquet", "day/b.parquet"]


def test_a_pipe_among_the_files_is_left_out(tmp_path: Path) -> None:
    """Opening it would wait for a writer that never comes; named itself, it is refused."""
    touch(tmp_path, "a.parquet")
    os.mkfifo(tmp_path / "b.parquet")

    assert names(tmp_path, tmp_path) == names(tmp_path, tmp_path / "*.parquet") == ["a.parquet"]
    with pytest.raises(DataError, match=r"cannot read .*b\.parquet: it is a pipe or a device, not a file"):
        discover([tmp_path / "b.parquet"])


def test_a_link_to_a_folder_above_adds_nothing(tmp_path: Path) -> None:
    """All that it leads to is found already; a link to another folder is followed."""
    touch(tmp_path, "day/a.parquet", "elsewhere/b.parquet")
    (tmp_path / "day" / "again").symlink_to(tmp_path / "day")
    (tmp_path / "day" / "above").symlink_to("..")
    (tmp_path / "day" / "more").symlink_to(tmp_path / "elsewhere")

    assert names(tmp_path, tmp_path / "day") == ["day/a.parquet", "day/more/b.parquet"]


def test_a_dangling_link_is_found_like_a_file(tmp_path: Path) -> None:
    """Opening the link raises the error of the missing file."""
    (tmp_path / "a.parquet").symlink_to(tmp_path / "gone.parquet")

    assert names(tmp_path, tmp_path) == ["a.parquet"]


def test_found_files_say_whether_they_were_named(tmp_path: Path) -> None:
    """Files found through a folder or a glob are not named."""
    touch(tmp_path, "a.parquet", "b.parquet", "day/c.parquet")

    found = discover([tmp_path / "a.parquet", tmp_path / "day", tmp_path / "b*.parquet"])

    assert [file.named for file in found] == [True, False, False]


def test_globs_cross_folders_and_expand_the_folders_they_match(tmp_path: Path) -> None:
    """`**` finds files at any depth; a folder that matches gives its files, each once."""
    touch(tmp_path, "date=1/a.parquet", "date=2/b.parquet", "date=2/deep/c.parquet")
    expected = ["date=1/a.parquet", "date=2/b.parquet", "date=2/deep/c.parquet"]
    assert names(tmp_path, tmp_path / "date=*") == expected
    assert names(tmp_path, tmp_path / "**" / "*.parquet") == expected


def test_a_file_whose_name_looks_like_a_glob_is_itself(tmp_path: Path) -> None:
    """What exists is taken at its word."""
    touch(tmp_path, "ticks[1].parquet", "ticks1.parquet")
    assert names(tmp_path, tmp_path / "ticks[1].parquet") == ["ticks[1].parquet"]


def test_folders_named_column_equals_value_are_partitions() -> None:
    """Hive's escapes and its null are read; the innermost folder wins."""
    path = "ticks/ticker=BRK%2FB/day=__HIVE_DEFAULT_PARTITION__/ticker=BRK.B/part=0.parquet"
    assert hive_partitions(path) == {"ticker": "BRK.B", "day": None}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.parquet", "no such file or folder"),
        ("no*.parquet", "no recording matches"),
        ("empty", "no recordings in"),
    ],
)
def test_the_error_of_a_missing_path_names_it(tmp_path: Path, path: str, message: str) -> None:
    """Missing files, globs without matches and folders without recordings are told apart."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=message) as caught:
        discover([tmp_path / path])
    assert path in str(caught.value)


def test_a_file_named_twice_is_an_error(tmp_path: Path) -> None:
    """Its rows would be read twice, and nobody would see it."""
    touch(tmp_path, "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet is named twice"):
        discover([tmp_path, tmp_path / "a.parquet"])


def test_links_in_a_folder_are_one_file(tmp_path: Path) -> None:
    """A link `latest` stands beside the day that it leads to; the file itself is read, and the link told."""
    touch(tmp_path, "day/c.parquet")
    for name in ("a.parquet", "d.parquet"):
        (tmp_path / "day" / name).symlink_to("c.parquet")
    (tmp_path / "current").symlink_to("day")
    (found,) = discover([tmp_path])
    assert found.path == f"{tmp_path}/day/c.parquet"
    assert sorted(link.removeprefix(f"{tmp_path}/") for link in found.links) == [
        "current/a.parquet",
        "current/c.parquet",
        "current/d.parquet",
        "day/a.parquet",
        "day/d.parquet",
    ]


def test_a_link_under_another_partition_is_an_error(tmp_path: Path) -> None:
    """Its rows would be those of two tickers."""
    touch(tmp_path, "ticker=A/a.parquet", "ticker=B/b.parquet")
    (tmp_path / "ticker=B" / "a.parquet").symlink_to("../ticker=A/a.parquet")
    with pytest.raises(DataError, match=r"are the same file, but the names of their folders say .* remove the link"):
        discover([tmp_path])


@pytest.mark.parametrize("name", ["a.pq", "a.parq", "a.PARQUET", "a.parquet.gzip", "a.parquet.snappy"])
def test_endings_of_other_programs_count(tmp_path: Path, name: str) -> None:
    """A file that is left out without a word would be missing in the results."""
    touch(tmp_path, name, "b.parquet", "c.csv")
    assert [Path(found.path).name for found in discover([tmp_path])] == [name, "b.parquet"]

"""Paths that others write differently: the error says what to write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tickstock_cli.errors import DataError
from tickstock_cli.sources.opening import open_source
from tickstock_cli.sources.options import ReadOptions

WEB = "nothing is read from web servers: download it, and name the file"
BRACES = "a shell expands braces only outside quotes: leave the quotes out, or name each path"


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("file:///none/my%20ticks.parquet", "write the path alone: /none/my ticks.parquet"),
        ("file:/none/ticks.parquet", "write the path alone: /none/ticks.parquet"),
        ("file://localhost/none/ticks.parquet", "write the path alone: /none/ticks.parquet"),
        ("https://example.com/ticks.parquet", WEB),
        ("http://example.com/ticks.parquet", WEB),
        ("S3://archive/ticks.parquet", "write s3://archive/ticks.parquet"),
        ("Gs://archive/ticks.parquet", "write gs://archive/ticks.parquet"),
        ("s3a://archive/ticks.parquet", "write s3://archive/ticks.parquet"),
        ("gcs://archive/ticks.parquet", "write gs://archive/ticks.parquet"),
        ("abfss://a@b/ticks.parquet", "of stores s3:// and gs:// alone are read: copy it there, or to the disk"),
        ("~/none.parquet", "a shell expands ~ only outside quotes: write /homes/me/none.parquet"),
        ("{none,nothing}.parquet", BRACES),
        ("day-{1..3}.parquet", BRACES),
        ("$NONE/ticks.parquet", "a shell expands variables only outside single quotes: use double quotes"),
    ],
)
def test_a_missing_path_is_told_what_to_write(monkeypatch: pytest.MonkeyPatch, path: str, hint: str) -> None:
    """One line, with the path as it was written."""
    monkeypatch.setenv("HOME", "/homes/me")
    with pytest.raises(DataError) as caught:
        open_source([path], ReadOptions())
    assert str(caught.value) == f"no such file or folder: {path}; {hint}"


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("~/none*.parquet", "a shell expands ~ only outside quotes: write /homes/me/none*.parquet"),
        ("{a,b}*.parquet", BRACES),
    ],
)
def test_a_glob_without_a_match_is_told_what_to_write(monkeypatch: pytest.MonkeyPatch, path: str, hint: str) -> None:
    """A quoted glob reaches tickstock with all that the shell would have expanded."""
    monkeypatch.setenv("HOME", "/homes/me")
    with pytest.raises(DataError) as caught:
        open_source([path], ReadOptions())
    assert str(caught.value) == f"no recording matches {path}; {hint}"


def test_a_glob_in_a_url_is_told_what_to_write() -> None:
    """The letter of its scheme decides, not its stars."""
    with pytest.raises(DataError, match=r"no recording matches S3://archive/\*.parquet; write s3://archive/\*.parquet"):
        open_source(["S3://archive/*.parquet"], ReadOptions())


@pytest.mark.parametrize("name", ["~ticks.parquet", "{a,b}.parquet", "$A.parquet"])
def test_a_file_of_an_odd_name_is_read(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What is there needs no hint."""
    monkeypatch.chdir(write(name).parent)
    source = open_source([name], ReadOptions())
    source.close()

"""The document of a run: read as it was written, and compared only with its like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.perf.made import figures
from tickstock_cli.errors import DataError, UsageError
from tickstock_cli.perf.figures import Figures, check_alike, read_figures, write_figures


def test_a_document_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Every sample of every round: verdicts are made from them."""
    write_figures(tmp_path / "sub" / "perf.json", figures())

    assert read_figures(tmp_path / "sub" / "perf.json") == figures()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is no JSON"),
        ("[1]", "holds something else than figures; name a file that tickstock perf run wrote"),
        ('{"format": 1, "observation": {}}', "holds something else than figures"),
        ('{"format": "tickstock perf figures 0"}', "'tickstock perf figures 1' is read; measure again"),
        ('{"format": "tickstock perf figures 1"}', "is damaged: label: field required; measure again"),
    ],
)
def test_a_file_that_holds_something_else_is_told_in_one_line(tmp_path: Path, content: str, told: str) -> None:
    """What it is, as far as that shows, and what to do."""
    path = tmp_path / "other.json"
    path.write_text(content)

    with pytest.raises(DataError) as caught:
        read_figures(path)

    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_no_figures(tmp_path: Path) -> None:
    """A Parquet file in the wrong place of a command, say."""
    (tmp_path / "x.parquet").write_bytes(b"PAR1\xff\xfe")

    with pytest.raises(DataError, match="is no text"):
        read_figures(tmp_path / "x.parquet")


def test_a_sample_that_was_cut_short_is_found(tmp_path: Path) -> None:
    """Half a document must not be judged by the half that is there."""
    write_figures(tmp_path / "perf.json", figures())
    whole = json.loads((tmp_path / "perf.json").read_text())
    del whole["machine"]["cpus"]
    (tmp_path / "perf.json").write_text(json.dumps(whole))

    with pytest.raises(DataError, match=r"is damaged: machine\.cpus"):
        read_figures(tmp_path / "perf.json")


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (figures(cpus=64), "CPUs 2 and 64"),
        (figures(data_hash="beef"), "the recordings that were replayed"),
        (figures(size={"rows": 250_000.0}), r"20,000 and 250,000 ticks \(--quick on one side alone\?\)"),
        (figures(samples={"startup": [{"cpu_seconds": 1.0}]}), "one side measured replay, count and the other startup"),
    ],
    ids=["machine", "recording", "size", "benchmarks"],
)
def test_invalid_figures_are_an_error(head: Figures, told: str) -> None:
    """A comparison of nothing would pass; one of two machines would say anything."""
    with pytest.raises(UsageError, match=told):
        check_alike(figures(), head)

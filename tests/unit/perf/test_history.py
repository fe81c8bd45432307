"""The trend over runs: medians kept, and where machines changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.perf.made import figures
from tickstock_cli.errors import DataError
from tickstock_cli.perf.history import append, entry_of, read, trend_page


def test_a_history_keeps_medians_and_no_samples(tmp_path: Path) -> None:
    """A line a run, oldest first, whatever else was measured."""
    path = tmp_path / "sub" / "history.jsonl"

    for seconds in (1.0, 2.0):
        append(path, entry_of(figures(seconds=seconds)))

    first, second = read(path)
    assert (first.medians["replay_seconds"], second.medians["replay_seconds"]) == (1.0, 2.0)
    assert first.medians["kernel_calls"] == 280
    assert "paced_p99_ms" not in first.medians
    assert first.figures.samples == {}
    assert len(path.read_text().splitlines()) == 2


def test_a_page_shows_every_run_and_where_the_machine_changed() -> None:
    """Two runs here, one there: one dashed line in each chart, between the second and the third."""
    page = trend_page([entry_of(figures()), entry_of(figures(seconds=1.5)), entry_of(figures(seconds=0.4, cpus=64))])

    assert "3 runs" in page
    assert "another machine or recording from there on" in page
    assert '"x0":2.5' in page.replace(" ", "")
    assert '"x0":1.5' not in page.replace(" ", "")
    assert '"y":[1000.0,1500.0,400.0]' in page.replace(" ", "")
    assert "<script src" not in page
    assert "calls of kernels" in page
    assert "tickstock --help" not in page


def test_runs_of_one_machine_have_no_line_between_them() -> None:
    """Nothing changed, nothing is said."""
    assert "another machine" not in trend_page([entry_of(figures()), entry_of(figures())])


def test_an_invalid_line_of_a_history_is_named(tmp_path: Path) -> None:
    """Which line, and what to do about it; nothing is left out in silence."""
    path = tmp_path / "history.jsonl"
    append(path, entry_of(figures()))
    with path.open("a") as stream:
        stream.write('{"half": \n')

    with pytest.raises(DataError, match=r"history.jsonl, line 2, is no run .* remove the line, or name another file"):
        read(path)


def test_a_history_without_a_run_says_how_one_is_added(tmp_path: Path) -> None:
    """An empty file is what `touch` makes."""
    path = tmp_path / "history.jsonl"
    path.touch()

    with pytest.raises(DataError, match="add one with tickstock perf run --history"):
        read(path)

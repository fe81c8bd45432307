"""`tickstock parity` and `tickstock recover` on folders of recorded live runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import error_line, run_tickstock
from tests.unit.recording.making import SECOND
from tests.unit.recording.running import BEGIN, Life, live, market
from tickstock_cli.recording.folder import RecordedFolder


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a clean run and one that was killed."""
    folder = tmp_path_factory.mktemp("recorded") / "rec"
    live(folder, Life(market(1)))
    live(folder, Life(market(2, BEGIN + 200 * SECOND), flushes={4}, killed_at=8))  # while an event is held
    return folder


def test_parity_lists_what_a_killed_run_had_not_told(killed: Path) -> None:
    """A user asks it after a crash: what is missing, and is the rest right."""
    shown = run_tickstock("parity", str(killed))
    assert shown.returncode == 0
    assert "untold, because the run was killed" in shown.stdout
    assert "at (New York)" in shown.stdout
    assert "equal: the replay gives all" in shown.stdout
    found = json.loads(run_tickstock("parity", str(killed), "--json").stdout)
    assert found["equal"] is True
    assert found["differences"] == []
    assert [start["end"] for start in found["starts"]] == ["clean", "killed"]
    assert len(found["untold"]) == found["starts"][1]["untold"] > 0


def test_recover_says_what_it_finished_and_then_that_nothing_is_left(tmp_path: Path) -> None:
    """Torn bytes are counted: they are the price of the kill."""
    live(tmp_path, Life(market(2), flushes={3}, killed_at=7))
    (journal, *_) = sorted(tmp_path.glob("*/tick-*.journal"))
    journal.write_bytes(journal.read_bytes() + b"torn")
    shown = run_tickstock("recover", str(tmp_path), "--json")
    assert json.loads(shown.stdout)["torn_bytes"] == {str(journal.relative_to(tmp_path)): 4}
    again = run_tickstock("recover", str(tmp_path))
    assert (again.returncode, again.stdout) == (0, "nothing to do: every hour is finished\n")


def test_recover_refuses_while_a_live_run_writes(killed: Path) -> None:
    """Both would write the same files."""
    with RecordedFolder(killed).locked():
        refused = run_tickstock("recover", str(killed))
    assert refused.returncode == 2
    assert "is being written by a live run" in refused.stderr


@pytest.mark.parametrize("command", ["parity", "recover"])
def test_a_folder_that_no_live_run_recorded_is_named(tmp_path: Path, command: str) -> None:
    """A typo must not look like a proof."""
    (tmp_path / "notes.txt").touch()
    refused = run_tickstock(command, str(tmp_path))
    assert refused.returncode == 3
    assert "is no recorded folder" in refused.stderr

    for wrong in (tmp_path / "recc", tmp_path / "notes.txt"):
        refused = run_tickstock(command, str(wrong))
        assert refused.returncode == 3
        assert error_line(refused) == f"no such folder: {wrong}; name one that tickstock live --record wrote"


def test_parity_ends_with_exit_code_4_if_an_event_is_missing(tmp_path: Path) -> None:
    """A script must notice."""
    live(tmp_path, Life(market(1)))
    for path in tmp_path.glob("*/events-*.parquet"):
        path.unlink()
    shown = run_tickstock("parity", str(tmp_path), "--limit", "1")
    assert shown.returncode == 4
    assert "is only in the replay" in shown.stdout
    assert "more; see --limit" in shown.stdout

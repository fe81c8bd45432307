"""The folder of checkpoints: one run at a time, and one command for a supervisor."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.cli.conftest import Here
from tests.cli.market import morning
from tests.cli.processes import read_lines, running
from tests.cli.running import error_line


def test_a_second_run_with_a_checkpoint_folder_is_refused(here: Here, tmp_path: Path) -> None:
    """Two runs would write one another's segments: the second ends before it touches anything, the first goes on."""
    morning(tmp_path / "recorded")
    run = ("replay", "recorded", "--checkpoint", "kept", "--checkpoint-seconds", "0")
    with running(*run, "--speed", "60", "--out", "-", "--batch-rows", "100", folder=tmp_path) as process:
        read_lines(process, 5)
        second, resumed = here(*run, "--out", "e.csv"), here(*run, "--out", "e.csv", "--resume")
        assert all(read_lines(process, 5)), "the first run has ended"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=100)

    assert process.returncode == 130
    for result in (second, resumed):
        assert result.returncode == 2
        assert error_line(result) == (
            "checkpoint folder kept is in use by another run: wait for its end, or name another folder"
        )
    assert not (tmp_path / "e.csv").exists()
    assert here(*run, "--resume", "--json").returncode == 0, "the checkpoint of the first run is damaged"


def test_resume_without_a_checkpoint_begins_at_the_start(here: Here) -> None:
    """A supervisor repeats one command, and the first time there is nothing to go on from: it is said, and no error."""
    morning(Path("recorded"))
    run = ("replay", "recorded", "--checkpoint", "kept", "--checkpoint-seconds", "0", "--resume", "--json")
    first, second = here(*run), here(*run)

    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stderr == "note: there is no checkpoint in kept yet: the run begins at the start\n"
    assert second.stderr == ""
    assert json.loads(first.stdout)["digest"] == json.loads(second.stdout)["digest"]


def test_resume_with_a_folder_of_something_else_is_refused(here: Here) -> None:
    """A typing error in the folder's name must not become a checkpoint folder among holiday photos."""
    morning(Path("recorded"))
    Path("photos").mkdir()
    Path("photos/beach.jpg").write_bytes(b"sea")
    result = here("replay", "recorded", "--checkpoint", "photos", "--resume", "--json")

    assert result.returncode == 1
    assert "checkpoint folder photos holds other files (beach.jpg)" in result.stderr

"""One output on a full disk: the others are whole, each is reported, and the exit code is 1."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from random import Random
from shutil import rmtree
from typing import Any

import polars as pl
import pytest

from tests.cli.conftest import Here
from tests.cli.market import morning, write_recording
from tests.cli.processes import last_words, read_lines, running
from tests.cli.small_disk import small_disk
from tests.cli.test_replay_serve import address_of
from tests.unit.engine.events import TEN, busy_morning, morning_events
from tickstock_cli.testing import SECOND, Tick


def by_name(outputs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the entries of outputs of ``--json`` by name."""
    return {output["output"]: output for output in outputs}


@pytest.mark.parametrize("how", [(), ("--speed", "100000"), ("--pipeline", "linear")])
def test_a_full_disk_under_one_output_leaves_the_others_whole(how: tuple[str, ...], here: Here) -> None:
    """Flat out, paced and on the older path: what can be written is written, and what is missing is counted."""
    morning(Path("recorded"))
    with small_disk():
        result = here("replay", "recorded", *how, "--out", "ev.jsonl", "--out", "ev.parquet", "--json")

    outputs = by_name(json.loads(result.stdout)["outputs"])
    total = len(morning_events())
    failed = outputs["ev.jsonl"]
    assert result.returncode == 1
    assert sorted(path.name for path in Path().iterdir()) == ["ev.parquet", "recorded"]
    assert pl.read_parquet("ev.parquet").height == total
    assert (outputs["ev.parquet"]["state"], outputs["ev.parquet"]["rows"]) == ("written", total)
    assert (failed["state"], failed["rows"] + failed["missing"]) == ("failed", total)
    assert "the file is larger than this system" in failed["reason"]
    assert result.stderr.splitlines()[-1].startswith("error: 1 of 2 outputs failed: cannot write ev.jsonl: ")
    assert result.stderr.endswith("; written: ev.parquet\n")


def test_the_summary_lists_every_output(here: Here) -> None:
    """The line at the end is for scripts; a person looks at the summary."""
    morning(Path("recorded"))
    with small_disk():
        result = here("replay", "recorded", "--out", "ev.jsonl", "--out", "ev.parquet")

    total = f"{len(morning_events())}"
    assert result.returncode == 1
    assert f"written, {total} events" in result.stdout
    assert f"of {total} events" in result.stdout
    assert "warning: cannot write ev.jsonl: " in result.stderr


def test_rejected_rows_that_cannot_be_written_cost_no_events(here: Here) -> None:
    """The rejects are an output, too: their disk may be full while that of the events is not."""
    chance = Random(7)  # what cannot be compressed takes the room that it seems to
    bad = [Tick(f"X{chance.randbytes(100).hex()}", TEN + place * SECOND // 100, -1.0) for place in range(30_000)]
    write_recording([*busy_morning(), *bad], Path("recorded"))
    with small_disk():
        result = here("replay", "recorded", "--out", "ev.parquet", "--rejects", "r.parquet", "--json")

    outputs = by_name(json.loads(result.stdout)["outputs"])
    assert result.returncode == 1
    assert pl.read_parquet("ev.parquet").height == len(morning_events())
    assert not Path("r.parquet").exists()
    assert outputs["r.parquet"]["rows"] + outputs["r.parquet"]["missing"] == 30_000


def test_a_full_disk_under_the_checkpoint_costs_no_output(here: Here) -> None:
    """The state of 3,000 tickers is larger than the events: the run goes on, and its outputs are whole."""
    quiet = [Tick(f"Q{place}", TEN + place, 100.0) for place in range(3_000)]
    write_recording([*busy_morning(), *quiet], Path("recorded"))
    command = ("replay", "recorded", "--out", "ev.parquet", "--checkpoint", "kept", "--checkpoint-seconds", "0")
    with small_disk():
        result = here(*command, "--batch-rows", "500", "--json")

    outputs = by_name(json.loads(result.stdout)["outputs"])
    assert result.returncode == 1
    assert pl.read_parquet("ev.parquet").height == len(morning_events())
    assert outputs["checkpoint kept"]["state"] == "failed"
    assert outputs["checkpoint kept"]["missing"] > 0
    assert not list(Path("kept").glob("state-*")), "a part of a checkpoint stays on the full disk"


def test_an_event_log_that_cannot_be_written_costs_no_output(tmp_path: Path) -> None:
    """Served: the log is the first output, and the others do not need it unless they have failed themselves."""
    morning(tmp_path / "recorded")
    command = ["replay", "recorded", "--speed", "2000", "--serve", "127.0.0.1:0", "--log", "log", "--json"]
    with running(*command, "--out", "ev.parquet", folder=tmp_path) as process:
        address_of(process)
        rmtree(tmp_path / "log")
        printed, told = process.communicate(timeout=100)

    outputs = by_name(json.loads(printed)["outputs"])
    assert process.returncode == 1
    assert outputs["event log"]["state"] == "failed"
    assert outputs["ev.parquet"]["state"] == "written"
    assert pl.read_parquet(tmp_path / "ev.parquet").height == len(morning_events())
    assert "; written: ev.parquet" in told


@pytest.mark.parametrize("keep", [False, True])
def test_a_stopped_run_leaves_the_file_of_an_earlier_one(keep: bool, tmp_path: Path) -> None:
    """A supervisor ends a run: yesterday's whole file must not become today's short one."""
    morning(tmp_path / "recorded")
    (tmp_path / "e.jsonl").write_text("of yesterday")
    extra = ("--keep-partial",) if keep else ()
    outs = ("--out", "-", "--out", "e.jsonl", "--out", "new.jsonl", "--rejects", "r.parquet")
    with running("replay", "recorded", *outs, "--speed", "60", *extra, folder=tmp_path) as process:
        read_lines(process, 5)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        process.stdout.read()
        told = last_words(process)

    names = {path.name for path in tmp_path.iterdir()}
    assert process.returncode == 130
    assert (tmp_path / "e.jsonl").read_text() == "of yesterday"
    assert len((tmp_path / "e.jsonl.partial").read_text().splitlines()) >= 5
    assert ("new.jsonl.partial" in names, "new.jsonl" in names) == (keep, not keep)
    assert ("r.parquet.partial" in names, "r.parquet" in names) == (keep, not keep)
    assert "the events of e.jsonl are in e.jsonl.partial" in told

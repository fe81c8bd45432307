"""`backtest` as a function: early ends, resumption, and the check for look-ahead."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.cli.small_disk import small_disk
from tests.unit.backtest.days import DAYS, write_bars, write_walk
from tests.unit.backtest.planted import CLAIRVOYANT, Moody
from tickstock_cli import detectors
from tickstock_cli.backtest.given_events import read_given_events
from tickstock_cli.backtest.lookahead_words import lookahead_words
from tickstock_cli.backtest.request import BacktestRequest
from tickstock_cli.backtest.run import backtest
from tickstock_cli.backtest.strategies import named_strategies
from tickstock_cli.backtest.tap import decided_by
from tickstock_cli.build import settings_from
from tickstock_cli.cli.backtest import stopped_words
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.errors import CheckpointError, OutputError, SettingsError
from tickstock_cli.replaying import replay
from tickstock_cli.testing import new_york


class StopAfter(Observer):
    """Stops a run after some rows."""

    def __init__(self, control: Control, rows: int) -> None:
        self._control = control
        self._rows = rows

    def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's signature
        if rows >= self._rows:
            self._control.stop()


@pytest.fixture
def request_(tmp_path: Path) -> BacktestRequest:
    """Return a backtest of four days, in small batches."""
    settings = settings_from({"study": {"horizons": ("1m", "5m"), "thin": 5}})
    return BacktestRequest([write_walk(tmp_path / "days")], settings, batch_rows=50)


def test_a_backtest_that_is_stopped_says_what_it_knows_and_writes_nothing(
    request_: BacktestRequest, tmp_path: Path
) -> None:
    """Files of half a recording would pass for results."""
    control = Control()
    result = backtest(replace(request_, out=tmp_path / "out"), control, lambda _: StopAfter(control, 300))

    assert result.interrupted
    assert 300 <= result.run.rows < 968
    assert result.study.counts["events"] > 0
    assert result.outputs == ()
    assert not (tmp_path / "out").exists()


def test_a_stopped_backtest_goes_on_to_the_same_digest(request_: BacktestRequest, tmp_path: Path) -> None:
    """Open moments, waiting events and those on disk are part of the checkpoint."""
    whole = backtest(request_)
    kept = replace(request_, checkpoint=tmp_path / "kept")
    control = Control()
    backtest(kept, control, lambda _: StopAfter(control, 300))
    resumed = backtest(replace(kept, resume=True, batch_rows=77))

    assert not resumed.interrupted
    assert resumed.digest == whole.digest
    assert resumed.study.as_dict() == whole.study.as_dict()


def test_other_horizons_cannot_resume_a_checkpoint(request_: BacktestRequest, tmp_path: Path) -> None:
    """They decide no event, so only the backtest itself can refuse them."""
    kept = replace(request_, checkpoint=tmp_path / "kept")
    control = Control()
    backtest(kept, control, lambda _: StopAfter(control, 300))
    other = settings_from({"study": {"horizons": ("1m", "2m"), "thin": 5}})

    with pytest.raises(CheckpointError, match="other settings of study or prices"):
        backtest(replace(kept, settings=other, resume=True))


def test_a_checkpoint_fits_the_same_events_whatever_lies_between_their_fields(tmp_path: Path) -> None:
    """Fields of records are aligned, and what was in memory before stays in the gaps."""
    (tmp_path / "mine.csv").write_text("ticker,time,direction\nA,2024-06-12T14:00:00Z,up\n")
    given = read_given_events(tmp_path / "mine.csv", "XNYS", ("surge",))
    dirty = np.empty_like(given.rows)
    dirty.view(np.uint8)[:] = 7
    for name in dirty.dtype.names or ():
        dirty[name] = given.rows[name]
    first, second = (decided_by(settings_from({}), replace(given, rows=rows), ()) for rows in (given.rows, dirty))
    down = replace(given, rows=dirty.copy())
    down.rows["direction"] = -1

    assert given.rows.tobytes() != dirty.tobytes()
    assert first.tobytes() == second.tobytes() != decided_by(settings_from({}), down, ()).tobytes()


def test_cut_recordings_give_the_same_decisions(request_: BacktestRequest) -> None:
    """Honest detectors: nothing decided before a cut needs what came later. Highs of the day need the day's begin."""
    told: list[tuple[int, int]] = []
    result = backtest(replace(request_, check_lookahead=4), report=lambda *counts: told.append(counts))
    assert result.lookahead is not None

    assert result.lookahead.same
    assert len(result.lookahead.cuts) == len(result.lookahead.starts) == 4
    assert all(cut.decisions > 0 for cut in result.lookahead.cuts)
    assert result.lookahead.cuts[-1].results > 0
    assert result.lookahead.warm_up_ns is not None
    assert told == [(number, 8) for number in range(1, 9)]


def test_a_cut_never_lies_behind_the_end_of_the_whole(request_: BacktestRequest) -> None:
    """The decision about the last event does, by the latency: rows up to it are not those of the whole."""
    last = new_york("2024-06-11", "10:04:45") + 1
    settings = settings_from({"study": {"horizons": ("1m",), "latency_ms": 3_600_000}})
    result = backtest(replace(request_, settings=settings, end=last, check_lookahead=100))
    assert result.lookahead is not None

    assert result.lookahead.same
    assert result.lookahead.cuts[-1].at == last
    assert all(start.at < last for start in result.lookahead.starts)


def test_a_cut_that_ends_the_data_a_day_earlier_is_no_look_ahead(request_: BacktestRequest, tmp_path: Path) -> None:
    """Held overnight; decided before the next day's first print, the position is closed already where data are cut."""
    times = [new_york(DAYS[0], "10:01:00"), new_york(DAYS[1], "09:40:00")]
    (tmp_path / "mine.csv").write_text("\n".join(["ticker,time,direction", *(f"AAA,{time},up" for time in times), ""]))
    (tmp_path / "held.toml").write_text('[[enter]]\n[exit]\nafter = ""\nsession_end = ""\n')
    held = named_strategies([str(tmp_path / "held.toml")])
    request = replace(request_, events=tmp_path / "mine.csv", strategies=held, check_lookahead=2)
    result = backtest(request)
    assert result.lookahead is not None

    assert result.strategies[0].signals == {"signals": 2, "taken": 1, "ignored.held": 1}
    assert result.lookahead.first_difference is None
    assert [cut.signals for cut in result.lookahead.cuts] == [1, 1]
    assert lookahead_words(result.lookahead).startswith("No look-ahead behind the given events: cut off at 2 moments, ")
    assert lookahead_words(result.lookahead).endswith(" How the events were found cannot be checked.")


def test_given_events_are_judged_like_the_same_ones_detected_and_no_detector_runs(
    request_: BacktestRequest, tmp_path: Path
) -> None:
    """Nothing asks for what detectors would find; the digest is that of the run which found the events."""
    found = str(tmp_path / "found.parquet")
    replay(request_.replay([found]))
    detected, given = backtest(request_), backtest(replace(request_, events=Path(found)))

    assert given.digest == detected.digest
    assert given.study.counts == detected.study.counts
    assert any(".detected." in name for name in detected.ledger)
    assert not any(".detected." in name for name in given.ledger)


def test_results_that_do_not_fit_on_the_disk_leave_earlier_ones(request_: BacktestRequest, tmp_path: Path) -> None:
    """One line, and nothing else in the folder."""
    backtest(replace(request_, out=tmp_path / "out"))
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    with small_disk(3_000), pytest.raises(OutputError, match=r"cannot write .*out.*: "):
        backtest(replace(request_, out=tmp_path / "out", batch_rows=77))
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_detector_that_reads_later_rows_is_caught(request_: BacktestRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps the highs that go on rising: its events look good, and need rows that were not there yet."""
    monkeypatch.setitem(detectors.PARTS, "highlow", CLAIRVOYANT)
    result = backtest(replace(request_, batch_rows=5_000, check_lookahead=4))
    assert result.lookahead is not None
    assert result.lookahead.first_difference is not None

    assert not result.lookahead.same
    assert "found only with rows that came later" in str(result.lookahead.first_difference.difference)


def test_a_strategy_that_is_never_the_same_is_caught(
    request_: BacktestRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its decisions are those of no run but this: the first signal that differs is named with both its sides."""
    monkeypatch.setattr(Moody, "runs", 0)
    moody = named_strategies(["tests.unit.backtest.planted:Moody"])
    result = backtest(replace(request_, strategies=moody, check_lookahead=2))
    assert result.lookahead is not None
    first = result.lookahead.first_difference
    assert first is not None

    assert first.difference == (
        "strategy Moody: a signal in BBB taken with 20 shares, decided 2024-06-10T14:00:45.1Z in the cut recording, "
        "a signal in BBB taken with 10 shares, decided 2024-06-10T14:00:45.1Z in the whole"
    )


def test_a_check_that_is_stopped_keeps_the_reruns_so_far(request_: BacktestRequest, tmp_path: Path) -> None:
    """The run itself is whole; its files lack the check, so they are not written."""
    control = Control()
    stopping = replace(request_, check_lookahead=4, out=tmp_path / "out")
    result = backtest(stopping, control, report=lambda done, _: control.stop() if done == 2 else None)
    assert result.lookahead is not None

    assert (result.interrupted, result.run.interrupted) == (True, False)
    assert (len(result.lookahead.cuts), result.lookahead.starts) == (2, ())
    assert stopped_words(result) == "stopped in the check for look-ahead, after 2 reruns"
    assert not (tmp_path / "out").exists()


def test_a_horizon_shorter_than_the_bars_is_refused(tmp_path: Path) -> None:
    """Its end would be a price of later."""
    settings = settings_from({"study": {"horizons": ("30s", "5m")}})

    with pytest.raises(SettingsError, match=r"study\.horizons has 30s, but the recording has bars of 60 s"):
        backtest(BacktestRequest([write_bars(tmp_path / "bars")], settings))


def test_earlier_results_are_replaced_together_and_other_files_stay(request_: BacktestRequest, tmp_path: Path) -> None:
    """A folder holds the results of one backtest."""
    out = tmp_path / "out"
    backtest(replace(request_, out=out, end=1_718_114_400_000_000_000))
    first = json.loads((out / "result.json").read_text())
    (out / "notes.txt").write_text("mine")
    result = backtest(replace(request_, out=out))

    assert result.kept == ("notes.txt",)
    assert [path.name for path in result.outputs] == [
        "observations.parquet", "cells.parquet", "report.html", "result.json",
    ]  # fmt: skip
    assert sorted(path.name for path in out.iterdir()) == sorted([*(path.name for path in result.outputs), "notes.txt"])
    assert first["digest"] != json.loads((out / "result.json").read_text())["digest"] == result.digest


def test_a_file_that_no_backtest_wrote_is_not_replaced(request_: BacktestRequest, tmp_path: Path) -> None:
    """Somebody's recording of trades may have the name of a result."""
    write_walk(tmp_path / "mine")
    theirs = (tmp_path / "mine" / "ticks.parquet").rename(tmp_path / "mine" / "trades.parquet")
    before = theirs.read_bytes()

    with pytest.raises(OutputError, match=r"no backtest wrote the trades\.parquet there"):
        backtest(replace(request_, out=tmp_path / "mine"))
    assert theirs.read_bytes() == before
    assert [path.name for path in theirs.parent.iterdir()] == ["trades.parquet"]

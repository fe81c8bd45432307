"""Taps see the rows as the core judged them and the events released: the same, however rows get to the core."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import current_thread
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.engine.events import TEN, busy_morning
from tickstock_cli.channels.judged import NO_PHASE, NO_SEGMENT, NOT_PROCESSED
from tickstock_cli.core.calendar import REGULAR
from tickstock_cli.engine.checkpoint import CheckpointStore
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.result import RunResult
from tickstock_cli.engine.taps import Tap, TapContext, TapStep
from tickstock_cli.errors import DataError, FailedOutputsError, OutputError
from tickstock_cli.kernels.reasons import REASONS
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.testing import MINUTE, SECOND, Bar, FairValue, Record, Tick, run_records

COLUMNS = ("reason", "segment", "in_session")
MORNING = [row for row in busy_morning() if row.timestamp is not None and row.timestamp < TEN + 4 * MINUTE]


class Recorder(Tap):
    """Keeps all it sees, as plain values."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[Any, ...]]] = {"tick": [], "ohlcv": [], "fmv": []}
        self.events: list[tuple[int, str]] = []
        self.steps: list[tuple[int, int]] = []
        """Rows and events seen at the end of each step."""
        self.late: list[str] = []
        """What came after a watermark that promised it had come."""
        self.threads: set[str] = set()
        self.ended: list[str] = []
        self._watermark = 0

    def begin(self, context: TapContext) -> None:
        self._context = context

    def observe(self, step: TapStep) -> None:
        self.threads.add(current_thread().name)
        for record, judged in step.rows.by_record().items():
            columns = [judged.rows.order, judged.rows.available_at, *(getattr(judged, name) for name in COLUMNS)]
            if record == "tick":
                columns.append(step.rows.ticks.flags)
            self.rows[record] += list(zip(*(column.tolist() for column in columns), strict=True))
            self.late += [f"{record} row" for time in judged.rows.available_at.tolist() if time < self._watermark]
        self.late += ["event" for time in step.events["emitted_at"].tolist() if time < self._watermark]
        told = self._context.to_arrow(step.events)
        self.events += [(event["emitted_at"], event["ticker"]) for event in told.to_pylist()]
        self._watermark = step.watermark

    def finish(self) -> None:
        self.ended.append("finish")

    def commit(self) -> None:
        self.ended.append("commit")

    def abort(self) -> None:
        self.ended.append("abort")


class PriceSum(Tap):
    """The sum of all usable prices, in cents: state that a missing or repeated row would show in."""

    def __init__(self) -> None:
        self.cents = np.zeros(1, dtype=np.int64)

    def observe(self, step: TapStep) -> None:
        ticks = step.rows.ticks
        self.cents[0] += np.rint(ticks.rows.price[ticks.is_price] * 100).astype(np.int64).sum()

    def state(self) -> Mapping[str, NDArray[Any]]:
        return {"cents": self.cents}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.cents[:] = state.get("cents", 0)


def tapped(batch_rows: int = 10_000, **how: Any) -> Recorder:
    """Run the first minutes of the morning under a recorder."""
    recorder = Recorder()
    run_records(MORNING, batch_rows=batch_rows, taps={"recorder": recorder}, **how)
    return recorder


@pytest.fixture(scope="module")
def whole() -> Recorder:
    """Run these minutes in one batch."""
    return tapped()


@pytest.mark.parametrize(("batch_rows", "workers"), [(1, 1), (7, 1), (1000, 2), (10_000, 3)])
def test_rows_and_events_are_the_same_at_any_batch_size(whole: Recorder, batch_rows: int, workers: int) -> None:
    """In merge order and output order; nothing comes after a watermark that said it had come."""
    seen = tapped(batch_rows, workers=workers)

    assert seen.rows == whole.rows
    assert seen.events == whole.events
    assert seen.late == []
    assert len(seen.events) > 50


def test_a_tap_is_called_on_the_thread_of_the_run(whole: Recorder) -> None:
    """Its state needs no lock."""
    assert whole.threads == {current_thread().name}


def test_each_row_is_accepted_or_has_its_reason() -> None:
    """Reason, phase and segment of rows of every type; a rejected row has neither phase nor segment."""
    recorder = Recorder()
    rows: list[Record] = [
        Tick("IBM", TEN, 100.0),
        Tick("IBM", TEN + SECOND, -1.0),
        Tick("", TEN + 2 * SECOND, 100.0),
        Tick("IBM", TEN + 14 * 60 * MINUTE, 100.0),  # midnight: a phase that session.phases leaves out
        Bar("IBM", TEN, 100, 99, 101, 100, 10),
        FairValue("IBM", TEN + 3 * SECOND, 0.0),
    ]
    run_records(rows, taps={"recorder": recorder})
    reasons = [REASONS[row[2]] for row in recorder.rows["tick"]]

    assert reasons == ["", "price", "ticker", ""]
    assert [row[3] == NO_SEGMENT for row in recorder.rows["tick"]] == [False, True, True, False]
    assert [row[4] for row in recorder.rows["tick"]] == [True, False, False, False]
    assert [REASONS[row[2]] for record in ("ohlcv", "fmv") for row in recorder.rows[record]] == ["range", "fmv"]


def test_a_tick_has_its_usability_by_guard_and_flags() -> None:
    """A print far away is suspect: neither price nor extreme; flags 1, 2 and 4 hide price, volume and extreme."""
    steps: list[TapStep] = []

    class Keep(Tap):
        def observe(self, step: TapStep) -> None:
            steps.append(step)

    prints = [(100.0, 0), (150.0, 0), (100.1, 1), (100.2, 2), (100.3, 4)]
    rows = [Tick("IBM", TEN + place * SECOND, price, flags=flags) for place, (price, flags) in enumerate(prints)]
    run_records(rows, taps={"keep": Keep()})
    ticks = steps[0].rows.ticks

    assert ticks.suspect.tolist() == [False, True, False, False, False]
    assert ticks.is_price.tolist() == [True, False, False, True, True]
    assert ticks.is_extreme.tolist() == [True, False, True, True, False]
    assert ticks.has_volume.tolist() == [True, True, True, False, True]
    assert ticks.phase.tolist() == [REGULAR] * 5


def test_judged_rows_are_made_only_for_taps() -> None:
    """Without a tap a step makes no array for it."""
    from tickstock_cli.build import build_core, settings_model
    from tickstock_cli.testing import ListSource

    source = ListSource([Tick("IBM", TEN, 100.0)])
    core = build_core(settings_model()(), source.symbols)
    (batch,) = source.batches(10)

    assert core.step(batch).rows is None
    core.judges_rows = True
    judged = core.step(batch).rows
    assert judged is not None
    assert len(judged) == 1


def test_a_tap_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    """Stopped in the middle of a batch and resumed, it has seen every row once."""
    whole, stopped, resumed = PriceSum(), PriceSum(), PriceSum()
    run_records(busy_morning(), taps={"sum": whole})
    control = Control()

    class Stop(Observer):
        def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's
            if rows >= 2000:
                control.stop()

    def store() -> CheckpointStore:
        return CheckpointStore(tmp_path, {})

    run_records(busy_morning(), batch_rows=300, control=control, observer=Stop(), store=store(), taps={"sum": stopped})
    run_records(busy_morning(), store=store(), resume=True, taps={"sum": resumed})

    assert 0 < stopped.cents[0] < whole.cents[0]
    assert resumed.cents[0] == whole.cents[0]


@pytest.mark.parametrize("pipeline", [PipelineName.LINEAR, PipelineName.MULTI])
def test_rows_are_numbered_on_in_a_run_that_is_resumed(pipeline: PipelineName, tmp_path: Path) -> None:
    """A tap that joins rows of both parts by their numbers would take the wrong ones if the second began at 0 again."""
    whole, stopped, resumed = Recorder(), Recorder(), Recorder()
    run_records(busy_morning(), taps={"recorder": whole})
    control = Control()

    class Stop(Observer):
        def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's
            if rows >= 2000:
                control.stop()

    def run(tap: Tap, **how: Any) -> None:
        run_records(
            busy_morning(), pipeline=pipeline, store=CheckpointStore(tmp_path, {}), taps={"recorder": tap}, **how
        )

    run(stopped, batch_rows=300, control=control, observer=Stop())
    run(resumed, batch_rows=70, resume=True)

    assert resumed.rows["tick"]
    assert {record: rows + resumed.rows[record] for record, rows in stopped.rows.items()} == whole.rows


def test_the_output_of_a_tap_is_bound_to_the_run() -> None:
    """It is finished and committed with a run that succeeded, and removed with one that failed."""

    class Fails(Tap):
        def observe(self, step: TapStep) -> None:
            if len(step.rows) and step.rows.ticks.rows.order[-1:].tolist() >= [1000]:
                raise DataError("the recording is damaged")

    good, bad = Recorder(), Recorder()
    run_records(busy_morning(), taps={"recorder": good})
    with pytest.raises(DataError, match="damaged"):
        run_records(busy_morning(), batch_rows=100, taps={"recorder": bad, "fails": Fails()})

    assert good.ended == ["finish", "commit"]
    assert bad.ended == ["abort"]


@pytest.mark.parametrize("late", [False, True])
def test_a_tap_whose_output_fails_costs_no_other_output(late: bool, tmp_path: Path) -> None:
    """A full disk under a study: events and other taps are whole, and the run says what is missing."""

    class Full(Recorder):
        def observe(self, step: TapStep) -> None:
            if not late and len(step.events):
                raise OutputError("cannot write study.parquet: the disk is full")

        def finish(self) -> None:
            raise OutputError("cannot write study.parquet: the disk is full")

    recorder, full = Recorder(), Full()
    with pytest.raises(FailedOutputsError, match=r"1 of 5 outputs failed: cannot write study.parquet") as raised:
        run_records(
            busy_morning(), batch_rows=100, store=CheckpointStore(tmp_path, {}), taps={"r": recorder, "f": full}
        )
    result = cast(RunResult, raised.value.result)
    failed = {report.output: report for report in result.outputs}["tap f"]

    assert recorder.ended == ["finish", "commit"]
    assert full.ended == ["abort"]
    assert failed.rows + failed.missing == result.tally.events
    assert (failed.rows == 0) is not late
    assert result.tally.events > 0


def test_codes_of_missing_judgements_are_negative() -> None:
    """Codes of missing judgements must differ from every reason and phase."""
    assert NOT_PROCESSED < 0
    assert NO_PHASE < 0

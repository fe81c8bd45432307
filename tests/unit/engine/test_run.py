"""A run: from the first row to the last file closed, stopped and resumed, and failing as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import enumerate as running_threads

import pytest

from tests.unit.engine.events import TEN, busy_morning, morning_events
from tests.unit.engine.running import run_source, run_strictly
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.engine.checkpoint import CheckpointStore
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.errors import DataError, LedgerError, RejectedRowError
from tickstock_cli.sinks.opening import open_sink
from tickstock_cli.testing import MINUTE, SECOND, Bar, ListSink, ListSource, ManualClock, RunOutput, Tick, run_records

ROWS = len(busy_morning())
HOUR = 60 * MINUTE


class Damaged(ListSource):
    """A source whose file turns out to be damaged behind its third batch."""

    def batches(self, batch_rows: int = 100, positions: tuple[int, ...] = ()) -> Iterator[MergedBatch]:
        """See ``Source``."""
        for number, batch in enumerate(super().batches(batch_rows, positions)):
            if number == 3:
                raise DataError("cannot read ticks.parquet: it is damaged")
            yield batch


class Noting(Observer):
    """Notes rows and market time of every step, and calls ``then`` behind each."""

    def __init__(self, then: Callable[[int], None] = lambda _: None) -> None:
        self.steps: list[tuple[int, int]] = []
        self._then = then

    def advanced(self, rows: int, market_time: int) -> None:
        """See ``Observer``."""
        self.steps.append((rows, market_time))
        self._then(rows)


def store(folder: Path) -> CheckpointStore:
    """Return the store of the one run that these tests make checkpoints of."""
    return CheckpointStore(folder, {"the recordings": "a busy morning"})


def threads_left() -> list[str]:
    """Return our threads that still run."""
    return [thread.name for thread in running_threads() if thread.name.startswith("tickstock-")]


@pytest.fixture(scope="module")
def whole() -> RunOutput:
    """Run the morning flat out."""
    return run_records(busy_morning())


def test_the_figures_are_those_of_the_recording(whole: RunOutput) -> None:
    """Rows, market time between the first row and the last, and one object for --json."""
    result = whole.result

    assert result.rows == ROWS
    assert result.market_seconds == pytest.approx(1500 - 1)  # the last bar is known at 10:25:00
    assert result.speed.requested is None
    assert result.speed.lateness_ms is None
    assert result.speed.achieved == pytest.approx(result.market_seconds / result.seconds)
    assert result.rows_per_second == pytest.approx(ROWS / result.seconds)
    assert result.peak_rss_bytes > 20_000_000
    assert list(result.as_dict()) == [
        "ledger", "events", "digest", "seconds", "rows_per_second", "peak_rss_bytes", "speed", "interrupted", "outputs",
        "drained", "plugins",
    ]  # fmt: skip
    assert result.as_dict()["speed"]["requested"] == "max"


def test_a_run_without_rows_succeeds() -> None:
    """No rows, no events, an empty ledger, and outputs that are valid."""
    sink = ListSink()
    result = run_source(ListSource([]), [sink])

    assert (result.rows, result.tally.events, result.ledger.as_dict()) == (0, 0, {})
    assert (result.market_seconds, result.rows_per_second, result.speed.achieved) == (0, 0, 0)
    assert sink.committed


def test_an_observer_is_called_for_every_step_in_order() -> None:
    """Rows so far, and the market time that they reach."""
    noting = Noting()
    run_records(busy_morning(), batch_rows=1000, observer=noting)

    assert [rows for rows, _ in noting.steps] == [1000, 2000, 3000, 4000, ROWS]
    assert [time for _, time in noting.steps] == sorted(time for _, time in noting.steps)
    assert noting.steps[-1][1] == TEN + 1500 * SECOND


def test_a_paced_run_reaches_the_speed_it_was_asked_for(whole: RunOutput) -> None:
    """The same events; the figures tell the speed and that nothing was late. Pauses are no time of the run."""
    clock, control = ManualClock(), Control(20)
    clock.at(30 * SECOND, control.toggle_pause)
    clock.at(90 * SECOND, control.toggle_pause)
    paced = run_records(busy_morning(), control=control, clock=clock)

    assert paced.result.digest == whole.result.digest
    assert paced.result.speed.requested == 20
    assert paced.result.speed.achieved == pytest.approx(20, rel=1e-6)
    assert paced.result.seconds == pytest.approx(1499 / 20 + 60, rel=1e-6)
    assert paced.result.speed.lateness_ms == {"p50": 0, "p99": 0, "max": 0}


def test_a_waiting_event_is_released_when_its_window_ends() -> None:
    """The next bar is an hour away: the run wakes up half a second after the last one, not an hour later."""
    flat = [Bar("IBM", TEN + minute * MINUTE, 100, 100.5, 99.5, 100, 1000) for minute in range(6)]
    surge = Bar("IBM", TEN + 6 * MINUTE, 100, 103, 100, 103, 10_000)
    clock = ManualClock()
    told = run_records(
        [*flat, surge, Bar("IBM", TEN + 70 * MINUTE, 103, 103, 103, 103, 1000)], control=Control(1), clock=clock
    )

    known = 6 * MINUTE  # of wall time, from the end of the first bar on
    assert [event["emitted_at"] for event in told.events] == [TEN + 7 * MINUTE + SECOND // 2] * 2
    assert known + SECOND // 2 + 1 in [end for _, end in clock.waits]


def test_an_interrupted_run_counts_pending_events() -> None:
    """Its events are the first ones of a whole run, and its ledger balances: open windows are counted."""
    control = Control()
    told = run_records(
        busy_morning(),
        batch_rows=100,
        control=control,
        observer=Noting(lambda rows: control.stop() if rows >= 3000 else None),
    )

    assert told.result.interrupted
    assert told.result.rows == 3000
    assert 0 < len(told.events) < len(morning_events())
    assert told.events == morning_events().to_pylist()[: len(told.events)]
    detected = sum(count for name, count in told.ledger.items() if ".detected." in name)
    ends = ("emitted", "superseded", "redundant", "pending")
    assert detected == sum(told.ledger.get(f"coordinator.{end}", 0) for end in ends)


def test_pending_events_are_released_after_resuming(tmp_path: Path) -> None:
    """Stopped while a bar's event waited for the end of its window; the resumed ledger knows of nothing pending."""
    rows = [Bar("IBM", TEN + minute * MINUTE, 100, 100.5, 99.5, 100, 1000) for minute in range(6)]
    rows += [Bar("IBM", TEN + 6 * MINUTE, 100, 103, 100, 103, 10_000), Bar("IBM", TEN + HOUR, 103, 103, 103, 103, 1000)]
    control = Control()
    stopped = run_records(
        rows, batch_rows=7, control=control, observer=Noting(lambda _: control.stop()), store=store(tmp_path)
    )
    resumed = run_records(rows, store=store(tmp_path), resume=True)

    assert (stopped.ledger["coordinator.pending"], stopped.events) == (2, [])
    assert [event["kind"] for event in resumed.events] == ["high", "surge"]
    assert "coordinator.pending" not in resumed.ledger
    assert resumed.result.digest == run_records(rows).result.digest


@pytest.mark.parametrize("seconds", [0, 1, 137.4, 1498])
def test_a_run_resumes_within_a_paced_batch(whole: RunOutput, tmp_path: Path, seconds: float) -> None:
    """A paced batch takes minutes: stopping does not wait for its end, and no row of it is read twice or skipped."""
    clock, control = ManualClock(), Control(1)
    clock.at(round(seconds * SECOND), control.stop)
    stopped = run_records(busy_morning(), control=control, clock=clock, store=store(tmp_path))
    assert stopped.result.interrupted
    assert stopped.result.rows < ROWS

    resumed = run_records(busy_morning(), store=store(tmp_path), resume=True)

    assert resumed.events == whole.events
    assert resumed.ledger == whole.ledger
    assert stopped.result.rows + resumed.result.rows == ROWS
    assert stopped.result.market_seconds + resumed.result.market_seconds == pytest.approx(1499)


def test_a_run_stopped_many_times_gives_the_same_result(whole: RunOutput, tmp_path: Path) -> None:
    """Legs paced at different speeds, each cut within a batch; their rows add up."""
    variants: list[RunOutput] = []
    while not variants or variants[-1].result.interrupted:
        clock, control = ManualClock(), Control(1 + len(variants) % 5)
        clock.at(77 * SECOND, control.stop)
        variants.append(
            run_records(
                busy_morning(),
                batch_rows=500,
                control=control,
                clock=clock,
                store=store(tmp_path),
                resume=bool(variants),
            )
        )

    assert len(variants) > 5
    assert variants[-1].events == whole.events
    assert variants[-1].ledger == whole.ledger
    assert sum(variant.result.rows for variant in variants) == ROWS


def test_rejected_rows_are_kept_by_checkpoints(tmp_path: Path) -> None:
    """Those before the stop are written again, those behind it once."""
    rows = [Tick("IBM", TEN + second * SECOND, -1.0 if second % 5 == 0 else 100.0) for second in range(1, 40)]
    control = Control()
    stop = Noting(lambda rows: control.stop() if rows >= 20 else None)
    run_records(rows, batch_rows=4, control=control, observer=stop, store=store(tmp_path))

    resumed = run_records(rows, store=store(tmp_path), resume=True)

    assert resumed.rejects == [(row, "price") for row in range(4, 39, 5)]


def test_checkpoints_have_the_configured_interval(tmp_path: Path) -> None:
    """In wall time; a paced run of 499 s with one every 200 s writes two, and one of its end is not needed."""
    clock = ManualClock()
    numbers: list[int] = []

    def look(_: int) -> None:
        numbers.extend(int(path.stem.rpartition("-")[2]) for path in tmp_path.glob("state-*"))

    from tickstock_cli.build import build_core, build_encoder
    from tickstock_cli.engine.execution import execute
    from tickstock_cli.engine.outputs import Outputs
    from tickstock_cli.engine.run import RunOptions, RunParts
    from tickstock_cli.testing import settings_of

    source = ListSource([row for row in busy_morning() if (row.timestamp or 0) <= TEN + 500 * SECOND])
    settings = settings_of({})
    parts = RunParts(
        source,
        build_core(settings, source.symbols),
        Outputs(build_encoder(settings, source.symbols), []),
        Control(1),
        Noting(look),
        RunOptions(batch_rows=50, checkpoint_every_ns=200 * SECOND),
        store=store(tmp_path),
        clock=clock,
    )
    execute(parts)

    assert sorted(set(numbers)) == [1, 2]


@pytest.mark.parametrize(
    ("counted", "told"),
    [
        ({"tick.read": 1}, "tick.read 4498 is not processed 4497 + rejected 0"),
        ({"fmv.rejected.price": 2}, "fmv.read 51 is not processed 51 + rejected 2"),
        ({"coordinator.superseded": 1}, "detected 690 is not emitted 687 + superseded 1 + redundant 3 + pending 0"),
        ({"tick.detected.high": 1, "coordinator.emitted": 1}, "emitted 688, written 687"),
    ],
)
def test_a_ledger_that_does_not_balance_fails_the_run(counted: dict[str, int], told: str, tmp_path: Path) -> None:
    """One row too many, one event too few: no output takes its name, however right it looks."""
    sink = ListSink()
    with pytest.raises(LedgerError, match=told.replace("+", r"\+")):
        run_source(
            ListSource(busy_morning()), [sink, open_sink(str(tmp_path / "events.parquet"))], ledger=Ledger(counted)
        )

    assert sink.aborted
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_fails_drops_the_outputs(tmp_path: Path) -> None:
    """The error of the reader's thread is the run's, and no thread is left."""
    sink = ListSink()
    with pytest.raises(DataError, match="it is damaged"):
        run_source(Damaged(busy_morning()), [sink, open_sink(str(tmp_path / "events.csv"))], batch_rows=100)

    assert sink.aborted
    assert list(tmp_path.iterdir()) == []
    assert threads_left() == []


def test_a_second_ctrl_c_drops_everything_at_once(tmp_path: Path) -> None:
    """A KeyboardInterrupt in the middle of a step leaves neither files nor threads."""

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_source(
            ListSource(busy_morning()),
            [open_sink(str(tmp_path / "events.jsonl"))],
            observer=Noting(interrupt),
            batch_rows=100,
        )

    assert list(tmp_path.iterdir()) == []
    assert threads_left() == []


def test_a_strict_run_writes_nothing() -> None:
    """Events before the bad row are no result."""
    sink = ListSink()
    with pytest.raises(RejectedRowError, match="row 4623 has a price"):
        run_strictly([*busy_morning(), Tick("IBM", TEN + 1501 * SECOND, -1.0)], sinks=[sink], batch_rows=1000)

    assert sink.aborted
    assert threads_left() == []

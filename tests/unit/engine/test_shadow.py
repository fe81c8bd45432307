"""A shadow beside a run: whatever fails in it, the run tells what it would have told."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.unit.engine.events import TEN, busy_morning, morning_events
from tests.unit.engine.test_outputs import FullDisk, StuckPipe
from tests.unit.runtime.failing_system import FailingDetector
from tickstock_cli.assembly import RunPlan, ShadowPlan, assemble
from tickstock_cli.build import build_channels, build_core, build_detectors, build_encoder, settings_model
from tickstock_cli.core.clock import Clock, SystemClock
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.execution import execute
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.output_states import OutputEnd, OutputStates
from tickstock_cli.engine.outputs import Outputs
from tickstock_cli.engine.run import RunParts
from tickstock_cli.engine.shadow import Shadow
from tickstock_cli.errors import FailedOutputsError, LedgerError, UsageError
from tickstock_cli.replaying import Request, replay
from tickstock_cli.testing import (
    MINUTE,
    SECOND,
    Bar,
    ListSink,
    ListSource,
    ManualClock,
    Record,
    settings_of,
)


class Problems(Observer):
    """Keeps the outputs that failed."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def output_failed(self, name: str, reason: str) -> None:  # noqa: ARG002 - the observer's
        self.names.append(name)


def shadowed(
    stack: ExitStack,
    main: ListSink,
    *shadow: ListSink,
    rows: Sequence[Record] = (),
    settings: dict[str, object] | None = None,
    observer: Observer | None = None,
    control: Control | None = None,
    clock: Clock | None = None,
) -> RunParts:
    """Return the parts of a run with a shadow."""
    plan = RunPlan(
        ListSource(rows or busy_morning()),
        settings_model()(),
        control or Control(),
        observer or Observer(),
        open_sinks=lambda schema: [main],  # noqa: ARG005
        clock=clock or SystemClock(),
        shadow=ShadowPlan("other.toml", settings_of(settings or {}), lambda schema: list(shadow)),  # noqa: ARG005
    )
    return assemble(plan, stack)


def test_a_full_disk_under_a_shadow_leaves_the_run_alone() -> None:
    """Its other output is whole, too; the failure is reported when it happens, and is the error of the end."""
    main, good, problems = ListSink(), ListSink(), Problems()
    with ExitStack() as stack, pytest.raises(FailedOutputsError, match="1 of 3 outputs failed") as failed:
        execute(shadowed(stack, main, FullDisk(), good, observer=problems))

    result = failed.value.result
    shadow = result.shadow  # type: ignore[attr-defined]  # the error of any run
    assert main.committed
    assert main.events == good.events == morning_events().to_pylist()
    assert problems.names == ["FullDisk"]
    assert [report.state for report in shadow.outputs] == [OutputEnd.FAILED, OutputEnd.WRITTEN]
    assert shadow.own.reason is None
    assert sum(counts["both"] for counts in shadow.by_kind.values()) == len(main.events)


def test_a_shadow_without_any_output_left_is_still_counted() -> None:
    """The counts side by side are a result of their own."""
    main = ListSink()
    with ExitStack() as stack, pytest.raises(FailedOutputsError) as failed:
        execute(shadowed(stack, main, FullDisk(), settings={"detectors.enabled": ["trend"]}))

    shadow = failed.value.result.shadow  # type: ignore[attr-defined]  # the error of any run
    kinds = morning_events()["kind"].to_pylist()
    assert shadow.by_kind["trend"] == {"main": 0, "shadow": 0, "both": kinds.count("trend")}
    assert shadow.by_kind["high"] == {"main": kinds.count("high"), "shadow": 0, "both": 0}
    assert shadow.own.rows == len(busy_morning())


def test_a_detector_that_raises_ends_the_shadow_alone() -> None:
    """It is dropped with its outputs, the rows it missed are counted, and the run goes on."""
    main, dropped, problems = ListSink(), ListSink(), Problems()
    with ExitStack() as stack:
        parts = shadowed(stack, main, dropped, observer=problems)
        assert parts.shadow is not None
        settings, symbols = settings_of({}), parts.source.symbols
        detectors = build_detectors(settings)
        detectors["highlow"] = FailingDetector(detectors["highlow"], lambda: {symbols.code("MSFT") or 0}, set)
        parts.shadow.core.channels = build_channels(settings, detectors)
        with pytest.raises(FailedOutputsError, match="this ticker fails") as failed:
            execute(parts)

    shadow = failed.value.result.shadow  # type: ignore[attr-defined]  # the error of any run
    assert main.committed
    assert main.events == morning_events().to_pylist()
    assert problems.names == ["shadow other.toml"]
    assert dropped.aborted
    assert shadow.own.rows + shadow.own.missing == len(busy_morning())
    assert shadow.own.missing > 0
    assert shadow.as_dict()["problem"] == "ValueError: this ticker fails"


def test_a_shadow_whose_ledger_does_not_balance_fails_alone() -> None:
    """It tells the user nothing that can be trusted."""
    main, dropped = ListSink(), ListSink()
    with ExitStack() as stack:
        parts = shadowed(stack, main, dropped)
        assert parts.shadow is not None
        parts.shadow.core.ledger.add("tick.read", 1)
        with pytest.raises(FailedOutputsError, match="ledger does not balance"):
            execute(parts)

    assert (main.committed, dropped.committed, dropped.aborted) == (True, False, True)


def test_a_run_that_fails_drops_the_outputs_of_its_shadow() -> None:
    """They are outputs of the same run: none of them is left half written."""
    main, dropped = ListSink(), ListSink()
    with ExitStack() as stack:
        parts = shadowed(stack, main, dropped)
        parts.core.ledger.add("tick.read", 1)
        with pytest.raises(LedgerError):
            execute(parts)

    assert (main.aborted, dropped.aborted) == (True, True)


def test_a_live_run_does_not_wait_for_the_outputs_of_its_shadow() -> None:
    """Alerts must not wait for a pipe that nobody reads: the shadow fails, and its rows are counted as missing."""
    source, pipe, problems = ListSource(busy_morning()), StuckPipe(), Problems()
    settings = settings_of({})
    states = OutputStates(problems.output_failed)
    own = states.add("shadow other.toml", "rows")
    outputs = Outputs(build_encoder(settings, source.symbols), [pipe], states=states, read_ahead=1)
    core = build_core(settings, source.symbols)
    shadow = Shadow("other.toml", core, outputs, own, problems.output_failed, is_live=True)
    for batch in source.batches(100):
        shadow.feed(batch)  # would hang

    assert problems.names == ["shadow other.toml"]
    assert own.rows + own.missing == len(busy_morning())
    assert own.missing > 0
    pipe.read.set()
    shadow.end(stopped=True, keep_partial=False)
    assert pipe.aborted
    assert "too slow" in (shadow.result().own.reason or "")


def test_a_run_wakes_up_for_the_events_of_its_shadow() -> None:
    """The windows of the shadow are longer: its event is told at the end of its own, not an hour later."""
    flat = [Bar("IBM", TEN + minute * MINUTE, 100, 100.5, 99.5, 100, 1000) for minute in range(6)]
    surge = Bar("IBM", TEN + 6 * MINUTE, 100, 103, 100, 103, 10_000)
    later = Bar("IBM", TEN + 70 * MINUTE, 103, 103, 103, 103, 1000)
    clock, main, other = ManualClock(), ListSink(), ListSink()
    with ExitStack() as stack:
        parts = shadowed(
            stack,
            main,
            other,
            rows=[*flat, surge, later],
            settings={"coordinator.window_ms": 2000},
            control=Control(1),
            clock=clock,
        )
        execute(parts)

    ends = [end for _, end in clock.waits]
    assert [event["emitted_at"] for event in other.events] == [TEN + 7 * MINUTE + 2 * SECOND] * 2
    assert 6 * MINUTE + 2 * SECOND + 1 in ends
    assert 6 * MINUTE + SECOND // 2 + 1 in ends  # the run's own


def test_a_checkpoint_does_not_go_with_a_shadow(tmp_path: Path) -> None:
    """Its state is not in it, so a run that goes on could not tell what the shadow would have told."""
    request = Request([tmp_path], checkpoint=tmp_path / "kept", shadow=settings_of({}))
    with pytest.raises(UsageError, match="--checkpoint does not keep the state of a shadow"):
        replay(request)


@pytest.mark.parametrize("key", ["session.calendar", "recordings.timezone"])
def test_a_shadow_that_would_read_other_rows_is_refused(key: str, tmp_path: Path) -> None:
    """It gets the rows of the run as they were read: its own setting would have no effect."""
    values = {"session.calendar": "24/7", "recordings.timezone": "Asia/Tokyo"}
    request = Request([tmp_path], shadow=settings_of({key: values[key]}), shadow_name="other.toml")
    with pytest.raises(UsageError, match=rf"--shadow other.toml: {key} = .*, but the run has "):
        replay(request)

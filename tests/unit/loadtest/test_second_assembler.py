"""From what each process tells of a second to the second as a whole, and to an early end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tickstock_cli.errors import UsageError
from tickstock_cli.loadtest.early_abort import READERS, EarlyAbort
from tickstock_cli.loadtest.observation import OTHERS, Second
from tickstock_cli.loadtest.scenario import Scenario
from tickstock_cli.loadtest.second_assembler import SecondAssembler, rows_due, spans_of
from tickstock_cli.loadtest.stage_latency import StageLatency
from tickstock_cli.loadtest.thresholds import LoadThresholds
from tickstock_cli.measurement.histogram import Histogram


def scenario(**thresholds: Any) -> Scenario:
    """Return a load of two stages, 2 s and 4 s."""
    return Scenario.model_validate(
        {
            "title": "two stages",
            "symbols": {"tick": 5},
            "stages": [
                {"name": "before", "seconds": 2, "tick": 10, "warm_up": True},
                {"name": "ramp", "seconds": 4, "tick": {"from": 10, "to": 50}},
            ],
            "thresholds": thresholds,
        }
    )


def generator(number: int, due: int, sent: int, made: bool = True) -> dict[str, Any]:
    """Return what the generator tells of a second."""
    return {"number": number, "cpu": 0.1, "due": {"tick": due}, "sent": {"tick": sent}, "made": made}


def system(number: int, done: int, **more: Any) -> dict[str, Any]:
    """Return what the system tells of a second."""
    return {"number": number, "cpu": 0.5, "done": {"tick": done}, "memory_bytes": 7, "gc_collections": 3, **more}


def test_a_second_is_complete_when_every_process_has_reported_it() -> None:
    """Sums become differences, and what is due and not processed is the backlog, wherever it stands."""
    seconds = SecondAssembler(scenario(), 1.0, ["generator", "system"])
    seconds.begin(gc_collections=1)

    assert seconds.add("generator", generator(0, 10, 9)) == []
    assert seconds.add("generator", generator(1, 20, 19)) == []
    first = seconds.add("system", system(0, 8))
    second = seconds.add("system", system(1, 20))

    assert [(one.asked["tick"], one.sent["tick"], one.processed["tick"], one.backlog) for one in (*first, *second)] == [
        (10, 9, 8, 2),
        (10, 10, 12, 0),
    ]
    assert (first[0].gc_collections, second[0].gc_collections) == (2, 0)
    assert first[0].cpu_seconds == {"generator": 0.1, "system": 0.5}


def test_cpu_time_of_other_processes_is_reported_if_measured() -> None:
    """All CPU time that was used, but for what the load test's own processes took."""
    seconds = SecondAssembler(scenario(), 1.0, ["generator", "system"])
    seconds.add("generator", generator(0, 10, 10))
    (first,) = seconds.add("system", system(0, 10, machine_cpu=1.75))
    seconds.add("generator", generator(1, 20, 20))
    (second,) = seconds.add("system", system(1, 20, machine_cpu=0.5))
    seconds.add("generator", generator(2, 30, 30))
    (third,) = seconds.add("system", system(2, 30, machine_cpu=None))

    assert [second.cpu_seconds.get(OTHERS) for second in (first, second, third)] == [1.15, 0.0, None]


def test_a_second_does_not_wait_for_a_finished_process() -> None:
    """The generator leaves before the system: its sums stand, its seconds are over."""
    seconds = SecondAssembler(scenario(), 1.0, ["generator", "system"])
    seconds.add("generator", generator(0, 10, 10))
    seconds.add("system", system(0, 4))
    seconds.finish("generator", {"due": {"tick": 25}, "sent": {"tick": 25}})

    found = seconds.add("system", system(1, 25))

    assert [(one.at, one.asked["tick"], one.backlog) for one in found] == [(1.0, 15, 0)]


def test_seconds_after_the_death_of_a_process_are_reported() -> None:
    """What was seen up to a crash is what helps to understand it."""
    seconds = SecondAssembler(scenario(), 1.0, ["generator", "system"])
    seconds.add("generator", generator(0, 10, 10))
    seconds.add("system", system(0, 10))
    seconds.add("generator", generator(1, 20, 20))

    assert [one.at for one in seconds.rest()] == [1.0]
    assert seconds.complete[-1].processed["tick"] == 0


def test_rows_that_the_generator_has_not_made_yet_are_due_by_the_plan() -> None:
    """A generator that is too slow must not make the load look smaller than what was asked."""
    seconds = SecondAssembler(scenario(), 1.0, ["generator"])

    found = seconds.add("generator", generator(0, 3, 3, made=False))

    assert found[0].asked["tick"] == 10


def test_the_plan_follows_ramps_and_ends_with_the_load() -> None:
    """10 a second for 2 s, then from 10 to 50 within 4 s: 20 and 120 rows."""
    assert [rows_due(scenario(), passed)["tick"] for passed in (0, 2, 4, 6, 99)] == [0, 20, 60, 140, 140]


def test_stages_are_compressed_with_the_speed() -> None:
    """At ten times the speed a stage of 4 s is on for 0.4 s."""
    spans = spans_of(scenario(), 10.0)

    assert [(span.name, round(span.begins, 3), round(span.ends, 3)) for span in spans] == [
        ("before", 0.0, 0.2),
        ("ramp", 0.2, 0.6),
    ]


def slow(at: float, stage: str, ms: float) -> Second:
    """Return a second whose ticks took so long."""
    latency = Histogram()
    latency.record(np.array([ms * 1000]))
    return Second(at, stage, {}, {}, {}, 0, {}, {"tick": latency.encode()}, 0, {}, 0, 0, 0)


def test_a_threshold_missed_for_long_enough_ends_the_run() -> None:
    """Two bad seconds in a row are enough here; one, or two with a good one between them, are not."""
    wanted = scenario(tick_p99_ms={"limit": 50, "abort_after": 2})
    abort = EarlyAbort(wanted, spans_of(wanted, 1.0))

    verdicts = [abort.reason(slow(at, "ramp", ms)) for at, ms in enumerate([80, 20, 80, 90])]

    assert verdicts[:3] == [None, None, None]
    assert verdicts[3] == "tick_p99_ms was above 50 for 2 s, at last 90.0"


def test_warm_up_ends_no_run() -> None:
    """What is not judged in the end is not judged early either."""
    wanted = scenario(tick_p99_ms={"limit": 50, "abort_after": 1})
    abort = EarlyAbort(wanted, spans_of(wanted, 1.0))

    assert abort.reason(slow(0, "before", 900)) is None


def test_early_abort_for_a_figure_without_seconds_is_an_error() -> None:
    """An abort that could never come would be a promise not kept."""
    wanted = scenario(lost_rows={"limit": 0, "abort_after": 3})

    with pytest.raises(UsageError, match=r"thresholds\.lost_rows\.abort_after: single seconds do not have"):
        EarlyAbort(wanted, spans_of(wanted, 1.0))


def test_every_figure_that_can_end_a_run_early_is_a_threshold() -> None:
    """The message lists them as what to use instead: a name that no scenario takes would send users in a circle."""
    assert set(READERS) <= set(LoadThresholds.model_fields)


def test_latency_belongs_to_the_stage_in_which_a_row_was_due() -> None:
    """Rows of a surge that are processed after it are the surge's, not the calm's."""
    latency = StageLatency([100, 200])

    latency.record("tick", np.array([100, 101, 250]), np.array([1_000, 2_000, 3_000]))
    told = latency.take_second()
    by_stage = latency.by_stage()

    assert Histogram.decode(told["tick"]).count == 3
    assert [Histogram.decode(stage["tick"]).max_us() for stage in by_stage] == [1_000, 3_001]
    assert latency.take_second() == {}

"""Whatever the recording, the pipeline, the batches and the seeks, a tap sees the same rows and events."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from threading import current_thread

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.differential.against import Recording
from tests.oracle.random_cases import random_case
from tests.property.test_events import merged
from tests.property.test_seeking import seeks, sought
from tests.unit.engine.test_taps import PriceSum, Recorder
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.testing import run_records

few_examples = settings(max_examples=settings().max_examples // 5)
ROWS = 150


@few_examples
@given(
    st.integers(0, 10_000),
    st.sampled_from(list(PipelineName)),
    st.sampled_from([None, 1e9]),
    st.sampled_from([1, 20, 1000]),
)
def test_every_pipeline_gives_a_tap_the_same_steps(
    seed: int, pipeline: PipelineName, speed: float | None, batch_rows: int
) -> None:
    """Hostile rows from files, flat out and paced; always on the thread of the run."""
    direct, other = Recorder(), Recorder()
    with TemporaryDirectory() as folder:
        recording = Recording(*random_case(seed, ROWS), Path(folder))
        if not recording.paths:
            return
        recording.replay(taps={"recorder": direct})
        recording.replay(taps={"recorder": other}, pipeline=pipeline, speed=speed, batch_rows=batch_rows)

    assert other.rows == direct.rows
    assert other.events == direct.events
    assert other.late == direct.late == []
    assert other.threads <= {current_thread().name}


@few_examples
@given(st.integers(0, 10_000), seeks, st.sampled_from([7, 60]))
def test_a_seek_restores_the_state_of_taps(seed: int, plan: list[tuple[int, int]], batch_rows: int) -> None:
    """Back to a snapshot and on again: what a tap knows at the end is what it knows without a seek."""
    case = random_case(seed, ROWS)
    rows, _ = merged(case)
    whole, back = PriceSum(), PriceSum()
    run_records(rows, case[1], taps={"sum": whole})
    with TemporaryDirectory() as folder:
        sought(rows, case[1], plan, batch_rows, folder, taps={"sum": back})

    assert back.cents[0] == whole.cents[0]

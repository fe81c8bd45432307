"""Whatever a user does while a recording is replayed, its events stay the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle.random_cases import random_case
from tests.property.test_events import merged
from tickstock_cli.engine.checkpoint import CheckpointStore
from tickstock_cli.engine.control import Control
from tickstock_cli.testing import MILLISECOND, SECOND, ManualClock, Record, RunOutput, run_records

few_examples = settings(max_examples=settings().max_examples // 4)
ROWS = 150
WISHES: dict[str, Callable[[Control], None]] = {
    "pause": Control.toggle_pause,
    "step": Control.step,
    "faster": lambda control: control.multiply_speed(2),
    "slower": lambda control: control.multiply_speed(0.5),
}


@dataclass(frozen=True)
class Session:
    """What a user does: keys at wall times in ms since the start."""

    speed: float
    batch_rows: int
    workers: int
    keys: tuple[tuple[int, str], ...]

    def replay(
        self,
        rows: list[Record],
        flat: dict[str, object],
        folder: str | None = None,
        stop: int | None = None,
        resume: bool = False,
    ) -> RunOutput:
        """Replay to the end, or up to a stop at a wall time in ms. A pause that nobody ended ends with the last key."""
        clock, control = ManualClock(), Control(self.speed)
        for time, key in self.keys:
            clock.at(time * MILLISECOND, lambda key=key: WISHES[key](control))  # type: ignore[misc]  # bound now
        last = max((time for time, _ in self.keys), default=0) * MILLISECOND
        clock.at(last + 3 * SECOND, lambda: control.toggle_pause() if control.paused else None)
        if stop is not None:
            clock.at(stop * MILLISECOND, control.stop)
        return run_records(
            rows,
            flat,
            batch_rows=self.batch_rows,
            workers=self.workers,
            control=control,
            clock=clock,
            store=CheckpointStore(Path(folder), {}) if folder else None,
            resume=resume,
        )


def sessions(*batch_rows: int) -> st.SearchStrategy[Session]:
    """Draw sessions with batches of one of these sizes."""
    return st.builds(
        Session,
        st.sampled_from([0.2, 1.0, 3.7, 100.0, 1e5, 1e6]),
        st.sampled_from(batch_rows),
        st.integers(1, 3),
        st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from(sorted(WISHES))), max_size=12).map(tuple),
    )


@few_examples
@given(st.integers(0, 10_000), sessions(1, 7, 60, 1000))
def test_speed_pauses_steps_batches_and_workers_change_no_event(seed: int, session: Session) -> None:
    """Events, ledger, rejected rows and digest are those of a run flat out."""
    case = random_case(seed, ROWS)
    rows, _ = merged(case)
    whole = run_records(rows, case[1])

    paced = session.replay(rows, case[1])

    assert paced.events == whole.events
    assert paced.rejects == whole.rejects
    assert (paced.ledger, paced.result.digest) == (whole.ledger, whole.result.digest)


@few_examples
@given(st.integers(0, 10_000), sessions(30, 100, 1000), sessions(30, 1000), st.integers(0, 30_000))
def test_a_stop_and_a_resumption_at_other_options_change_no_event(
    seed: int, before: Session, after: Session, stop: int
) -> None:
    """Stopped while waiting, paused, or stepping, in the middle of a batch; resumed at another speed."""
    case = random_case(seed, ROWS)
    rows, _ = merged(case)
    whole = run_records(rows, case[1])
    with TemporaryDirectory() as folder:
        first = before.replay(rows, case[1], folder, stop)
        last = after.replay(rows, case[1], folder, resume=True) if first.result.interrupted else first

    assert last.events == whole.events
    assert last.rejects == whole.rejects
    assert (last.ledger, last.result.digest) == (whole.ledger, whole.result.digest)

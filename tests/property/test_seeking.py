"""Whatever times a user seeks, back and forth, a run tells what it would have told, and its outputs do not notice."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.differential.against import Recording
from tests.oracle.random_cases import random_case
from tests.property.test_events import merged
from tickstock_cli.core.clock import SystemClock
from tickstock_cli.engine.checkpoint import CheckpointStore
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.snapshots import Snapshots
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.testing import MILLISECOND, SECOND, ManualClock, Record, RunOutput, run_records

few_examples = settings(max_examples=settings().max_examples // 4)
fewest_examples = settings(max_examples=settings().max_examples // 10)
ROWS = 150
SHARES = 1_000
seeks = st.lists(st.tuples(st.integers(0, 2 * ROWS), st.integers(-20, SHARES + 20)), max_size=6)
"""After how many steps to go where: in thousandths of the recording, a little beyond either end."""


@dataclass
class Client(Observer):
    """Knows what a served client can know: the events released so far, up to how many of them it is told."""

    seeks: list[tuple[int, int]] = field(default_factory=list)
    """After how many steps the user seeks which time (ns)."""
    control: Control = field(default_factory=Control)
    known: list[dict[str, Any]] = field(default_factory=list)
    told: int = 0
    steps: int = 0
    jumps: list[tuple[int, int]] = field(default_factory=list)
    """To which time (ns), and how many events were told then."""

    def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's
        """See ``Observer``: by its number, a step makes the user seek."""
        self.steps += 1
        while self.seeks and self.seeks[0][0] <= self.steps:
            self.control.seek(self.seeks.pop(0)[1])

    def released(self, events: pa.RecordBatch, count: int) -> None:
        """See ``Observer``: events that come again are those that came, and none is missing between."""
        first = count - len(events)
        assert first <= len(self.known)
        again = self.known[first:count]
        assert events.slice(0, len(again)).to_pylist() == again
        self.known.extend(events.slice(len(again)).to_pylist())
        self.told = count

    def jumped(self, market_time: int, events: int) -> None:
        """See ``Observer``."""
        self.told = events
        self.jumps.append((market_time, events))

    def check(self, whole: list[dict[str, Any]]) -> None:
        """Hold what was told against what a run that never went back tells: all of that, and what was due at jumps."""
        assert self.known == whole[: len(self.known)]
        for time, events in self.jumps:
            assert events == sum(event["emitted_at"] <= time for event in whole)


def times_of(plan: list[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    """Return the seeks of a plan with times (ns) in place of shares, in the order of their steps."""
    return sorted((after, first + (last - first) * share // SHARES) for after, share in plan)


def sought(
    rows: list[Record], flat: dict[str, object], plan: list[tuple[int, int]], batch_rows: int, folder: str, **how: Any
) -> tuple[RunOutput, Client]:
    """Replay rows by a plan of seeks, with few snapshots that lie close together, so that they are thinned out, too."""
    times = [row.received_at or row.timestamp or 0 for row in rows]
    known = [time for time in times if time > 0] or [1]
    clock, control = ManualClock(), Control(how.pop("speed", 1e6))
    if "stop" in how:
        clock.at(how.pop("stop"), control.stop)
    client = Client(seeks=times_of(plan, min(known), max(known)), control=control)
    snapshots = Snapshots(Path(folder), clock, spacing_ns=SECOND, most=3)
    told = run_records(
        rows, flat, batch_rows=batch_rows, control=control, clock=clock, observer=client, snapshots=snapshots, **how
    )
    return told, client


@few_examples
@given(st.integers(0, 10_000), seeks, st.sampled_from([1, 7, 60, 1000]), st.integers(1, 3))
def test_seeks_change_no_output_and_repeat_the_same_events(
    seed: int, plan: list[tuple[int, int]], batch_rows: int, workers: int
) -> None:
    """Events, ledger, rejected rows and digest are those of a run flat out; so is everything heard behind a seek."""
    case = random_case(seed, ROWS)
    rows, _ = merged(case)
    whole = run_records(rows, case[1])
    with TemporaryDirectory() as folder:
        told, client = sought(rows, case[1], plan, batch_rows, folder, workers=workers)

    assert told.events == whole.events
    assert told.rejects == whole.rejects
    assert (told.ledger, told.result.digest, told.result.rows) == (whole.ledger, whole.result.digest, whole.result.rows)
    client.check(whole.events)


@few_examples
@given(
    st.integers(0, 10_000),
    seeks,
    seeks,
    st.sampled_from([7, 60]),
    st.sampled_from([0.3, 20.0, 1e4]),
    st.integers(0, 60_000),
)
def test_a_stop_after_a_seek_back_ends_at_the_furthest_position(
    seed: int, plan: list[tuple[int, int]], later: list[tuple[int, int]], batch_rows: int, speed: float, stop: int
) -> None:
    """Outputs lose nothing that was told; the checkpoint goes on from there, and seeks go back before it."""
    case = random_case(seed, ROWS)
    rows, _ = merged(case)
    whole = run_records(rows, case[1])
    with TemporaryDirectory() as folder, TemporaryDirectory() as kept:
        store = CheckpointStore(Path(kept), {})
        told, client = sought(
            rows, case[1], plan, batch_rows, folder, speed=speed, stop=stop * MILLISECOND, store=store
        )
        client.check(whole.events)
        assert told.events == whole.events[: len(told.events)]
        if told.result.interrupted:
            again = CheckpointStore(Path(kept), {})
            told, client = sought(rows, case[1], later, batch_rows, folder, store=again, resume=True)
            client.check(whole.events)

    assert told.events == whole.events
    assert told.rejects == whole.rejects
    assert (told.ledger, told.result.digest) == (whole.ledger, whole.result.digest)


@fewest_examples
@given(st.integers(0, 10_000), seeks, st.sampled_from(list(PipelineName)))
def test_seeks_change_no_file_in_any_pipeline(seed: int, plan: list[tuple[int, int]], pipeline: PipelineName) -> None:
    """Recordings on disk, from Parquet to files of every format, through the running system and without it."""
    with TemporaryDirectory() as folder, TemporaryDirectory() as kept:
        recording = Recording(*random_case(seed, ROWS), Path(folder))
        if not recording.paths:
            return
        whole = recording.replayed()
        expected = Client()
        recording.replay(observer=expected)
        first, last = recording.span
        control = Control(1e9)
        client = Client(seeks=times_of(plan, first, last), control=control)
        sought = recording.replayed(
            control=control,
            observer=client,
            snapshots=Snapshots(Path(kept), SystemClock(), spacing_ns=SECOND, most=4),
            speed=1e9,
            pipeline=pipeline,
            batch_rows=20,
        )

    assert sought == whole
    client.check(expected.known)
    assert client.told == len(expected.known)

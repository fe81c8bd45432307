"""Short hostile recordings that hypothesis draws and shrinks, cut, shared and stopped in all ways.

Each strategy is a test of its own, so that a parallel run spreads them.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.differential.against import REJECTS, on_disk
from tests.oracle.strategies import (
    Case,
    bar_recordings,
    fmv_recordings,
    long_recordings,
    mixed_recordings,
    tick_recordings,
)
from tickstock_cli.sources.options import Unsorted

some_examples = settings(max_examples=settings().max_examples // 3)
few_examples = settings(max_examples=settings().max_examples // 10)
batch_sizes = st.sampled_from((1, 2, 3, 10, 50))
workers = st.integers(1, 3)


def check(case: Case, batch_rows: int, number: int) -> None:
    """Hold a replay against the oracle, then cut and share it and stop it in the middle."""
    rows = sum(map(len, case[0]))
    with on_disk(*case) as recording:
        if not recording.paths:
            return
        whole = recording.replayed()
        assert recording.differences(whole) == []
        assert recording.replayed(batch_rows=batch_rows, workers=number) == whole
        middle = max(1, rows // batch_rows // 2)
        assert recording.replayed_with_stops([middle], batch_rows=batch_rows, workers=number) == whole


@some_examples
@given(tick_recordings(), batch_sizes, workers)
def test_ticks(case: Case, batch_rows: int, number: int) -> None:
    """Segments, the guard, highs and lows, surges, trends."""
    check(case, batch_rows, number)


@some_examples
@given(bar_recordings(), batch_sizes, workers)
def test_bars(case: Case, batch_rows: int, number: int) -> None:
    """Re-sent bars, averages by phase, gaps."""
    check(case, batch_rows, number)


@some_examples
@given(fmv_recordings(), batch_sizes, workers)
def test_fair_values(case: Case, batch_rows: int, number: int) -> None:
    """Market prices of their own or none, confidence, cooldowns across days."""
    check(case, batch_rows, number)


@some_examples
@given(mixed_recordings(), batch_sizes, workers)
def test_all_types_together(case: Case, batch_rows: int, number: int) -> None:
    """What bars and fair values ask of ticks; competition between sources."""
    check(case, batch_rows, number)


@few_examples
@given(long_recordings(1000), batch_sizes, workers)
def test_long_recordings(case: Case, batch_rows: int, number: int) -> None:
    """Rich ones, from drawn seeds."""
    check(case, batch_rows * 20, number)


@some_examples
@given(mixed_recordings(), batch_sizes, st.randoms(use_true_random=False))
def test_unsorted_files_under_late_reject(case: Case, batch_rows: int, random: Random) -> None:
    """A row that stands too late counts as available later, and is judged by its own times all the same."""
    files, flat = case
    mixed = []
    for rows in files:
        shuffled = [*rows]
        for place in range(0, len(shuffled) - 1, 3):
            if random.random() < 0.5:
                shuffled[place], shuffled[place + 1] = shuffled[place + 1], shuffled[place]
        mixed.append([replace(row, row=number) for number, row in enumerate(shuffled)])
    with on_disk(mixed, flat) as recording:
        if recording.paths:
            whole = recording.replayed(unsorted=Unsorted.REJECT)
            assert recording.differences(whole, late_reject=True) == []
            assert recording.replayed(unsorted=Unsorted.REJECT, batch_rows=batch_rows) == whole


@few_examples
@given(mixed_recordings(), batch_sizes)
def test_streams_and_recordings_give_the_same_events(case: Case, batch_rows: int) -> None:
    """Rows that come as Arrow streams, in merge order, give the same events and the same ledger."""
    with on_disk(*case) as recording:
        if recording.paths:
            whole = recording.replayed()
            (recording.folder / "rows.arrow").write_bytes(recording.streams())
            recording.paths = [f"arrow:{recording.folder / 'rows.arrow'}"]
            streamed = recording.replayed(batch_rows=batch_rows)
            assert (streamed.ledger, streamed.digest) == (whole.ledger, whole.digest)
            assert {**streamed.files, REJECTS: b""} == {**whole.files, REJECTS: b""}

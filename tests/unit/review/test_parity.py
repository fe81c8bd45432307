"""Parity: a replay of what live runs recorded gives the events that they told."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.recording.making import SECOND
from tests.unit.recording.running import BEGIN, Life, live, market
from tickstock_cli.build import settings_model
from tickstock_cli.recording.folder import RecordedFolder
from tickstock_cli.replaying import Request, replay
from tickstock_cli.review.parity import StartEnd, check_parity


def replayed_events(path: Path) -> int:
    """Return the number of events of a plain replay of a folder; one without rows has none."""
    return replay(Request([path])).tally.events if list(path.glob("*/tick-*")) else 0


def test_a_clean_run_told_what_its_replay_tells(tmp_path: Path) -> None:
    """The promise of a recording: row for row and digest."""
    live(tmp_path, Life(market(1), flushes={3, 9}))
    parity = check_parity(tmp_path)
    again = replay(Request([tmp_path]))
    assert parity.equal
    assert parity.events == again.tally.events > 5
    assert parity.starts[0].digest == again.digest
    assert parity.untold == []


def test_a_killed_run_lacks_only_events_at_its_end(tmp_path: Path) -> None:
    """What was told after the last flush is lost with the process; it is listed, not counted as a difference."""
    live(tmp_path, Life(market(1), flushes={5, 6}, killed_at=10))
    parity = check_parity(tmp_path)
    assert parity.equal
    assert parity.starts[0].end is StartEnd.KILLED
    assert parity.events > 0
    assert len(parity.untold) > 0
    assert parity.events + len(parity.untold) == replay(Request([tmp_path])).tally.events


@settings(max_examples=20)  # each is up to three runs
@given(
    seed=st.integers(0, 50),
    kills=st.lists(st.one_of(st.none(), st.integers(0, 25)), min_size=1, max_size=3),
    flushes=st.frozensets(st.integers(0, 25), max_size=8),
)
def test_parity_holds_over_starts_stops_and_kills(seed: int, kills: list[int | None], flushes: frozenset[int]) -> None:
    """Each start goes on from the state of the rows before it, however the run before it ended."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rec"
        for number, killed_at in enumerate(kills):
            rows = market(seed + number, BEGIN + number * 100 * SECOND, groups=20)
            live(path, Life(rows, flushes, killed_at))
        parity = check_parity(path)
        assert parity.equal, parity.differences
        assert parity.events + len(parity.untold) == replayed_events(path)
        assert all(start.untold == () for start in parity.starts if start.end is StartEnd.CLEAN)


def test_starts_with_other_settings_are_each_replayed_with_theirs(tmp_path: Path) -> None:
    """A user who changes a threshold between two days must not lose the proof of both."""
    other = settings_model().model_validate({"highlow": {"min_percent_change": 0.3}})
    live(tmp_path, Life(market(1)))
    live(tmp_path, Life(market(1, BEGIN + 200 * SECOND), settings=other))
    parity = check_parity(tmp_path)
    assert parity.equal
    assert parity.starts[0].events > parity.starts[1].events > 0


def test_an_event_that_was_told_otherwise_is_a_difference(tmp_path: Path) -> None:
    """The check must be able to fail: here one event was changed on disk, and one is missing."""
    live(tmp_path, Life(market(1)))
    (path, *_) = sorted(tmp_path.glob("*/events-*.parquet"))
    events = pq.read_table(path)
    price = events["price"].to_numpy().copy()
    price[0] += 1.0
    place = events.column_names.index("price")
    changed = events.set_column(place, events.schema.field("price"), pa.array(price))
    pq.write_table(changed.slice(0, events.num_rows - 1), path)
    parity = check_parity(tmp_path)
    assert not parity.equal
    assert {difference.status for difference in parity.differences} == {"changed", "only_b"}
    assert parity.total == 2


def test_a_run_that_goes_on_is_not_called_killed(tmp_path: Path) -> None:
    """A user can ask at any time; what was told in the last second is not on disk yet."""
    live(tmp_path, Life(market(1), flushes={5, 6}, killed_at=10))
    with RecordedFolder(tmp_path).locked():
        parity = check_parity(tmp_path)
    assert parity.equal
    assert parity.starts[0].end is StartEnd.RUNNING


def test_a_run_that_was_interrupted_may_lack_events_at_its_end(tmp_path: Path) -> None:
    """A second Ctrl-C ends it before its open windows are told; its end is written all the same."""
    live(tmp_path, Life(market(1), flushes={5, 6}, killed_at=10))
    with RecordedFolder(tmp_path).locked() as folder:
        folder.end_start(1, {"at": 0, "interrupted": True})
    parity = check_parity(tmp_path)
    assert parity.equal
    assert parity.starts[0].end is StartEnd.INTERRUPTED
    assert len(parity.untold) > 0

"""Outputs: every event reaches every sink; one that fails is dropped and counted, and the others are whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from threading import enumerate as running_threads

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.engine.events import morning_events
from tickstock_cli.build import build_encoder, settings_model
from tickstock_cli.core.digest import EventDigest
from tickstock_cli.core.events import EVENT, EventRows
from tickstock_cli.core.stages import NamedSink, Sink
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine import outputs as outputs_module
from tickstock_cli.engine.outputs import Listener, Outputs
from tickstock_cli.errors import OutputError
from tickstock_cli.sinks.opening import open_all, open_sink
from tickstock_cli.testing import ListSink

FULL = OutputError("cannot write events.csv: the disk is full")


class FullDisk(ListSink):
    """A sink whose disk is full from its ``writes``-th write on, or, if ``late``, when it is to be finished."""

    def __init__(self, writes: int = 0, late: bool = False) -> None:
        super().__init__()
        self._left = writes
        self._late = late

    def write(self, events: pa.RecordBatch) -> None:
        """See ``Sink.write``."""
        self._left -= 1
        if self._left < 0 and not self._late:
            raise FULL
        super().write(events)

    def finish(self) -> None:
        """See ``Sink.finish``."""
        if self._late:
            raise FULL
        super().finish()


class StuckPipe(ListSink):
    """A sink whose reader takes nothing until ``read`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = Event()
        self.read = Event()

    def write(self, events: pa.RecordBatch) -> None:
        """See ``Sink.write``."""
        self.entered.set()
        self.read.wait()
        super().write(events)


def outputs_to(*sinks: Sink | NamedSink, listeners: tuple[Listener, ...] = ()) -> Outputs:
    """Return the outputs of a run with default settings."""
    outputs = Outputs(build_encoder(settings_model()(), SymbolTable()), sinks)
    for listener in listeners:
        outputs.listen(listener)
    return outputs


def parts(rows: int = 100) -> Iterator[pa.RecordBatch]:
    """Cut the events of a morning."""
    events = morning_events()
    for start in range(0, len(events), rows):
        yield events.slice(start, rows)


def internal(prices: Sequence[float]) -> EventRows:
    """Return events as the core releases them, told apart by their price."""
    events = np.zeros(len(prices), EVENT)
    events["price"] = prices
    return events


def writers() -> list[str]:
    """Return the writer threads that run."""
    return [thread.name for thread in running_threads() if thread.name == "tickstock-writer"]


def test_waiting_events_are_written_together() -> None:
    """A running system releases one or two at a time, hundreds of times a second: all wait for the turn of each."""
    pipe = StuckPipe()
    heard: list[list[float | None]] = []
    symbols = SymbolTable()
    symbols.add(["IBM"])
    outputs = Outputs(build_encoder(settings_model()(), symbols), [pipe])
    outputs.listen(lambda events: heard.append(events.column("price").to_pylist()))
    outputs.write(internal([1.0]))
    assert pipe.entered.wait(60)
    for price in (2.0, 3.0, 4.0):
        outputs.write(internal([price, price + 0.5]))
    kept = morning_events().slice(0, 2)
    outputs.write(kept)
    outputs.write(internal([5.0]))
    pipe.read.set()
    outputs.finish()

    assert heard == [[1.0], [2.0, 2.5, 3.0, 3.5, 4.0, 4.5], kept.column("price").to_pylist(), [5.0]]
    assert outputs.tally.events == 10


def test_every_sink_gets_every_event_in_order() -> None:
    """And digest, tally and listeners see the same."""
    one, other = ListSink(), ListSink()
    heard: list[int] = []
    outputs = outputs_to(one, other, listeners=(lambda events: heard.append(len(events)),))
    for part in parts():
        outputs.write(part)
    outputs.finish()
    outputs.commit()

    digest = EventDigest()
    digest.update(morning_events())
    assert one.events == other.events == morning_events().to_pylist()
    assert outputs.digest.hexdigest() == digest.hexdigest()
    assert outputs.tally.events == sum(heard) == len(morning_events())
    assert one.committed
    assert other.committed
    assert writers() == []


def test_drain_waits_for_all_that_was_written() -> None:
    """A checkpoint behind it may count on every event being with its sinks."""
    sink = ListSink()
    outputs = outputs_to(sink)
    counts = []
    for part in parts(50):
        outputs.write(part)
        outputs.drain()
        counts.append(len(sink.events))
    outputs.abort()

    assert counts == [min(50 * place, len(morning_events())) for place in range(1, len(counts) + 1)]


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_failing_sink_is_dropped_and_the_others_are_whole(broken: int, tmp_path: Path) -> None:
    """Whichever it is: six hours of events must not go because another disk is full. What it missed is counted."""
    targets = [tmp_path / "events.parquet", tmp_path / "events.jsonl"]
    sinks: list[Sink] = [open_sink(str(target)) for target in targets]
    full = FullDisk(writes=2)
    sinks.insert(broken, full)
    outputs = outputs_to(*sinks)
    for part in parts():
        outputs.write(part)
        outputs.drain()
    outputs.finish()
    outputs.commit()

    total = len(morning_events())
    report = outputs.reports()[broken]
    assert (report.state, report.rows, report.missing, report.reason) == ("failed", 200, total - 200, str(FULL))
    assert full.aborted
    assert pq.read_table(targets[0]).num_rows == len(targets[1].read_text().splitlines()) == total
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.jsonl", "events.parquet"]


def test_when_every_sink_has_failed_all_are_dropped(tmp_path: Path) -> None:
    """A run with nothing left to write ends; the file of yesterday is as it was."""
    whole = tmp_path / "events.csv"
    whole.write_bytes(b"yesterday")
    outputs = outputs_to(FullDisk(writes=1), FullDisk(writes=2))
    for part in [*parts()][:2]:
        outputs.write(part)
        outputs.drain()
    outputs.write(next(parts()))

    with pytest.raises(OutputError, match=r"every output failed: cannot write events.csv.*; cannot write events.csv"):
        outputs.drain()
    outputs.abort()

    assert whole.read_bytes() == b"yesterday"
    assert writers() == []


def test_the_next_call_raises_a_failure_of_a_sink() -> None:
    """The writer has a thread of its own: the run hears of it at its next call, and at every one after it."""
    outputs = outputs_to(FullDisk())
    outputs.write(next(parts()))
    for call in (outputs.drain, lambda: outputs.write(next(parts())), outputs.finish, outputs.finish):
        with pytest.raises(OutputError) as raised:
            call()
        assert raised.value is FULL
    outputs.abort()


def test_a_disk_that_fills_at_the_very_end_costs_one_output(tmp_path: Path) -> None:
    """Parquet writes its last rows and its footer at the end. The others are whole."""
    whole = tmp_path / "events.csv"
    outputs = outputs_to(open_sink(str(whole)), FullDisk(late=True))
    for part in parts():
        outputs.write(part)
    outputs.finish()
    outputs.commit()

    assert [report.state for report in outputs.reports()] == ["written", "failed"]
    assert len(whole.read_text().splitlines()) == 1 + len(morning_events())


def test_a_sink_of_a_plugin_that_raises_anything_is_dropped(tmp_path: Path) -> None:
    """A client library has errors of its own; they must not cost the files beside it either."""

    class Broken(ListSink):
        def write(self, events: pa.RecordBatch) -> None:
            raise ValueError(f"broker refused {len(events)} events")

    outputs = outputs_to(Broken(), open_sink(str(tmp_path / "events.jsonl")))
    outputs.write(morning_events())
    outputs.finish()
    outputs.commit()

    assert outputs.reports()[0].reason == f"ValueError: broker refused {len(morning_events())} events"
    assert (tmp_path / "events.jsonl").exists()


@pytest.mark.parametrize(
    ("earlier", "keep_partial", "names"),
    [
        (False, False, {"events.csv": "new"}),
        (True, False, {"events.csv": "earlier", "events.csv.partial": "new"}),
        (False, True, {"events.csv.partial": "new"}),
        (True, True, {"events.csv": "earlier", "events.csv.partial": "new"}),
    ],
)
def test_a_stopped_run_replaces_no_earlier_file(
    earlier: bool, keep_partial: bool, names: dict[str, str], tmp_path: Path
) -> None:
    """A short file in the place of yesterday's whole one looks like a quiet market."""
    target = tmp_path / "events.csv"
    if earlier:
        target.write_text("earlier")
    outputs = Outputs(build_encoder(settings_model()(), SymbolTable()), open_all([str(target)]))
    outputs.write(morning_events())
    outputs.finish()
    outputs.commit(stopped=True, keep_partial=keep_partial)

    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert {name: "earlier" if text == "earlier" else "new" for name, text in found.items()} == names
    assert outputs.reports()[0].stands_as == str(tmp_path / [*names][-1])


def test_an_output_without_partial_names_leaves_the_earlier_file(tmp_path: Path) -> None:
    """A sink of a plugin may know nothing of .partial: then the earlier file wins, and the run says so."""
    target = tmp_path / "events.tsv"
    target.write_text("earlier")
    sink = ListSink()
    outputs = outputs_to(NamedSink(str(target), sink, target))
    outputs.finish()
    with pytest.raises(OutputError, match=r"the run was stopped, an earlier file has this name"):
        outputs.commit(stopped=True)

    assert not sink.committed


def test_an_error_of_a_listener_is_not_lost() -> None:
    """Listeners must not fail; one that does ends the run rather than the thread alone."""

    def fail(events: pa.RecordBatch) -> None:
        raise RuntimeError(f"no room for {len(events)} events")

    outputs = outputs_to(ListSink(), listeners=(fail,))
    outputs.write(next(parts()))

    with pytest.raises(RuntimeError, match="no room for 100 events"):
        outputs.drain()
    outputs.abort()


def test_a_blocked_pipe_does_not_delay_an_abort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Ctrl-C must end a run whose reader hangs, and take its temporary files along."""
    monkeypatch.setattr(outputs_module, "STUCK_SECONDS", 0.01)
    pipe = StuckPipe()
    outputs = outputs_to(open_sink(str(tmp_path / "events.parquet")), pipe, open_sink(str(tmp_path / "events.csv")))
    for part in [*parts()][:5]:
        outputs.write(part)
    assert pipe.entered.wait(60)

    outputs.abort()
    left = list(tmp_path.iterdir())
    pipe.read.set()
    for thread in running_threads():
        if thread.name == "tickstock-writer":
            thread.join(60)

    assert left == []
    assert len(pipe.events) == 100  # the write at hand; what waited behind it was dropped


def test_events_that_a_checkpoint_kept_are_written_like_new_ones(tmp_path: Path) -> None:
    """They come encoded; a listener added behind them hears of later ones alone."""
    target = tmp_path / "events.parquet"
    outputs = outputs_to(open_sink(str(target)))
    first, second, *_ = parts(300)
    outputs.write(first)
    outputs.drain()
    heard: list[pa.RecordBatch] = []
    outputs.listen(heard.append)
    outputs.write(second)
    outputs.finish()
    outputs.commit()

    assert pq.read_table(target).to_pylist() == [*first.to_pylist(), *second.to_pylist()]
    assert heard == [second]

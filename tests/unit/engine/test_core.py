"""The core: what it takes over from a checkpoint, and what it keeps apart."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from tickstock_cli.build import build_core, settings_model
from tickstock_cli.core.events import EVENT, EventRows
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.core import Core
from tickstock_cli.testing import MINUTE, SECOND, Bar, ListSource, Record, Tick, new_york, run_records

START = new_york("2024-06-12", "10:00:00")


def core_of(symbols: SymbolTable, workers: int = 1) -> Core:
    """Return an empty core with default settings."""
    return build_core(settings_model()(), symbols, workers)


def climb(ticker: str, steps: int = 30) -> list[Record]:
    """Return a tick every second, each half a percent above the last."""
    return [Tick(ticker, START + n * SECOND, 100.0 * 1.005**n) for n in range(steps)]


def bars_up(ticker: str) -> list[Record]:
    """Return six minutes without a move, then one that gains three percent on ten times the volume."""
    flat: list[Record] = [Bar(ticker, START + n * MINUTE, 100.0, 100.5, 99.5, 100.0, 1000) for n in range(6)]
    return [*flat, Bar(ticker, START + 6 * MINUTE, 100.0, 103.0, 100.0, 103.0, 10_000)]


def told(core: Core, source: ListSource, batch_rows: int, skip: int = 0) -> list[Any]:
    """Step through a source to its end and give every event."""
    released = [core.step(batch).events for batch in source.batches(batch_rows, (skip,))]
    return plain(*released, core.finish())


def plain(*parts: EventRows) -> list[Any]:
    """Return events as plain values that can be compared, NaN included; without their place in a batch."""
    return [
        {name: str(event[name]) for name in EVENT.names or () if name not in ("order", "row")}
        for part in parts
        for event in part
    ]


def test_state_can_be_restored_into_a_core_with_all_tickers() -> None:
    """Tickers met one by one leave spare room behind; the core that takes over has none."""
    symbols = SymbolTable()
    first = core_of(symbols)
    for ticker in "ABCDE":
        symbols.add([ticker])
        first.grow(len(symbols))
    second = core_of(SymbolTable(first.known_tickers()))

    second.restore(first.state(), Ledger())

    assert second.known_tickers() == ("A", "B", "C", "D", "E")


def test_a_restored_core_continues_with_the_same_events() -> None:
    """Tickers that appear one after the other, handed over behind the 40th record."""
    rows = sorted([*climb("A"), *bars_up("B"), *climb("C", 90)], key=lambda row: row.timestamp or 0)
    whole_source = ListSource(rows)
    whole = core_of(whole_source.symbols)
    expected = told(whole, whole_source, 7)
    source = ListSource(rows)
    first = core_of(source.symbols)
    before = plain(*(first.step(batch).events for batch in list(source.batches(8))[:5]))
    resumed_source = ListSource(rows, SymbolTable(first.known_tickers()))
    second = core_of(resumed_source.symbols)
    second.restore({name: array.copy() for name, array in first.state().items()}, first.ledger)

    assert before + told(second, resumed_source, 1000, skip=40) == expected
    assert second.ledger.as_dict() == whole.ledger.as_dict()


@pytest.mark.parametrize("workers", [0, 65])
def test_workers_are_at_most_as_many_as_shards(workers: int) -> None:
    """A worker without a shard would do nothing, and a run without a worker too."""
    with pytest.raises(ValueError, match=f"workers must be 1 to 64, was {workers}"):
        core_of(SymbolTable(), workers)


def test_without_the_highlow_detector_no_high_of_a_bar_is_redundant() -> None:
    """What no detector tells of ticks cannot make a bar's high redundant, though ticks are there."""
    rows = [*climb("A", 3), *bars_up("A")]
    settings: dict[str, Any] = {"detectors.enabled": ["surge", "ohlcv"]}

    for _ in range(20):  # what is left over in memory would differ from run to run
        told_by_bars = run_records(rows, settings)
        assert [event["kind"] for event in told_by_bars.events] == ["high", "surge"]
        assert "coordinator.redundant" not in told_by_bars.ledger


def test_room_made_ahead_changes_no_event() -> None:
    """A live run has the memory of a whole market before its first row."""
    rows = [*climb("A"), *bars_up("B")]
    plain_source, roomy_source = ListSource(rows), ListSource(rows)
    roomy = core_of(roomy_source.symbols)
    before = {name: array.copy() for name, array in roomy.state().items()}

    roomy.reserve(1_000)

    for name, array in roomy.state().items():
        assert array[: len(before[name])].tobytes() == before[name].tobytes()
        assert len(array) >= 1_000 or name in ("coordinator/held", "coordinator/unreleased")
    events = told(roomy, roomy_source, 7)
    assert len(events) > 0
    assert events == told(core_of(plain_source.symbols), plain_source, 7)


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_grouped_ahead_give_the_same_events(workers: int) -> None:
    """However far the reader is ahead, its groups lie in memory of their own until their batch was stepped."""
    rows = sorted([*climb("A"), *bars_up("B"), *climb("C", 90)], key=lambda row: row.timestamp or 0)
    source = ListSource(rows)
    expected = told(core_of(source.symbols), source, 7)
    for lead in (1, 2, 3, 100):
        again = ListSource(rows)
        core = core_of(again.symbols, workers)
        read = core.ahead(again.batches(7))
        waiting, released = list(islice(read, lead)), []
        while waiting:
            released.append(core.step(waiting.pop(0)).events)
            waiting.extend(islice(read, 1))

        assert plain(*released, core.finish()) == expected


def test_a_batch_that_was_not_grouped_ahead_is_grouped_in_its_step() -> None:
    """A seek leaves batches behind that the reader had grouped; those of the next run are others."""
    rows = climb("A", 60)
    source, expected_source = ListSource(rows), ListSource(rows)
    core = core_of(source.symbols)
    left_behind = core.ahead(source.batches(7))
    next(left_behind)
    next(left_behind)

    events = told(core, source, 11)

    assert len(events) > 0
    assert events == told(core_of(expected_source.symbols), expected_source, 11)


def test_the_core_returns_when_the_next_event_can_be_released() -> None:
    """A bar's event waits for the end of its window, a tick's for the nanosecond behind it; then nothing waits."""
    bars, ticks = ListSource(bars_up("A")), ListSource(climb("B", 2))
    of_bars, of_ticks = core_of(bars.symbols), core_of(ticks.symbols)
    for core, source in ((of_bars, bars), (of_ticks, ticks)):
        for batch in source.batches():
            core.step(batch)
    window_end = START + 7 * MINUTE + SECOND // 2

    assert of_bars.next_release() == window_end + 1
    assert of_ticks.next_release() == START + SECOND + 1
    assert not len(of_bars.coordinate((), window_end))
    assert len(of_bars.coordinate((), window_end + 1)) == 2
    assert of_bars.next_release() == 2**63 - 1

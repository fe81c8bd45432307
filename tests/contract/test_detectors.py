"""What every registered detector promises, tried on every line of the table. Nothing here knows one of them."""

from __future__ import annotations

import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, Literal, get_origin

import numpy as np
import pytest
from annotated_types import BaseMetadata
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.watching import (
    CODES,
    FOOD,
    ROWS,
    SEEDS,
    Watch,
    core_of,
    detector_class,
    market,
    new_detector,
    telling_seeds,
    watched,
    whole,
)
from tickstock_cli import detectors

every_detector = pytest.mark.parametrize("name", detectors.PARTS)
some_examples = settings(max_examples=settings().max_examples // 6)
seeds = st.sampled_from(SEEDS)


def copied(state: dict[str, Any]) -> dict[str, Any]:
    """Write state as a checkpoint does, and read it back."""
    stream = io.BytesIO()
    np.savez(stream, **state)
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


def bytes_of(state: dict[str, Any]) -> dict[str, bytes]:
    """Return state in a form that can be compared to the last bit."""
    return {key: array.tobytes() for key, array in state.items()}


@every_detector
def test_it_says_what_it_is(name: str) -> None:
    """A channel there is, kinds and counters with one name each, and words for people."""
    cls = detector_class(name)
    names = [kind.name for kind in cls.kinds]

    assert cls.__doc__
    assert cls.channel in FOOD
    assert len(names) == len(set(names)) >= 1
    assert all(1 <= kind.priority <= 4 for kind in cls.kinds)
    assert len(set(cls.counters)) == len(cls.counters)
    assert all(counter.startswith(("filtered.", "suppressed.")) for counter in cls.counters)
    assert cls.events_per_row >= 1


@every_detector
def test_every_setting_has_a_default_a_description_and_bounds(name: str) -> None:
    """A number without bounds accepts what no rule can work with."""
    params = detector_class(name).Params

    assert params.__doc__
    assert params.model_config["frozen"]
    assert params.model_config["extra"] == "forbid"
    params()
    for key, field in params.model_fields.items():
        bounded = any(isinstance(bound, BaseMetadata) for bound in field.metadata)
        assert field.description, key
        assert field.annotation is bool or get_origin(field.annotation) is Literal or bounded, key


@every_detector
def test_the_market_makes_it_tell_and_count_everything_it_knows(name: str) -> None:
    """Every kind is told, every counter counts; else the tests below would pass a detector that sleeps."""
    counted: Counter[str] = Counter()
    kinds: set[int] = set()
    for seed in SEEDS:
        counted += whole(name, seed).counted
        kinds |= {event["kind"] for told in whole(name, seed).told.values() for event in told}

    assert kinds == {CODES[kind.name] for kind in detector_class(name).kinds}
    assert set(counted) == set(detector_class(name).counters)


@every_detector
@some_examples
@given(seed=seeds, cuts=st.lists(st.integers(1, ROWS), max_size=12))
def test_any_split_into_batches_gives_the_same_events(name: str, seed: int, cuts: list[int]) -> None:
    """And the same counts."""
    cut = watched(name, seed, cuts)

    assert cut.told == whole(name, seed).told
    assert cut.counted == whole(name, seed).counted


@every_detector
@some_examples
@given(seed=seeds, end=st.integers(1, ROWS))
def test_events_of_a_prefix_are_a_prefix_of_the_events(name: str, seed: int, end: int) -> None:
    """Nothing that comes later changes what was told: no look-ahead."""
    watch = Watch(new_detector(name))
    recording = market(watch.channel, seed)
    core_of(watch, recording.tickers).step(next(recording.pieces([end])))
    everything = whole(name, seed).told

    assert all(told == everything[ticker][: len(told)] for ticker, told in watch.told.items())


@every_detector
@some_examples
@given(seed=seeds, middle=st.integers(1, ROWS - 1))
def test_state_saved_and_restored_in_the_middle_changes_nothing(name: str, seed: int, middle: int) -> None:
    """All state is plain arrays: a new detector that is given them goes on as the old one would have."""
    before, after = Watch(new_detector(name)), Watch(new_detector(name))
    recording = market(before.channel, seed)
    first, second = recording.pieces([middle])
    core = core_of(before, recording.tickers)
    core.step(first)
    resumed = core_of(after, recording.tickers)
    resumed.restore(copied(core.state()), core.ledger)
    resumed.step(second)

    for ticker, told in whole(name, seed).told.items():
        assert before.told[ticker] + after.told[ticker] == told
    assert before.counted + after.counted == +whole(name, seed).counted


@every_detector
def test_two_detectors_share_nothing(name: str) -> None:
    """Two that take turns over different markets tell what each tells alone."""
    chosen = telling_seeds(name)[:2]
    watches = [Watch(new_detector(name)) for _ in chosen]
    markets = [market(watch.channel, seed) for watch, seed in zip(watches, chosen, strict=True)]
    cores = [core_of(watch, recording.tickers) for watch, recording in zip(watches, markets, strict=True)]
    cuts = range(0, min(len(recording.rows) for recording in markets), 50)
    for turn in zip(*(recording.pieces(cuts) for recording in markets), strict=True):
        for core, piece in zip(cores, turn, strict=True):
            core.step(piece)

    assert [watch.told for watch in watches] == [whole(name, seed).told for seed in chosen]


@every_detector
def test_a_detector_begins_empty_however_many_were_there_before(name: str) -> None:
    """Its state is that of the first one ever, to the last byte."""
    first = new_detector(name)
    first.grow(5)
    beginning = bytes_of(first.state())
    watched(name, telling_seeds(name)[0])
    second = new_detector(name)
    second.grow(5)

    assert bytes_of(second.state()) == beginning


@every_detector
def test_state_grows_with_tickers_and_not_with_rows(name: str) -> None:
    """Memory is bounded: twelve markets on end take the room of one, 100 kB a ticker at most."""
    watch = Watch(new_detector(name))
    most = 0
    for seed in SEEDS:
        recording = market(watch.channel, seed)
        most = max(most, len(recording.tickers))
        core_of(watch, recording.tickers).step(recording.rows)
    fresh = new_detector(name)
    fresh.grow(most)

    sizes = {key: array.nbytes for key, array in watch.state().items()}
    assert all(len(array) >= most for array in watch.state().values())
    assert all(sizes[key] <= 2 * array.nbytes for key, array in fresh.state().items())
    assert sum(array.nbytes for array in fresh.state().values()) <= 100_000 * most


@every_detector
def test_room_for_more_tickers_changes_nothing(name: str) -> None:
    """A ticker that appears late moves the others' state, not its content."""
    seed = telling_seeds(name)[0]
    watch = Watch(new_detector(name))
    recording = market(watch.channel, seed)
    core = core_of(watch, recording.tickers)
    for number, piece in enumerate(recording.pieces(range(0, ROWS, 40))):
        watch.detector.grow(2 ** min(number, 8))
        core.step(piece)

    assert watch.told == whole(name, seed).told


@every_detector
@pytest.mark.parametrize("workers", [2, 3])
def test_threads_share_a_detector_if_their_tickers_are_their_own(name: str, workers: int) -> None:
    """As many threads as workers, each over its own tickers, batch after batch."""
    rng = Random(workers)
    for seed in telling_seeds(name)[:4]:
        watch = Watch(new_detector(name))
        recording = market(watch.channel, seed)
        with ThreadPoolExecutor(workers) as executor:
            core = core_of(watch, recording.tickers, workers, executor)
            for piece in recording.pieces(rng.sample(range(ROWS), 6)):
                core.step(piece)

        assert watch.told == whole(name, seed).told
        assert watch.counted == whole(name, seed).counted


@every_detector
def test_events_are_whole(name: str) -> None:
    """A time, a direction, a price and a measure; figures are numbers or absent, never infinite."""
    events = [event for seed in SEEDS for told in whole(name, seed).told.values() for event in told]

    for event in events:
        assert event["timestamp"] > 0
        assert event["direction"] in (-1, 0, 1)
        assert event["price"] > 0
        assert 0 <= event["confidence"] <= 1
        assert event["tie_break"] is not None
        assert all(abs(value) != float("inf") for value in event.values() if isinstance(value, float))


@every_detector
def test_explain_fires_exactly_where_the_detector_tells(name: str) -> None:
    """Asked right before each row it names the kinds that the row then tells; asking changes nothing."""
    for seed in telling_seeds(name)[:3]:
        watch = watched(name, seed, range(ROWS), explaining=True)

        assert watch.told == whole(name, seed).told
        assert watch.explained
        assert [(said, told) for said, told in watch.explained if said != told] == []

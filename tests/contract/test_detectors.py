"""What every registered detector promises, tried on every line of the table. Nothing here knows one of them."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, Literal, get_args, get_origin

import numpy as np
import pytest
from annotated_types import BaseMetadata
from hypothesis import given
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
    pieces,
    watched,
)
from tickstock_cli import detectors
from tickstock_cli.testing import ListSource

every_detector = pytest.mark.parametrize("name", detectors.PARTS)


def rows_for(name: str, seed: int) -> Any:
    """Give the records of a seed that a detector lives on."""
    return market(detector_class(name).channel, seed)


def copied(state: dict[str, Any]) -> dict[str, Any]:
    """Write state as a checkpoint does, and read it back."""
    stream = io.BytesIO()
    np.savez(stream, **state)
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


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
        assert field.description, key
        kind = field.annotation
        bounded = any(isinstance(bound, BaseMetadata) for bound in field.metadata)
        assert kind is bool or get_origin(kind) is Literal or get_args(kind) == (bool,) or bounded, key


@every_detector
def test_the_market_makes_it_tell_and_count_everything_it_knows(name: str) -> None:
    """Else the tests below would hold for a detector that sleeps: every kind is told, every counter counts."""
    counted: Counter[str] = Counter()
    kinds: set[int] = set()
    for seed in SEEDS:
        watch = watched(new_detector(name), rows_for(name, seed))
        counted += watch.counted
        kinds |= watch.kinds_told

    assert kinds == {CODES[kind.name] for kind in detector_class(name).kinds}
    assert set(counted) == set(detector_class(name).counters)


@every_detector
@given(seed=st.sampled_from(SEEDS), cuts=st.lists(st.integers(1, ROWS), max_size=12))
def test_any_split_into_batches_gives_the_same_events(name: str, seed: int, cuts: list[int]) -> None:
    """And the same counts."""
    whole = watched(new_detector(name), rows_for(name, seed))
    cut = watched(new_detector(name), rows_for(name, seed), cuts)

    assert cut.told == whole.told
    assert cut.counted == whole.counted


@every_detector
def test_a_batch_a_row_gives_the_same_events(name: str) -> None:
    """The extreme of all splits."""
    whole = watched(new_detector(name), rows_for(name, 0))

    assert watched(new_detector(name), rows_for(name, 0), range(ROWS)).told == whole.told


@every_detector
@given(seed=st.sampled_from(SEEDS), end=st.integers(0, ROWS))
def test_events_of_a_prefix_are_a_prefix_of_the_events(name: str, seed: int, end: int) -> None:
    """Nothing that comes later changes what was told: no look-ahead."""
    source = ListSource(rows_for(name, seed))
    (everything,) = source.batches(1 << 30)
    whole = watched(new_detector(name), rows_for(name, seed)).told
    watch = Watch(new_detector(name))
    if end:
        core_of(watch, source).step(everything.cut(0, end, int(everything.available_at()[:end].max())))

    for ticker, told in watch.told.items():
        assert told == whole[ticker][: len(told)]
    assert sum(map(len, watch.told.values())) <= sum(map(len, whole.values()))


@every_detector
def test_two_detectors_share_nothing(name: str) -> None:
    """Two that take turns over different markets tell what each tells alone."""
    watches = [Watch(new_detector(name)) for _ in range(2)]
    sources = [ListSource(rows_for(name, seed)) for seed in (1, 2)]
    cores = [core_of(watch, source) for watch, source in zip(watches, sources, strict=True)]
    for turn in zip(*(pieces(source, range(0, ROWS, 50)) for source in sources), strict=False):
        for core, piece in zip(cores, turn, strict=True):
            core.step(piece)

    for watch, seed in zip(watches, (1, 2), strict=True):
        alone = watched(new_detector(name), rows_for(name, seed)).told
        assert all(told == alone[ticker][: len(told)] for ticker, told in watch.told.items())
        assert watch.told


@every_detector
def test_a_detector_begins_empty_however_many_were_there_before(name: str) -> None:
    """Its state is that of the first one ever, to the last byte."""
    first = new_detector(name)
    first.grow(5)
    beginning = copied(first.state())
    watched(new_detector(name), rows_for(name, 0))
    second = new_detector(name)
    second.grow(5)

    assert {key: array.tobytes() for key, array in second.state().items()} == {
        key: array.tobytes() for key, array in beginning.items()
    }


@every_detector
@given(seed=st.sampled_from(SEEDS), middle=st.integers(1, ROWS - 1))
def test_state_saved_and_restored_in_the_middle_changes_nothing(name: str, seed: int, middle: int) -> None:
    """All state is plain arrays: a new detector that is given them goes on as the old one would have."""
    whole = watched(new_detector(name), rows_for(name, seed))
    source = ListSource(rows_for(name, seed))
    first, *rest = pieces(source, [middle])
    before = Watch(new_detector(name))
    core = core_of(before, source)
    core.step(first)
    after = Watch(new_detector(name))
    resumed = core_of(after, source)
    resumed.restore(copied(core.state()), core.ledger)
    for piece in rest:
        resumed.step(piece)

    together = defaultdict(list, {ticker: list(told) for ticker, told in before.told.items()})
    for ticker, told in after.told.items():
        together[ticker] += told
    assert together == whole.told
    assert before.counted + after.counted == +whole.counted


@every_detector
def test_state_grows_with_tickers_and_not_with_rows(name: str) -> None:
    """Memory is bounded: ten markets on end leave no more behind than the first did."""
    detector = new_detector(name)
    watch = Watch(detector)
    for seed in SEEDS:
        source = ListSource(rows_for(name, seed))
        core_of(watch, source).step(next(source.batches(1 << 30)))
        tickers = len(source.symbols)
        sizes = {key: array.nbytes for key, array in detector.state().items()}
        fresh = new_detector(name)
        fresh.grow(tickers)

        assert all(len(array) >= tickers for array in detector.state().values())
        assert all(sizes[key] <= 8 * array.nbytes for key, array in fresh.state().items())
    detector.grow(1000)
    assert sum(array.nbytes for array in detector.state().values()) < 1000 * 100_000


@every_detector
def test_room_for_more_tickers_changes_nothing(name: str) -> None:
    """A ticker that appears late moves the others' state, not its content."""
    watch = Watch(new_detector(name))
    source = ListSource(rows_for(name, 3))
    core = core_of(watch, source)
    for number, piece in enumerate(pieces(source, range(0, ROWS, 40))):
        watch.detector.grow(2 ** min(number, 8))
        core.step(piece)

    assert watch.told == watched(new_detector(name), rows_for(name, 3)).told


@every_detector
@pytest.mark.parametrize("workers", [2, 3])
def test_threads_share_a_detector_if_their_tickers_are_their_own(name: str, workers: int) -> None:
    """As many threads as workers, each over its own tickers, batch after batch."""
    rng = Random(workers)
    for seed in SEEDS[:4]:
        watch = Watch(new_detector(name))
        source = ListSource(rows_for(name, seed))
        with ThreadPoolExecutor(workers) as executor:
            core = core_of(watch, source, workers, executor)
            for piece in pieces(source, [rng.randrange(ROWS) for _ in range(6)]):
                core.step(piece)
        alone = watched(new_detector(name), rows_for(name, seed))

        assert watch.told == alone.told
        assert watch.counted == alone.counted


@every_detector
def test_events_are_whole(name: str) -> None:
    """A time, a direction, a price and a measure; figures are numbers or absent, never infinite."""
    for seed in SEEDS:
        for told in watched(new_detector(name), rows_for(name, seed)).told.values():
            for event in told:
                assert event["timestamp"] > 0
                assert event["direction"] in (-1, 0, 1)
                assert event["price"] > 0
                assert 0 <= event["confidence"] <= 1
                assert event["measure"] is not None
                assert all(abs(value) != float("inf") for value in event.values() if isinstance(value, float))


@every_detector
@pytest.mark.parametrize("seed", SEEDS[:3])
def test_explain_fires_exactly_where_the_detector_tells(name: str, seed: int) -> None:
    """Asked right before each row it names the kinds that the row then tells; asking changes nothing."""
    watch = watched(new_detector(name), rows_for(name, seed), range(ROWS))

    assert sum(len(told) for _, told in watch.explained)
    assert [(said, told) for said, told in watch.explained if said != told] == []

"""The contract of detectors as a battery of tests.

In a test module, pytest runs the methods of a subclass:

    class TestVwapCross(DetectorContract):
        detector = VwapCross
        params = {"cooldown_seconds": 5}
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, Literal, get_origin

import numpy as np
from annotated_types import BaseMetadata

from tickstock_cli.testing.markets import RECORDS_OF, ROWS, SEEDS, Market, market
from tickstock_cli.testing.watching import Watch, new_watch, watched

BYTES_PER_TICKER = 100_000
"""Limit of the state of a ticker, in bytes."""

State = Mapping[str, np.ndarray[Any, Any]]


class DetectorContract:
    """The contract of every detector. A subclass names the detector."""

    detector: type[Any]
    """The class, which conforms to `core.stages.Detector`."""
    params: Mapping[str, Any] = {}
    """Settings with which it reports events in small markets: short windows and cooldowns. Others are defaults."""

    def test_it_declares_what_it_is(self) -> None:
        """A channel that exists, kinds and counters with one name each, and words for people."""
        cls = self.detector
        names = [kind.name for kind in cls.kinds]

        assert cls.__doc__, "the class needs a docstring"
        assert cls.channel in RECORDS_OF, f"channel must be one of {', '.join(RECORDS_OF)}"
        assert len(names) == len(set(names)) >= 1, f"kinds must have different names, were {names}"
        assert all(1 <= kind.priority <= 4 for kind in cls.kinds), "the priority of a kind must be 1 to 4"
        assert len(set(cls.counters)) == len(cls.counters), f"counters must differ, were {cls.counters}"
        prefixes = ("filtered.", "suppressed.")
        assert all(counter.startswith(prefixes) for counter in cls.counters), f"counters must begin with {prefixes}"
        assert cls.events_per_row >= 1

    def test_every_setting_has_a_default_a_description_and_bounds(self) -> None:
        """A number without bounds accepts values that no rule can use."""
        params = self.detector.Params

        assert params.__doc__, "the settings need a docstring"
        assert params.model_config.get("frozen"), "derive the settings from detectors.base.Params: they are frozen"
        assert params.model_config.get("extra") == "forbid", "derive the settings from detectors.base.Params"
        params()
        for key, field in params.model_fields.items():
            bounded = any(isinstance(bound, BaseMetadata) for bound in field.metadata)
            limited = field.annotation is bool or get_origin(field.annotation) is Literal or bounded
            assert field.description, f"setting {key} needs a description"
            assert limited, f"setting {key} needs bounds"

    def test_the_markets_make_it_report_and_count_everything_it_declares(self) -> None:
        """Every kind is reported and every counter counts; otherwise the other tests prove nothing. See ``params``."""
        kinds: set[str] = set()
        counted: Counter[str] = Counter()
        for seed in SEEDS:
            watch = self._whole(seed)
            counted += watch.counted
            kinds |= {watch.names[event["kind"]] for event in _events(watch)}

        declared = {kind.name for kind in self.detector.kinds}
        assert kinds == declared, f"never reported: {declared - kinds}, not declared: {kinds - declared}; see params"
        assert set(counted) == set(self.detector.counters), f"never counted: {set(self.detector.counters) - {*counted}}"

    def test_any_split_into_batches_gives_the_same_events(self) -> None:
        """Batches of any size, also of one row, give the same events and counts."""
        for seed in SEEDS:
            rng = Random(seed)
            whole = self._whole(seed)
            for cuts in (range(ROWS) if seed < 2 else (), rng.sample(range(ROWS), 3), rng.sample(range(ROWS), 12)):
                cut = watched(self.detector, self.params, seed, cuts)
                assert cut.events == whole.events, f"seed {seed}: other events in batches cut at {list(cuts)}"
                assert cut.counted == whole.counted, f"seed {seed}: other counts in batches cut at {list(cuts)}"

    def test_events_of_a_prefix_are_a_prefix_of_the_events(self) -> None:
        """Later rows change no reported event: no look-ahead."""
        for seed in SEEDS:
            everything = self._whole(seed).events
            for end in Random(seed).sample(range(1, ROWS), 4):
                watch, recording = self._new()
                watch.core(recording(seed).tickers).step(next(recording(seed).pieces([end])))
                for ticker, events in watch.events.items():
                    assert events == everything[ticker][: len(events)], f"seed {seed}: later rows change events"

    def test_state_saved_and_restored_in_the_middle_changes_nothing(self) -> None:
        """All state is plain arrays: a new detector with these arrays continues like the old one."""
        for seed in SEEDS:
            for middle in Random(seed).sample(range(1, ROWS), 2):
                (before, recording), (after, _) = self._new(), self._new()
                first, *rest = recording(seed).pieces([middle])
                core = before.core(recording(seed).tickers)
                core.step(first)
                resumed = after.core(recording(seed).tickers)
                resumed.restore(_copied(core.state()), core.ledger)
                for piece in rest:
                    resumed.step(piece)

                whole = self._whole(seed)
                for ticker, events in whole.events.items():
                    assert before.events[ticker] + after.events[ticker] == events, f"seed {seed}: restored at {middle}"
                assert before.counted + after.counted == +whole.counted

    def test_two_detectors_share_nothing(self) -> None:
        """Two detectors over different markets, batch by batch in turn, report the same as each alone."""
        seeds = self._reporting_seeds()[:2]
        watches = [self._new()[0] for _ in seeds]
        markets = [market(self.detector.channel, seed) for seed in seeds]
        cores = [watch.core(one.tickers) for watch, one in zip(watches, markets, strict=True)]
        for pieces in zip(*(one.pieces(range(0, ROWS, 50)) for one in markets), strict=False):
            for core, piece in zip(cores, pieces, strict=True):
                core.step(piece)

        for watch, seed in zip(watches, seeds, strict=True):
            for ticker, events in watch.events.items():
                assert events == self._whole(seed).events[ticker][: len(events)]

    def test_a_detector_begins_empty_however_many_were_there_before(self) -> None:
        """The initial state of every detector is the same, byte for byte."""
        first = self._new()[0].detector
        first.grow(5)
        beginning = _bytes_of(first.state())
        watched(self.detector, self.params, self._reporting_seeds()[0])
        second = self._new()[0].detector
        second.grow(5)

        assert _bytes_of(second.state()) == beginning, "its state depends on detectors before it"

    def test_state_grows_with_tickers_and_not_with_rows(self) -> None:
        """Memory is bounded: many markets in a row use the memory of one, at most 100 kB for each ticker."""
        watch, recording = self._new()
        most = max(len(recording(seed).tickers) for seed in SEEDS)
        for seed in SEEDS:
            watch.core(recording(seed).tickers).step(recording(seed).rows)
        fresh = self._new()[0].detector
        fresh.grow(most)

        assert all(len(array) >= most for array in watch.state().values()), "every array has an entry a ticker"
        for key, array in fresh.state().items():
            assert watch.state()[key].nbytes <= 2 * array.nbytes, f"{key} grows with rows"
        assert sum(array.nbytes for array in fresh.state().values()) <= BYTES_PER_TICKER * most

    def test_room_for_more_tickers_changes_nothing(self) -> None:
        """A late ticker moves the state of others, and does not change it."""
        seed = self._reporting_seeds()[0]
        watch, recording = self._new()
        core = watch.core(recording(seed).tickers)
        for number, piece in enumerate(recording(seed).pieces(range(0, ROWS, 40))):
            watch.detector.grow(2 ** min(number, 8))
            core.step(piece)

        assert watch.events == self._whole(seed).events

    def test_threads_share_a_detector_if_their_tickers_are_their_own(self) -> None:
        """One thread for each worker, each with its own tickers, batch by batch."""
        for seed in self._reporting_seeds()[:4]:
            watch, recording = self._new()
            with ThreadPoolExecutor(3) as executor:
                core = watch.core(recording(seed).tickers, 3, executor)
                for piece in recording(seed).pieces(Random(seed).sample(range(ROWS), 6)):
                    core.step(piece)

            assert watch.events == self._whole(seed).events
            assert watch.counted == self._whole(seed).counted

    def test_events_are_complete(self) -> None:
        """An event has time, direction, price and tie-break; numbers are finite or NaN."""
        for event in (event for seed in SEEDS for event in _events(self._whole(seed))):
            assert event["timestamp"] > 0
            assert event["direction"] in (-1, 0, 1)
            assert event["price"] > 0
            assert 0 <= event["confidence"] <= 1
            assert event["tie_break"] is not None, 'set event["tie_break"]: more wins'
            infinite = [name for name, value in event.items() if isinstance(value, float) and abs(value) == np.inf]
            assert not infinite, f"{infinite} are infinite"

    def test_explain_says_fired_exactly_where_the_detector_reports(self) -> None:
        """An explanation before each row names the kinds that the row reports, and changes no state."""
        for seed in self._reporting_seeds()[:2]:
            watch = watched(self.detector, self.params, seed, range(ROWS), explaining=True)

            assert watch.events == self._whole(seed).events
            assert watch.explained
            assert [(said, reported) for said, reported in watch.explained if said != reported] == []

    def _whole(self, seed: int) -> Watch:
        """Return the results of a new detector over a whole market, computed once."""
        key = (self.detector, repr(sorted(self.params.items())), seed)
        if key not in _WHOLE:
            _WHOLE[key] = watched(self.detector, self.params, seed)
        return _WHOLE[key]

    def _new(self) -> tuple[Watch, Any]:
        """Return a new detector, watched, and its markets by seed."""

        def recording(seed: int) -> Market:
            return market(self.detector.channel, seed)

        return new_watch(self.detector, self.params), recording

    def _reporting_seeds(self) -> list[int]:
        """Return the seeds of markets that make it report at least two events."""
        return [seed for seed in SEEDS if len(_events(self._whole(seed))) > 1]


_WHOLE: dict[tuple[type[Any], str, int], Watch] = {}


def _events(watch: Watch) -> list[dict[str, Any]]:
    return [event for events in watch.events.values() for event in events]


def _copied(state: State) -> dict[str, Any]:
    """Write state as a checkpoint does, and read it back."""
    stream = io.BytesIO()
    np.savez(stream, **state)  # type: ignore[arg-type]  # numpy's stub takes the arrays' names for its own options
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


def _bytes_of(state: State) -> dict[str, bytes]:
    """Return state in a form that can be compared to the last bit."""
    return {key: array.tobytes() for key, array in state.items()}

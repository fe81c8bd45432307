"""Event-time curves are means of the prices around the study's own moments, however a recording is cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tickstock_cli.config.analysis import StudySettings
from tickstock_cli.core.events import EVENT, EventRows
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.timeline import PriceSlice, Prints
from tickstock_cli.study.event_paths import EventCurve, EventPaths
from tickstock_cli.study.event_study import EventStudy
from tickstock_cli.study.observations import FoundResults, Observations
from tickstock_cli.study.path_kernels import BEFORE, OFFSETS
from tickstock_cli.testing.records import MINUTE, SECOND, new_york

DAYS = ("2024-06-11", "2024-06-12", "2024-06-13")
TICKERS = 4
AFTER = ("30s", "1m", "5m", "6m", "30m")
STEP = 5 * SECOND


def drawn_prints(seed: int) -> Prints:
    """Return three days of prints of some tickers, many of them at one time or minutes apart."""
    rng = np.random.default_rng(seed)
    parts = []
    for day in DAYS:
        time = new_york(day, "09:30:00") + np.sort(rng.integers(0, 390 * 60, 6_000)) * SECOND
        parts.append((time, rng.choice(TICKERS, 6_000, p=(0.6, 0.3, 0.08, 0.02))))
    time, code = (np.concatenate(column) for column in zip(*parts, strict=True))
    price = 100 + rng.integers(-40, 41, len(time)).cumsum() / 100
    number = np.arange(len(time))
    days = TradingDays("XNYS", ("regular",)).numbers(time)
    return Prints(code.astype(np.int32), time, time, days, price, price, price, price, number, number)


def drawn_events(seed: int) -> EventRows:
    """Return events of two kinds and both directions, in each phase of the first days."""
    rng = np.random.default_rng(seed + 1_000)
    events = np.zeros(300, dtype=EVENT)
    days = [new_york(day, "09:25:00") for day in DAYS]
    events["emitted_at"] = np.sort(rng.choice(days, 300) + rng.integers(0, 400 * 60_000, 300) * 1_000_000)
    events["code"], events["kind"] = rng.integers(0, TICKERS, 300), rng.integers(0, 2, 300)
    events["direction"] = rng.choice((1, -1), 300)
    return events


def drawn_bars(seed: int) -> tuple[Prints, EventRows]:
    """Return two days of minute bars around the clock, received up to five minutes late, and events about midnight."""
    rng = np.random.default_rng(seed)
    midnight = new_york("2024-06-12", "20:00:00")
    opening = np.repeat(np.arange(midnight - 90 * MINUTE, midnight + 1_530 * MINUTE, MINUTE), TICKERS)
    code = np.tile(np.arange(TICKERS, dtype=np.int32), len(opening) // TICKERS)
    time = opening + MINUTE + rng.integers(0, 6, len(opening)) * MINUTE
    for ticker in range(TICKERS):
        time[code == ticker] = np.maximum.accumulate(time[code == ticker])
    order = np.lexsort((code, time))
    start, close = (100 + rng.integers(-40, 41, (2, len(order))) / 100)[:, order]
    number = np.arange(len(order))
    days = TradingDays("24/7", ("regular",)).numbers(opening[order])
    columns = start, np.maximum(start, close), np.minimum(start, close), close
    events = drawn_events(seed)
    minutes = np.sort(np.concatenate([rng.integers(-60, 0, 200), rng.integers(0, 1_500, 100)]))
    events["emitted_at"] = midnight + minutes * MINUTE + rng.integers(0, 2, 300) * SECOND
    events.sort(order="emitted_at")
    return Prints(code[order], time[order], opening[order], days, *columns, number, number), events


def curves_of(
    prints: Prints, events: EventRows, cuts: list[int], *, restarts: bool = False, is_bars: bool = False
) -> tuple[list[EventCurve], Observations]:
    """Return the curves and the observations of a recording in slices that end at times; bars are of a 24/7 market."""
    days = TradingDays("24/7" if is_bars else "XNYS", ("regular",))
    paths = EventPaths()
    settings = StudySettings(horizons=AFTER[1:] if is_bars else AFTER)
    study = EventStudy(settings, days, is_bars=is_bars, open_slack_ms=0, paths=paths)
    openings = prints.at(np.lexsort((prints.number, prints.opening))) if is_bars else Prints.none()
    found: list[FoundResults] = []
    known = -1
    for start, until in pairwise([0, *cuts, MAX_NS]):
        mine = prints.at((prints.time >= start) & (prints.time < until))
        opened = openings.at((openings.opening >= start) & (openings.opening < until))
        chosen = events[(events["emitted_at"] >= start) & (events["emitted_at"] < until)]
        first = opened if is_bars else mine
        new = np.unique(first.day[first.day > known])
        known = max(known, *new.tolist(), -1)
        seen = np.unique(mine.day)
        last = np.array([mine.time[mine.day == day].max() for day in seen], dtype=np.int64)
        part = PriceSlice(until, mine, opened, chosen, new, seen, last)
        taken = study.take(part, np.zeros(len(chosen), np.uint64), TICKERS)
        placebos = [[part.copy() for part in parts] for parts in taken.placebos]
        found.append(FoundResults(taken.records.copy(), placebos))
        if restarts:
            study.restore({name: array.copy() for name, array in study.state().items()})
            state = {name: array.copy() for name, array in paths.state().items()}
            one = np.ones(1, np.int64)
            paths.add(one, one, one, one, one, one)  # what came after the checkpoint is forgotten
            paths.restore(state)
    records = np.concatenate([one.records for one in found])
    placebo = [np.concatenate([part for one in found for part in one.placebos[day]]) for day in range(5)]
    return paths.curves(), Observations(records, np.stack(placebo, axis=1))


@pytest.mark.parametrize("seed", range(3))
def test_a_curve_goes_through_the_means_of_the_study(seed: int) -> None:
    """The report shows both: they are one rule, and cut horizons are in neither."""
    curves, (records, placebo) = curves_of(drawn_prints(seed), drawn_events(seed), [])
    places = [
        int(np.flatnonzero(ns == OFFSETS)[0]) for ns in (30 * SECOND, MINUTE, 5 * MINUTE, 6 * MINUTE, 30 * MINUTE)
    ]
    assert [(c.kind, c.direction) for c in curves] == [(0, 1), (0, -1), (1, 1), (1, -1)]
    for curve in curves:
        chosen = (records["kind"] == curve.kind) & (records["direction"] == curve.direction)
        own = records[chosen]
        for place, column in zip(places, range(len(AFTER)), strict=True):
            seen = own["return_bps"][own["status"][:, column] == 0, column]
            assert curve.events_number[place] == len(seen)
            assert curve.events[place] == pytest.approx(seen.mean(), abs=1e-6)
        all_seen = placebo[chosen][(own["status"] == 0).all(axis=1)]
        assert curve.placebo_number[places[-1]] >= np.count_nonzero(~np.isnan(all_seen[:, :, -1])) > 0


def test_before_the_entry_a_curve_shows_the_last_price_of_whole_five_seconds() -> None:
    """And none before the first print of the day; a price of the day before is none."""
    prints, events = drawn_prints(5), drawn_events(5)
    curves, (records, _) = curves_of(prints, events, [])
    for curve in curves:
        own = records[(records["kind"] == curve.kind) & (records["direction"] == curve.direction)]
        for place in range(BEFORE):
            moves = []
            for record in own[own["entry_time"] > 0]:
                at = (record["entry_time"] + OFFSETS[place]) // STEP * STEP
                mine = (prints.code == record["code"]) & (prints.day == record["day"]) & (prints.time < at)
                if mine.any():
                    price = prints.close[mine][-1]
                    moves.append(record["direction"] * (price - record["entry_price"]) / record["entry_price"] * 1e4)
            assert curve.events_number[place] == len(moves)
            assert curve.events[place] == pytest.approx(np.mean(moves), abs=1e-6)


@pytest.mark.parametrize("size", [41, 997])
def test_neither_slices_nor_restarts_change_a_bit_of_curves_and_observations(size: int) -> None:
    """A report is the same at any batch size, and so are the events of three days with their placebos."""
    prints, events = drawn_prints(7), drawn_events(7)
    whole, observed = curves_of(prints, events, [])
    cuts = sorted({int(time) for time in prints.time[::size]})
    parts, again = curves_of(prints, events, cuts, restarts=True)
    np.testing.assert_array_equal(again.placebo, observed.placebo)
    assert again.records.tobytes() == observed.records.tobytes()
    assert np.count_nonzero(~np.isnan(observed.placebo)) > 500
    for one, other in zip(whole, parts, strict=True):
        for expected, found in zip(one, other, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_bars_that_come_when_their_day_is_over_are_in_the_curves_as_in_the_study() -> None:
    """However the bars are cut, after a restart as well: entries of 23:59 are found, and nothing behind the day."""
    bars, events = drawn_bars(3)
    whole, (records, placebo) = curves_of(bars, events, [], is_bars=True)
    cuts = sorted({int(time) for time in bars.time[::97]})
    parts, again = curves_of(bars, events, cuts, restarts=True, is_bars=True)
    assert again.records.tobytes() == records.tobytes()
    np.testing.assert_array_equal(again.placebo, placebo)
    assert np.count_nonzero(records["entry_time"] > 0) > 280
    for curve, other in zip(whole, parts, strict=True):
        for expected, found in zip(curve, other, strict=True):
            np.testing.assert_array_equal(found, expected)
        own = records[(records["kind"] == curve.kind) & (records["direction"] == curve.direction)]
        for column, ns in enumerate((MINUTE, 5 * MINUTE, 6 * MINUTE, 30 * MINUTE)):
            place = int(np.flatnonzero(ns == OFFSETS)[0])
            seen = own["return_bps"][own["status"][:, column] == 0, column]
            assert curve.events_number[place] == len(seen)
            assert curve.events[place] == pytest.approx(seen.mean(), abs=1e-6)

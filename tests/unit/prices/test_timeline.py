"""The timeline brings every print and event once, by time, however a run is cut into steps."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tickstock_cli.core.times import MAX_NS
from tickstock_cli.engine.taps import Tap, TapStep
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.timeline import PriceSlice, PriceTimeline
from tickstock_cli.testing.markets import market_records
from tickstock_cli.testing.records import MINUTE, SECOND, Bar, Tick, new_york, run_records

REGULAR = ("regular",)


class _Slices(Tap):
    """Keeps the slices of a timeline; restores it from its own state after every step, as a resumed run does."""

    def __init__(self, timeline: PriceTimeline, *, restores: bool = True) -> None:
        self._timeline = timeline
        self._restores = restores
        self.found: list[PriceSlice] = []

    def observe(self, step: TapStep) -> None:
        self.found += self._timeline.take(step.rows, step.events, step.watermark)
        if self._restores:
            self._timeline.restore({name: array.copy() for name, array in self._timeline.state().items()})

    def finish(self) -> None:
        self.found += self._timeline.finish()


def _slices(rows: list[Any], *, is_bars: bool, batch_rows: int = 262_144, lag_ns: int = 0) -> list[PriceSlice]:
    tap = _Slices(PriceTimeline(TradingDays("XNYS", REGULAR), is_bars=is_bars, lag_ns=lag_ns))
    run_records(rows, taps={"slices": tap}, batch_rows=batch_rows)
    return tap.found


def _whole(slices: list[PriceSlice]) -> dict[str, NDArray[Any]]:
    found = {
        f"print {name}": np.concatenate([getattr(s.prints, name) for s in slices]) for name in ("code", "time", "close")
    }
    found |= {
        f"open {name}": np.concatenate([getattr(s.openings, name) for s in slices])
        for name in ("code", "day", "opening")
    }
    return {**found, "events": np.concatenate([s.events["emitted_at"] for s in slices]),
            "days": np.concatenate([s.days for s in slices])}  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("channel", ["tick", "ohlcv"])
def test_the_cut_into_steps_changes_no_sequence(channel: str, seed: int) -> None:
    """A study or a trade simulation sees one sequence, at any batch size and after any restart."""
    rows = market_records(channel, seed, rows=240)
    is_bars = channel == "ohlcv"
    whole = _whole(_slices(rows, is_bars=is_bars, lag_ns=2 * MINUTE))
    for batch_rows in (1, 7, 100):
        slices = _slices(rows, is_bars=is_bars, batch_rows=batch_rows, lag_ns=2 * MINUTE)
        for name, expected in whole.items():
            np.testing.assert_array_equal(_whole(slices)[name], expected, err_msg=name)
        for before, after in zip([0, *(s.until for s in slices)], slices, strict=False):
            for times in (after.prints.time, after.openings.opening, after.events["emitted_at"]):
                assert ((times >= before) & (times < after.until)).all() or after.until == MAX_NS
    assert (np.diff(whole["print time"]) >= 0).all()


def test_a_print_is_a_good_tick_of_a_chosen_phase_and_one_flagged_2_has_no_size() -> None:
    """A study must not trade on what the guard or the flags forbid."""
    open_ = new_york("2024-06-12", "09:30:00")
    rows = [
        Tick("A", open_ - SECOND, 10.0),  # before the session
        Tick("A", open_, 10.0, 100),
        Tick("A", open_ + SECOND, 10.1, 100, 2),  # its volume does not count
        Tick("A", open_ + 2 * SECOND, 10.2, 100, 1),  # its price does not count
        Tick("A", open_ + 3 * SECOND, 20.0, 100),  # suspect
        Tick("A", open_ + 4 * SECOND, None),  # rejected
        Tick("A", open_ + 5 * SECOND, 10.3, 100, 4),  # no high, but a price
    ]
    slices = _slices(rows, is_bars=False)
    found = [pair for s in slices for pair in zip(s.prints.close.tolist(), s.prints.size.tolist(), strict=True)]
    assert found == [
        (10.0, 100_000_000), (10.1, 0), (10.3, 100_000_000),
    ]  # fmt: skip


def test_a_bar_opens_at_its_start_though_it_is_known_a_minute_later() -> None:
    """An order meets a bar at its opening, so that must come in time order, too."""
    open_ = new_york("2024-06-12", "09:30:00")
    rows = [Bar(ticker, open_ + place * MINUTE, 10.0, 11.0, 9.0, 10.5, 500) for place in range(3) for ticker in "AB"]
    slices = _slices(rows, is_bars=True, batch_rows=2, lag_ns=MINUTE)
    assert slices[0].until == open_  # the bars that opened before are known
    assert not slices[0].openings.rows
    opened, closed = slices[1], next(s for s in slices if s.prints.rows)
    assert opened.openings.opening.tolist() == [open_] * 2
    assert closed.prints.time.tolist() == [open_ + MINUTE] * 2
    assert closed.until > opened.until


def test_the_first_print_of_a_date_makes_it_a_recorded_day() -> None:
    """Placebo moments and equity go by recorded days, and half-days end early."""
    moments = [new_york(f"2024-07-{day}", "12:00:00") for day in ("02", "03", "05")]
    slices = _slices([Tick("A", moment, 10.0) for moment in moments], is_bars=False, batch_rows=1)
    days = TradingDays("XNYS", REGULAR)
    numbers = [day for s in slices for day in s.days.tolist()]
    assert numbers == days.numbers(np.array(moments)).tolist()
    ends = [days.limits(number).end for number in numbers]
    assert ends == [new_york("2024-07-02", "16:00:00"), new_york("2024-07-03", "13:00:00"),
                    new_york("2024-07-05", "16:00:00")]  # fmt: skip


def test_rows_of_any_phase_say_how_far_a_day_is_covered() -> None:
    """A day counts as covered to its end if rows came until then, whatever they are worth."""
    late = new_york("2024-06-12", "18:00:00")
    slices = _slices([Tick("A", late, 10.0), Tick("B", late + SECOND, None)], is_bars=False, batch_rows=1)
    days = TradingDays("XNYS", REGULAR)
    assert [(int(s.row_days[0]), int(s.row_last[0])) for s in slices if len(s.row_days)] == [
        (int(days.numbers(np.array([late]))[0]), late)
    ]
    assert not any(s.prints.rows for s in slices)


def test_rows_that_wait_long_are_not_cut_at_every_step() -> None:
    """With one bar received a day late, each step would sort a day's bars anew; the sequence is the same."""
    opening = new_york("2024-06-12", "10:00:00")
    rows = [Bar("AAA", opening + place * MINUTE, 10.0, 11.0, 9.0, 10.0, 100) for place in range(240)]
    whole = _whole(_slices(rows, is_bars=True, lag_ns=1440 * MINUTE))
    timeline = PriceTimeline(TradingDays("XNYS", REGULAR), is_bars=True, lag_ns=1440 * MINUTE)
    tap = _Slices(timeline, restores=False)
    run_records(rows, taps={"slices": tap}, batch_rows=1)

    for name, expected in whole.items():
        np.testing.assert_array_equal(_whole(tap.found)[name], expected, err_msg=name)
    cuts = len({part.until for part in tap.found})
    assert 1 < cuts < 24


@pytest.mark.parametrize("is_bars", [False, True])
def test_a_slice_holds_one_day_however_many_come_in_a_step(is_bars: bool) -> None:
    """A study keeps each ticker's last price of two days: a third in the same slice would take its place."""
    opened = [new_york(f"2024-06-{day}", clock) for day in (10, 11, 12, 13, 14) for clock in ("10:00:00", "15:00:00")]
    rows = [Bar("A", at, 10.0, 11.0, 9.0, 10.5, 500) if is_bars else Tick("A", at, 10.0, 100) for at in opened]
    slices = _slices(rows, is_bars=is_bars, lag_ns=MINUTE)
    assert [part.prints.rows for part in slices if part.prints.rows][:4] == [2] * 4
    assert sum(part.prints.rows for part in slices) == 10
    assert max(len(set(part.prints.day.tolist())) for part in slices) == 1
    assert sum(len(part.row_days) for part in slices) == 5

"""On drawn markets the books add up, and neither cuts, restarts nor what comes later change what was traded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.trading.market import KINDS, MarketBar, MarketEvent, MarketTick, at, simulation, slices, traded
from tickstock_cli.core.events import event_ids
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.testing.records import MINUTE, SECOND
from tickstock_cli.trading.simulation import Records

DAYS = ("2024-06-12", "2024-06-13", "2024-06-24")  # the last one after a gap
SPANS = (("09:30:00", 240), ("15:50:00", 660))
TICKERS = ("B", "A", "C")
few_examples = settings(max_examples=settings().max_examples // 2)
seeds = st.integers(0, 2**32 - 1)


def _times(rng: np.random.Generator, count: int) -> list[int]:
    """Return times on a coarse grid, so that many are equal, around the ends of sessions."""
    found = []
    for _ in range(count):
        start, seconds = SPANS[int(rng.integers(2))]
        found.append(at(start, DAYS[int(rng.integers(3))]) + int(rng.integers(seconds * 4)) * SECOND // 4)
    return sorted(found)


def drawn_market(seed: int, is_bars: bool) -> tuple[list[Any], list[MarketEvent]]:
    """Return the prints and events of a market."""
    rng = np.random.default_rng(seed)
    rows: list[Any] = []
    price = dict.fromkeys(TICKERS, 50.0)
    starts: set[tuple[str, int]] = set()
    for time in _times(rng, int(rng.integers(5, 120))):
        ticker = TICKERS[int(rng.integers(3))]
        price[ticker] = round(price[ticker] * (1 + rng.normal() * 0.01), 2)
        last, size = price[ticker], int(rng.integers(0, 400))
        if not is_bars:
            rows.append(MarketTick(ticker, time, last, size))
            continue
        opening = time - time % (15 * SECOND)
        if (ticker, opening) not in starts:
            starts.add((ticker, opening))
            late = int(rng.integers(3)) * SECOND // 4
            spread = abs(rng.normal()) * 0.3
            rows.append(
                MarketBar(ticker, opening, opening + 15 * SECOND + late, last, last + spread, last - spread, last, size)
            )
    events = [
        MarketEvent(
            TICKERS[int(rng.integers(3))], time - 100 * SECOND // 1_000 * int(rng.integers(2)), int(rng.integers(-1, 2))
        )
        for time in _times(rng, int(rng.integers(1, 40)))
    ]
    return rows, sorted(events, key=lambda one: one.time)


def drawn_strategy(seed: int) -> dict[str, Any]:
    """Return the values of a strategy."""
    rng = np.random.default_rng([seed, 1])

    def either(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    stop = either(0, 0.5, 2)
    return {
        "strategy": {"name": "drawn", "latency_ms": either(0, 100, 2_000)},
        "enter": [{"side": either("follow", "fade", "long")}],
        "exit": {
            "stop_percent": stop,
            "trail_percent": either(0, 1),
            "target_percent": either(0, 1),
            "after": either("", "1s", "1m", "10m"),
            "session_end": either("", "5m", "1s"),
            "on_opposite": either(True, False),
        },
        "size": {
            "rule": either("notional", "equity_percent", *(["risk"] if stop else [])),
            "value": either(0.5, 20.0, 2_000.0),
            "max_positions": either(1, 3),
            "max_gross_percent": either(50, 100, 400),
        },
        "fill": {
            "participation": either(0, 0.1, 1),
            "timeout_seconds": either(0, 5, 60),
            "timeout_bars_seconds": either(0, 60),
        },
        "fees": {"minimum": either(0, 1), "per_share": either(0, 0.005), "bps": either(0, 0.3)},
    }


def bytes_of(records: Records) -> dict[str, bytes]:
    """Return the bytes of records by name."""
    return {name: rows.tobytes() for name, rows in records.items()}


@pytest.mark.parametrize("is_bars", [False, True])
@given(seed=seeds, cuts=st.lists(st.integers(0, 1_000), max_size=8))
@few_examples
def test_no_cut_and_no_restart_changes_a_byte(is_bars: bool, seed: int, cuts: Sequence[int]) -> None:
    """Cut anywhere, with a state restored into a new simulation after every slice; the books add up each time."""
    rows, events = drawn_market(seed, is_bars)
    first, last = at(SPANS[0][0], DAYS[0]), at("16:05:00", DAYS[2])
    times = [*(row.time for row in rows), *(first + (last - first) * cut // 1_000 for cut in cuts)]
    chosen = [times[cut % len(times)] + cut % 2 for cut in cuts]
    values, symbols, days = drawn_strategy(seed), SymbolTable(), TradingDays("XNYS", ("regular",))
    options: dict[str, Any] = {"open_slack_ms": 1_000, "bar_interval_ns": 15 * SECOND}
    whole = traded(values, rows, events, **options)
    trading = simulation(values, rows, symbols, days, **options)
    taken: list[Records] = []
    for number, part in enumerate(slices(rows, events, chosen, symbols, days)):
        trading.step(part, event_ids(part.events, KINDS, symbols.hashes()))
        trading.check_books()
        if number % 3 == 0:
            taken.append(trading.take())
        state = {name: array.copy() for name, array in trading.state().items()}
        trading = simulation(values, rows, symbols, days, **options)
        trading.restore(state)
    trading.finish()
    taken.append(trading.take())
    joined = {name: np.concatenate([records[name] for records in taken]) for name in taken[0]}
    assert bytes_of(joined) == bytes_of(whole)


@pytest.mark.parametrize("is_bars", [False, True])
@given(seed=seeds)
@few_examples
def test_what_comes_later_changes_nothing_decided_before(is_bars: bool, seed: int) -> None:
    """Prints and events after a time are left out; of bars, those that opened then, too."""
    rows, events = drawn_market(seed, is_bars)
    inside = [row.time for row in rows if at("09:30:00", DAYS[1]) <= row.time < at("15:59:00", DAYS[1])]
    last = inside[seed % len(inside)] if inside else at("09:31:00", DAYS[0])
    early = [row for row in rows if row.time <= last]
    if not early:
        return
    if is_bars:  # a bar in the middle has its open before it is known
        last = min([last, *(row.opening - 1 for row in rows if row.time > last)])
    values = drawn_strategy(seed)
    options: dict[str, Any] = {"bar_interval_ns": 15 * SECOND}
    whole = traded(values, rows, events, **options)
    known = traded(values, early, [one for one in events if one.time <= last], **options)

    day_end = max((at("16:00:00", day) for day in DAYS if at("16:00:00", day) <= last), default=0)
    ends = max(day_end + 1, 0)
    for name, time in (("signals", "decision"), ("fills", "time"), ("equity", "time")):
        before, after = (records[name][records[name][time] <= last] for records in (known, whole))
        if values["exit"]["session_end"] or not ends or early[-1].time > day_end:
            assert before.tobytes() == after.tobytes(), name


@given(seed=seeds)
@few_examples
def test_what_is_left_in_the_end_is_cash(seed: int) -> None:
    """No position is open after the last day; cash is what its last minute says."""
    rows, events = drawn_market(seed, is_bars=False)
    records = traded(drawn_strategy(seed), rows, events)
    last = records["equity"][-1]

    assert (last["positions"], last["gross"], last["equity"]) == (0, 0, last["cash"])
    assert last["cash"] == 100_000_000_000 + int(records["trades"]["net"].sum())
    assert last["time"] % MINUTE == 0

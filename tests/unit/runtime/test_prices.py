"""The page's price line: the run's own memory of usable prices, bounded, and never ahead of its market."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickstock_cli.core.clock import SystemClock
from tickstock_cli.engine.checkpoint import CheckpointStore
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.snapshots import Snapshots
from tickstock_cli.replaying import Request, replay
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.runtime.prices import BUCKETS, PriceTap
from tickstock_cli.testing import MINUTE, SECOND, Bar, ManualClock, Record, Tick, new_york, run_records

TEN = new_york("2024-06-12", "10:00:00")


def line(rows: list[Record], ticker: str = "IBM", **how: Any) -> list[tuple[int, float]]:
    """Return the line of a ticker behind a run: seconds after ten, and price."""
    tap = PriceTap()
    run_records(rows, taps={"prices": tap}, **how)
    told = tap.prices(ticker)
    return [((time - TEN) // SECOND, price) for time, price in zip(told.times, told.prices, strict=True)]


def climb(seconds: int, step: int = 1) -> list[Record]:
    """Return a tick every ``step`` seconds, a cent above the one before."""
    return [Tick("IBM", TEN + second * SECOND, 100 + second / 100) for second in range(0, seconds, step)]


@pytest.mark.parametrize("batch_rows", [1, 13, 10_000])
def test_a_line_keeps_the_last_price_of_each_ten_seconds(batch_rows: int) -> None:
    """With its own time, not that of the bucket; however the rows are cut."""
    assert line(climb(25), batch_rows=batch_rows) == [(9, 100.09), (19, 100.19), (24, 100.24)]


def test_older_prices_are_kept_every_five_minutes() -> None:
    """A user sees the session as well as the last minutes, and both join without a step back."""
    told = line(climb(2 * 3600))
    times = [time for time, _ in told]

    assert times == sorted(set(times))
    assert times[:3] == [299, 599, 899]
    assert times[-2:] == [7189, 7199]
    assert [later - earlier for earlier, later in pairwise(times)].count(300) == 17


def test_memory_is_bounded() -> None:
    """A ticker that trades around the clock, for two days, takes what one takes that traded once."""
    busy, quiet = PriceTap(), PriceTap()
    run_records(climb(56 * 3600, step=20), taps={"prices": busy})
    run_records(climb(1), taps={"prices": quiet})
    sizes = [sum(array.nbytes for array in tap.state().values()) for tap in (busy, quiet)]

    assert sizes[0] == sizes[1] < 8_000
    assert 250 < len(busy.prices("IBM").times) <= BUCKETS


def test_bars_are_shown_until_ticks_come() -> None:
    """A line of two sources would jump between them; a ticker without ticks keeps its bars."""
    bars: list[Record] = [
        Bar(ticker, TEN + minute * MINUTE, 50, 52, 50, 50 + minute, 10)
        for ticker in ("IBM", "ABC")
        for minute in (0, 1)
    ]
    later = TEN + 150 * SECOND
    ticks: list[Record] = [Tick("IBM", later, 100.0), Bar("IBM", later, 99, 99, 99, 99, 10)]

    assert line(bars) == [(60, 50.0), (120, 51.0)]
    assert line([*bars, *ticks]) == [(150, 100.0)]
    assert line([*bars, *ticks], "ABC") == line(bars, "ABC")


def test_prices_that_no_rule_may_use_are_not_drawn() -> None:
    """Prints far away, flagged, impossible, or of a phase that is left out: each would bend the line."""
    rows: list[Record] = [
        Tick("IBM", TEN, 100.0),
        Tick("IBM", TEN + 10 * SECOND, 180.0),
        Tick("IBM", TEN + 20 * SECOND, 100.2, flags=1),
        Tick("IBM", TEN + 30 * SECOND, -5.0),
        Tick("IBM", TEN + 400 * SECOND, 100.4),
        Tick("IBM", TEN + 14 * 3600 * SECOND, 100.5),  # midnight
    ]

    assert line(rows) == [(0, 100.0), (400, 100.4)]


def test_an_unknown_ticker_has_an_empty_line() -> None:
    """The page may ask for any ticker, and before the run begins."""
    assert list(PriceTap().prices("IBM").times) == []
    assert line(climb(3), "ABC") == []


def test_a_checkpoint_fits_a_run_with_and_without_the_line(tmp_path: Path) -> None:
    """What is only shown must not keep a user from going on with a run: the line begins where it is seen."""
    rows, control, tap = climb(60), Control(), PriceTap()

    class Stop(Observer):
        def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's
            if rows >= 30:
                control.stop()

    run_records(rows, batch_rows=30, control=control, observer=Stop(), store=CheckpointStore(tmp_path, {}))
    run_records(rows, store=CheckpointStore(tmp_path, {}), resume=True, taps={"prices": tap})

    assert not PriceTap.needs_whole_run
    assert [(time - TEN) // SECOND for time in tap.prices("IBM").times] == [39, 49, 59]


@pytest.mark.parametrize("pipeline", list(PipelineName))
def test_nothing_before_the_start_is_shown(tmp_path: Path, pipeline: PipelineName) -> None:
    """The line is that of the run, in every pipeline, and not of the recording."""
    tap = PriceTap()
    recording = tmp_path / "ticks.parquet"
    columns: dict[str, list[Any]] = {
        "ticker": ["IBM"] * 60,
        "timestamp": [TEN + second * SECOND for second in range(60)],
        "price": [100.0 + second / 100 for second in range(60)],
        "size": [100] * 60,
    }
    pq.write_table(pa.table(columns), recording)
    replay(Request(paths=[recording], start=TEN + 30 * SECOND, pipeline=pipeline), taps={"prices": tap})

    assert [(time - TEN) // SECOND for time in tap.prices("IBM").times] == [39, 49, 59]


def test_after_a_seek_back_nothing_beyond_the_market_is_shown(tmp_path: Path) -> None:
    """Prices from the future would tell what comes; at the end the line is that of a run without a seek."""
    tap, control = PriceTap(), Control(1e6)
    shown: list[list[int]] = []

    class Viewer(Observer):
        def advanced(self, rows: int, market_time: int) -> None:
            if market_time >= TEN + 200 * SECOND and not shown and rows < 250:
                control.seek(TEN + 95 * SECOND)

        def jumped(self, market_time: int, events: int) -> None:  # noqa: ARG002 - the observer's
            shown.append([(time - TEN) // SECOND for time in tap.prices("IBM").times])

    snapshots = Snapshots(tmp_path, SystemClock(), spacing_ns=20 * SECOND)
    run_records(
        climb(300),
        batch_rows=7,
        control=control,
        clock=ManualClock(),
        observer=Viewer(),
        snapshots=snapshots,
        taps={"prices": tap},
    )

    assert shown == [[9, 19, 29, 39, 49, 59, 69, 79, 89, 95]]
    assert [(time - TEN) // SECOND for time in tap.prices("IBM").times] == [*range(9, 300, 10)]

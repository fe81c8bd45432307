"""Section 2 of docs/backtest.md by hand: placebo days, and how far a day is covered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.differential.backtests import study_of
from tests.oracle.backtest.drawn import BacktestCase
from tickstock_cli.testing import SECOND, Bar, Record, Tick, new_york


def minute(day: str, first: float, last: float, ticker: str = "A", clock: str = "10:00") -> list[Record]:
    """Return a tick one second after a time of day, and one a minute later."""
    begun = new_york(day, f"{clock}:01")
    return [Tick(ticker, begun, first, 100), Tick(ticker, begun + 60 * SECOND, last, 100)]


def event(day: str, clock: str = "10:00:00", direction: int = 1) -> dict[str, Any]:
    """Return an event of A that is decided at a time of day."""
    at = new_york(day, clock) - 100_000_000
    return {"event_id": 1, "emitted_at": at, "ticker": "A", "kind": "surge", "source": "tick", "direction": direction,
            "phase": "regular", "strength": None}  # fmt: skip


def studied(rows: Sequence[Record], given: dict[str, Any], folder: Path, **settings: Any) -> list[dict[str, Any]]:
    """Return the observations of one event."""
    dotted = {name.replace("__", "."): value for name, value in settings.items()}
    return study_of(BacktestCase(list(rows), [given], {"study.horizons": ["1m"], **dotted}, {}), folder, 3)[0]


def test_placebo_days_have_a_print_of_any_ticker_and_end_after_two_weeks(tmp_path: Path) -> None:
    """B alone is recorded on the 4th: that day takes a place and has no placebo of A. The 18th is a day too far."""
    rows = [
        *minute("2024-06-03", 100.0, 101.0),
        *minute("2024-06-04", 50.0, 51.0, "B"),
        *minute("2024-06-17", 200.0, 201.0),
        *minute("2024-06-18", 100.0, 90.0),
    ]
    (row,) = studied(rows, event("2024-06-03"), tmp_path / "five", study__end_slack_seconds=80_000)
    assert (row["return_bps"], row["placebo_bps"], row["placebo_n"], row["excess_bps"]) == (100.0, 50.0, 1, 50.0)
    (row,) = studied(
        rows, event("2024-06-03"), tmp_path / "one", study__end_slack_seconds=80_000, study__placebo_days=1
    )
    assert (row["return_bps"], row["placebo_bps"], row["placebo_n"], row["excess_bps"]) == (100.0, None, 0, None)


def test_hundreds_of_horizons_are_measured_each(tmp_path: Path) -> None:
    """The price is one percent higher from the sixtieth second on, on the event's day and on the next."""
    rows = [*minute("2024-06-03", 100.0, 101.0), *minute("2024-06-04", 200.0, 202.0)]
    horizons = [f"{seconds}s" for seconds in range(1, 201)]
    found = studied(rows, event("2024-06-03"), tmp_path, study__horizons=horizons, study__end_slack_seconds=80_000)
    assert [row["return_bps"] for row in found] == [0.0] * 59 + [pytest.approx(100.0)] * 141
    assert [row["placebo_bps"] for row in found] == [0.0] * 59 + [pytest.approx(100.0)] * 141


def test_a_half_day_is_over_at_the_time_of_an_afternoon_event(tmp_path: Path) -> None:
    """It is no placebo, though it counts as one of the days; rows of other tickers and phases cover the others."""
    rows: list[Record] = []
    for day, last in (("2024-07-02", 101.0), ("2024-07-03", 150.0), ("2024-07-05", 100.2)):
        rows += [Tick("B", new_york(day, "12:00:00"), 10.0, 100), *minute(day, 100.0, last, clock="14:00")]
        rows.append(Tick("B", new_york(day, "16:30:00"), 10.0, 100))
    (row,) = studied(rows, event("2024-07-02", "14:00:00", -1), tmp_path)
    assert row["return_bps"] == pytest.approx(-100.0)
    assert (row["placebo_bps"], row["placebo_n"]) == (pytest.approx(-20.0), 1)


@pytest.mark.parametrize(
    ("last", "statuses"), [("15:55:00", ["observed"] * 3), ("15:54:59", ["observed", "cut", "cut"])]
)
def test_a_day_is_covered_to_its_end_or_to_its_last_row(last: str, statuses: list[str], tmp_path: Path) -> None:
    """A row five minutes before the end is late enough; else a horizon may end with the last row, not behind it."""
    rows = [Tick("A", new_york("2024-06-03", clock), 100.0, 100) for clock in ("15:53:59", last)]
    given = event("2024-06-03", "15:53:58")
    found = studied(rows, given, tmp_path, study__horizons=["1m", "2m", "close"])
    assert [row["status"] for row in found] == statuses
    assert {row["entry_time"] for row in found} == {new_york("2024-06-03", "15:53:59")}
    assert [row["placebo_n"] for row in found] == [0, 0, 0]


@pytest.mark.parametrize(("late", "entry"), [(1_000_000_000, 100.0), (1_000_000_001, 110.0)])
def test_a_bar_that_opened_a_second_ago_is_had_at_its_open(late: int, entry: float, tmp_path: Path) -> None:
    """One that opened a nanosecond earlier is not. The entry's bar is seen if it is available when the horizon ends."""
    begun = new_york("2024-06-03", "10:00:00")
    rows = [Bar("A", begun + n * 60 * SECOND, p, p + 5, p - 5, p + 1, 100) for n, p in enumerate((100.0, 110.0, 120.0))]
    given = event("2024-06-03") | {"emitted_at": begun + late - 100_000_000}
    (row,) = studied(rows, given, tmp_path, study__end_slack_seconds=80_000)
    assert (row["entry_price"], row["entry_time"]) == (entry, max(begun + late, begun + (entry > 100) * 60 * SECOND))
    assert [row[name] for name in ("return_bps", "mfe_bps", "mae_bps")] == pytest.approx(
        [1e4 / entry, 5e4 / entry, -5e4 / entry]
    )


@pytest.mark.parametrize("batch_rows", [1, 7, 262_144])
def test_a_close_is_found_however_many_days_come_in_one_batch(batch_rows: int, tmp_path: Path) -> None:
    """A batch of seven ends in the first day, and the next one brings the end of that day and two more days."""
    first, *others = ("2024-06-03", "2024-06-04", "2024-06-05", "2024-06-06", "2024-06-07", "2024-06-10")
    rows: list[Record] = minute(first, 100.0, 101.0)
    rows += [Tick("A", new_york(first, f"11:00:0{second}"), 101.5, 100) for second in range(6)]
    rows.append(Tick("A", new_york(first, "15:59:00"), 102.0, 100))
    for day in others:
        rows += [*minute(day, 100.0, 101.0), Tick("A", new_york(day, "15:59:00"), 102.0, 100)]
    case = BacktestCase(rows, [event(first)], {"study.horizons": ["1m", "close"]}, {})
    short, close = study_of(case, tmp_path, batch_rows)[0]
    assert (short["return_bps"], short["placebo_bps"], short["placebo_n"]) == (100.0, 100.0, 5)
    assert (close["return_bps"], close["placebo_bps"], close["placebo_n"]) == (200.0, 200.0, 5)

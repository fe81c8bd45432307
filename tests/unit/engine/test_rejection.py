"""Rejected rows: the words for each reason, and which one comes first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.engine.running import run_strictly
from tickstock_cli.engine.rejection import COLUMNS, WORDS
from tickstock_cli.errors import RejectedRowError
from tickstock_cli.kernels.reasons import REASONS
from tickstock_cli.testing import MINUTE, SECOND, Bar, FairValue, Record, Tick, new_york, run_records

TEN = new_york("2024-06-12", "10:00:00")
TICK = Tick("IBM", TEN + SECOND, 100.0)
BAR = Bar("IBM", TEN + MINUTE, 100.0, 101.0, 99.0, 100.5, 5000)
FMV = FairValue("IBM", TEN + SECOND, 100.0, 101.0)

BAD: list[tuple[str, Record, str]] = [
    ("ticker", replace(TICK, ticker=None), "has no ticker (ticker=None)"),
    ("timestamp", replace(TICK, timestamp=-5), "has no usable timestamp (timestamp=-5)"),
    (
        "future",
        replace(TICK, received_at=TEN - MINUTE),
        f"has a timestamp more than 60 s after it was received (timestamp={TEN + SECOND}, received_at={TEN - MINUTE})",
    ),
    ("price", replace(TICK, price=float("nan")), "has a price that is no number above zero (price=nan)"),
    (
        "price",
        replace(BAR, low=0.0),
        "has a price that is no number above zero (open=100.0, high=101.0, low=0.0, close=100.5)",
    ),
    ("size", replace(TICK, size=-1), "has a size that is no number from 0 to 1e11 (size=-1)"),
    ("volume", replace(BAR, volume=None), "has a volume that is no number from 0 to 1e11 (volume=None)"),
    (
        "range",
        replace(BAR, high=100.4),
        "has a high below its low, or an open or close outside them (open=100.0, high=100.4, low=99.0, close=100.5)",
    ),
    ("fmv", replace(FMV, fmv=float("inf")), "has a fair value that is no number above zero (fmv=inf)"),
    (
        "market_price",
        replace(FMV, market_price=0.0),
        "has a market price that is no number above zero (market_price=0.0)",
    ),
    ("confidence", replace(FMV, confidence=1.5), "has a confidence outside 0 to 1 (confidence=1.5)"),
    (
        "late",
        replace(TICK, timestamp=TEN - 1, received_at=TEN + SECOND),
        f"is earlier than a row of its ticker that came before it (timestamp={TEN - 1}, ticker='IBM')",
    ),
    (
        "duplicate",
        replace(BAR, timestamp=TEN, received_at=TEN + 2 * MINUTE),
        f"is the same bar of its ticker again (timestamp={TEN}, ticker='IBM')",
    ),
]


def after_good_rows(bad: Record) -> list[Record]:
    """Put a row behind a good one of each type."""
    return [replace(TICK, timestamp=TEN), replace(BAR, timestamp=TEN), replace(FMV, timestamp=TEN), bad]


@pytest.mark.parametrize(("reason", "bad", "told"), BAD, ids=[f"{bad.record}-{reason}" for reason, bad, _ in BAD])
def test_the_error_of_a_strict_run_has_place_reason_and_value(reason: str, bad: Record, told: str) -> None:
    """File, row number, rule, columns and values, and what to do; counted, the reason is the same."""
    with pytest.raises(RejectedRowError) as raised:
        run_strictly(after_good_rows(bad))

    assert str(raised.value) == f"list: row 3 {told}; mend it, or run without --strict to reject and count such rows"
    assert run_records(after_good_rows(bad)).rejects == [(3, reason)]


def test_every_reason_has_its_words_its_columns_and_a_test() -> None:
    """A new reason without words would be a bug's traceback for the first user who meets it."""
    assert set(WORDS) == set(COLUMNS) == {reason for reason, _, _ in BAD} == {reason for reason in REASONS if reason}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch_rows", [1, 4, 1000])
def test_the_first_bad_row_in_merge_order_stops_a_strict_run(workers: int, batch_rows: int) -> None:
    """Of three types and many tickers: neither workers nor batches decide which one is told."""
    rows: list[Record] = [
        Tick(f"T{number}", TEN + number * SECOND, -1.0 if number > 40 else 10.0) for number in range(80)
    ]
    rows += [replace(FMV, ticker=f"F{number}", timestamp=TEN + number * SECOND, fmv=None) for number in range(39, 60)]
    rows += [replace(BAR, ticker=f"B{number}", timestamp=TEN + number * SECOND, volume=-1) for number in range(60)]

    with pytest.raises(RejectedRowError, match=r"^list: row 80 has a fair value that is no number above zero"):
        run_strictly(rows, workers=workers, batch_rows=batch_rows)


def test_a_strict_run_without_bad_rows_succeeds() -> None:
    """Warnings that never fire cost nothing."""
    assert run_strictly(after_good_rows(replace(TICK, timestamp=TEN + SECOND))).ledger["tick.processed"] == 2

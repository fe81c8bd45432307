"""Files that are sorted by ticker, then by time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.sources.conftest import NOON, SECOND, Write
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.errors import OrderError
from tickstock_cli.inspection.inspect import inspect
from tickstock_cli.sources.options import ReadOptions, Unsorted
from tickstock_cli.sources.recordings import Recordings


def write_rows(write: Write, *rows: tuple[str, int]) -> Path:
    """Write ticks of these tickers and seconds."""
    count = len(rows)
    times = [NOON + second * SECOND for _, second in rows]
    return write(ticker=[ticker for ticker, _ in rows], timestamp=times, price=[180.0] * count, size=[1] * count)


def read(path: Path, unsorted: Unsorted) -> int:
    """Return the number of rows that are read."""
    with Recordings.open([path], ReadOptions(unsorted=unsorted)) as recordings:
        return sum(len(step) for step in recordings.batches(100))


def test_sorting_is_the_only_advice_for_a_file_sorted_by_ticker(write: Write) -> None:
    """--late reject would reject no row, and lose most events."""
    path = write_rows(write, ("A", 0), ("A", 5), ("B", 1), ("B", 2), ("C", 0), ("C", 1))
    with pytest.raises(OrderError, match=r"row 2 .*: it is sorted by ticker, then by time: .*--sort$"):
        read(path, Unsorted.FAIL)
    with pytest.raises(OrderError, match=r"cannot be read with --late reject.*--sort$"):
        read(path, Unsorted.REJECT)
    assert read(path, Unsorted.SORT) == 6
    (report,) = inspect([path], ReadOptions(), Calendar("XNYS")).files
    assert report.by_ticker


@pytest.mark.parametrize(
    "rows",
    [
        [("A", 0), ("B", 5), ("A", 3)],
        [("A", 5), ("A", 0), ("B", 1)],
        [("A", 5), ("A", 0)],
        [("A", 5), ("B", 3)],
        [("A", 0), ("B", 5), ("B", 3), ("C", 9)],
    ],
)
def test_other_disorder_has_both_ways_out(write: Write, rows: list[tuple[str, int]]) -> None:
    """A late row among others can be rejected."""
    path = write_rows(write, *rows)
    with pytest.raises(OrderError, match=r"sort while reading with --sort, or continue with --late reject$"):
        read(path, Unsorted.FAIL)
    assert read(path, Unsorted.REJECT) == len(rows)
    (report,) = inspect([path], ReadOptions(), Calendar("XNYS")).files
    assert not report.by_ticker


def parts(count: int, length: int = 600) -> list[tuple[str, int]]:
    """Return rows of some parts of ten minutes, each sorted by ticker, then by time."""
    return [
        (ticker, part * length + second)
        for part in range(count)
        for ticker in "ABC"
        for second in range(ord(ticker) % 3, length, 20)
    ]


def test_parts_that_are_sorted_by_ticker_have_to_be_sorted(write: Write) -> None:
    """As of a table that is written day by day: --late reject would reject no row of it either."""
    path = write_rows(write, *parts(3))
    with pytest.raises(OrderError, match=r": it is sorted by ticker within parts, such as days: .*--sort$"):
        read(path, Unsorted.FAIL)
    with pytest.raises(OrderError, match=r"cannot be read with --late reject.* within parts.*--sort$"):
        read(path, Unsorted.REJECT)
    assert read(path, Unsorted.SORT) == len(parts(3))


def test_rows_that_came_late_are_no_parts(write: Write) -> None:
    """Two of six rows stand behind a later one of another ticker, each alone."""
    path = write_rows(write, ("A", 100), ("B", 0), ("A", 200), ("B", 400), ("A", 300), ("B", 500))
    assert read(path, Unsorted.REJECT) == 6


def test_parts_in_a_wrong_order_have_both_ways_out(write: Write) -> None:
    """Rows that are behind their own ticker's are rejected, and counted."""
    rows = [(ticker, second) for second in range(0, 600, 5) for ticker in "AB"]
    path = write_rows(write, *rows[120:], *rows[:120])
    with pytest.raises(OrderError, match=r"or continue with --late reject$"):
        read(path, Unsorted.FAIL)
    assert read(path, Unsorted.REJECT) == len(rows)


def test_feeds_that_are_seconds_apart_have_both_ways_out(write: Write) -> None:
    """Rows of one exchange are a little behind those of another: they count as known when they came."""
    rows = [row for second in range(0, 600, 5) for row in (("A", second + 10), ("B", second))]
    path = write_rows(write, *rows)
    with pytest.raises(OrderError, match=r"or continue with --late reject$"):
        read(path, Unsorted.FAIL)
    assert read(path, Unsorted.REJECT) == len(rows)

"""Files that are out of order, and rows that have no time of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tickstock_cli.core.batch import TickBatch
from tickstock_cli.errors import OrderError
from tickstock_cli.sources import merge
from tickstock_cli.sources.order import first_disorder, latest_before
from tickstock_cli.sources.recordings import ReadOptions, Recordings, Unsorted

NOON = 1_381_248_000_000_000_000
SECOND = 1_000_000_000
Write = Callable[..., Path]


def ticks(seconds: Sequence[int | None]) -> dict[str, Any]:
    """Return the columns of ticks at these seconds after noon, each priced by its row."""
    times = pa.array([None if second is None else NOON + second * SECOND for second in seconds], pa.int64())
    rows = len(seconds)
    return {"ticker": ["IBM"] * rows, "timestamp": times, "price": range(1, rows + 1), "size": [1] * rows}


def read(path: Path, unsorted: Unsorted, batch_rows: int = 100, positions: Sequence[int] = ()) -> list[TickBatch]:
    """Read the ticks of a file, step by step."""
    with Recordings.open([path], ReadOptions(unsorted=unsorted)) as recordings:
        return [step.ticks for step in recordings.batches(batch_rows, positions)]


def test_the_first_row_out_of_order_is_named_with_both_times_and_remedies(write: Write) -> None:
    """Row numbers count from 0, as in the file of rejected rows."""
    path = write(**ticks([0, 5, None, 3, 1]))
    with pytest.raises(OrderError) as caught:
        read(path, Unsorted.FAIL)
    assert str(caught.value) == (
        f"{path} is not in time order: row 3 (2013-10-08T16:00:03Z) comes after 2013-10-08T16:00:05Z: "
        "sort while reading with --sort, or continue with --late reject"
    )
    with Recordings.open([path]) as recordings:
        found = first_disorder(recordings.files[0])
    assert found is not None
    assert (found.row, found.time, found.before) == (3, NOON + 3 * SECOND, NOON + 5 * SECOND)


def test_disorder_between_chunks_is_found_too(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """What matters is the file, not how it is cut into row groups or chunks."""
    monkeypatch.setattr(merge, "MOST_CHUNK_ROWS", 2)
    monkeypatch.setattr(merge, "FEWEST_CHUNK_ROWS", 2)
    for group_rows in (2, 3, 100):
        path = write(row_group_size=group_rows, **ticks([0, 5, 4, 6]))
        with pytest.raises(OrderError, match="row 2 "):
            read(path, Unsorted.FAIL)


def test_rows_without_a_time_are_not_out_of_order(write: Write) -> None:
    """They will be rejected where they stand."""
    (batch,) = read(write(**ticks([None, 1, None, 2])), Unsorted.FAIL)
    assert [(time - NOON) // SECOND for time in batch.available_at.tolist()] == [1, 1, 1, 2]
    assert batch.timestamp.tolist() == [0, NOON + SECOND, 0, NOON + 2 * SECOND]


@pytest.mark.parametrize("batch_rows", [1, 2, 100])
def test_a_row_without_a_time_belongs_to_the_part_of_the_row_that_gives_it_one(write: Write, batch_rows: int) -> None:
    """At the beginning of a file that is the row behind it: a part that begins before the file leaves nothing out."""
    path = write(**ticks([None, 1, 2, None, 4, None]))
    for start, end, prices in (
        (0, 9, [1, 2, 3, 4, 5, 6]),
        (2, 9, [3, 4, 5, 6]),
        (0, 2, [1, 2]),
        (0, 1, []),
        (3, 9, [5, 6]),
    ):
        with Recordings.open([path], ReadOptions(start=NOON + start * SECOND, end=NOON + end * SECOND)) as recordings:
            found = [price for step in recordings.batches(batch_rows) for price in step.ticks.price.tolist()]
        assert found == prices


def test_sorting_keeps_rows_of_one_time_in_their_order(write: Write) -> None:
    """A row without a time stays behind the latest one read before it."""
    (batch,) = read(write(**ticks([3, 1, None, 3, 2, 1])), Unsorted.SORT)
    assert batch.price.tolist() == [2, 6, 5, 1, 3, 4]
    assert batch.origin.tolist() == [1, 5, 4, 0, 2, 3]
    (batch,) = read(write(**ticks([0, 2, 1, 3])), Unsorted.SORT)
    assert batch.origin.tolist() == [0, 2, 1, 3]
    assert batch.order.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("unsorted", list(Unsorted))
def test_a_file_in_order_reads_the_same_under_every_policy(write: Write, unsorted: Unsorted) -> None:
    """Policies speak of disorder alone."""
    (batch,) = read(write(**ticks([0, 0, 1])), unsorted)
    assert batch.price.tolist() == [1, 2, 3]


@pytest.mark.parametrize("group_rows", [1, 2, 100])
def test_a_restart_knows_the_latest_time_before_it(write: Write, group_rows: int) -> None:
    """Rows after the restart are lifted as if the rows before had been read."""
    path = write(row_group_size=group_rows, **ticks([9, 1, None, 2, 10]))
    whole = [int(step.available_at[0]) for step in read(path, Unsorted.REJECT, 1)]
    for position in range(5):
        rest = [int(step.available_at[0]) for step in read(path, Unsorted.REJECT, 1, [position])]
        assert rest == whole[position:]


def test_the_latest_time_before_a_row_is_read_without_statistics(write: Write) -> None:
    """Row groups that hold unusable times tell no bounds."""
    path = write(row_group_size=2, **ticks([4, -2_000_000_000, 7, None, 6, 8]))
    with Recordings.open([path], ReadOptions(unsorted=Unsorted.REJECT)) as recordings:
        (file,) = recordings.files
        assert file.groups[0].latest is None
        assert [(latest_before(file, row) - NOON) // SECOND for row in range(7)] == [4, 4, 4, 7, 7, 7, 8]


def test_a_row_from_the_future_stays_one_when_it_is_lifted(write: Write) -> None:
    """What others' arrivals make of its own says nothing of its timestamp; by them, a wrong clock looks right."""
    received = [NOON + 100 * SECOND, NOON, NOON + 100 * SECOND]
    path = write(
        ticker=["IBM"] * 3,
        timestamp=[NOON, NOON + 61 * SECOND, NOON + 2],
        price=[1.0] * 3,
        size=[1] * 3,
        received_at=received,
    )

    with Recordings.open([path], ReadOptions(unsorted=Unsorted.REJECT)) as recordings:
        (batch,) = recordings.batches(10)

    assert (batch.ticks.timestamp - batch.ticks.available_at).tolist() == [-100 * SECOND, 61 * SECOND, 2 - 100 * SECOND]
    assert batch.ticks.available_at.tolist() == [NOON + 100 * SECOND] * 3

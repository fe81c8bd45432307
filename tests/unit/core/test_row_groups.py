"""Batches as row groups."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tickstock_cli.core.row_groups import row_groups


@pytest.mark.parametrize("sizes", [[3, 4, 1], [10], [1] * 10, [0, 10, 0], []])
def test_rows_come_in_groups_of_one_size(sizes: list[int]) -> None:
    """A file has the same row groups however its rows came, so its bytes are the same."""
    numbers = iter(range(sum(sizes)))
    batches = [pa.record_batch({"row": pa.array([next(numbers) for _ in range(size)], pa.int64())}) for size in sizes]

    groups = list(row_groups(batches, 4))

    assert [group.num_rows for group in groups] == ([4, 4, sum(sizes) - 8] if sum(sizes) > 8 else [4, 4][: len(groups)])
    assert [row for group in groups for row in group["row"].to_pylist()] == list(range(sum(sizes)))
    assert all(group["row"].num_chunks == 1 for group in groups)

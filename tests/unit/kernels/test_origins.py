"""Origins are counted file by file, and the stretches of files are found again in them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tickstock_cli.kernels.origins import fill_origins, stretches_of_files

FILE = 1 << 44


def frozen(values: list[int]) -> NDArray[np.int64]:
    """Return int64 as the kernels get them."""
    array = np.array(values, dtype=np.int64)
    array.flags.writeable = False
    return array


def test_origins_count_up_from_the_first_row_of_each_file() -> None:
    """The second file has no row."""
    out = np.empty(5, np.int64)
    fill_origins(frozen([7 * FILE, 2 * FILE, 3 * FILE]), frozen([0, 2, 2]), out)
    assert out.tolist() == [7 * FILE, 7 * FILE + 1, 3 * FILE, 3 * FILE + 1, 3 * FILE + 2]


@pytest.mark.parametrize(
    ("origins", "starts", "counts_up"),
    [
        ([], [], True),
        ([4, 5, FILE + 9, FILE + 10, 2], [0, 2, 4], True),
        ([0, 2, FILE], [0, 2], False),
        ([5, 4], [0], False),
    ],
)
def test_stretches_end_where_another_file_begins(origins: list[int], starts: list[int], counts_up: bool) -> None:
    """Rows that are left out do not end one."""
    found, counts = stretches_of_files(frozen(origins), 44)
    assert (found.tolist(), counts) == (starts, counts_up)

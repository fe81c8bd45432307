"""Rows of many sorted pieces come in the order that sorting all of them would give, however they are cut into slabs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.batch import Int64s
from tickstock_cli.kernels import sort
from tickstock_cli.sources import slabs
from tickstock_cli.sources.slabs import Pieces

FILE = 1 << 44


def pieces_of(files: list[list[int]], backwards: bool) -> tuple[Pieces, Int64s, Int64s]:
    """Return pieces of which the last file can lie first in memory, with the times and origins of all rows."""
    places = range(len(files))[::-1] if backwards else range(len(files))
    times = np.array([time for place in places for time in files[place]], dtype=np.int64)
    origins = np.array([place * FILE + row for place in places for row in range(len(files[place]))], dtype=np.int64)
    counts = np.array([len(files[place]) for place in places], dtype=np.int64)
    ends = np.cumsum(counts)
    first_origins = np.array(list(places), dtype=np.int64) * FILE - (ends - counts)
    by_file = slice(None, None, -1) if backwards else slice(None)
    columns = [column[by_file].copy() for column in (ends - counts, ends, first_origins)]
    for column in (times, *columns):
        column.flags.writeable = False
    return Pieces(times, *columns), times, origins


def in_slabs(pieces: Pieces) -> tuple[list[int], list[int], list[int]]:
    """Return the rows of all slabs, their origins, and how many rows each slab has."""
    found = list(pieces.slabs())
    numbers = np.arange(len(pieces.times))
    numbers.flags.writeable = False
    rows = [row for slab in found for row in slab.laid_out(numbers)[slab.order].tolist()]
    origins = [origin for slab in found for origin in slab.origins()[slab.order].tolist()]
    return rows, origins, [len(slab) for slab in found]


@given(
    st.lists(st.lists(st.integers(0, 30), max_size=20).map(sorted), min_size=1, max_size=6),
    st.sampled_from([1, 1_000, 10**12, 10**17]),
    st.booleans(),
    st.integers(1, 40),
    st.sampled_from([1, 4, 64]),
)
def test_slabs_of_any_size_give_the_order_of_time_and_origin(
    drawn: list[list[int]], step: int, backwards: bool, slab_rows: int, bins: int
) -> None:
    """Times of an hour and of centuries, with ties within files and between them."""
    pieces, times, origins = pieces_of([[time * step for time in file] for file in drawn], backwards)
    expected = np.lexsort((origins, times))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slabs, "SLAB_ROWS", slab_rows)
        patch.setattr(slabs, "BINS", bins)
        rows, found, _ = in_slabs(pieces)
    assert rows == expected.tolist()
    assert found == origins[expected].tolist()


def test_slabs_of_even_rows_have_about_the_size_that_fits_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten files of rows at the same pace: no slab is twice as large as another."""
    monkeypatch.setattr(slabs, "SLAB_ROWS", 1_000)
    pieces, _, _ = pieces_of([[row * 1_000 + file for row in range(1_000)] for file in range(10)], backwards=False)
    _, _, sizes = in_slabs(pieces)
    assert sum(sizes) == 10_000
    assert len(sizes) == 10
    assert all(900 <= size <= 1_100 for size in sizes)


def test_a_burst_beside_rows_that_are_years_away_is_in_order() -> None:
    """Its rows share a key with one another, more of them than are put in order one by one."""
    rng = np.random.default_rng(3)
    files = [sorted(rng.integers(0, 50, 4 * sort.MOST_INSERTED).tolist()) for _ in range(5)]
    files.append([10**18])
    pieces, times, origins = pieces_of(files, backwards=True)
    rows, _, _ = in_slabs(pieces)
    assert rows == np.lexsort((origins, times)).tolist()

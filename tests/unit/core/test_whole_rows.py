"""Rows of structured arrays, copied whole."""

from __future__ import annotations

import numpy as np
import pytest

from tickstock_cli.core.whole_rows import copy_rows, put_rows, take_rows

ROW = np.dtype([("time", "i8"), ("kind", "i1"), ("price", "f8")], align=True)


def rows() -> np.ndarray:
    """Return three rows, one of them without a price."""
    return np.array([(1, 2, 10.5), (3, 4, np.nan), (5, 6, -0.0)], dtype=ROW)


class TestWholeRows:
    """The same as numpy's own copies, in a fraction of the time."""

    def test_that_rows_are_taken_in_any_order_and_more_than_once(self) -> None:
        """As by a list of places."""
        assert take_rows(rows(), np.array([2, 0, 0])).tolist() == [(5, 6, 0.0), (1, 2, 10.5), (1, 2, 10.5)]
        assert take_rows(rows()[::-1], np.array([0])).tolist() == [(5, 6, 0.0)]
        assert take_rows(rows(), np.array([], dtype=np.intp)).dtype == ROW

    def test_that_a_copy_is_its_own(self) -> None:
        """A later change of either does not show in the other."""
        former = rows()
        copied = copy_rows(former[1:])
        former["time"] = 0
        assert copied["time"].tolist() == [3, 5]

    def test_that_rows_are_written_over_others(self) -> None:
        """A part of a larger array, as joins do."""
        target = np.zeros(5, dtype=ROW)
        put_rows(target[1:4], rows())
        assert target["time"].tolist() == [0, 1, 3, 5, 0]

    def test_that_rows_are_written_over_others_by_place(self) -> None:
        """As answers go back to those who asked, in any order."""
        target = np.zeros(4, dtype=ROW)
        put_rows(target, rows(), np.array([3, 0, 1], dtype=np.int32))
        assert target["time"].tolist() == [3, 5, 0, 1]

    def test_that_rows_of_another_kind_are_refused(self) -> None:
        """Their bytes would be read as other fields."""
        other = np.zeros(3, dtype=np.dtype([("time", "f8"), ("kind", "i8"), ("price", "f8")]))
        with pytest.raises(TypeError, match="do not fit"):
            put_rows(other, rows())

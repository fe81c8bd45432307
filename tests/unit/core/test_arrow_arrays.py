"""Arrow arrays made without pandas, and read without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.arrow_arrays import number_array, text_array, truths, valid, values
from tickstock_cli.core.shipped import shipped_folder

A_RUN = """
import sys
from tickstock_cli.replaying import Request, replay
replay(Request(paths=[sys.argv[1]], outs=[sys.argv[2]]))
print("pandas" in sys.modules)
"""


class TestArrowArrays:
    """The same arrays as pyarrow's own functions make."""

    @given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))))
    def test_that_text_is_what_pyarrow_makes_of_it(self, words: list[str | None]) -> None:
        """With nulls, empty strings and letters of several bytes."""
        made = text_array(words)
        made.validate(full=True)
        assert made.equals(pa.array(words, pa.string()))

    @pytest.mark.parametrize("type_", [pa.int8(), pa.int32(), pa.uint64(), pa.float64()])
    def test_that_numbers_are_what_pyarrow_makes_of_them(self, type_: pa.DataType) -> None:
        """Of every second entry of another array, as a column of a structured array is; with and without nulls."""
        numbers, known = np.arange(40)[::2], np.arange(20) % 3 > 0
        made = number_array(numbers, type_, known)
        made.validate(full=True)
        assert made.equals(pa.array(numbers, type_, mask=~known))
        assert number_array(numbers, type_).equals(pa.array(numbers, type_))

    @given(st.lists(st.none() | st.booleans()), st.integers(0, 9))
    def test_that_truth_values_are_read_at_any_offset(self, told: list[bool | None], start: int) -> None:
        """Their bits do not begin at a byte."""
        array: Any = pa.array(told, pa.bool_())[start:]
        assert truths(array).tolist() == [bool(one) for one in told[start:]]
        assert valid(array).tolist() == [one is not None for one in told[start:]]

    def test_that_numbers_are_read_with_a_value_for_null(self) -> None:
        """From the middle of an array."""
        array: Any = pa.array([1, None, 3, None], pa.int32())[1:]
        assert values(array, np.int32, -7).tolist() == [-7, 3, -7]


def test_a_replay_does_not_import_pandas(tmp_path: Path) -> None:
    """Whoever has it installed would wait a quarter of a second for nothing."""
    command = [sys.executable, "-c", A_RUN, str(shipped_folder("sample_data")), str(tmp_path / "events.parquet")]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"

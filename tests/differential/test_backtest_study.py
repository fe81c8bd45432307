"""The event study against a plain one that was written from the same page by somebody else."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tests.differential.backtests import study_of
from tests.oracle.backtest.drawn import drawn_case
from tests.oracle.backtest.judging import judge
from tests.oracle.backtest.study import Study, study

TOLERANCE = 1e-9
"""Relative; two ways to interpolate a quartile differ in the last digit."""


def test_a_drawn_recording_is_studied_as_the_page_says(seed: int, tmp_path: Path) -> None:
    """Days, phases, gaps, late rows, ties: every observation and every cell, at two sizes of batches."""
    case = drawn_case(seed)
    judged, detected = judge(case.rows, case.settings)
    expected = study(judged, detected if case.events is None else case.events, case.settings)
    for batch_rows in (1 + seed % 7, 262_144):
        observations, result = study_of(case, tmp_path / str(batch_rows), batch_rows)
        assert observations == expected.observations
        assert result.counts == expected.counts
        _assert_equal_cells(result.as_dict(), expected)


def _assert_equal_cells(found: dict[str, Any], expected: Study) -> None:
    assert found["null_tests"] == expected.null_tests
    assert found["null_share_05"] == expected.null_share_05
    assert len(found["cells"]) == len(expected.cells)
    for mine, theirs in zip(found["cells"], expected.cells, strict=True):
        for key, value in theirs.items():
            name = f"{key} of {mine['kind']} {mine['direction']} {mine['source']} {mine['horizon']}"
            if isinstance(value, float) and isinstance(mine[key], float):
                assert math.isclose(mine[key], value, rel_tol=TOLERANCE, abs_tol=TOLERANCE), name
            else:
                assert mine[key] == value, name

"""Settings that each are fine and together make no rule are refused, with what would be right."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tickstock_cli.testing import settings_of


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trend.weights": [1, 1]}, r"needs one weight a window: 3 windows, \[1\.0, 1\.0\]"),
        ({"trend.weights": [0.5, 0.5, 0]}, r"weights must be above 0, were \[0\.5, 0\.5, 0\.0\]"),
        (
            {"trend.bucket_seconds": 7},
            r"windows_seconds must be multiples of bucket_seconds \(7\) up to a day, one was 180",
        ),
        ({"trend.windows_seconds": [0], "trend.weights": [1]}, r"up to a day, one was 0"),
    ],
)
def test_trend_windows_must_fit_together(settings: dict[str, Any], message: str) -> None:
    """A window of half a bucket or without a weight has no meaning that two readers would share."""
    with pytest.raises(ValidationError, match=message):
        settings_of(settings)

"""A registered test detector."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.detectors.vwap_cross import registered


@pytest.fixture
def vwap_cross() -> Iterator[None]:
    """Register the detector of VWAP crossings for one test; it is off by default."""
    with registered():
        yield

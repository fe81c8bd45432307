"""Every registered detector keeps the contract that plugins are held to."""

from __future__ import annotations

import pytest

from tests.oracle.variations import LIVELY
from tickstock_cli.detectors import DETECTORS
from tickstock_cli.testing.detectors import DetectorContract


class TestEveryDetector(DetectorContract):
    """The battery, for every line of the table."""

    @pytest.fixture(params=DETECTORS.parts, autouse=True)
    def _choose(self, request: pytest.FixtureRequest) -> None:
        self.detector = DETECTORS.load_own(request.param)
        prefix = f"{request.param}."
        self.params = {key.removeprefix(prefix): value for key, value in LIVELY.items() if key.startswith(prefix)}

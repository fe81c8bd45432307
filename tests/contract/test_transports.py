"""Every registered transport keeps the contract that plugins are held to."""

from __future__ import annotations

import pytest

from tickstock_cli.loadtest.transport import TRANSPORTS
from tickstock_cli.testing.transports import TransportContract


class TestEveryTransport(TransportContract):
    """The battery, for every line of the table."""

    @pytest.fixture(params=TRANSPORTS.parts, autouse=True)
    def _choose(self, request: pytest.FixtureRequest) -> None:
        self.transport = TRANSPORTS.load_own(request.param)

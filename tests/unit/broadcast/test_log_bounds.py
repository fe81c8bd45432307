"""The bounds of a served run's event log are those of its settings."""

from __future__ import annotations

import pytest

from tickstock_cli.broadcast.broadcast import Broadcast
from tickstock_cli.build import settings_model
from tickstock_cli.config.load import load
from tickstock_cli.engine.control import Control
from tickstock_cli.eventlog.limits import MIB, LogLimits
from tickstock_cli.replaying import Request
from tickstock_cli.serving.server import Address


@pytest.mark.parametrize(
    ("assignments", "limits"),
    [
        ([], LogLimits()),
        (
            ["event_log.memory_mib=2", "event_log.keep_mib=3", "event_log.keep_hours=6.5"],
            LogLimits(memory_bytes=2 * MIB, keep_bytes=3 * MIB, keep_ns=23_400 * 10**9),
        ),
    ],
)
def test_settings_bound_the_log(assignments: list[str], limits: LogLimits) -> None:
    """By default everything is kept; 6.5 hours are one session."""
    settings = load(settings_model(), file=None, environment={}, assignments=assignments).settings
    with Broadcast(Request(paths=["recorded"], settings=settings), Control(1.0), Address(port=0)) as broadcast:
        assert broadcast.log._limits == limits

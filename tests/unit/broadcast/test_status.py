"""How a served replay says that it does."""

from __future__ import annotations

from tickstock_cli.broadcast.status import RunStatus
from tickstock_cli.core.calendar import Calendar


def test_before_the_system_runs_it_is_starting() -> None:
    """Whoever reads the document need not know two forms of it."""
    status = RunStatus(Calendar("XNYS"))

    assert status.status()["system_overview"]["status"] == "starting"
    assert status.health().reasons == ("the system is starting",)

"""How a served replay says that it does."""

from __future__ import annotations

from tickstock_cli.broadcast.status import RunStatus
from tickstock_cli.core.calendar import Calendar


def test_before_the_system_runs_it_is_starting() -> None:
    """Whoever reads the document need not know two forms of it."""
    status = RunStatus(Calendar("XNYS"))

    assert status.status()["system_overview"]["status"] == "starting"
    assert status.health().reasons == ("the system is starting",)


def test_a_run_that_is_over_is_healthy_as_long_as_its_log_can_be_read() -> None:
    """A server that stays after the last row serves history; a damaged file of it is no good health."""
    status = RunStatus(Calendar("XNYS"), over=True)
    assert status.health().ok
    status.log_problem = lambda: "5 events cannot be read"

    assert status.health().reasons == ("5 events cannot be read",)

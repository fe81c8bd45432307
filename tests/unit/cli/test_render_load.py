"""The dashboard of a load test, drawn on a console of fixed width."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from tests.unit.loadtest.observed import STAGES, observed
from tickstock_cli.cli.render_load import LoadView, trial_line
from tickstock_cli.loadtest.observation import SearchTrial


def drawn(seconds: int) -> str:
    """Return what the view shows after so many seconds of the surge."""
    console = Console(file=StringIO(), width=110, force_terminal=False)
    view = LoadView("market_open_surge", 10.0, console)
    view.phase("starting the system")
    if seconds:
        view.begun(STAGES)
    for second in observed().seconds[:seconds]:
        view.second(second)
    with console.capture() as capture:
        console.print(view.draw())
    return capture.get()


def test_before_the_start_the_dashboard_shows_the_step() -> None:
    """Preparing takes seconds: nobody should wonder."""
    assert drawn(0).split("\n")[0] == "market_open_surge at 10x  starting the system…"


def test_the_dashboard_shows_rates_latencies_and_backlog() -> None:
    """Rates asked stand beside those reached, so that one look tells whether the system keeps up."""
    text = drawn(12)

    assert "asked/s" in text
    assert "1,800" in text
    assert "backlog" in text
    assert "MiB" in text
    assert "tick p99" in text
    assert "warm_up" in text


def test_a_trial_is_one_line() -> None:
    """The search shows what it tried, and what gave way."""
    kept = SearchTrial(1.0, 100_000, 99_900, 12.34, 20.0, True)
    lost = SearchTrial(2.0, 200_000, 150_000, None, None, False, "the backlog grew from 0 to 9,000 rows")

    assert trial_line(kept) == "100,000 rows/s, tick p99 12.3 ms: sustained"
    assert trial_line(lost) == "200,000 rows/s, tick p99 –: not sustained: the backlog grew from 0 to 9,000 rows"

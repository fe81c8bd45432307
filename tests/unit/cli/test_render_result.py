"""Results of load tests on a terminal: the verdict and its reasons, however narrow it is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, RenderableType

from tests.unit.loadtest.observed import observed
from tickstock_cli.cli.render_result import result_view, results_view
from tickstock_cli.loadtest.result import judged

GOOD = judged(observed())
BAD = judged(observed({9: 190}, router=None, slow_side="system", slow_why="its tick queue was full for 2 s"))


def lines(view: RenderableType, width: int) -> list[str]:
    """Draw without colours, with one blank between words."""
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(view)
    drawn = capture.get().splitlines()
    assert max(map(len, drawn)) <= width
    return [" ".join(line.split()) for line in drawn]


def starting(drawn: Sequence[str], start: str) -> str:
    """Return the first line that starts so."""
    return next(line for line in drawn if line.startswith(start))


def test_every_target_has_its_line_and_the_verdict_is_the_last() -> None:
    """Target, measured, verdict, note."""
    drawn = lines(result_view(GOOD), 160)

    assert drawn[0] == "small_open at 10x over pipe: 77,100 rows and 2,700 events in 31 s"
    assert drawn[1].startswith("- Compressed 10x:")
    assert starting(drawn, "Loss") == "Loss = 0 0 ok 77,100 rows sent, all read"
    assert starting(drawn, "Router overhead") == "Router overhead < 5 ms 0.042 ms ok mean of 9,300 decisions"
    assert next(line for line in reversed(drawn) if line) == "All 14 targets were met."


def test_latency_and_rates_follow() -> None:
    """The shares that a mean hides, and what was asked beside what was reached."""
    drawn = lines(result_view(GOOD), 160)
    fair_values = [line for line in drawn if line.startswith("fair values")]

    assert "p50 p90 p99 p99.9 max measured" in drawn
    assert fair_values[0].endswith(" 800")
    assert fair_values[1] == "fair values 32 32 32 40 40"


def test_a_narrow_terminal_still_says_why_it_failed() -> None:
    """Notes have no column there; those of failures stand below."""
    drawn = lines(result_view(BAD), 80)

    assert starting(drawn, "Router overhead") == "Router overhead < 5 ms – not measured"
    assert "Router overhead: the router made no decision" in drawn
    assert "- The system did not keep up: its tick queue was full for 2 s." in drawn
    assert not any("all read" in line for line in drawn)


def test_several_runs_stand_side_by_side() -> None:
    """A column each; a figure that was not measured says so."""
    drawn = lines(results_view([GOOD, BAD], ["before", "after"]), 100)

    assert drawn[0] == "run 1 before All 14 targets were met."
    assert drawn[1].startswith("run 2 after ")
    assert starting(drawn, "Router overhead") == "Router overhead < 5 ms 0.042 ms not measured"
    assert len(starting(drawn, "ticks p99").split()) == 4

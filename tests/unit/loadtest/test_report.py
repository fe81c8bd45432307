"""The page of a result, and that of several: what stands in them, before any browser draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from tests.unit.loadtest.observed import MACHINE, SCENARIO, observed
from tests.unit.loadtest.test_result import DOCUMENTS
from tickstock_cli.loadtest.charts import POINTS, charts, group_seconds
from tickstock_cli.loadtest.comparison import comparison
from tickstock_cli.loadtest.observation import OTHERS, Second
from tickstock_cli.loadtest.remarks import capacity_words, remarks
from tickstock_cli.loadtest.report import report
from tickstock_cli.loadtest.result import Result, judged
from tickstock_cli.loadtest.run_differences import run_differences
from tickstock_cli.loadtest.scenario import Scenario
from tickstock_cli.loadtest.verdicts import limits_of
from tickstock_cli.measurement.histogram import Histogram


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_chart_is_a_valid_plotly_chart(name: str) -> None:
    """plotly.js ignores what it does not know without a word; its Python package does not. Colours are the page's."""
    result = DOCUMENTS[name]
    for chart in charts(result.observation, limits_of(result.observation)):
        go.Figure(data=[blank(trace) for trace in chart.traces], layout=blank(chart.layout))


def blank(part: object) -> object:
    """Return part of a chart with black for each colour of the style sheet."""
    if isinstance(part, dict):
        return {key: blank(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [blank(value) for value in part]
    return "#000" if isinstance(part, str) and part.startswith("var(--") else part


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_result_has_a_page_that_begins_with_its_verdict(name: str) -> None:
    """Also a run that never began."""
    html = report(DOCUMENTS[name])

    assert html.index(DOCUMENTS[name].headline) < html.index("<h2>Targets</h2>")
    assert DOCUMENTS[name].data_hash in html
    assert MACHINE.processor in html
    assert "tickstock loadtest small_open.toml --speed 10 --out run" in html


def test_compressed_runs_say_that_rates_were_scaled() -> None:
    """On the page and in the terminal; a run in real time has nothing to say about it."""
    assert remarks(observed())[0].startswith(
        "Compressed 10x: 10 market seconds were sent in each wall second, so the rates of the scenario were scaled"
    )
    assert not any("Compressed" in line for line in remarks(observed(speed=1.0)))


def test_a_busy_machine_a_slow_side_and_an_early_end_are_remarked() -> None:
    """What makes figures doubtful stands before them."""
    lines = remarks(
        observed(machine=replace(MACHINE, load_1m=3.1), aborted="interrupted", slow_side="clients", slow_why="they lag")
    )

    assert "The run ended before its scenario did: interrupted. Figures cover the time before." in lines
    assert "The clients did not keep up: they lag." in lines
    assert any(line.startswith("The machine was busy before the run began: 3.1 processes") for line in lines)


def test_a_busy_machine_is_remarked() -> None:
    """Of the stages that are judged; what the machine did in a warm-up spoiled nothing."""
    seen = observed()

    def beside(used: Callable[[Second], float]) -> list[str]:
        seconds = tuple(
            replace(second, cpu_seconds={**second.cpu_seconds, OTHERS: used(second)}) for second in seen.seconds
        )
        return [line for line in remarks(replace(seen, seconds=seconds)) if line.startswith("Other processes")]

    (told,) = beside(lambda second: 1.9 if second.at == 12 else 1.0)
    assert told.startswith("Other processes used 1.0 of the machine's 2 CPUs while it ran, 1.9 in the worst second.")
    assert beside(lambda second: 2.0 if second.stage == "before" else 0.2) == []


def test_a_long_run_is_drawn_with_few_points_and_loses_no_latency() -> None:
    """Seconds that share a point are added up, not picked."""
    seconds = observed().seconds * 100

    along = group_seconds(seconds)
    counts = [histogram.count for span in along if (histogram := span.latency("tick")) is not None]

    assert len(along) <= POINTS
    assert sum(counts) == 100 * sum(Histogram.decode(second.latency["tick"]).count for second in observed().seconds)


def test_the_report_describes_the_search_for_the_highest_rate() -> None:
    """A search that never failed has found no limit, and one that never succeeded none either."""
    found = DOCUMENTS["a search"].observation
    capacity = found.capacity
    assert capacity is not None
    once = replace(capacity, factor=None, rows_per_second=None)
    nothing = replace(once, probes=tuple(replace(probe, sustained=False) for probe in capacity.probes))

    assert capacity_words(found) == "Highest sustainable rate: 6,400 rows a second, 2 times the scenario's."
    assert str(capacity_words(replace(found, capacity=replace(capacity, bounded=False)))).startswith("At least 6,400")
    assert str(capacity_words(replace(found, capacity=nothing))).startswith("No rate was sustained: the lowest of ")
    assert str(capacity_words(replace(found, capacity=once))).endswith("were sustained once, and not when repeated.")
    assert capacity_words(observed()) is None


def other_run() -> Result:
    """Return a run of another seed on another machine over another transport."""
    scenario = Scenario.model_validate({**SCENARIO, "seed": 5}).model_dump(mode="json")
    machine = replace(MACHINE, cpus=4, commit="9e8d7c6", packages={**MACHINE.packages, "numba": "0.62.0"})
    return judged(observed({9: 190}, scenario=scenario, machine=machine, transport="ws"))


def test_differences_between_compared_runs_are_remarked() -> None:
    """Before any figure is compared."""
    words = run_differences([judged(observed()), other_run()])

    assert [line.partition(" than run 1: ")[0] for line in words] == [
        "Run 2 had another load",
        "Run 2 had another transport",
        "Run 2 was on another machine",
        "Run 2 had another package",
        "Run 2 was of another commit",
    ]
    assert run_differences([judged(observed()), judged(observed())]) == []


def test_several_runs_stand_side_by_side() -> None:
    """By the folders that they are from; one page for all."""
    html = comparison([judged(observed()), other_run()], ["before", "after <b>"])

    assert "1 of 2 runs met all their targets." in html
    assert "after &lt;b&gt;" in html
    assert "after <b>" not in html
    assert html.count('class="chart"') == 10

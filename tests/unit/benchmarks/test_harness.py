"""The benchmarks' own machinery, on a market of a few thousand rows. No test depends on how long anything takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import flat_out, machine, memory, stages, startup
from benchmarks.figures import Figure
from benchmarks.fresh import plain_environment
from benchmarks.report import draw_section, write_json
from benchmarks.rounds import Samples, interleave, ratios
from benchmarks.stopwatch import Stopwatch
from benchmarks.test_kernels import KERNELS
from benchmarks.workloads import WARM_UP, Market, deal_out, prepare

MARKET = Market(rows=4_000, symbols=10)


def silent(text: str) -> None:
    """Announce to nobody."""


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Give a prepared market in a cache folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TICKSTOCK_BENCH_DIR", str(tmp_path_factory.mktemp("cache")))
        prepare(WARM_UP, silent)
        yield prepare(MARKET, silent)


@pytest.fixture(scope="module")
def samples(market: Market) -> Samples:
    """Give one round of decoding and replays, each in a fresh process."""
    return flat_out.measure(market, 1, silent)


def test_a_market_is_made_again_only_if_its_content_changed(market: Market) -> None:
    """A cache that is trusted blindly measures something else some day."""
    said: list[str] = []

    prepare(market, said.append)
    assert said == []

    market.ticks.write_bytes(b"spoiled")
    prepare(market, said.append)
    assert len(said) == 1
    assert market.ticks.stat().st_size > 1_000


def test_rounds_take_turns_and_each_begins_with_another_subject() -> None:
    """Nobody always comes right after the one that heats the machine."""
    order: list[str] = []

    def measure(name: str) -> dict[str, float]:
        order.append(name)
        return {"seconds": len(order)}

    samples = interleave({"a": lambda: measure("a"), "b": lambda: measure("b")}, 3, silent)

    assert "".join(order) == "abbaab"
    assert ratios(samples["b"], samples["a"], "seconds") == (2.0, 3 / 4, 6 / 5)


def test_replays_in_fresh_processes_give_the_same_events_whatever_the_workers(market: Market, samples: Samples) -> None:
    """What is compared has done the same work."""
    runs = [samples[name][0] for name in flat_out.REPLAYS.values()]

    assert [run["rows"] for run in runs] == [MARKET.rows, MARKET.rows]
    assert runs[0]["digest"] == runs[1]["digest"]
    assert runs[0]["events"] > 0
    assert samples[flat_out.DECODE][0]["rows"] == MARKET.rows
    assert list(market.folder.parent.glob("tmp*")) == []


def test_the_report_shows_every_figure_and_its_bar(market: Market, samples: Samples, tmp_path: Path) -> None:
    """On the terminal and as JSON, with the machine it was measured on."""
    sections = [flat_out.section(market, samples), memory.section(market, samples)]
    console = Console(width=110, file=StringIO(), record=True)
    for section in sections:
        console.print(draw_section(section))
    write_json(tmp_path / "results" / "now.json", machine.describe(), sections)

    shown = console.export_text()
    written = json.loads((tmp_path / "results" / "now.json").read_text())
    assert "≤ 8" in shown
    assert "≤ 1024" in shown
    for section in written["sections"]:
        assert all(figure["name"] in shown and len(figure["values"]) == 1 for figure in section["figures"])
    assert written["machine"]["pyarrow"]


def test_all_feeds_pass_every_stage(market: Market, tmp_path: Path) -> None:
    """A stage that nobody calls any more would show as free."""
    run = stages.run_stages([str(market.folder)], str(market.ticks), str(tmp_path / "events.parquet"))

    wanted = {*stages.TICK_STAGES, *stages.BAR_STAGES, *stages.FMV_STAGES}
    assert wanted <= set(run["stages"])
    assert sum(run["stages"].values()) <= run["seconds"]
    assert run["rows"]["tick"] == MARKET.rows
    assert run["events"] > 0
    assert all(run["rows"].values())


def test_ticks_dealt_out_to_files_are_the_same_ticks(market: Market, tmp_path: Path) -> None:
    """The merge is measured on the rows that one file holds."""
    deal_out(str(market.ticks), str(tmp_path), 3)

    assert len(list(tmp_path.glob("*.parquet"))) == 3
    assert stages.read([str(tmp_path)], str(market.ticks))["rows"] == MARKET.rows


def test_a_stage_is_not_charged_for_what_it_calls() -> None:
    """Own times add up to the whole, and the watched function is itself again afterwards."""
    watch = Stopwatch()
    before = Market.options
    with watch.watching([(Market, "options", "inner")]), watch.running("outer"):
        assert MARKET.options()[0] == "--rows=4000"
        inside = dict(watch.seconds)

    assert Market.options is before
    assert set(inside) == {"inner"}
    assert watch.seconds["inner"] == inside["inner"]
    assert watch.seconds["outer"] > 0
    assert list(watch.iterate([1, 2], "items")) == [1, 2]


def test_a_figure_is_judged_by_its_median() -> None:
    """One bad round is noise; two of three are not."""
    assert Figure("a", "×", (1.0, 9.0, 2.0), bar=2.0).within is True
    assert Figure("b", "×", (1.0, 9.0, 3.0), bar=2.0).within is False
    assert Figure("c", "×", (1.0,)).within is None


def test_what_is_measured_are_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting left over in the shell does not reach the subjects."""
    monkeypatch.setenv("TICKSTOCK_GUARD__OUTLIER_PERCENT", "0")

    assert [name for name in plain_environment() if name.startswith("TICKSTOCK_")] == []
    seconds, talk = startup.run([*startup.TICKSTOCK, "--version"])
    assert seconds > 0
    assert talk == ""


@pytest.mark.parametrize("name", KERNELS)
def test_a_measured_kernel_is_where_the_table_says(name: str) -> None:
    """`make test` does not run the micro-benchmarks, but it notices what would break them."""
    module, kernel = KERNELS[name]

    assert callable(getattr(module, kernel))

"""The benchmarks' own machinery, on a market of a few thousand rows. No test depends on how long anything takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks import flat_out, memory, stages, startup
from benchmarks.figures import Figure, Section
from benchmarks.fresh import ROOT, Sample, plain_environment
from benchmarks.rounds import Samples, interleave, ratios
from benchmarks.stopwatch import Stopwatch
from benchmarks.test_kernels import KERNELS
from benchmarks.workloads import ROWS, WARM_UP, Market, deal_out, prepare

MARKET = Market(rows=4_000, symbols=10)


@dataclass(frozen=True)
class Report:
    """What one run of the command left behind."""

    shown: str
    talk: str
    written: dict[str, Any]
    kernels: dict[str, Any]


def bench(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the command as `make bench` does: of no pytest that is running, since that would turn timing off."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "benchmarks", f"--rows={MARKET.rows}", f"--symbols={MARKET.symbols}", *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def silent(text: str) -> None:
    """Announce to nobody."""


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Return a prepared market in a cache folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_DIR", str(tmp_path_factory.mktemp("cache")))
        prepare(WARM_UP, silent)
        yield prepare(MARKET, silent)


@pytest.fixture(scope="module")
def report(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Report:  # noqa: ARG001 - fills the cache
    """Return what a tiny run of two subjects shows and writes, from end to end."""
    figures = tmp_path_factory.mktemp("results") / "figures.json"
    done = bench("--rounds=1", "--only=flat-out", "--only=kernels", f"--json={figures}")
    assert done.returncode == 0, done.stderr
    kernels = json.loads(figures.with_suffix(".kernels.json").read_text())
    return Report(done.stdout, done.stderr, json.loads(figures.read_text()), kernels)


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


def test_the_command_shows_every_figure_and_writes_the_values_of_every_round(report: Report) -> None:
    """On the terminal and as JSON, with the machine it was measured on."""
    sections = report.written["sections"]

    assert [section["title"].partition(":")[0] for section in sections] == ["one_file_all_detectors", "peak_memory"]
    for section in sections:
        names = [figure["name"] for figure in section["figures"]]
        assert len(set(names)) == len(names)
        assert all(name in report.shown for name in names)
        assert all(len(figure["values"]) == 1 for figure in section["figures"])
    assert "≤ 1024" in report.shown
    assert report.written["machine"].keys() >= {"processor", "load before", "load after", "pyarrow", "commit"}


def test_the_command_measures_every_kernel(report: Report) -> None:
    """`make test` times no kernel, but it notices one that moved, or that no market calls any more."""
    measured = {run["params"]["name"] for run in report.kernels["benchmarks"]}

    assert measured == set(KERNELS)


def test_the_command_talks_on_stderr_and_leaves_no_events_behind(market: Market, report: Report) -> None:
    """Tables can be piped somewhere, and the events of a replay are dropped once they are counted."""
    for name in (flat_out.DECODE, *flat_out.REPLAYS.values()):
        assert f"round 1 of 1: {name}" in report.talk
    assert "round" not in report.shown.partition("Name (time")[0]
    assert list(market.folder.parent.glob("tmp*")) == []


def test_a_longer_recording_is_for_replays_alone() -> None:
    """`--huge` must not be taken and then do nothing."""
    done = bench("--huge", "--only=startup")

    assert done.returncode == 2
    assert "only flat-out replays more ticks" in done.stderr


def replay_sample(seconds: float, mebibytes: float, digest: str = "d1") -> Sample:
    """Return what one replay could have measured."""
    return {
        "rows": ROWS,
        "events": 7,
        "digest": digest,
        "seconds": seconds,
        "cpu_seconds": seconds,
        "peak_rss_bytes": mebibytes * memory.MIB,
    }


def sampled(seconds: Sequence[float], mebibytes: float) -> Samples:
    """Return one round: decoding, one worker, two workers."""
    names = (flat_out.DECODE, *flat_out.REPLAYS.values())
    return {name: [replay_sample(time, mebibytes)] for name, time in zip(names, seconds, strict=True)}


def verdicts(section: Section) -> dict[str, tuple[float, bool | None]]:
    """Return median and verdict of every figure that has a bar."""
    return {figure.name: (figure.median, figure.within) for figure in section.figures if figure.bar is not None}


def test_the_bars_of_the_full_work_are_those_promised() -> None:
    """8 times decoding with one worker, 5 times with two, 1 GiB, and 10 % more for five times the rows."""
    market, longer = Market(ROWS, 8_000), Market(5 * ROWS, 8_000, all_feeds=False)
    short, long = sampled((1.0, 7.9, 5.1), 1_000), sampled((5.0, 40.0, 25.0), 1_101)

    assert verdicts(flat_out.section(market, short)) == {
        "one worker / decode": (7.9, True),
        "two workers / decode": (5.1, False),
    }
    assert verdicts(memory.section(market, short)) == {"one worker": (1_000, True), "two workers": (1_000, True)}
    assert verdicts(memory.growth_section(market, short, longer, long)) == {
        "one worker / 20,000,000 ticks": (1.101, False),
        "one worker": (1_101, False),
        "two workers / 20,000,000 ticks": (1.101, False),
        "two workers": (1_101, False),
    }


def test_less_than_the_full_work_is_held_against_no_bar_of_time(market: Market) -> None:
    """A start-up that a short recording does not repay is no regression."""
    assert verdicts(flat_out.section(market, sampled((1.0, 20.0, 20.0), 100))) == {}


def test_all_feeds_pass_every_stage(market: Market, tmp_path: Path) -> None:
    """A stage that nobody calls any more would show as free."""
    run = stages.run_stages(str(market.folder), str(market.ticks), str(tmp_path / "events.parquet"))

    wanted = {*stages.TICK_STAGES, *stages.BAR_STAGES, *stages.FMV_STAGES}
    assert wanted == set(run["stages"])
    assert sum(run["stages"].values()) <= run["cpu_seconds"]
    assert run["rows"]["tick"] == MARKET.rows
    assert run["events"] > 0
    assert all(run["rows"].values())


def test_the_same_ticks_from_many_files_pass_the_merge(market: Market, tmp_path: Path) -> None:
    """The merge is measured on the rows that one file holds."""
    parts = tmp_path / "parts"
    parts.mkdir()
    deal_out(str(market.ticks), str(parts), 3)
    run = stages.read(str(parts), str(market.ticks))

    assert len(list(parts.glob("*.parquet"))) == 3
    assert run["rows"] == MARKET.rows
    assert set(run["stages"]) == set(stages.READING_STAGES)


def test_stages_are_shown_a_row_an_event_and_as_shares(market: Market) -> None:
    """Two seconds of one stage, by 4,000 ticks or 7 events; shares are of the stages' sum."""
    every = dict.fromkeys((*stages.TICK_STAGES, *stages.BAR_STAGES, *stages.FMV_STAGES), 2.0)
    run = {"rows": {"tick": 4_000, "ohlcv": 10, "fmv": 5}, "events": 7, "cpu_seconds": 50.0, "stages": every}
    reading = {"rows": 4_000, "cpu_seconds": 6.0, "stages": dict.fromkeys(stages.READING_STAGES, 2.0)}
    samples = {name: [reading] for name in (stages.PYARROW, stages.ONE_FILE, stages.PARTED)}
    samples |= {name: [run] for name in (stages.TICKS, stages.ALL_FEEDS)}

    shown = [{figure.name: figure for figure in part.figures} for part in stages.sections(market, samples)]

    assert shown[0]["one file: decode"].median == pytest.approx(2e9 / 4_000)
    assert shown[1]["kernel surge"].median == pytest.approx(2e9 / 4_000)
    assert shown[1]["kernel surge"].note == f"{1 / len(every):.0%}"
    assert shown[2]["write"].median == pytest.approx(2e9 / 7)
    assert shown[3]["kernel fmv"].median == pytest.approx(2e9 / 5)


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


def test_replays_that_disagree_end_the_benchmark() -> None:
    """What they took does not matter then."""
    samples = sampled((1.0, 2.0, 2.0), 100)
    flat_out.check_events(samples)
    samples[flat_out.REPLAYS[2]].append(replay_sample(1.0, 100, digest="another"))

    with pytest.raises(SystemExit, match="different events"):
        flat_out.check_events(samples)


def test_a_figure_is_judged_by_its_median() -> None:
    """One bad round is noise; two of three are not."""
    assert Figure("a", "×", (1.0, 9.0, 2.0), bar=2.0).within is True
    assert Figure("b", "×", (1.0, 9.0, 3.0), bar=2.0).within is False
    assert Figure("c", "×", (1.0,)).within is None


def test_what_is_measured_are_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting left over in the shell does not reach the subjects."""
    monkeypatch.setenv("TICKSTOCK_GUARD__OUTLIER_PERCENT", "0")

    assert [name for name in plain_environment() if name.startswith("TICKSTOCK_")] == []
    sample = startup.run([*startup.TICKSTOCK, "--version"])
    assert sample["seconds"] > 0
    assert sample["cpu_seconds"] > 0
    assert sample["talk"] == ""

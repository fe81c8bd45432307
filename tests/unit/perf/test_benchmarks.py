"""Benchmarks on a small recording, each in a process of its own: what they give is what metrics and baselines read.

A process is a prepared one, because a new interpreter costs more than the benchmark in it. What measures an
interpreter's start has a new one, and so has one replay, as in a measurement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from tests.cli.prepared import start_process
from tests.unit.perf.forked_vendor import RUN_BENCHMARK
from tickstock_cli.errors import UsageError
from tickstock_cli.measurement.verdict import failures
from tickstock_cli.perf import benchmark_runs, measuring
from tickstock_cli.perf.baselines import check_size, find_baseline, judge_limits, shipped
from tickstock_cli.perf.benchmark_runs import BenchmarkError, Sample, start_python
from tickstock_cli.perf.judging import Change, compare
from tickstock_cli.perf.measuring import KNOWN, Plan, run_benchmark
from tickstock_cli.perf.metrics import METRICS
from tickstock_cli.perf.recording import FULL, QUICK, Prepared, Size, prepare
from tickstock_cli.perf.sides import Side, head
from tickstock_cli.perf.stages import EVENT_STAGES, RECORD_STAGES, ROW_STAGES

pytestmark = pytest.mark.timeout(900)
"""Every benchmark runs once, in a process of its own."""

TINY = Size(
    rows=20_000,
    symbols=40,
    batch_rows=4_096,
    paced_seconds=0.5,
    busy_rows_per_second=8_000,
    longer_rows=30_000,
    clients=20,
    wire_rows_per_second=8_000,
    soak_rows_per_second=4,
    soak_hours=1,
    soak_speed=1_440,
    flat_rows=3_000,
    minute_bars=3_900,
)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """Return a small recording in a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TICKSTOCK_PERF_CACHE", str(tmp_path_factory.mktemp("perf")))
        yield prepare(TINY)


RUN_SCRIPT = "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
RUN_MODULE = "import runpy, sys; del sys.argv[0]; runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"


def prepared_python(arguments: Sequence[str], **how: Any) -> Popen[str]:
    """Run a module or a script in a prepared process; what measures an interpreter's start has a new one."""
    match list(arguments):
        case ["-m", _, "--help"] | ["-c", _]:
            return start_python(arguments, **how)
        case ["-P", "-m", *module] | ["-m", *module]:
            return start_process(*module, program=RUN_MODULE, **how)
        case ["-P", script, benchmark, *job] if benchmark.startswith(("wire", "soak")):
            return start_process(script, benchmark, *job, program=RUN_BENCHMARK, forks=True, **how)
        case ["-P", *script]:
            return start_process(*script, program=RUN_SCRIPT, **how)
    raise AssertionError(f"unexpected arguments of Python: {arguments}")


@pytest.fixture(scope="module")
def samples(recording: Prepared) -> dict[str, list[Sample]]:
    """Return one sample of every benchmark."""
    plan = Plan(recording, TINY, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measuring, "WAYS", {})  # one turn each: further turns make figures steadier, not other ones
        patch.setattr(benchmark_runs, "start_python", prepared_python)
        return {benchmark: [run_benchmark(head(), benchmark, plan)] for benchmark in KNOWN}


def test_every_metric_finds_its_figure(samples: dict[str, list[Sample]]) -> None:
    """Instructions alone may be missing: few virtual machines count them."""
    missing = [metric.name for metric in METRICS if samples[metric.benchmark][0].get(metric.key) is None]

    assert set(missing) <= {"instructions"}


def test_every_limit_of_a_shipped_baseline_is_measured_or_says_why_not(samples: dict[str, list[Sample]]) -> None:
    """The old system's figures, our own bars, and those that the README publishes."""
    expected = "backtest files growth import soak speed sprint_108 stages tickstock wire"
    assert shipped() == expected.split()
    for name in shipped():
        baseline = find_baseline(name)
        assert baseline is not None
        for verdict in judge_limits(baseline, samples):
            assert verdict.measured is not None or (verdict.note and not verdict.asked), verdict


def test_a_small_recording_misses_the_target_of_eight_thousand_tickers(samples: dict[str, list[Sample]]) -> None:
    """A limit that a small recording cannot reach fails instead of being waved through."""
    baseline = find_baseline("sprint_108")
    assert baseline is not None

    failed = {verdict.name: verdict for verdict in failures(judge_limits(baseline, samples))}

    assert failed["ohlcv_symbols_validated"].measured == 40


def test_a_recording_is_made_once(recording: Prepared) -> None:
    """And again only if a file of it is not what it was."""
    assert prepare(TINY) == recording
    ticks = recording.folder / "ticks.parquet"
    made = ticks.stat().st_mtime_ns
    (recording.parts / "part-0.parquet").write_bytes(b"damaged")

    assert prepare(TINY) == recording
    assert ticks.stat().st_mtime_ns > made


def test_a_tree_that_cannot_be_measured_is_named(recording: Prepared, tmp_path: Path) -> None:
    """One line: which benchmark of which side, and what it died of."""
    (tmp_path / "tickstock_cli").mkdir()
    (tmp_path / "tickstock_cli" / "__init__.py").write_text("raise RuntimeError('half a tree')\n")

    with pytest.raises(BenchmarkError, match=r"replay of base failed: RuntimeError: half a tree"):
        run_benchmark(Side("base", tmp_path), "replay", Plan(recording, TINY, 1))


@pytest.mark.parametrize(("plant", "shown_by"), [("correctness", "replay"), ("leak", "memory")])
def test_a_planted_slowdown_is_found(
    recording: Prepared,
    samples: dict[str, list[Sample]],
    plant: str,
    shown_by: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """These two show whatever the machine's mood; `perf self-test` tries a slowdown as well, and identical code."""
    if plant == "leak":  # as its counterpart among the samples; the other has a new interpreter, as in a measurement
        monkeypatch.setattr(benchmark_runs, "start_python", prepared_python)
    planted = run_benchmark(Side("head", head().root, plant), shown_by, Plan(recording, TINY, 1))

    comparison = compare(samples, {shown_by: [planted]}, samples)

    assert comparison.failed
    assert bool(comparison.results) is (plant == "correctness")
    worse = {judged.metric.name for judged in comparison.judgements if judged.verdict is Change.WORSE}
    assert ("growth_bytes" in worse) is (plant == "leak")


def test_a_small_recording_is_not_held_against_a_baseline_of_eight_thousand_tickers() -> None:
    """`--quick` would be red whatever the version; it is refused before anything is measured."""
    old, own = find_baseline("sprint_108"), find_baseline("tickstock")
    assert old is not None
    assert own is not None

    with pytest.raises(UsageError, match="8,000 tickers, and --quick measures 1,000: leave out --quick"):
        check_size(old, QUICK)
    check_size(old, FULL)
    check_size(own, QUICK)


def test_a_limit_whose_benchmark_was_left_out_is_not_asked_and_says_so(samples: dict[str, list[Sample]]) -> None:
    """With --only: what nobody measured neither fails nor passes."""
    baseline = find_baseline("sprint_108")
    assert baseline is not None

    told = {verdict.name: verdict for verdict in judge_limits(baseline, {"running": samples["running"]})}

    assert not told["tick_latency_p99_ms"].failed
    assert told["tick_latency_p99_ms"].note == "benchmark paced was not run"
    assert told["data_loss_events"].ok


def test_a_ratio_needs_both_of_its_benchmarks(samples: dict[str, list[Sample]]) -> None:
    """`--only one_worker` alone has nothing to be divided by, which is no failure."""
    baseline = find_baseline("speed")
    assert baseline is not None

    told = {verdict.name: verdict for verdict in judge_limits(baseline, {"one_worker": samples["one_worker"]})}

    assert not told["one_worker_over_decode"].failed
    assert told["one_worker_over_decode"].note == "benchmark pyarrow was not run"
    assert told["one_worker_peak_mib"].ok


def test_stages_take_every_part_and_no_more_time_than_there_was(samples: dict[str, list[Sample]]) -> None:
    """A stage that nobody calls any more would show as free."""
    (sample,) = samples["stages"]

    assert {name for names in (ROW_STAGES, EVENT_STAGES, *RECORD_STAGES.values()) for name in names} <= sample.keys()
    assert all(sample[name] > 0 for name in ("decode", "kernel highlow", "kernel ohlcv", "kernel fmv", "write"))
    assert sample["event"] == sum(sample[name] for name in EVENT_STAGES)
    (bars,) = samples["stages_of_bars"]
    assert bars["bar"] > 0
    assert bars["bar over decode"] == (bars["validate bars"] + bars["kernel ohlcv"]) / bars["decode"]


def test_replays_of_any_kind_give_one_digest(samples: dict[str, list[Sample]]) -> None:
    """What they took does not matter otherwise."""
    assert samples["one_worker"][0]["digest"] == samples["two_workers"][0]["digest"]
    assert samples["scheduled"][0]["other_digests"] == 0


def test_a_live_run_gets_every_trade_of_the_vendor_however_it_runs(samples: dict[str, list[Sample]]) -> None:
    """In a process of its own, at an even rate and with a burst; the events do not depend on the pipeline's delays."""
    direct, running, burst = (samples[name][0] for name in ("wire", "wire_running", "wire_burst"))

    assert direct["rows"] == running["rows"] == TINY.wire_rows_per_second * TINY.paced_seconds
    assert [sample["lost_rows"] for sample in (direct, running, burst)] == [0, 0, 0]
    assert direct["events"] > 0
    assert direct["due_to_told_p99_ms"] > 0


def test_a_soak_loses_nothing_and_replays_to_what_it_told(samples: dict[str, list[Sample]]) -> None:
    """However short: the vendor makes faults, every message is in a counter, and the recording has parity."""
    (sample,) = samples["soak"]

    assert sample["reconnects"] > 0
    assert sample["faults"] > sample["reconnects"]
    assert [sample[name] for name in ("unaccounted", "differences", "untold", "not_recorded")] == [0, 0, 0, 0]
    assert sample["told_and_recorded"] == sample["events"] > 0


def test_a_limit_of_the_full_recording_decides_nothing_with_quick(samples: dict[str, list[Sample]]) -> None:
    """What is done once a run counts for more in a small recording, and is no regression."""
    baseline = find_baseline("speed")
    assert baseline is not None
    slow = {**samples, "one_worker": [{**samples["one_worker"][0], "seconds": 1e6}]}

    full, quick = (
        {verdict.name: verdict for verdict in judge_limits(baseline, slow, quick=quick)} for quick in (False, True)
    )

    assert full["one_worker_over_decode"].failed
    assert (quick["one_worker_over_decode"].failed, quick["one_worker_over_decode"].word) == (False, "not judged")


def test_figures_of_several_rounds_are_told_with_their_range() -> None:
    """One bad round is noise, and shows as such: the median decides."""
    baseline = find_baseline("speed")
    assert baseline is not None
    rounds = [{"cpu_ratio": ratio} for ratio in (0.5, 9.0, 0.75)]

    told = {verdict.name: verdict for verdict in judge_limits(baseline, {"clients": rounds})}["client_cpu_ratio"]

    assert (told.measured, told.ok, told.note) == (0.75, True, "0.500 to 9 times in 3 rounds")

"""Measures sides: every benchmark in a fresh process, the sides in turns, in a random order each round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tickstock_cli.errors import UsageError
from tickstock_cli.perf.benchmark_runs import BenchmarkRun, Sample, start_benchmark
from tickstock_cli.perf.metrics import BENCHMARKS, WAYS, Way
from tickstock_cli.perf.recording import Prepared, Size
from tickstock_cli.perf.sides import Side

OF_THIS_VERSION = (
    "running",
    "imports",
    "sample",
    "pyarrow",
    "one_worker",
    "two_workers",
    "longer",
    "scheduled",
    "clients",
    "stages",
    "stages_of_bars",
    "wire",
    "wire_running",
    "wire_burst",
    "wire_client",
    "soak",
    "backtest_replay",
    "backtest_study",
    "backtest_trades",
    "backtest_bars",
    "backtest_vectorbt",
    "backtest_backtesting",
    "files_by_ticker",
    "files_by_day",
    "files_few_days",
    "files_many_days",
    "import_decode",
    "import_trades",
    "import_longer",
)
"""Benchmarks of baselines only; revisions are not compared by them."""
KNOWN = (*BENCHMARKS, *OF_THIS_VERSION)
Samples = dict[str, dict[str, list[Sample]]]
"""By side's label and benchmark, one sample a round."""
Announce = Callable[[str, str], None]
"""Called with every step and its detail."""


def check_benchmarks(benchmarks: Sequence[str]) -> None:
    """Check that benchmarks can run, before the measurement.

    Raises
    ------
    UsageError
        There is no such benchmark, or a package that it needs is not installed.
    """
    for benchmark in benchmarks:
        if benchmark not in KNOWN:
            raise UsageError(f"--only {benchmark}: there is no such benchmark; there are {', '.join(KNOWN)}")
    if "wire_client" in benchmarks and find_spec("massive") is None:
        raise UsageError("the wire_client benchmark needs the vendor's own client: pip install massive")
    if "micro" in benchmarks and find_spec("pytest_benchmark") is None:
        others = " ".join(f"--only {benchmark}" for benchmark in BENCHMARKS if benchmark != "micro")
        raise UsageError(
            f"the micro benchmark needs pytest-benchmark: pip install 'tickstock[perf]', or leave it out: {others}"
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a measurement.

    Parameters
    ----------
    rounds
        Samples of each side and benchmark.
    seed
        Seed of the order of the sides in each round.
    """

    recording: Prepared
    size: Size
    rounds: int
    benchmarks: Sequence[str] = BENCHMARKS
    seed: int = 1


def measure(sides: Mapping[str, Side], plan: Plan, announce: Announce, samples: Samples | None = None) -> Samples:
    """Measure every side ``plan.rounds`` times, added to ``samples`` of earlier rounds.

    Parameters
    ----------
    sides
        By label; one tree can have two labels, to measure its difference from itself.

    Raises
    ------
    BenchmarkError
        A benchmark failed on one of them.
    """
    samples = samples if samples is not None else {label: {} for label in sides}
    done = max((len(taken) for taken in next(iter(samples.values())).values()), default=0)
    if not done:
        _warm_up(sides, plan, announce)
    order = Random(f"{plan.seed}/{done}")
    for number in range(plan.rounds):
        for benchmark in plan.benchmarks:
            most = WAYS.get(benchmark, Way()).most_rounds
            if most is not None and number >= most:
                continue
            announce(f"round {done + number + 1} of {done + plan.rounds}", benchmark)
            for label, sample in _round(sides, benchmark, plan, order).items():
                samples[label].setdefault(benchmark, []).append(sample)
    return samples


def run_benchmark(side: Side, benchmark: str, plan: Plan) -> Sample:
    """Run one benchmark on one side alone, in a fresh process."""
    return _round({side.label: side}, benchmark, plan, Random(plan.seed))[side.label]


def _round(sides: Mapping[str, Side], benchmark: str, plan: Plan, order: Random) -> dict[str, Sample]:
    """Start a fresh process for every side, and run their turns in a random order."""
    way = WAYS.get(benchmark, Way())
    with ExitStack() as stack:
        runs: dict[str, BenchmarkRun] = {}
        for label in order.sample(list(sides), len(sides)):
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="tickstock-perf-")))
            runs[label] = start_benchmark(sides[label], benchmark, plan.recording.job(plan.size, folder), folder)
            stack.callback(runs[label].close)
        for waiting in runs.values():
            waiting.prepare()
        for _ in range(way.turns):
            drawn = order.sample(list(runs.values()), len(runs))
            for group in [drawn] if way.together else [[one] for one in drawn]:
                for one in group:
                    one.begin()
                for one in group:
                    one.end()
        return {label: runs[label].finish() for label in sides}


def _warm_up(sides: Mapping[str, Side], plan: Plan, announce: Announce) -> None:
    """Make every tree compile its kernels, and read every file once."""
    if set(plan.benchmarks) <= {"startup", "imports"}:
        return
    for side in {side.root: side for side in sides.values()}.values():
        announce("warming up", side.label)
        run_benchmark(side, "replay", plan)

"""Benchmarks of a backtest: beside the replay that it rides on, and beside other tools on the same minute bars.

Run like those of ``benchmarks.py``. The other tools are scripts in ``rivals``, each run by an interpreter that has
them: polars by this one, vectorbt and backtesting.py, which are no dependencies, by that of ``TICKSTOCK_PERF_RIVALS``.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tickstock_cli.backtest.request import BacktestRequest
from tickstock_cli.backtest.run import backtest
from tickstock_cli.backtest.strategies import NamedStrategy, named_strategies
from tickstock_cli.build import settings_model
from tickstock_cli.perf import benchmark_runs
from tickstock_cli.perf.benchmarks import Sample, Turns, timed
from tickstock_cli.replaying import Request
from tickstock_cli.replaying import replay as run_replay

RIVALS = Path(__file__).parent / "rivals"
WARM_UP_NS = 60_000_000_000
BAR_HORIZONS = ("5m", "30m", "close")
BUSIEST = 100
ENTER_SURGES = 'kinds = ["surge"]'
STRATEGY = """
[[enter]]
{filters}

[exit]
stop_percent = 1
after = "10m"

[size]
rule = "notional"
value = 10000
"""


def backtest_replay(job: Sample) -> Turns:
    """Replay the ticks as a backtest without files does: no file of events."""
    ticks = _ticks(job)
    run_replay(Request(paths=[ticks], start=job["start"], end=job["start"] + WARM_UP_NS))
    yield {}
    yield from timed(lambda: run_replay(Request(paths=[ticks])))


def backtest_study(job: Sample) -> Turns:
    """Judge the events of the ticks: default horizons, placebo on."""
    _warm_up(job)
    yield {}
    yield from timed(lambda: backtest(BacktestRequest([_ticks(job)])))


def backtest_trades(job: Sample) -> Turns:
    """Replay, judge, and judge and trade, one after the other: what a strategy adds.

    One follows surges; the other takes every event for a signal, most of which it ignores.
    """
    surges, every = _strategies(job, ENTER_SURGES), _strategies(job, "")
    _warm_up(job, surges)
    yield {}
    ticks = _ticks(job)
    replayed = _cpu_of(lambda: run_replay(Request(paths=[ticks])))
    judged = _cpu_of(lambda: backtest(BacktestRequest([ticks])))
    results: list[Any] = []

    def trade(strategies: tuple[NamedStrategy, ...]) -> None:
        results.append(backtest(BacktestRequest([ticks], strategies=strategies)))

    traded = [_cpu_of(partial(trade, strategies)) for strategies in (surges, every)]
    found = [result.strategies[0].as_dict() for result in results]
    yield {
        "over_replay": 1 + (traded[0] - judged) / replayed,
        "every_over_replay": 1 + (traded[1] - judged) / replayed,
        "trades": found[0]["trades"],
        "signals": found[0]["signals"]["signals"],
        "every_signals": found[1]["signals"]["signals"],
    }


def backtest_bars(job: Sample) -> Turns:
    """Judge the events of the ticks by minute bars, as a plain polars script does; its numbers must be ours."""
    request = _on_bars(job)
    observations = Path(job["folder"], "observed")
    backtest(_on_bars(job, out=observations))
    yield {}
    ours = next(timed(lambda: backtest(request)))
    script = [str(request.paths[0]), str(request.events), str(observations / "observations.parquet")]
    theirs = _rival(None, "polars_study.py", script)
    yield {
        "cpu_seconds": ours["cpu_seconds"],
        "polars_over_ours": theirs["cpu_seconds"] / ours["cpu_seconds"],
        "polars_over_ours_wall": theirs["seconds"] / ours["seconds"],
        "differing": theirs["differing"],
        "rows": theirs["rows"],
    }


def backtest_vectorbt(job: Sample) -> Turns:
    """Judge the same events by the same bars, and trade them, beside vectorbt."""
    if not job["rivals"]:
        yield {}
        yield {"left_out": "TICKSTOCK_PERF_RIVALS names no Python that has vectorbt"}
        return
    strategies = _strategies(job, "")
    request, trading = _on_bars(job), _on_bars(job, strategies=strategies)
    _warm_up(job, strategies)
    yield {}
    ours, traded = next(timed(lambda: backtest(request))), next(timed(lambda: backtest(trading)))
    theirs = _rival(job["rivals"], "vectorbt_runs.py", [str(request.paths[0]), str(request.events)])
    yield {
        "study_over_ours": theirs["study_cpu_seconds"] / ours["cpu_seconds"],
        "trades_over_ours": theirs["trades_cpu_seconds"] / traded["cpu_seconds"],
        "trades": theirs["trades"],
    }


def backtest_backtesting(job: Sample) -> Turns:
    """Trade the same events by the same bars beside backtesting.py, which takes one ticker at a time: the busiest."""
    if not job["rivals"]:
        yield {}
        yield {"left_out": "TICKSTOCK_PERF_RIVALS names no Python that has backtesting.py"}
        return
    strategies = _strategies(job, "")
    trading = _on_bars(job, strategies=strategies)
    _warm_up(job, strategies)
    yield {}
    ours = next(timed(lambda: backtest(trading)))
    events = _events_of(job)
    script = [str(trading.paths[0]), str(events), *_busiest(events)]
    theirs = _rival(job["rivals"], "backtesting_runs.py", script)
    bars = pq.read_metadata(trading.paths[0]).num_rows
    yield {
        "a_bar_over_ours": theirs["cpu_seconds"] / theirs["rows"] / (ours["cpu_seconds"] / bars),
        "trades": theirs["trades"],
    }


def _busiest(events: Path) -> list[str]:
    """Return the tickers with most events."""
    counts = Counter(map(str, pq.read_table(events, columns=["ticker"])["ticker"].to_pylist()))
    return sorted(counts, key=lambda ticker: (-counts[ticker], ticker))[:BUSIEST]


def _ticks(job: Sample) -> str:
    return str(Path(job["recording"], "ticks.parquet"))


def _warm_up(job: Sample, strategies: tuple[NamedStrategy, ...] = ()) -> None:
    until = job["start"] + WARM_UP_NS
    backtest(BacktestRequest([_ticks(job)], start=job["start"], end=until, strategies=strategies))


def _strategies(job: Sample, filters: str) -> tuple[NamedStrategy, ...]:
    path = Path(job["folder"], "ten-minutes.toml")
    path.write_text(STRATEGY.format(filters=filters), encoding="utf-8")
    return named_strategies([str(path)])


def _on_bars(job: Sample, **options: Any) -> BacktestRequest:
    """Return a backtest of the ticks' events by the bars."""
    settings = settings_model().model_validate({"study": {"horizons": BAR_HORIZONS}})
    bars = str(Path(job["recording"], "bars.parquet"))
    make = partial(BacktestRequest, [bars], settings, events=_events_of(job))
    return make(**options)


def _events_of(job: Sample) -> Path:
    """Return the file of the ticks' events, which is made once."""
    events = Path(job["folder"], "events.parquet")
    if not events.exists():
        run_replay(Request(paths=[_ticks(job)], outs=[str(events)]))
    return events


def _cpu_of(work: Callable[[], Any]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _rival(python: str | None, script: str, arguments: list[str]) -> Sample:
    """Run a rival's script; return what it prints.

    Parameters
    ----------
    python
        Its interpreter; None is this one.
    """
    program = ("-P", str(RIVALS / script), *arguments)
    how: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True}
    if python is None:
        process = benchmark_runs.start_python(program, **how)
    else:
        quiet = {**os.environ, "TQDM_DISABLE": "1"}  # backtesting.py draws a bar for each ticker
        process = subprocess.Popen([python, *program], env=quiet, **how)
    with process:
        told, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{script} ended with exit code {process.returncode}")
    found: Sample = json.loads(told.splitlines()[-1])
    return found

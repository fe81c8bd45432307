"""Compiles every kernel of the package before the tests, each part of them in a process of its own.

The processes of a parallel test run would compile the same kernels at the same time: half a minute each.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory


def of_runs() -> None:
    """Compile those of a run and of the synthetic market."""
    from tests.differential.against import compile_kernels

    compile_kernels()


def of_backtests() -> None:
    """Compile those of the study and of the trade simulation."""
    from tests.cli.running import run_tickstock
    from tests.unit.backtest.days import write_walk
    from tests.unit.study.test_event_paths import curves_of, drawn_events, drawn_prints
    from tests.unit.trading.market import event, strategy, tick, traded
    from tickstock_cli.backtest.request import BacktestRequest
    from tickstock_cli.backtest.run import backtest
    from tickstock_cli.backtest.strategies import named_strategies

    traded(strategy(), [tick("10:00:00", 50.0), tick("10:00:02", 50.1), tick("10:20:00", 51.0)], [event("10:00:01")])
    curves_of(drawn_prints(0), drawn_events(0), [])
    with TemporaryDirectory() as folder:
        rules = Path(folder, "all.toml")
        rules.write_text("[[enter]]\n")
        strategies = named_strategies([str(rules), "tests.unit.backtest.planted:Moody"])
        days = write_walk(Path(folder) / "days")
        backtest(BacktestRequest([days], strategies=strategies, out=Path(folder) / "out"))
        # Columns of one record are of another type for a kernel than those of many: these runs have either.
        run_tickstock("backtest", days, "--horizons", "1m,5m", "--check-lookahead", "3")


def of_reading() -> None:
    """Compile those that inspect recordings and decode frames of the vendor."""
    from tests.property.test_polygon_wire import decoded
    from tests.unit.inspection.test_inspect import MINUTE, bars, inspected

    decoded([b'[{"ev":"T","sym":"A","p":1.5,"s":3,"t":1780407002000,"q":1}]'])
    with TemporaryDirectory() as folder:
        inspected(bars(Path(folder) / "a.parquet", [0, MINUTE]), bars(Path(folder) / "b.parquet", [MINUTE]))


PARTS: tuple[Callable[[], None], ...] = (of_backtests, of_runs, of_reading)


def compile_all(processes: int = 2) -> None:
    """Compile what has changed of all parts, so many at a time."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for part in [pool.submit(part) for part in PARTS]:
            part.result()


if __name__ == "__main__":
    compile_all()

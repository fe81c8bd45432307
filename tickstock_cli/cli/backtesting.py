"""Backtests for a command: with progress while they run, and a summary and notes at their end."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import typer
from tqdm import tqdm

from tickstock_cli.backtest.run import backtest
from tickstock_cli.backtest.warmup import warm_up_study
from tickstock_cli.cli.compiling import warm_up_saying_so
from tickstock_cli.cli.failure_notes import FailureNotes
from tickstock_cli.cli.notes import print_checkpoint_note, print_input_notes, print_run_notes
from tickstock_cli.cli.watching import watch_progress
from tickstock_cli.engine.observer import Observer, Observers
from tickstock_cli.replaying import check
from tickstock_cli.trading.warmup import warm_up_trading

if TYPE_CHECKING:
    from tickstock_cli.backtest.request import BacktestRequest
    from tickstock_cli.backtest.run import BacktestResult
    from tickstock_cli.core.stages import NamedSource
    from tickstock_cli.engine.control import Control


def run_watched_backtest(request: BacktestRequest, control: Control) -> BacktestResult:
    """Run a backtest with progress on standard error; print notes about its input."""
    replay = request.replay()
    opened: list[NamedSource] = []
    told: list[str] = []
    with ExitStack() as stack:

        def observe(source: NamedSource) -> Observer:
            opened.append(source)
            print_checkpoint_note(replay)
            told.extend(print_input_notes(source))
            return Observers(watch_progress(stack, replay, source, control=control), FailureNotes())

        def report(done: int, planned: int) -> None:
            if done == 1:
                stack.close()  # the bar of the run
                bars.append(stack.enter_context(_rerun_bar(planned)))
            bars[0].update()

        bars: list[Any] = []

        def warm_up_backtest() -> None:
            warm_up_study()
            if request.strategies:
                warm_up_trading()

        warm_up_saying_so(request.effective_settings, lambda: check(replay), warm_up_backtest)
        result = backtest(request, control, observe, report)
    print_input_notes(opened[0], told)
    if not result.interrupted:
        print_run_notes(replay, opened[0], result.run.ledger)
    if result.kept:
        names = ", ".join(result.kept[:3]) + (f" and {len(result.kept) - 3:,} more" if len(result.kept) > 3 else "")
        print(f"note: {request.out} holds other files, too, which were left as they are: {names}", file=sys.stderr)
    return result


def print_backtest(request: BacktestRequest, result: BacktestResult, as_json: bool) -> None:
    """Print the results of a backtest on standard output."""
    if as_json:
        typer.echo(json.dumps(result.as_dict(), indent=2, allow_nan=False))
        return
    from tickstock_cli.cli.console import data_console
    from tickstock_cli.cli.render_backtest import backtest_view

    data_console().print(backtest_view(result, request.effective_settings))


def _rerun_bar(planned: int) -> Any:
    return tqdm(
        total=planned,
        desc="check for look-ahead",
        unit="run",
        file=sys.stderr,
        disable=not sys.stderr.isatty(),
        leave=False,
    )

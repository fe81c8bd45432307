"""`tickstock backtest`: what the events of a recording are worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickstock_cli.cli.interrupting import leave_at_once_if_insisted, stop_on_interrupt
from tickstock_cli.cli.options import (
    MAX_BATCH_ROWS,
    BatchRows,
    ConfigFile,
    End,
    Json,
    Late,
    LateRows,
    MapColumns,
    Sets,
    Sort,
    Start,
    StoredPaths,
    Strategies,
    Symbols,
    TickerFromName,
    WhereValues,
    Workers,
    find_sample,
    load_settings,
    parse_symbols,
    split_sets,
    unsorted_choice,
)
from tickstock_cli.core.counted import counted
from tickstock_cli.errors import InterruptedRunError, ThresholdError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tickstock_cli.backtest.run import BacktestResult
    from tickstock_cli.config.load import Assigned

MAX_CUTS = 10_000


def backtest(
    paths: StoredPaths,
    events: Annotated[
        Path | None,
        typer.Option(
            "--events",
            metavar="FILE",
            show_default=False,
            help="Judge the events of this file (ticker, time, direction; .parquet, .jsonl or .csv) instead of "
            "detecting them.",
        ),
    ] = None,
    strategy: Strategies = None,
    horizons: Annotated[
        str | None,
        typer.Option(
            "--horizons",
            metavar="1m,5m,close",
            show_default="1m,5m,30m,close",
            help="Times after the entry at which the move is measured: s, m, h, or close, the day's end.",
        ),
    ] = None,
    config: ConfigFile = None,
    sets: Sets = None,
    maps: MapColumns = None,
    where: WhereValues = None,
    ticker_from: TickerFromName = None,
    start: Start = None,
    end: End = None,
    symbols: Symbols = None,
    workers: Workers = 1,
    batch_rows: BatchRows = MAX_BATCH_ROWS,
    sort: Sort = False,
    late: LateRows = Late.FAIL,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            show_default=False,
            help="Write the results to this folder: tables, report.html, result.json.",
        ),
    ] = None,
    as_json: Json = False,
    check_lookahead: Annotated[
        int,
        typer.Option(
            "--check-lookahead",
            metavar="[N]",
            min=0,
            max=MAX_CUTS,
            show_default="25 with the option, else no check",
            help="Repeat the backtest on the recording cut off at N drawn decisions, and begun at N: nothing decided "
            "before a cut may change, and the later starts show the warm-up. Exit code 4 if something changes.",
        ),
    ] = 0,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth",
            metavar="FILE",
            show_default=False,
            callback=lambda context, path: None if path is None else find_sample(context, path),
            help="Score the events against labelled moves, too, as `tickstock score` does: _truth.parquet of a market, "
            "or its folder.",
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", metavar="DIR", show_default=False, help="Keep checkpoints here.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on from the newest checkpoint of --checkpoint; without one, begin."),
    ] = False,
) -> None:
    """Judge what prices did after events, with errors and a placebo, and trade them.

    Ctrl-C ends it cleanly: the results so far are printed, and no file is written.
    """
    from tickstock_cli.backtest.request import BacktestRequest
    from tickstock_cli.backtest.strategies import named_strategies
    from tickstock_cli.build import event_kinds
    from tickstock_cli.cli.backtesting import print_backtest, run_watched_backtest
    from tickstock_cli.engine.control import Control

    if resume and checkpoint is None:
        raise UsageError("--resume needs --checkpoint DIR: the folder of the backtest to go on with")
    ours, theirs = split_sets(sets)
    settings = load_settings(config, with_horizons(ours, horizons), maps, where, ticker_from).settings
    kinds = None if events is not None else [kind.name for kind in event_kinds(settings)]
    request = BacktestRequest(
        paths=paths,
        settings=settings,
        start=start,
        end=end,
        symbols=parse_symbols(symbols),
        unsorted=unsorted_choice(sort, late),
        events=events,
        strategies=named_strategies(strategy or (), theirs, kinds),
        out=out,
        truth=truth,
        check_lookahead=check_lookahead,
        workers=workers,
        batch_rows=batch_rows,
        checkpoint=checkpoint,
        resume=resume,
    )
    control = Control()
    with leave_at_once_if_insisted(), stop_on_interrupt(control):
        result = run_watched_backtest(request, control)
    print_backtest(request, result, as_json)
    if result.interrupted:
        again = "" if checkpoint is None else f"; go on with --checkpoint {checkpoint} --resume"
        files = "" if out is None else f"; no file was written to {out}"
        raise InterruptedRunError(f"{stopped_words(result)}{files}{again}")
    if result.lookahead is not None and result.lookahead.first_difference is not None:
        first = result.lookahead.first_difference
        raise ThresholdError(f"what was decided depends on rows that came later: {first.difference}")


def stopped_words(result: BacktestResult) -> str:
    """Return in words where the user stopped a backtest."""
    if result.run.interrupted or result.lookahead is None:
        return f"stopped after {counted(result.run.rows, 'row')}"
    done = len(result.lookahead.cuts) + len(result.lookahead.starts)
    return f"stopped in the check for look-ahead, after {counted(done, 'rerun')}"


def with_horizons(sets: Sequence[str], horizons: str | None) -> list[str | Assigned]:
    """Return the assignments of ``--set``, and that of ``--horizons`` behind them."""
    from tickstock_cli.config.load import Assigned

    if horizons is None:
        return list(sets)
    names = [name.strip() for name in horizons.split(",") if name.strip()]
    return [*sets, Assigned("study.horizons", names, "--horizons")]

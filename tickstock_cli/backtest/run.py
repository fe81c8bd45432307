"""A backtest as a function of recordings and settings that returns results and writes files.

1. The prices of the recording: ticks or bars (``price_source``).
2. One replay, with a tap that judges its events and trades them (``tap``); what that finds lies in files on disk.
3. The tables of the results (``study_result``), and the check for look-ahead (``lookahead``).
4. The files of ``--out``, which get their names together (``outputs``).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tickstock_cli.backtest.cell_table import SCHEMA as CELL_SCHEMA
from tickstock_cli.backtest.cell_table import cell_rows_of
from tickstock_cli.backtest.digest import BacktestDigest, traded_rows
from tickstock_cli.backtest.judging import Observe, judged
from tickstock_cli.backtest.lookahead import LookaheadResult, check_lookahead
from tickstock_cli.backtest.observation_table import SCHEMA as OBSERVATION_SCHEMA
from tickstock_cli.backtest.outputs import OBSERVATIONS, REPORT, BacktestFolder
from tickstock_cli.backtest.price_source import PriceSource, price_source
from tickstock_cli.backtest.report.gather import report_contents
from tickstock_cli.backtest.report.page import report as report_page
from tickstock_cli.backtest.request import BacktestRequest
from tickstock_cli.backtest.strategy_result import StrategyResult, strategy_results
from tickstock_cli.backtest.study_result import StudyResult, study_result
from tickstock_cli.backtest.trade_tables import TRADE_TABLES, trade_schema
from tickstock_cli.build import event_kinds
from tickstock_cli.config.analysis import horizon_ns
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.huge_pages import no_huge_pages
from tickstock_cli.core.os_errors import os_error_hint
from tickstock_cli.core.peak_memory import peak_rss_bytes
from tickstock_cli.core.temporary_folder import LockedFolder
from tickstock_cli.engine.checkpoint import RECORDS
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.result import RunResult
from tickstock_cli.errors import OutputError, SettingsError
from tickstock_cli.replaying import read_options

if TYPE_CHECKING:  # polars is heavy: only with events or a truth
    from tickstock_cli.backtest.given_events import GivenEvents
    from tickstock_cli.scoring.scoring import Score


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """The results of a backtest.

    Parameters
    ----------
    run
        The replay that it rode on; its digest is that of the detected events.
    digest
        sha256 over all observations and trades.
    seconds
        Wall time, from the opened recording to the last file.
    ledger
        Counts of rows and events of the run, and ``prices.without_opening``: bars that came too late for an order.
    interrupted
        Whether the user stopped it; then the results are those of the rows so far, and no file was written.
    lookahead
        The check of ``BacktestRequest.check_lookahead``.
    score
        The score of the events against ``BacktestRequest.truth``.
    outputs
        Files that were written.
    kept
        Names of other files in their folder, which were left as they are.
    """

    run: RunResult
    prices: PriceSource
    study: StudyResult
    strategies: tuple[StrategyResult, ...]
    digest: str
    seconds: float
    ledger: Mapping[str, int]
    interrupted: bool = False
    lookahead: LookaheadResult | None = None
    score: Score | None = None
    outputs: tuple[Path, ...] = ()
    kept: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the content of ``result.json``."""
        return {
            "study": self.study.as_dict(),
            "strategies": [strategy.as_dict() for strategy in self.strategies],
            "ledger": dict(self.ledger),
            "digest": self.digest,
            "seconds": self.seconds,
            "peak_rss_bytes": peak_rss_bytes(),
            "interrupted": self.interrupted,
            **({} if self.lookahead is None else {"lookahead": self.lookahead.as_dict()}),
            **({} if self.score is None else {"score": self.score.as_dict()}),
        }


def backtest(
    request: BacktestRequest,
    control: Control | None = None,
    observe: Observe | None = None,
    report: Callable[[int, int], None] | None = None,
) -> BacktestResult:
    """Judge and trade the events of a recording.

    Parameters
    ----------
    control
        Stops the run early; its results are then those of the rows so far, and no file is written.
    observe
        Called once with the opened source; returns the observer of the run.
    report
        Called after each rerun of the check for look-ahead with the number of reruns so far and in all.

    Raises
    ------
    UsageError
        The request contradicts itself.
    SettingsError
        A setting does not fit the recording: a horizon is shorter than its bars.
    DataError
        A recording, the events or the truth are missing, unreadable, of wrong columns or unsorted, or there are no
        prices.
    OutputError
        The results cannot be written; earlier files of their names stay unchanged.
    CheckpointError
        The checkpoint does not match.
    LedgerError
        An event, a signal, an order or money is unaccounted for: always a bug.
    """
    began = time.perf_counter()
    control = control or Control()
    settings = request.effective_settings
    check_phases(settings)
    reading = read_options(request.replay(), settings)
    prices = price_source(request.paths, reading, settings)
    check_horizons(settings, prices)
    given = _given_of(request)
    _check_truth(request)
    with ExitStack() as stack:
        stack.enter_context(no_huge_pages())
        results = None if request.out is None else stack.enter_context(BacktestFolder(request.out))
        records, spare = stack.enter_context(_folders(request))
        events = spare / "events.parquet" if request.truth is not None and given is None else None
        draws = results is not None
        done = stack.enter_context(judged(request, prices, records, given, control, observe, events, draws=draws))
        digest = BacktestDigest(done.tap, settings.study.horizons)
        hashing = None
        if results is None:  # else as the table is written
            hashing = stack.enter_context(ThreadPoolExecutor(1, "tickstock-digest")).submit(digest.add_observations)
        study = study_result(done.tap.observations, done.tap.names, settings)
        checked = None
        if request.check_lookahead and not done.run.interrupted:
            bounded = replace(request, start=reading.start, end=reading.end)
            checked = check_lookahead(bounded, prices, spare / "rerun", done.tap, given, control, report)
        interrupted = done.run.interrupted or (checked is not None and control.stopped)
        strategies = strategy_results(done.tap, settings.session.market_calendar)
        trades = digest.trades()
        if hashing is not None:
            hashing.result()
        elif interrupted:
            digest.add_observations()
        elif results is not None:
            results.table(OBSERVATIONS, OBSERVATION_SCHEMA, digest.observations())
            results.table("cells.parquet", CELL_SCHEMA, [cell_rows_of(study.table.cells)])
            for table in TRADE_TABLES if strategies else ():
                batches = trades if table == "trades" else traded_rows(done.tap, table)
                results.table(f"{table}.parquet", trade_schema(table), batches)
        deque(trades, maxlen=0)  # their digest without files
        ledger = done.run.ledger.as_dict()
        if done.tap.bars_without_opening:
            ledger["prices.without_opening"] = done.tap.bars_without_opening
        scored = None if request.truth is None else _score_of(given, events, request.truth)
        if results is not None and not interrupted:
            shown = report_contents(
                request, done.tap, prices, study, strategies, digest.hexdigest(), ledger, checked, scored
            )
            results.text(REPORT, report_page(shown))
        seconds = time.perf_counter() - began
        result = BacktestResult(
            done.run, prices, study, strategies, digest.hexdigest(), seconds, ledger, interrupted, checked, scored
        )
        if results is None or interrupted:
            return result
        return replace(result, outputs=results.commit(result.as_dict()), kept=results.others)


def _given_of(request: BacktestRequest) -> GivenEvents | None:
    """Return the events to judge; None for those of the detectors."""
    if request.events is None:
        return None
    from tickstock_cli.backtest.given_events import read_given_events

    settings = request.effective_settings
    kinds = [kind.name for kind in event_kinds(settings)]
    return read_given_events(request.events, settings.session.market_calendar, kinds)


def _check_truth(request: BacktestRequest) -> None:
    """Read the truth, so that one that cannot be read is an error before the run."""
    if request.truth is not None:
        from tickstock_cli.scoring.tables import read_truth

        read_truth(request.truth)


def _score_of(given: GivenEvents | None, events: Path | None, truth: Path) -> Score:
    """Score given events, or else those in a file, against the truth."""
    from tickstock_cli.backtest.given_events import given_table
    from tickstock_cli.scoring.scoring import score

    return score(given_table(given) if given is not None else str(events), truth, events_name="the events")


def check_phases(settings: Settings) -> None:
    """Raise SettingsError if a phase of the prices is none of the session's: its ticks touch no state."""
    for phase in settings.prices.phases:
        if phase not in settings.session.phases:
            known = ", ".join(settings.session.phases)
            raise SettingsError(f"prices.phases has {phase}, but session.phases has only {known}: add it there, too")


def check_horizons(settings: Settings, prices: PriceSource) -> None:
    """Raise SettingsError if a horizon is shorter than the longest bar: its end would be a price of later."""
    for horizon in settings.study.horizons:
        length = horizon_ns(horizon)
        if prices.is_bars and length is not None and length < prices.longest_interval_ns:
            longest = f"{prices.longest_interval_ns / 1e9:g} s"
            raise SettingsError(
                f"study.horizons has {horizon}, but the recording has bars of {longest}: name horizons of at least that"
            )


@contextmanager
def _folders(request: BacktestRequest) -> Iterator[tuple[Path, Path]]:
    """Return a folder for records, that of the checkpoint or a temporary one, and a temporary one for all else."""
    with ExitStack() as stack:
        try:
            temporary = stack.enter_context(LockedFolder("backtest", request.out))
        except OSError as error:
            raise OutputError(f"cannot write a temporary folder: {os_error_hint(error)}") from error
        yield temporary if request.checkpoint is None else request.checkpoint / RECORDS, temporary

"""What a report shows: results, and what is computed from record files for it alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tickstock_cli.backtest.lookahead import LookaheadResult
from tickstock_cli.backtest.price_source import PriceSource
from tickstock_cli.backtest.report.strategy_records import StrategyDetails
from tickstock_cli.backtest.strategy_result import StrategyResult
from tickstock_cli.backtest.study_result import StudyResult
from tickstock_cli.config.settings import Settings
from tickstock_cli.study.breakdowns import HorizonBreakdown
from tickstock_cli.study.event_paths import EventCurve

if TYPE_CHECKING:  # polars is heavy: only with events or a truth
    from tickstock_cli.scoring.scoring import Score


@dataclass(frozen=True, slots=True)
class StrategyContents:
    """What a report shows of a strategy.

    Parameters
    ----------
    reasons
        Names of the reasons of exits, by number.
    """

    result: StrategyResult
    details: StrategyDetails
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True)
class ReportContents:
    """What a report shows.

    Parameters
    ----------
    kinds, sources, tickers
        Names of the places and codes in curves, breakdowns and trades.
    breakdowns
        Parts of the observations, one a horizon.
    facts
        What the recording is and what computed this, by name: nothing that differs between two runs of the same input.
    ledger
        Counts of rows and events, as in ``result.json``.
    lookahead
        The check for look-ahead, if it was made.
    score
        The score of the events against the truth, if there is one.
    """

    settings: Settings
    prices: PriceSource
    study: StudyResult
    curves: Sequence[EventCurve]
    breakdowns: Sequence[HorizonBreakdown]
    kinds: Sequence[str]
    sources: Sequence[str]
    tickers: Sequence[str]
    facts: Mapping[str, str]
    strategies: Sequence[StrategyContents] = ()
    ledger: Mapping[str, int] = field(default_factory=dict)
    lookahead: LookaheadResult | None = None
    score: Score | None = None

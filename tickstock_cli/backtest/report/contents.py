"""What a report shows: results, and what is computed from record files for it alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tickstock_cli.backtest.price_source import PriceSource
from tickstock_cli.backtest.study_result import StudyResult
from tickstock_cli.config.settings import Settings
from tickstock_cli.study.breakdowns import HorizonBreakdown
from tickstock_cli.study.event_paths import EventCurve


@dataclass(frozen=True, slots=True)
class ReportContents:
    """What a report shows.

    Parameters
    ----------
    kinds, sources
        Names of the places in curves and breakdowns.
    breakdowns
        Parts of the observations, one a horizon.
    facts
        What the recording is and what computed this, by name: nothing that differs between two runs of the same input.
    notes
        What else a reader must know, one sentence each.
    """

    settings: Settings
    prices: PriceSource
    study: StudyResult
    curves: Sequence[EventCurve]
    breakdowns: Sequence[HorizonBreakdown]
    kinds: Sequence[str]
    sources: Sequence[str]
    facts: Mapping[str, str]
    notes: Sequence[str] = ()

"""Reads from the records of a run what the report shows beyond the results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tickstock_cli.config.analysis import horizon_ns
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.record_file import RecordFile
from tickstock_cli.study.breakdowns import HorizonBreakdown, horizon_breakdown
from tickstock_cli.study.horizon_rows import HorizonRows, StudyEvents

_EVENT_COLUMNS = ("kind", "source", "direction", "code", "day")


def breakdowns_of(
    observations: RecordFile, settings: Settings, kinds: Sequence[str], tickers: Sequence[str]
) -> Iterator[HorizonBreakdown]:
    """Yield the parts of each horizon; memory holds the events' codes, and one horizon of the observations."""
    if not len(observations):
        return
    columns = {
        name: np.concatenate([chunk[name] for chunk in observations.chunks()]) for name in (*_EVENT_COLUMNS, "decision")
    }
    events = StudyEvents(*(columns[name] for name in _EVENT_COLUMNS))
    for position, horizon in enumerate(settings.study.horizons):
        parts = (HorizonRows.of(chunk, position, horizon, horizon_ns(horizon)) for chunk in observations.chunks())
        rows = HorizonRows.joined([HorizonRows.joined([part]) for part in parts])
        calendar, thin = settings.session.calendar, settings.study.thin
        yield horizon_breakdown(events, columns["decision"], rows, kinds, tickers, calendar, thin)

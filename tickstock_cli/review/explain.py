"""Explains a moment of one ticker: the values and the decision of every detector, and the outcome of each event.

1. The moment is the ticker's last row of each type that is available by the requested time. Of several rows of one
   time, those with events count, too.
2. A run over the ticker's rows goes on to the end of the coordination window, which decides the outcome of each event.
3. A tap of the run examines each such row. The verdicts come from channels of its own, whose judgement of every row,
   counts and events must equal those of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from math import isfinite
from typing import Any

import numpy as np

from tickstock_cli.assembly import RunPlan, assemble
from tickstock_cli.build import coordination_rules, detector_classes, settings_model
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.calendar import Calendar, market_zone
from tickstock_cli.core.rule_verdict import RuleVerdict
from tickstock_cli.core.stages import NamedSource
from tickstock_cli.core.time_input import TimeInput
from tickstock_cli.core.times import MAX_NS, format_time
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.engine.execution import execute
from tickstock_cli.errors import DataError, UsageError
from tickstock_cli.kernels.coordination import CoordinationRules
from tickstock_cli.replaying import BATCH_ROWS, Request, read_options, resolved
from tickstock_cli.review.admission import Admission
from tickstock_cli.review.explain_tap import ExplainTap
from tickstock_cli.review.feed_gaps import FeedGap, gaps_before
from tickstock_cli.review.outcome import EventOutcome, read_event_outcomes
from tickstock_cli.sources.opening import open_repeatable

READ_AGAIN = "explaining reads its input several times"


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A possible row of the moment.

    ``order`` is its merge order; it is number ``place``, from 1, ``of`` the rows of its type and time.
    """

    record: str
    order: int
    timestamp: int
    available_at: int
    origin: int
    place: int = 1
    of: int = 1


@dataclass(frozen=True, slots=True)
class RowExplanation:
    """One row, the verdict of each detector of its type, and the outcomes of its events.

    Parameters
    ----------
    place, of
        Its number, from 1, and the number of rows of its type and time.
    path, row, values
        Its file, row number from 0, and recorded values.
    age
        Time since it became available, ns.
    verdicts
        By detector; empty if the row did not get as far.
    """

    record: str
    place: int
    of: int
    path: str
    row: int
    values: dict[str, Any]
    timestamp: int
    available_at: int
    age: int
    admission: Admission
    verdicts: dict[str, tuple[RuleVerdict, ...]]
    event_outcomes: list[EventOutcome]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A moment of one ticker.

    Parameters
    ----------
    at
        int64 ns UTC.
    calendar
        ``session.calendar``, which decides the zone in which times are shown.
    rows
        In merge order.
    absent
        Record types of which the ticker had no row yet.
    disabled
        Detectors that `detectors.enabled` leaves out.
    gaps
        Gaps of the feed on this day, before the moment, if the input is the recording of a live run.
    """

    ticker: str
    at: int
    calendar: MarketCalendar
    rows: list[RowExplanation]
    absent: list[str]
    disabled: list[str]
    gaps: tuple[FeedGap, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the explanation as plain values; times are int64 ns UTC, and ``at_utc`` is text."""
        plain = asdict(self)
        for row in plain["rows"]:
            # JSON has no NaN and no infinities, which a rejected row may have.
            row["values"] = {
                name: value if not isinstance(value, float) or isfinite(value) else str(value)
                for name, value in row["values"].items()
            }
        return {"at_utc": format_time(self.at), **plain}


def explain(
    request: Request, ticker: str, at: int | TimeInput, read: Callable[[NamedSource], object] | None = None
) -> Explanation:
    """Explain one moment.

    Parameters
    ----------
    request
        Recordings, settings, and how to read; its ``start`` is where state begins.
    at
        int64 ns UTC, or a time that a user wrote.
    read
        Called with the source, once its rows up to the moment were read.

    Raises
    ------
    UsageError
        ``at`` is before the start, or a time of day while the recording has more than one date.
    DataError
        The ticker has no row by then, or a recording is missing, unreadable, of wrong columns or unsorted.
    """
    settings = request.settings if request.settings is not None else settings_model()()
    time = _resolve(request, settings, at)
    rules = coordination_rules(settings)
    end = min((time // rules.window + 1) * rules.window, MAX_NS)
    narrowed = replace(request, symbols=frozenset({ticker}), end=end)
    with closing(open_repeatable(request.paths, read_options(narrowed, settings), READ_AGAIN)) as source:
        moments = _find_moments(source, time)
        if not moments:
            raise _no_row(request, settings, ticker, time)
        rows = _explain_rows(source, time, moments, _run(source, settings, moments), rules)
        if read is not None:
            read(source)
    records = {moment.record for moment in moments}
    absent = [name for name in ("tick", "ohlcv", "fmv") if name not in records]
    disabled = [name for name in detector_classes(settings) if name not in settings.detectors.enabled]
    gaps = gaps_before(request.paths, Calendar(settings.session.market_calendar), time)
    return Explanation(ticker, time, settings.session.market_calendar, rows, absent, disabled, gaps)


def _resolve(request: Request, settings: Settings, at: int | TimeInput) -> int:
    options = read_options(request, settings)
    time = resolved(at, request.paths, options, market_zone(settings.session.market_calendar))
    if options.start is not None and time < options.start:
        raise UsageError(
            f"--start {format_time(options.start)} is after --at {format_time(time)}: no row can be known by then"
        )
    return time


def _find_moments(source: NamedSource, time: int) -> list[CandidateRow]:
    """Return the last row of each type that is available by ``time``, with other rows of its time, in merge order."""
    found: dict[str, list[CandidateRow]] = {}
    for batch in source.batches(BATCH_ROWS):
        for record, part in (("tick", batch.ticks), ("ohlcv", batch.bars), ("fmv", batch.fmvs)):
            known = int(np.searchsorted(part.available_at, time, side="right"))
            if not known:
                continue
            last = int(part.available_at[known - 1])
            first = int(np.searchsorted(part.available_at, last, side="left"))
            columns = (column[first:known].tolist() for column in (part.order, part.timestamp, part.origin))
            rows = [
                CandidateRow(record, order, timestamp, last, origin)
                for order, timestamp, origin in zip(*columns, strict=True)
            ]
            before = found.get(record, [])
            found[record] = [*before, *rows] if before and before[0].available_at == last else rows
    numbered = (replace(row, place=place, of=len(rows)) for rows in found.values() for place, row in enumerate(rows, 1))
    return sorted(numbered, key=lambda moment: moment.order)


def _no_row(request: Request, settings: Settings, ticker: str, time: int) -> DataError:
    """Return the error for a ticker without a row by then; reads the recording to find a later one."""
    with closing(open_repeatable(request.paths, read_options(request, settings), READ_AGAIN)) as source:
        for batch in source.batches(BATCH_ROWS):
            code = source.symbols.code(ticker)
            mine = [part.available_at[part.code == code] for part in (batch.ticks, batch.bars, batch.fmvs)]
            first = [int(times[0]) for times in mine if len(times)]
            if first:
                later = f"its first is available at {format_time(min(first))}"
                return DataError(f"ticker {ticker} has no row at or before {format_time(time)}; {later}")
        near = get_close_matches(ticker.upper(), source.symbols.tickers, n=1)
    hint = f"did you mean {near[0]}?" if near else "see tickstock inspect for some of those it has"
    return DataError(f"the recording has no ticker {ticker}; {hint}")


def _run(source: NamedSource, settings: Settings, moments: Sequence[CandidateRow]) -> ExplainTap:
    """Run over all rows under a tap that examines each moment, and return the tap."""
    window = coordination_rules(settings).window
    tap = ExplainTap(
        settings,
        [moment.order for moment in moments],
        frozenset(moment.available_at // window for moment in moments),
    )
    with ExitStack() as stack:
        result = execute(assemble(RunPlan(source, settings, taps={"explain": tap}), stack))
    tap.check(result.ledger.as_dict())
    return tap


def _explain_rows(
    source: NamedSource,
    time: int,
    moments: Sequence[CandidateRow],
    tap: ExplainTap,
    rules: CoordinationRules,
) -> list[RowExplanation]:
    """Return the examined rows with their recorded values.

    Of rows of one type and time, those with events count, and the last.
    """
    rows = []
    with closing(source.origins()) as origins:
        for moment, examination in zip(moments, tap.examinations, strict=True):
            if moment.place < moment.of and not len(examination.events):
                continue
            path, row, values = origins.fetch(moment.origin)
            rows.append(
                RowExplanation(
                    moment.record,
                    moment.place,
                    moment.of,
                    str(path),
                    row,
                    values,
                    moment.timestamp,
                    moment.available_at,
                    time - moment.available_at,
                    examination.admission,
                    examination.verdicts,
                    read_event_outcomes(examination.events, tap.emitted, rules, examination.kinds),
                )
            )
    return rows

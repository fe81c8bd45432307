"""Explaining a moment of one ticker: what every detector saw there, what it decided, and what became of it.

1. the moment is the ticker's last row of each type that was available at or before the time asked for; if it came
   with others of one time, those of them that told something count, too;
2. an ordinary run over the ticker's rows goes on to the end of the coordination window, so that the outcome of each
   event is known;
3. a tap on it examines each such row: the detectors' verdicts come from channels of its own, whose judgement of every
   row, whose counts and whose events must be those of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from math import isfinite
from typing import Any

import numpy as np

from tickstock_cli.assembly import RunPlan, assemble
from tickstock_cli.build import coordination_rules, detector_classes, settings_model
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.calendar import market_zone
from tickstock_cli.core.rule_verdict import RuleVerdict
from tickstock_cli.core.stages import NamedSource
from tickstock_cli.core.time_input import TimeInput
from tickstock_cli.core.times import MAX_NS, format_time
from tickstock_cli.engine.execution import execute
from tickstock_cli.errors import DataError, UsageError
from tickstock_cli.kernels.coordination import CoordinationRules
from tickstock_cli.replaying import BATCH_ROWS, Request, read_options, resolved
from tickstock_cli.review.admission import Admission
from tickstock_cli.review.explain_tap import ExplainTap
from tickstock_cli.review.outcome import EventOutcome, read_event_outcomes
from tickstock_cli.sources.opening import open_repeatable

READ_AGAIN = "explaining reads its input several times"


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A row that may stand for a record type at the time asked for.

    ``order`` is its place in the merge; it is the ``place``-th, from 1, ``of`` so many rows of its type and time.
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
    """One row, what each detector of its type made of it, and what became of its events.

    Parameters
    ----------
    place, of
        It is this one, from 1, of so many rows of its type that the ticker had at that time.
    path, row, values
        Where it stands (row from 0) and what stands there.
    age
        How long it had been available, ns.
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
        ``session.calendar``, which tells the zone that times are best shown in.
    rows
        In merge order.
    absent
        Record types of which the ticker had no row yet.
    disabled
        Detectors that `detectors.enabled` leaves out.
    """

    ticker: str
    at: int
    calendar: str
    rows: list[RowExplanation]
    absent: list[str]
    disabled: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain values; times are int64 ns UTC, and ``at_utc`` is for people."""
        plain = asdict(self)
        for row in plain["rows"]:
            # JSON has no word for NaN and the infinities, which a rejected row may hold.
            row["values"] = {
                name: value if not isinstance(value, float) or isfinite(value) else str(value)
                for name, value in row["values"].items()
            }
        return {"at_utc": format_time(self.at), **plain}


def explain(request: Request, ticker: str, at: int | TimeInput) -> Explanation:
    """Explain one moment.

    Parameters
    ----------
    request
        Recordings, settings, and how to read; its ``start`` is where state begins.
    at
        int64 ns UTC, or as somebody wrote it.

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
    records = {moment.record for moment in moments}
    absent = [name for name in ("tick", "ohlcv", "fmv") if name not in records]
    disabled = [name for name in detector_classes(settings) if name not in settings.detectors.enabled]
    return Explanation(ticker, time, settings.session.calendar, rows, absent, disabled)


def _resolve(request: Request, settings: Settings, at: int | TimeInput) -> int:
    options = read_options(request, settings)
    time = resolved(at, request.paths, options, market_zone(settings.session.calendar))
    if options.start is not None and time < options.start:
        raise UsageError(
            f"--start {format_time(options.start)} is after --at {format_time(time)}: no row can be known by then"
        )
    return time


def _find_moments(source: NamedSource, time: int) -> list[CandidateRow]:
    """Return the last row of each type that is available by ``time``, and those it came with, in merge order."""
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
    """Return whether the ticker comes later or not at all; reads the recording for it, as far as needed."""
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
    """Join what was found out about each moment with what stands in its file.

    Of rows of one type and time, those count that told something, and the last.
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

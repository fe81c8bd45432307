"""The check for look-ahead: the same backtest on parts of the recording, compared with the whole.

1. Decisions are drawn. For each, the recording is cut off behind it: rows available later do not exist. Everything
   decided up to there must be the same, and so must entries that were made, and horizons that ended, before the cut.
2. The recording is begun later, at drawn decisions. What is decided there may differ until the detectors have seen
   enough: the time up to the last difference is the warm-up that the settings need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, cast

from tickstock_cli.backtest.comparing import DecisionKeys, Settled, compare_cut
from tickstock_cli.backtest.comparing_trades import compare_trades
from tickstock_cli.backtest.judging import judged
from tickstock_cli.backtest.price_source import PriceSource
from tickstock_cli.backtest.request import BacktestRequest
from tickstock_cli.backtest.tap import BacktestTap
from tickstock_cli.core.times import MAX_NS, format_time
from tickstock_cli.engine.control import Control

if TYPE_CHECKING:  # polars is heavy: only with events or a truth
    from tickstock_cli.backtest.given_events import GivenEvents

SEED = 11
"""Seed of the draws: the same recording and settings are always cut at the same moments."""


@dataclass(frozen=True, slots=True)
class CutResult:
    """The comparison with a recording that is cut off.

    Parameters
    ----------
    at
        ns UTC; rows available at or after it were missing.
    decisions, entries, results, signals, fills
        Numbers of events, entries, (event, horizon) pairs, and strategies' signals and fills that were compared.
    difference
        The first difference in words; None if there is none.
    """

    at: int
    decisions: int
    entries: int
    results: int
    signals: int
    fills: int
    difference: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the entry of ``result.json``."""
        return {**asdict(self), "at": format_time(self.at)}


@dataclass(frozen=True, slots=True)
class StartResult:
    """The comparison with a recording that begins later.

    Parameters
    ----------
    at
        ns UTC; rows available before it were missing.
    decisions, differing
        Numbers of events from there on, in the whole recording, and of those that only one of both has.
    unchanged
        Number of events after the last difference.
    warm_up_ns
        Time from the start to the last difference; None if no event shows that it was the last.
    """

    at: int
    decisions: int
    differing: int
    unchanged: int
    warm_up_ns: int | None

    def as_dict(self) -> dict[str, Any]:
        """Return the entry of ``result.json``."""
        seconds = None if self.warm_up_ns is None else self.warm_up_ns / 1e9
        counts = {"decisions": self.decisions, "differing": self.differing, "unchanged": self.unchanged}
        return {"at": format_time(self.at), **counts, "warm_up_seconds": seconds}


@dataclass(frozen=True, slots=True)
class LookaheadResult:
    """The result of the check: cut recordings, and later starts, each in the order of time.

    ``of_given`` says whether events were given: how they were found is not checked then, only what was made of them.
    """

    cuts: tuple[CutResult, ...]
    starts: tuple[StartResult, ...]
    of_given: bool = False

    @property
    def same(self) -> bool:
        """Whether no cut changed what was decided before it."""
        return all(cut.difference is None for cut in self.cuts)

    @property
    def first_difference(self) -> CutResult | None:
        """The first cut with a difference."""
        return next((cut for cut in self.cuts if cut.difference is not None), None)

    @property
    def warm_up_ns(self) -> int | None:
        """The longest warm-up of a start that shows one; None if none does."""
        return max((start.warm_up_ns for start in self.starts if start.warm_up_ns is not None), default=None)

    def as_dict(self) -> dict[str, Any]:
        """Return the entry ``lookahead`` of ``result.json``."""
        return {
            "same": self.same,
            "warm_up_seconds": None if self.warm_up_ns is None else self.warm_up_ns / 1e9,
            "cuts": [cut.as_dict() for cut in self.cuts],
            "starts": [start.as_dict() for start in self.starts],
        }


def check_lookahead(
    request: BacktestRequest,
    prices: PriceSource,
    folder: Path,
    whole: BacktestTap,
    given: GivenEvents | None,
    control: Control,
    report: Callable[[int, int], None] | None = None,
) -> LookaheadResult:
    """Repeat a backtest on parts of its recording.

    Parameters
    ----------
    request
        The backtest; its start and end are ns UTC or None.
    prices
        The prices of the whole recording.
    folder
        Temporary folder for records.
    whole
        The tap of the whole recording, at its end.
    control
        Stops the check early; the result is then that of the reruns so far.
    report
        Called after each rerun with their number so far and in all.
    """
    drawn = _drawn_decisions(whole, request.check_lookahead)
    # The decision about the last event may lie behind the end of the whole.
    end = request.end if isinstance(request.end, int) else MAX_NS
    cuts = sorted({min(decision + 1, end) for decision in drawn})  # a decision knows the rows of its own instant
    starts = [decision for decision in drawn if decision < end] if given is None else []  # given ones need no warm-up
    planned = len(cuts) + len(starts)
    alone = replace(request, checkpoint=None, resume=False)
    reruns = _Reruns(alone, prices, folder, given, control, planned, report)
    settled = Settled(request.effective_settings, prices)
    cut_results = [
        _compare_cut(whole, part, settled, cut) for cut, part in reruns.judged([(cut, {"end": cut}) for cut in cuts])
    ]
    keys = DecisionKeys.of(whole, settled.latency_ns)
    start_results = [
        _compare_start(keys, DecisionKeys.of(part, settled.latency_ns, like=whole.names.tickers), decision)
        for decision, part in reruns.judged([(decision, {"start": decision}) for decision in starts])
    ]
    return LookaheadResult(tuple(cut_results), tuple(start_results), given is not None)


@dataclass(slots=True)
class _Reruns:
    """The reruns of a check."""

    request: BacktestRequest
    prices: PriceSource
    folder: Path
    given: GivenEvents | None
    control: Control
    planned: int
    report: Callable[[int, int], None] | None
    done: int = 0

    def judged(self, bounds: list[tuple[int, dict[str, int]]]) -> Iterator[tuple[int, BacktestTap]]:
        """Run the backtest within each bounds, unless it is stopped; yield the drawn decision and the tap."""
        for decision, bound in bounds:
            if self.control.stopped:
                return
            part = replace(self.request, **cast(Any, bound))
            with judged(part, self.prices, self.folder, self.given, self.control) as rerun:
                if rerun.run.interrupted:
                    return
                yield decision, rerun.tap
            self.done += 1
            if self.report is not None:
                self.report(self.done, self.planned)


def _drawn_decisions(tap: BacktestTap, count: int) -> list[int]:
    """Return decision times of drawn events, ascending, each once."""
    events = len(tap.observations)
    places = Random(SEED).sample(range(events), min(count, events))
    return sorted({int(tap.observations.read(place, place + 1).records["decision"][0]) for place in places})


def _compare_cut(whole: BacktestTap, part: BacktestTap, settled: Settled, cut: int) -> CutResult:
    decisions, entries, results, difference = compare_cut(whole, part, settled, cut)
    traded, other = compare_trades(whole, part, cut - settled.lag_ns)
    return CutResult(cut, decisions, entries, results, traded["signals"], traded["fills"], difference or other)


def _compare_start(whole: DecisionKeys, later: DecisionKeys, start: int) -> StartResult:
    before, after = whole.since(start), later.since(start)
    times = before.times_of_differences(after)
    last = int(times.max(initial=-1))
    unchanged = int((before.emitted > last).sum())
    known = unchanged > 0 or not len(times)
    return StartResult(
        start, len(before.emitted), len(times), unchanged, (last - start if len(times) else 0) if known else None
    )

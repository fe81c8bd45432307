"""What the check for look-ahead found, in sentences: for the terminal and for the report."""

from __future__ import annotations

from tickstock_cli.backtest.lookahead import LookaheadResult
from tickstock_cli.core.counted import counted
from tickstock_cli.core.times import format_duration, format_time


def lookahead_words(result: LookaheadResult) -> str:
    """Return whether a cut recording gives the same decisions."""
    cuts, first = len(result.cuts), result.first_difference
    if not cuts:
        return "Look-ahead: there was no decision to check."
    if first is None:
        names = {"decisions": "decision", "entries": "entry", "results": "result", "signals": "signal", "fills": "fill"}
        compared = [(name, one, sum(getattr(cut, name) for cut in result.cuts)) for name, one in names.items()]
        *most, last = [f"{count:,} {one if count == 1 else name}" for name, one, count in compared if count]
        told = f"{', '.join(most)} and {last}" if most else last
        same = f"cut off at {counted(cuts, 'moment')}, the recording gives the same {told}."
        if result.of_given:
            return f"No look-ahead behind the given events: {same} How the events were found cannot be checked."
        return f"No look-ahead: {same}"
    failed = sum(cut.difference is not None for cut in result.cuts)
    return f"LOOK-AHEAD: {failed:,} of {counted(cuts, 'cut')} change what was decided before them."


def difference_words(result: LookaheadResult) -> str:
    """Return the first difference of the check; empty if there is none."""
    first = result.first_difference
    return "" if first is None else f"cut at {format_time(first.at)}: {first.difference}"


def warm_up_words(result: LookaheadResult) -> str:
    """Return how long after a later start events become the same; empty if no start was tried."""
    if not result.starts:
        return ""
    known = [start.warm_up_ns for start in result.starts if start.warm_up_ns is not None]
    begun = f"Warm-up: begun later, at {counted(len(result.starts), 'moment')}, "
    if not known:
        return f"{begun}the recording gives other events up to its end: they need more than it has."
    longest = max(known)
    told = f"events are the same from {_rounded(longest)} on" if longest else "it gives the same events"
    rest = len(result.starts) - len(known)
    return f"{begun}{told}" + (f"; {counted(rest, 'start')} had too little behind it to show that." if rest else ".")


def _rounded(ns: int) -> str:
    minute = 60_000_000_000
    return format_duration(-(-ns // minute) * minute) if ns >= 10 * minute else f"{ns / 1e9:.0f} s"

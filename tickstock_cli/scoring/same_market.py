"""Checks that events and injected moves have something in common: else their figures would say that nothing was found.

Either they are of different markets, or the events are those of a few tickers or days, on which no move was injected.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import polars as pl

from tickstock_cli.errors import DataError
from tickstock_cli.synth.known_market import KnownMarket

ZONE = "America/New_York"
"""The zone of the sessions of synthetic markets: a session ends after midnight in UTC."""

_SHOWN = 3


def check_same_market(
    events: pl.DataFrame,
    moves: pl.DataFrame,
    events_name: str,
    truth_name: str,
    market_of_truth: Callable[[], KnownMarket | None],
) -> None:
    """Check that events and moves have a ticker and a day in common; without events or moves there is nothing to check.

    Parameters
    ----------
    events
        ``ticker`` (string) and ``timestamp`` (int64 ns UTC).
    moves
        ``ticker``, ``start`` and ``until``, the last moment at which an event can report the move (int64 ns UTC).
    events_name, truth_name
        Names for the message.
    market_of_truth
        Returns the market of the moves, if it is known; called only for the message.

    Raises
    ------
    DataError
        They have no ticker or no day in common.
    """
    if events.is_empty() or moves.is_empty():
        return
    days = _days(events["timestamp"]), sorted({*_days(moves["start"]), *_days(moves["until"])})
    tickers = [sorted(table["ticker"].unique().to_list()) for table in (events, moves)]
    for word, (mine, theirs) in (("ticker", tickers), ("day", days)):
        if set(mine).isdisjoint(theirs):
            market = market_of_truth()
            known = frozenset() if market is None else market.tickers if word == "ticker" else market.days
            both = f"{events_name} and {truth_name}"
            raise DataError(f"{both} {_why(word, mine, theirs, known)}")


def _why(word: str, mine: Sequence[str], theirs: Sequence[str], known: Collection[str]) -> str:
    """Return why events and moves have no ticker or day in common; ``known`` are those of the market of the moves.

    Options of another market beside the truth, or of another version's, do not have all of the moves: then they say
    nothing.
    """
    lists = f"have no {word} in common ({_some(mine)}; {_some(theirs)})"
    none_injected, whole = f"no move was injected for these {word}s", f"a replay of every {word}"
    if not known or not set(theirs).issubset(known):
        return (
            f"{lists}: {none_injected}, or they are of different markets; name the truth of the market that was "
            f"replayed, or the events of {whole}"
        )
    if set(mine).issubset(known):
        return f"{lists}, though they are of one market: {none_injected}; name the events of {whole}"
    return f"are of different markets: they {lists}; name the truth of the market that was replayed"


def _days(times: pl.Series) -> list[str]:
    """Return the dates of times, sorted."""
    dates = times.cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(ZONE).dt.date()
    return dates.unique().sort().cast(pl.String).to_list()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")

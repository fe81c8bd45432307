"""Checks that events and injected moves are of one market: figures of two markets would say that nothing was found."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tickstock_cli.errors import DataError

ZONE = "America/New_York"
"""The zone of the sessions of synthetic markets: a session ends after midnight in UTC."""

_SHOWN = 3


def check_same_market(events: pl.DataFrame, moves: pl.DataFrame, events_name: str, truth_name: str) -> None:
    """Check that events and moves have a ticker and a day in common; without events or moves there is nothing to check.

    Parameters
    ----------
    events
        ``ticker`` (string) and ``timestamp`` (int64 ns UTC).
    moves
        ``ticker``, ``start`` and ``until``, the last moment at which an event can report the move (int64 ns UTC).
    events_name, truth_name
        Names for the message.

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
            raise DataError(
                f"{events_name} and {truth_name} are of different markets: they have no {word} in common "
                f"({_some(mine)}; {_some(theirs)}); name the truth of the market that was replayed"
            )


def _days(times: pl.Series) -> list[str]:
    """Return the dates of times, sorted."""
    dates = times.cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(ZONE).dt.date()
    return dates.unique().sort().cast(pl.String).to_list()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")

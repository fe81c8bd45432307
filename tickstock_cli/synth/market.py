"""The market: plans itself from its options, then gives its rows portion by portion, in time order."""

from __future__ import annotations

from collections.abc import Iterator

from tickstock_cli.synth.market_simulator import MINUTE_SECONDS, MarketSimulator, Portion
from tickstock_cli.synth.options import MarketOptions
from tickstock_cli.synth.planning import make_plan

PORTION_ROWS = 262_144
"""Rows made at once, unless one second holds more: enough to forget the cost of a call, little enough for memory."""


class SyntheticMarket:
    """A synthetic market. Its plan is made at once, its rows when ``portions`` is read.

    Attributes
    ----------
    plan
        Options, sessions, symbols and injections.
    tickers
        By symbol.

    Raises
    ------
    UsageError
        The exchange is closed on the first day, or the options ask for more than the market has room for.
    """

    def __init__(self, options: MarketOptions) -> None:
        self.plan = make_plan(options)
        self.tickers = self.plan.universe.tickers

    def portions(self, most_rows: int = PORTION_ROWS) -> Iterator[Portion]:
        """Make the market's rows, at most ``most_rows`` ticks at once unless one second holds more.

        The rows do not depend on ``most_rows``. Within a second fair values are made before trades, so they
        know the trades of earlier seconds only.
        """
        simulator = MarketSimulator(self.plan)
        timeline = self.plan.timeline
        for day, session in enumerate(timeline.sessions):
            first = int(timeline.first[day])
            simulator.begin_day(day)
            for minute in range(first, first + session.seconds, MINUTE_SECONDS):
                yield from simulator.run_minute(minute, most_rows)
            yield simulator.end_minute()
            simulator.end_day(day)

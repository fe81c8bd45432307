"""A synthetic market: a plan from its options, and its rows portion by portion, in time order."""

from __future__ import annotations

from collections.abc import Iterator

from tickstock_cli.synth.market_simulator import MINUTE_SECONDS, MarketSimulator, Portion
from tickstock_cli.synth.options import MarketOptions
from tickstock_cli.synth.planning import make_plan

PORTION_ROWS = 262_144
"""Ticks made at once, unless one second holds more: a compromise between the cost of a call and memory."""


class SyntheticMarket:
    """A synthetic market. The constructor makes its plan; ``portions`` makes its rows.

    Attributes
    ----------
    plan
        Options, sessions, symbols and injections.
    tickers
        Tickers, by symbol.

    Raises
    ------
    UsageError
        The exchange is closed on the first day, or the options ask for more than the market has room for.
    """

    def __init__(self, options: MarketOptions) -> None:
        self.plan = make_plan(options)
        self.tickers = self.plan.universe.tickers

    def portions(self, most_rows: int = PORTION_ROWS) -> Iterator[Portion]:
        """Yield the market's rows, at most ``most_rows`` ticks at once unless one second holds more.

        The rows do not depend on ``most_rows``. Fair values of a second are made before its trades, so they depend on
        trades of earlier seconds only.
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

"""Trades on minute bars with backtesting.py, as its users write them: a strategy class, run for one ticker at a time.

Run by an interpreter that has it: ``python backtesting_runs.py BARS EVENTS TICKER…``. It prints a line of JSON. Each
ticker has a cash of its own; an order is filled whole at the next open, a stop at its own price.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from backtesting import Backtest, Strategy  # type: ignore[import-not-found]

MINUTE, LATENCY, SLACK = 60 * 10**9, 100_000_000, 10**9
ZONE = "America/New_York"
HELD_MINUTES, STOP, VALUE, CASH = 10, 0.01, 10_000, 100_000


class FollowEvents(Strategy):  # type: ignore[misc]
    """Follows each event of a ticker with a stop of 1 %, and leaves after ten minutes."""

    def init(self) -> None:
        """Take no indicator."""

    def next(self) -> None:
        """Leave the position whose time is over; follow an event if there is none."""
        minute = self.data.Minute[-1]
        for trade in self.trades:
            if minute - self.data.Minute[trade.entry_bar] >= HELD_MINUTES - 1:  # it leaves at the next open
                trade.close()
        side, price = self.data.Side[-1], float(self.data.Close[-1])
        if side and not self.position:
            order = self.buy if side > 0 else self.sell
            order(size=max(1, int(VALUE // price)), sl=price * (1 - side * STOP))


def tables(bars_path: str, events_path: str, tickers: list[str]) -> list[pd.DataFrame]:
    """Return each ticker's bars of the regular session, with the side of an event that its end knows, or 0."""
    chosen = [("ticker", "in", tickers)]
    columns = ["ticker", "timestamp", "open", "high", "low", "close", "volume"]
    bars = pd.read_parquet(bars_path, columns=columns, filters=chosen)
    wall = bars["timestamp"].dt.tz_convert(ZONE)
    minute = wall.dt.hour * 60 + wall.dt.minute
    bars = bars[(minute >= 570) & (minute < 960)].rename(columns=str.capitalize)
    events = pd.read_parquet(events_path, columns=["ticker", "direction", "emitted_at"])
    events = events[events["ticker"].isin(tickers) & (events["direction"] != 0)]
    entry = -(-(events["emitted_at"].astype("int64") + LATENCY - SLACK) // MINUTE)
    found = []
    for ticker, mine in bars.groupby(bars["Ticker"].astype(str)):
        own = mine.set_index("Timestamp").sort_index()
        own["Minute"] = own.index.astype("int64") // MINUTE
        own["Side"] = 0
        is_own = (events["ticker"] == ticker).to_numpy()
        places = np.searchsorted(own["Minute"].to_numpy(), entry[is_own].to_numpy()) - 1
        own.iloc[places[places >= 0], own.columns.get_loc("Side")] = events["direction"].to_numpy()[is_own][places >= 0]
        found.append(own.tz_convert(None).drop(columns="Ticker"))
    return found


def run(bars: str, events: str, tickers: list[str]) -> dict[str, Any]:
    """Return times and figures."""
    wall, cpu = time.perf_counter(), time.process_time()
    trades = rows = 0
    for table in tables(bars, events, tickers):
        stats = Backtest(table, FollowEvents, cash=CASH, finalize_trades=True).run()
        trades, rows = trades + int(stats["# Trades"]), rows + len(table)
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "trades": trades, "rows": rows}


def main() -> None:
    """Run it on one ticker first, to warm up."""
    warnings.simplefilter("ignore")
    bars, events, *tickers = sys.argv[1:]
    run(bars, events, tickers[:1])
    print(json.dumps(run(bars, events, tickers)))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()

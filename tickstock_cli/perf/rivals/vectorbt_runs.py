"""An event study and trades on minute bars with vectorbt, as its users write them: panels of minutes and tickers.

Run by an interpreter that has vectorbt: ``python vectorbt_runs.py BARS EVENTS``. It prints a line of JSON. An entry is
the next minute's open. A panel has no gaps, so a minute without a bar has the last close: the numbers are near those of
tickstock, and not the same.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import vectorbt as vbt  # type: ignore[import-not-found]

MINUTE, LATENCY, SLACK = 60 * 10**9, 100_000_000, 10**9
ZONE = "America/New_York"
MINUTES_A_DAY, PLACEBO_DAYS = 390, 5
HORIZONS = (5, 30)
HELD_MINUTES, STOP, VALUE = 10, 0.01, 10_000


def panels(bars_path: str, tickers: int | None) -> dict[str, pd.DataFrame]:
    """Return panels of open, high, low and close by minute of the regular session and ticker."""
    bars = pd.read_parquet(bars_path, columns=["ticker", "timestamp", "open", "high", "low", "close"])
    wall = bars["timestamp"].dt.tz_convert(ZONE)
    minute = wall.dt.hour * 60 + wall.dt.minute
    bars = bars[(minute >= 570) & (minute < 960)]
    if tickers is not None:
        bars = bars[bars["ticker"].isin(sorted(bars["ticker"].unique())[:tickers])]
    days = bars["timestamp"].dt.tz_convert(ZONE).dt.normalize().unique()
    grid = pd.DatetimeIndex(
        np.concatenate([pd.date_range(day + pd.Timedelta(minutes=570), periods=390, freq="min") for day in days])
    ).tz_convert("UTC")
    wide = bars.pivot(index="timestamp", columns="ticker", values=["open", "high", "low", "close"]).reindex(grid)
    close = wide["close"].ffill()
    return {"close": close, **{name: wide[name].fillna(close) for name in ("open", "high", "low")}}


def entries_of(events_path: str, close: pd.DataFrame) -> pd.DataFrame:
    """Return where a position is opened at the minute's open, as a panel."""
    events = pd.read_parquet(events_path, columns=["ticker", "direction", "emitted_at"])
    events = events[events["direction"] > 0]
    emitted = events["emitted_at"].astype("int64").to_numpy()
    opening = pd.DatetimeIndex(-(-(emitted + LATENCY - SLACK) // MINUTE) * MINUTE, tz="UTC")
    rows = close.index.get_indexer(opening)
    columns = close.columns.get_indexer(events["ticker"].astype(str))
    found = np.zeros(close.shape, dtype=bool)
    is_inside = (rows >= 0) & (columns >= 0)
    found[rows[is_inside], columns[is_inside]] = True
    return pd.DataFrame(found, index=close.index, columns=close.columns)


def study(prices: dict[str, pd.DataFrame], entries: pd.DataFrame) -> dict[str, float]:
    """Return the mean move after entries, and that at the same minute of the following days."""
    moves = vbt.FIXLB.run(prices["open"], n=list(HORIZONS)).labels
    found = {}
    for horizon in HORIZONS:
        panel = moves[horizon].to_numpy()
        found[f"{horizon}m"] = float(np.nanmean(panel[entries.to_numpy()]))
        later = [entries.shift(k * MINUTES_A_DAY, fill_value=False) for k in range(1, 1 + PLACEBO_DAYS)]
        placebo = [panel[shifted.to_numpy()] for shifted in later]
        found[f"{horizon}m placebo"] = float(np.nanmean(np.concatenate(placebo)))
    return found


def trades(prices: dict[str, pd.DataFrame], entries: pd.DataFrame) -> int:
    """Return the number of trades: a stop of 1 %, an exit after ten minutes."""
    portfolio = vbt.Portfolio.from_signals(
        prices["close"],
        entries=entries,
        exits=entries.shift(HELD_MINUTES, fill_value=False),
        price=prices["open"],
        open=prices["open"],
        high=prices["high"],
        low=prices["low"],
        size=VALUE,
        size_type="value",
        init_cash=100_000,
        sl_stop=STOP,
    )
    return int(portfolio.trades.count().sum())


def run(bars: str, events: str, tickers: int | None = None) -> dict[str, Any]:
    """Return times and figures."""
    begun = time.perf_counter(), time.process_time()
    prices = panels(bars, tickers)
    entries = entries_of(events, prices["close"])
    read = time.perf_counter() - begun[0], time.process_time() - begun[1]
    begun = time.perf_counter(), time.process_time()
    moves = study(prices, entries)
    studied = time.perf_counter() - begun[0], time.process_time() - begun[1]
    begun = time.perf_counter(), time.process_time()
    count = trades(prices, entries)
    traded = time.perf_counter() - begun[0], time.process_time() - begun[1]
    return {
        "study_seconds": read[0] + studied[0],
        "study_cpu_seconds": read[1] + studied[1],
        "trades_seconds": read[0] + traded[0],
        "trades_cpu_seconds": read[1] + traded[1],
        "trades": count,
        "moves": moves,
    }


def main() -> None:
    """Run it on a few tickers first: vectorbt compiles its kernels then."""
    bars, events = sys.argv[1:]
    run(bars, events, tickers=5)
    print(json.dumps(run(bars, events)))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()

"""Bars of some tickers that are further apart than they are long, among others that are not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tickstock_cli.core.recording_schema import is_recorded
from tickstock_cli.core.times import format_duration
from tickstock_cli.sources.checks.bar_spacing import ticker_codes
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck

_FEWEST = 8
"""Distances of a ticker: fewer can be gaps."""
_MOST = 0.9


def _look(facts: Facts) -> Iterator[Oddity]:
    if facts.first.is_empty or is_recorded(facts.schema):
        return
    times = facts.reader.times(facts.head, 0)
    assert times.interval is not None  # of bars
    tickers = facts.reader.array(facts.head, "ticker")
    codes = ticker_codes(tickers)
    usable = codes >= 0 if times.known is None else (codes >= 0) & times.known
    order = np.lexsort((times.timestamp, times.interval, codes))
    order = order[usable[order]]
    alike = (np.diff(codes[order]) == 0) & (np.diff(times.interval[order]) == 0)
    apart = np.diff(times.timestamp[order])
    alike &= apart > 0
    of, apart, length = codes[order][1:][alike], apart[alike], times.interval[order][1:][alike]
    if not len(of):
        return
    count = int(of.max()) + 1
    least = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(least, of, apart)
    distances, regular = np.bincount(of), np.bincount(of[apart == least[of]], minlength=count)
    lengths = np.zeros(count, dtype=np.int64)
    lengths[of] = length
    is_odd = (distances >= _FEWEST) & (regular >= _MOST * distances) & (least > lengths)
    if not is_odd.any() or not ((distances > 0) & (least == lengths)).any():  # or all are odd, which others tell
        return
    odd = int(is_odd.argmax())
    ticker = tickers[int((codes == odd).argmax())].as_py()
    distance, read_as = format_duration(int(least[odd])), format_duration(int(lengths[odd]))
    yield Oddity(
        f"bars of {ticker} are {distance} apart, but read as {read_as} long, as those of other tickers are: write the "
        "length of each bar in a column interval"
    )


CHECK = RecordingCheck("bar_distances", ("ohlcv",), _look)

"""Bars of some tickers that are further apart than they are long, among others that are not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tickstock_cli.core.recording_schema import is_recorded
from tickstock_cli.core.times import format_duration
from tickstock_cli.sources.checks.bar_spacing import first_bars, ticker_codes
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck

_FEWEST = 8
"""Distances of a ticker: fewer can be gaps."""
_MOST = 0.9


def _look(facts: Facts) -> Iterator[Oddity]:
    if facts.first.is_empty or is_recorded(facts.schema):
        return
    bars = first_bars(facts)
    apart = np.diff(bars.start)
    alike = bars.neighbours() & (apart > 0) & (bars.code[1:] >= 0)
    of, apart, length = bars.code[1:][alike], apart[alike], bars.length[1:][alike]
    if not len(of) or (apart.min() == length.min() and len(np.unique(of)) == 1):
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
    tickers = facts.reader.array(facts.head, "ticker")
    ticker = tickers[int((ticker_codes(tickers) == odd).argmax())].as_py()
    distance, read_as = format_duration(int(least[odd])), format_duration(int(lengths[odd]))
    yield Oddity(
        f"bars of {ticker} are {distance} apart, but read as {read_as} long, as those of other tickers are: write the "
        "length of each bar in a column interval"
    )


CHECK = RecordingCheck("bar_distances", ("ohlcv",), _look)

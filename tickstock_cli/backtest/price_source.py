"""Which prices a backtest uses: ticks or bars, and what must be known of bars before the first one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tickstock_cli.config.settings import Settings
from tickstock_cli.errors import DataError
from tickstock_cli.sources.opening import recording_paths
from tickstock_cli.sources.options import ReadOptions, Unsorted
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.recordings import Recordings

BATCH_ROWS = 262_144
LONGEST_LAG_NS = 7 * 86_400 * 1_000_000_000
"""In a recording of more than ``MANY_BARS``, a bar that is available later after its start has no opening: memory holds
the bars of the longest lag, and a single wrong time of reception would make that all of them."""

MANY_BARS = 4_000_000


@dataclass(frozen=True, slots=True)
class PriceSource:
    """The prices of a recording.

    Parameters
    ----------
    is_bars
        Whether prints are bars.
    lag_ns
        The longest time between a bar's start and its available time, of many bars at most ``LONGEST_LAG_NS``; 0 for
        ticks.
    longest_interval_ns
        Of the recording's bars; 0 for ticks.
    """

    is_bars: bool
    lag_ns: int = 0
    longest_interval_ns: int = 0


def price_source(paths: Sequence[str | Path], options: ReadOptions, settings: Settings) -> PriceSource:
    """Return the prices that ``prices.source`` selects of a recording.

    Files of bars that differ in length, or say when they were received, or whose rows out of order count as available
    with those before them, are read once for it.

    Raises
    ------
    DataError
        The recording has no file of that type.
    """
    with Recordings.open(recording_paths(paths), options) as recordings:
        types = {file.record for file in recordings.files}
        wanted = settings.prices.source
        if wanted == "auto":
            wanted = "tick" if "tick" in types else "ohlcv"
        if wanted not in types:
            what = "ticks or bars" if settings.prices.source == "auto" else f"prices.source {wanted}"
            raise DataError(f"no file of {what} in {' '.join(map(str, paths))}: a backtest needs prices")
        if wanted == "tick":
            return PriceSource(is_bars=False)
        return _bars([file for file in recordings.files if file.record == "ohlcv"], options)


def _bars(files: Sequence[RecordingFile], options: ReadOptions) -> PriceSource:
    lifted = options.unsorted is Unsorted.REJECT
    if not lifted and not any(file.layout.theirs("received_at", "interval") for file in files):
        longest = max(file.interval_ns for file in files)
        return PriceSource(True, longest, longest)
    lag = bounded_lag = longest = count = 0
    with Recordings.of(files, options) as bars:
        for batch in bars.batches(BATCH_ROWS):
            rows = batch.bars
            lags = (rows.available_at - rows.timestamp)[rows.timestamp > 0]
            lag = max(lag, int(lags.max(initial=0)))
            bounded_lag = max(bounded_lag, int(lags[lags <= LONGEST_LAG_NS].max(initial=0)))
            longest = max(longest, int(rows.interval.max(initial=0)))
            count += len(lags)
    return PriceSource(True, lag if count <= MANY_BARS else bounded_lag, longest)

"""Bars made of trades as they come, without the hold of a vendor: they are told as soon as their interval has ended.

1. Trades are gathered by ticker and interval of their timestamp (`kernels.bars`). Flags keep a trade from open and
   close (1), from volume (2), and from high and low (4). High and low include open and close, as those of every bar.
2. When the feed's time passes an interval's end, its bars are told, in the order of tickers. A trade that comes later
   is counted, and changes nothing.
3. The feed's time is that of its trades: the latest timestamp, and in silence as much later as time has passed since.
   So it is the time of a delayed feed, or of a recording that is played, too.

Every trade ends in one counter; see `BarsFromTrades.ledger`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.batch import MICROS_PER_SHARE, Int64s
from tickstock_cli.core.growth import grown
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.core.stamps import Stamps
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.errors import UsageError
from tickstock_cli.kernels.bars import OPEN_BAR, gather_trades, usable_trades
from tickstock_cli.kernels.reasons import MAX_AHEAD_NS
from tickstock_cli.sources.plain_numbers import real, shares, values, whole
from tickstock_cli.sources.ticker_codes import TickerCodes

USED = ("ticker", "timestamp", "price", "size", "flags", "received_at")
"""Columns of trades that bars are made of."""
ENDED = ("used_trades", "late_trades", "skipped_trades", "unpriced_trades")
"""Counters of the trades that no open interval has."""
GATHERED_AT_ONCE = 4_096
"""Trades wait up to this number, or to the end of an interval, before they are gathered."""
MOST_OPEN = 256
"""Limit of the intervals that are open at a time: trades of far later ones are skipped."""
LEAST_WAIT_SECONDS = 0.001
"""Least wait for the end of an interval, while a frame is on its way."""

_NO_BAR = np.zeros(1, dtype=OPEN_BAR)

Bars = NDArray[np.void]
"""Array of dtype ``OPEN_BAR``, by ticker code."""


class BarsFromTrades:
    """Gathers trades into bars of one length. It reads no clock.

    Parameters
    ----------
    interval_ns
        Length of a bar; intervals begin at its multiples since 1970.

    Notes
    -----
    ``vwap`` is weighted by the volume of the trades that count for volume and for the last price; null without one.
    Volumes are summed in units of 1e-6 shares. Trades of one timestamp count in the order in which they came. An
    interval without a trade that may set open and close has no bar.
    """

    def __init__(self, interval_ns: int) -> None:
        self._interval = interval_ns
        self._symbols = SymbolTable()
        self._codes = TickerCodes(self._symbols)
        self._open: dict[int, Bars] = {}
        self._told_to = 0
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._counts: Counter[str] = Counter(dict.fromkeys(("told", "unpriced", "trades", *ENDED), 0))

    def add(self, trades: pa.RecordBatch) -> int:
        """Take trades; return the latest of their timestamps (ns UTC) that is not from the future, or 0.

        Parameters
        ----------
        trades
            Rows of the schema ``RECORDED["tick"]``, in the order in which they came.
        """
        self._waiting.append(trades)
        self._waiting_rows += trades.num_rows
        self._counts["trades"] += trades.num_rows
        if self._waiting_rows >= GATHERED_AT_ONCE:
            self.gather()
        timestamps, received = whole(trades.column("timestamp"), 0), whole(trades.column("received_at"), 0)
        return int(timestamps[timestamps <= received + MAX_AHEAD_NS].max(initial=0))

    def gather(self) -> None:
        """Gather the trades that wait. Small batches have a high fixed cost, so they are gathered together."""
        if not self._waiting_rows:
            return
        (trades,) = pa.Table.from_batches([batch.select(USED) for batch in self._waiting]).combine_chunks().to_batches()
        self._waiting, self._waiting_rows = [], 0
        codes, _ = self._codes.codes(trades.column("ticker"))
        timestamps = whole(trades.column("timestamp"), 0)
        prices = real(trades.column("price"), np.nan)
        sizes = shares(trades.column("size"))
        flags = values(trades.column("flags"), np.uint8, 0)
        usable = np.empty(len(codes), dtype=np.bool_)
        usable_trades(codes, timestamps, whole(trades.column("received_at"), 0), prices, sizes, usable)
        starts = timestamps - timestamps % self._interval
        late = usable & (starts < self._told_to)
        rows = np.flatnonzero(usable & ~late)
        self._counts["late_trades"] += int(late.sum())
        self._counts["skipped_trades"] += int(len(codes) - usable.sum())
        for start, of_interval in _by_start(rows, starts):
            bars = self._bars(start)
            if bars is None:
                self._counts["skipped_trades"] += len(of_interval)
            else:
                gather_trades(of_interval, codes, timestamps, prices, sizes, flags, bars)

    def advance(self, market_time: int, received_at: int) -> pa.RecordBatch | None:
        """Return the bars of all intervals that end by ``market_time``, each once; None if there is none.

        Parameters
        ----------
        market_time
            The feed's time, ns UTC.
        received_at
            The stamp of the bars, ns UTC.

        Returns
        -------
        pyarrow.RecordBatch or None
            Rows of the schema ``RECORDED["ohlcv"]``, by start and ticker.
        """
        told_to = market_time - market_time % self._interval
        if told_to <= self._told_to:
            return None
        self.gather()
        self._told_to = told_to
        ended = sorted(start for start in self._open if start < self._told_to)
        told = [(start, codes, bars) for start in ended for codes, bars in [self._told(self._open.pop(start))]]
        if not any(len(codes) for _, codes, _ in told):
            return None
        starts = np.concatenate([np.full(len(codes), start, dtype=np.int64) for start, codes, _ in told])
        return self._rows(
            np.concatenate([codes for _, codes, _ in told]),
            starts,
            np.concatenate([bars for _, _, bars in told]),
            received_at,
        )

    def next_end(self) -> int | None:
        """Return the earliest end of an interval that can have bars, ns UTC; None if there is no trade of one."""
        return self._told_to + self._interval if self._open or self._waiting_rows else None

    def ledger(self) -> dict[str, int]:
        """Return the counters: ``bars.told`` bars, and where the trades are.

        ``bars.trades`` is the sum of ``bars.used_trades`` (of bars that were told), ``bars.late_trades`` (after their
        interval's end), ``bars.skipped_trades`` (without usable values), ``bars.unpriced_trades`` (of ``bars.unpriced``
        intervals without a price that may be used), and ``bars.open_trades`` (of intervals that have not ended, and
        trades that are not gathered yet).
        """
        counts = dict(self._counts)
        ended = sum(counts[name] for name in ENDED)
        return {
            **{f"bars.{name}": count for name, count in counts.items()},
            "bars.open_trades": counts["trades"] - ended,
        }

    def _bars(self, start: int) -> Bars | None:
        """Return the open bars of an interval, with room for every ticker; None if too many intervals are open."""
        bars = self._open.get(start)
        if bars is None and len(self._open) >= MOST_OPEN:
            return None
        bars = grown(_NO_BAR[:0] if bars is None else bars, len(self._symbols), _NO_BAR)
        self._open[start] = bars
        return bars

    def _told(self, bars: Bars) -> tuple[Int64s, Bars]:
        """Return codes and bars of the tickers that have one, by ticker; count the others."""
        traded = np.flatnonzero(bars["trades"])
        priced = traded[bars["last_time"][traded] > 0]
        self._counts["told"] += len(priced)
        self._counts["unpriced"] += len(traded) - len(priced)
        used = int(bars["trades"][priced].sum())
        self._counts["used_trades"] += used
        self._counts["unpriced_trades"] += int(bars["trades"].sum()) - used
        codes = priced[np.argsort(self._symbols.ranks()[priced])]
        return codes, bars[codes]

    def _rows(self, codes: Int64s, starts: Int64s, bars: Bars, received_at: int) -> pa.RecordBatch:
        opens, closes, highs, lows = (bars[name] for name in ("open", "close", "high", "low"))
        weights = bars["weight"]
        vwap = np.divide(bars["turnover"], weights, out=np.full(len(bars), np.nan), where=weights > 0)
        columns = {
            "ticker": [self._symbols.tickers[code] for code in codes],
            "timestamp": starts,
            "open": opens,
            "high": np.maximum(highs, np.maximum(opens, closes)),
            "low": np.minimum(np.where(lows > 0, lows, np.inf), np.minimum(opens, closes)),
            "close": closes,
            "volume": bars["volume"] / MICROS_PER_SHARE,
            "vwap": pa.array(vwap, mask=weights <= 0),
            "interval": np.full(len(bars), self._interval / NS_PER_SECOND),
            "received_at": np.full(len(bars), received_at, dtype=np.int64),
        }
        schema = RECORDED["ohlcv"]
        arrays = [pa.array(columns[field.name], field.type) for field in schema]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


class FeedTime:
    """The time of a feed, by its trades: the latest timestamp, and what has passed since it came."""

    def __init__(self) -> None:
        self._latest = 0
        self._came = 0

    def came(self, timestamp: int, stamp: int) -> None:
        """Take the timestamp of a trade, and the stamp (ns UTC) with which it came."""
        if timestamp > self._latest:
            self._latest, self._came = timestamp, stamp

    def at(self, stamp: int) -> int:
        """Return the time (ns UTC) at a stamp; 0 before the first trade."""
        return self._latest + max(0, stamp - self._came) if self._latest else 0

    def left(self, time: int, stamp: int) -> int:
        """Return the ns from a stamp to a time of the feed, if no trade comes; at least 0."""
        return max(0, time - self.at(stamp))


class LiveBars:
    """Adds bars to the rows of a live feed, in the reader's thread.

    Bars come with the rows that end their interval, and with the stamp of the last of them: rows with a later stamp are
    decoded later. In silence they get a stamp of their own, unless a frame is in flight: its rows come first.

    Parameters
    ----------
    interval_ns
        Length of a bar; 0 adds none.
    stamps
        Those of the feed.
    """

    def __init__(self, interval_ns: int, stamps: Stamps) -> None:
        self._bars = BarsFromTrades(interval_ns) if interval_ns else None
        self._stamps = stamps
        self._time = FeedTime()
        self._in_flight: int | None = None
        if interval_ns:
            _load_kernels()

    def with_bars(self, batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
        """Return batches of rows that came together, at least one, and the bars of the intervals that have ended."""
        if self._bars is None:
            return batches
        stamp = max(batch.column("received_at")[-1].as_py() for batch in batches)
        for batch in batches:
            if batch.schema.equals(RECORDED["tick"]):
                self._time.came(self._bars.add(batch), stamp)
        bars = self._bars.advance(self._time.at(stamp), stamp)
        return [*batches, *([] if bars is None else [bars])]

    def wait_seconds(self) -> float | None:
        """Return how long to wait for rows until an interval ends in silence; None: nothing ends."""
        end = None if self._bars is None else self._bars.next_end()
        if end is None:
            return None
        return max(LEAST_WAIT_SECONDS, self._time.left(end, self._stamps.now()) / NS_PER_SECOND)

    def in_silence(self) -> Iterator[list[pa.RecordBatch]]:
        """Yield the bars of intervals that have ended while no row came, if there are any.

        Their stamp is in flight until ``handed_over``.
        """
        end = None if self._bars is None else self._bars.next_end()
        if self._bars is None or end is None or self._time.left(end, self._stamps.now()):
            return
        self._in_flight = self._stamps.stamp_in_silence()
        if self._in_flight is not None:
            bars = self._bars.advance(self._time.at(self._in_flight), self._in_flight)
            if bars is not None:
                yield [bars]

    def handed_over(self) -> None:
        """Record that all bars so far are in the arrival queue."""
        if self._in_flight is not None:
            self._stamps.handed_over(self._in_flight)
            self._in_flight = None

    def ledger(self) -> dict[str, int]:
        """Return the counters of bars and trades, as `BarsFromTrades.ledger`; none without bars."""
        return {} if self._bars is None else self._bars.ledger()

    def end(self) -> None:
        """Count the trades that wait: no trade follows. Intervals that have not ended have no bars."""
        if self._bars is not None:
            self._bars.gather()


def check_one_kind_of_bars(seconds: int, channels: Sequence[str], trades: str, bars: Sequence[str]) -> None:
    """Raise UsageError if bars of trades cannot be made, or the feed is asked for bars as well.

    Parameters
    ----------
    seconds
        Length of the bars that are made of trades; 0 = none.
    channels
        What the feed is asked for.
    trades, bars
        Names of the feed's channels of trades and of bars.
    """
    if not seconds:
        return
    if trades not in channels:
        raise UsageError(f"--bars-from-trades makes bars of trades: add {trades} to the channels")
    asked = [channel for channel in channels if channel in bars]
    if asked:
        raise UsageError(
            f"--bars-from-trades makes bars of trades, and {asked[0]} asks the feed for bars of the same tickers: "
            f"leave {asked[0]} out of the channels"
        )


def _load_kernels() -> None:
    """Gather a trade, so that no row of a feed waits for the kernels."""
    row = {"ticker": "A", "timestamp": 1, "price": 1.0, "size": 1.0, "flags": 0, "received_at": 1}
    schema = RECORDED["tick"]
    bars = BarsFromTrades(1)
    bars.add(pa.RecordBatch.from_pylist([row], schema=schema))
    bars.gather()


def _by_start(rows: Int64s, starts: Int64s) -> list[tuple[int, Int64s]]:
    """Return rows by the start of their interval, ascending; mostly there is one."""
    if not len(rows):
        return []
    own = starts[rows]
    first = int(own[0])
    if (own == first).all():
        return [(first, rows)]
    return [(int(start), rows[own == start]) for start in np.unique(own)]

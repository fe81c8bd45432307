"""Compares the trades of a backtest with those of the same backtest on a recording that is cut off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.backtest.aligning import aligned, codes_like, equal
from tickstock_cli.backtest.tap import BacktestTap
from tickstock_cli.core.record_file import RecordFile
from tickstock_cli.core.times import MAX_NS, format_time
from tickstock_cli.trading.records import AT_END, OUTCOMES

_TIMES = {"signals": "decision", "fills": "time"}


def compare_trades(whole: BacktestTap, part: BacktestTap, before: int) -> tuple[dict[str, int], str | None]:
    """Compare the signals decided, and the fills made, before a time (ns UTC).

    A recording that is cut off ends earlier: what follows the end of its last day is left out, and so are fills at the
    end of the data.

    Returns
    -------
    tuple
        Numbers of ``signals`` and ``fills`` compared; the first difference in words, or None.
    """
    codes = codes_like(part.names.tickers, whole.names.tickers)
    counts = dict.fromkeys(_TIMES, 0)
    for place, (ours, theirs) in enumerate(zip(whole.traded, part.traded, strict=True)):
        limit = min(before, _end_of_data(theirs["equity"]) + 1)
        for table in _TIMES:
            pairs = aligned(_chunks(ours[table], table, limit, None), _chunks(theirs[table], table, limit, codes))
            for mine, other in pairs:
                rows = min(len(mine), len(other))
                counts[table] += rows
                same = np.all([equal(mine[name][:rows], other[name][:rows]) for name in mine.dtype.names or ()], axis=0)
                changed = np.flatnonzero(~same)
                if len(changed) or len(mine) != len(other):
                    first = int(changed[0]) if len(changed) else rows
                    name = whole.simulations[place].strategy.name
                    texts = [_words(table, records[first:], whole.names.tickers) for records in (other, mine)]
                    return counts, f"strategy {name}: {texts[0]} in the cut recording, {texts[1]} in the whole"
    return counts, None


def _end_of_data(equity: RecordFile) -> int:
    """Return the end of the last recorded day (ns UTC): positions are closed there. Its minute is sampled last."""
    count = len(equity)
    return int(equity.read(count - 1, count)["time"][0]) if count else MAX_NS - 1


def _chunks(file: RecordFile, table: str, before: int, codes: NDArray[np.int32] | None) -> Iterator[NDArray[Any]]:
    for chunk in file.chunks():
        kept = chunk[_TIMES[table]] < before
        if table == "fills":
            kept &= chunk["kind"] != AT_END
        records = chunk[kept]
        if codes is not None and len(records):
            records["code"] = codes[records["code"]]
        if len(records):
            yield records


def _words(table: str, records: NDArray[Any], tickers: Any) -> str:
    if not len(records):
        return f"no further {table.removesuffix('s')}"
    record = records[0]
    ticker, time = tickers[int(record["code"])], format_time(int(record[_TIMES[table]]))
    if table == "fills":
        return f"a fill of {record['shares']:,} {ticker} at {record['price'] / 1e6:.6f}, {time}"
    return f"a signal in {ticker} {OUTCOMES[int(record['outcome'])]} with {record['shares']:,} shares, decided {time}"

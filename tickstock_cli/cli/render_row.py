"""One row of a recording in words, for a user who steps row by row."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from tickstock_cli.cli.render_phrases import format_price
from tickstock_cli.core.batch import MICROS_PER_SHARE, BarBatch, FmvBatch, MergedBatch, TickBatch
from tickstock_cli.core.shown_times import ShownZone


def row_words(row: MergedBatch, tickers: Sequence[str], zone: ShownZone) -> str:
    """Return the only row of a batch as text: its time of day in the zone, record type and values, valid or not."""
    part = next(part for part in (row.ticks, row.bars, row.fmvs) if len(part))
    code = int(part.code[0])
    ticker = tickers[code] if code >= 0 else "no ticker"
    return f"{zone.clock(int(row.available_at()[0]))[11:]}  {ticker}  {_values(part)}"


def _values(part: TickBatch | BarBatch | FmvBatch) -> str:
    match part:
        case TickBatch():
            return f"tick {_price(part.price[0])} x {_shares(part.size[0])}"
        case BarBatch():
            prices = (part.open[0], part.high[0], part.low[0], part.close[0])
            return f"bar {' '.join(map(_price, prices))}, volume {_shares(part.volume[0])}"
        case FmvBatch():
            market = part.market_price[0]
            return f"fair value {_price(part.fmv[0])}" + (f", market {_price(market)}" if isfinite(market) else "")


def _price(value: float) -> str:
    return format_price(float(value)) if isfinite(value) else "none"


def _shares(micros: int) -> str:
    return "none" if micros < 0 else f"{int(micros) / MICROS_PER_SHARE:,.10g}"

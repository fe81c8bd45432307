"""Files without names of columns whose values say what they are: bars of Kibot, FirstRate, HistData and Binance."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PRICES = ("open", "high", "low", "close")
_BARS = (*_PRICES, "volume")
_KLINE = ("open_time", *_BARS, "close_time", "quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume")
_LAYOUTS = (("date", "time", *_BARS), ("datetime", *_BARS), (*_KLINE, "ignore"))
_FEWEST_ROWS = 3
_TIME_OF_DAY = r"\d{1,2}:\d\d(:\d\d)?(\.\d+)?"
_DATE = r"(\d{4}[-./]?\d\d[-./]?\d\d|\d{1,2}[-./]\d{1,2}[-./]\d{4})"
_FORMS = {
    "date": re.compile(_DATE),
    "time": re.compile(_TIME_OF_DAY),
    "datetime": re.compile(rf"{_DATE}[ T]({_TIME_OF_DAY}|\d{{4}}|\d{{6}}).*|{_DATE}|\d{{10}}(\d{{3}}){{0,3}}"),
    "open_time": re.compile(r"\d{13}(\d{3})?"),
    "close_time": re.compile(r"\d{13}(\d{3})?"),
}


def names_by_values(rows: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """Return the names of columns by the values of the first rows; None if they fit no known layout.

    A layout fits if each time has a form of times, and each bar's high and low are the highest and lowest of its
    prices, which no other order of columns has in bars that move.
    """
    return next((names for names in _LAYOUTS if _fits(names, rows)), None)


def _fits(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    whole = [dict(zip(names, row, strict=True)) for row in rows if len(row) == len(names)]
    if len(whole) < max(_FEWEST_ROWS, len(rows) - 1):
        return False
    if not all(form.fullmatch(row[name]) for row in whole for name, form in _FORMS.items() if name in names):
        return False
    try:
        bars = [[float(row[name].replace(",", ".")) for name in _BARS] for row in whole]
    except ValueError:
        return False
    are_bars = all(0 < low <= min(open_, close) and max(open_, close) <= high for open_, high, low, close, _ in bars)
    move = any(low < high for _, high, low, _, _ in bars) and any(open_ != close for open_, _, _, close, _ in bars)
    return are_bars and move and all(volume >= 0 for *_, volume in bars)

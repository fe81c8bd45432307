"""What a zip file of QuantConnect's LEAN holds, by its path and name.

::

    equity/usa/tick/aapl/20131008_trade.zip      also second and minute; quote instead of trade
    equity/usa/daily/aapl.zip                    also hour, and aapl_quote.zip: all dates of a ticker

References
----------
https://www.quantconnect.com/docs/v2/lean-engine/data-format/us-equity
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tickstock_cli.errors import SourceFileError

TICK, SECOND, MINUTE, HOUR, DAILY = "tick", "second", "minute", "hour", "daily"
SECONDS = {SECOND: 1.0, MINUTE: 60.0, HOUR: 3_600.0, DAILY: 86_400.0}
"""Lengths of bars."""
TRADE, QUOTE = "trade", "quote"

_OF_A_DATE = re.compile(r"(\d{8})_(trade|quote)\.zip", re.IGNORECASE)
_ALL_DATES = re.compile(r"(.+?)(?:_(trade|quote))?\.zip", re.IGNORECASE)
_UNADJUSTED = ("factor_files", "map_files")
_DATED = (TICK, SECOND, MINUTE)
_EQUITY, _USA = "equity", "usa"
_OTHER_TYPES = frozenset(
    {
        "cfd",
        "crypto",
        "cryptofuture",
        "forex",
        "future",
        "futureoption",
        "index",
        "indexoption",
        "option",
    }
)
"""Folders of other security types: their prices are not in 1/10,000 dollar, nor their times on New York's clocks."""
_YEARS = range(1980, 2100)
_ENTRY_DATE = re.compile(r"\d{8}")


@dataclass(frozen=True, slots=True)
class LeanFile:
    """What a file holds.

    Parameters
    ----------
    day
        The date of all rows; None for files with a date in each row.
    """

    ticker: str
    resolution: str
    kind: str
    day: date | None

    @property
    def key(self) -> str:
        """Name of the content, as the path below ``equity/usa`` says it."""
        if self.day is None:
            return f"{self.resolution}/{self.ticker.lower()}{'_quote' if self.kind == QUOTE else ''}"
        return f"{self.resolution}/{self.ticker.lower()}/{self.day:%Y%m%d}_{self.kind}"


def lean_file(path: Path) -> LeanFile:
    """Return what a file holds.

    Raises
    ------
    SourceFileError
        The path is not as LEAN names files of US equities.
    """
    market = other_market(path)
    if market is not None:
        raise SourceFileError(
            f"{path}: is of {market}, whose prices and times LEAN writes in another way: only those of equity/usa are "
            "imported",
            "wrong_data",
        )
    folders = _folders(path)
    match = _OF_A_DATE.fullmatch(path.name)
    if match is not None and len(folders) > 1 and folders[-2] in _DATED:
        return LeanFile(path.parent.name.upper(), folders[-2], match[2].lower(), _date(path, match[1]))
    whole = _ALL_DATES.fullmatch(path.name)
    if match is None and whole is not None and folders and folders[-1] in (HOUR, DAILY):
        return LeanFile(whole[1].upper(), folders[-1], (whole[2] or TRADE).lower(), None)
    raise SourceFileError(
        f"{path}: is not named as LEAN names files of US equities, which is minute/aapl/20131008_trade.zip or "
        "daily/aapl.zip: the folders say what is in a file",
        "wrong_data",
    )


def other_market(path: Path) -> str | None:
    """Return the security type and market of a file by its folders, as in ``forex/oanda``; None for US equities.

    Folders that are not LEAN's say nothing: a file below them is taken for one of US equities.
    """
    folders = _folders(path)
    if len(folders) > 3 and folders[-2] in _DATED:
        type_, market = folders[-4:-2]
    elif len(folders) > 2 and folders[-1] in (HOUR, DAILY):
        type_, market = folders[-3:-1]
    else:
        return None
    is_other = type_ in _OTHER_TYPES or (type_ == _EQUITY and market != _USA)
    return f"{type_}/{market}" if is_other else None


def entry_contradiction(file: LeanFile, entry: str) -> str | None:
    """Return what the name of the file within a zip says about another date, length or kind; None if nothing is.

    LEAN names it ``20131008_aapl_minute_trade.csv`` or, in older files, ``20131008_aapl_trade_minute.csv``; a ticker
    can have changed since.
    """
    first, *words = Path(entry.lower()).stem.split("_")
    if file.day is None or _ENTRY_DATE.fullmatch(first) is None:
        return None
    if first != f"{file.day:%Y%m%d}":
        return first
    others = {TICK, SECOND, MINUTE, HOUR, DAILY, TRADE, QUOTE, "openinterest"} - {file.resolution, file.kind}
    return next((word for word in words[-2:] if word in others), None)


def _folders(path: Path) -> list[str]:
    return [part.lower() for part in path.absolute().parts[:-1]]


def _date(path: Path, text: str) -> date:
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError as error:
        raise SourceFileError(f"{path}: {text} is no date", "wrong_data") from error
    if day.year not in _YEARS:
        raise SourceFileError(f"{path}: {text} is no date of {_YEARS[0]} to {_YEARS[-1]}", "wrong_data")
    return day


def unadjusted_note(paths: list[Path]) -> str | None:
    """Return a note if a folder among paths has files of splits and dividends; None if none has."""
    found = next((path / name for path in paths for name in _UNADJUSTED if (path / name).is_dir()), None)
    if found is None:
        return None
    return f"prices are those of their days: splits and dividends of {found} are not applied"

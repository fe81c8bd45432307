"""What a zip file of QuantConnect's LEAN holds, by its path and name.

::

    equity/usa/tick/aapl/20131008_trade.zip      also second and minute; quote instead of trade
    equity/usa/daily/aapl.zip                    also hour: all dates of a ticker

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
_UNADJUSTED = ("factor_files", "map_files")


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
            return f"{self.resolution}/{self.ticker.lower()}"
        return f"{self.resolution}/{self.ticker.lower()}/{self.day:%Y%m%d}_{self.kind}"


def lean_file(path: Path) -> LeanFile:
    """Return what a file holds.

    Raises
    ------
    SourceFileError
        The path is not as LEAN names files of US equities.
    """
    folders = [part.lower() for part in path.absolute().parts[:-1]]
    match = _OF_A_DATE.fullmatch(path.name)
    if match is not None and len(folders) > 1 and folders[-2] in (TICK, SECOND, MINUTE):
        try:
            day = date(int(match[1][:4]), int(match[1][4:6]), int(match[1][6:]))
        except ValueError as error:
            raise SourceFileError(f"{path}: {match[1]} is no date", "wrong_data") from error
        return LeanFile(path.parent.name.upper(), folders[-2], match[2].lower(), day)
    if match is None and folders and folders[-1] in (HOUR, DAILY) and path.suffix.lower() == ".zip":
        return LeanFile(path.stem.upper(), folders[-1], TRADE, None)
    raise SourceFileError(
        f"{path}: is not named as LEAN names files of US equities, which is minute/aapl/20131008_trade.zip or "
        "daily/aapl.zip: the folders say what is in a file",
        "wrong_data",
    )


def unadjusted_note(paths: list[Path]) -> str | None:
    """Return a note if a folder among paths has files of splits and dividends; None if none has."""
    found = next((path / name for path in paths for name in _UNADJUSTED if (path / name).is_dir()), None)
    if found is None:
        return None
    return f"prices are those of their days: splits and dividends of {found} are not applied"

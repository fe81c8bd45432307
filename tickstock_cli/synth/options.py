"""The options of a synthetic market."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from tickstock_cli.errors import UsageError

MAX_ROWS = 10_000_000_000
MAX_SYMBOLS = 50_000
MAX_DAYS = 30
MAX_INJECTED = 10_000
MAX_DRIFT_BPS = 1_000
MAX_DRIFT_SECONDS = 3_600
FIRST_YEAR, LAST_YEAR = 1990, 2200

INJECTED = ("surges", "opening_surges", "trends", "deviations", "halts")
"""The options that number injections."""


class Resolution(Enum):
    """Resolution of the timestamps of trades; the value is its length in ns."""

    NS = 1
    US = 1_000
    MS = 1_000_000


@dataclass(frozen=True, slots=True)
class MarketOptions:
    """The options that decide the rows of a synthetic market.

    Parameters
    ----------
    rows
        Number of ticks, 1 to 10**10.
    symbols
        Number of symbols, 1 to 50,000.
    seed
        0 to 2**64 - 1.
    first_day
        First session, a trading day of the New York exchanges.
    days
        Number of consecutive sessions, 1 to 30.
    fmv_rows
        Fair market values without the injected ones; None = a twentieth of ``rows``.
    surges, opening_surges, trends, deviations, halts
        Numbers of injections over all days; None = the default (`injections.usual`), as far as there is room.
    bad_prints
        Trades per million with a price 12 to 50 % off; 0 to 100,000.
    resolution
        Resolution of the timestamps of trades.
    fractional
        Whether some trades are of fractions of a share; sizes and volumes become float64.
    drift_bps, drift_seconds
        After its end, each surge drifts by so many basis points in its direction (against it below 0), evenly over so
        many seconds; -1,000 to 1,000 and 1 to 3,600. 0 basis points: no drift.
    pure_noise
        Whether every symbol is a random walk of its own with steps of constant variance at a constant pace, without
        injections, shared moves, spread, flags and bad prints.

    Raises
    ------
    UsageError
        A value is out of range; the message names the option.
    """

    rows: int = 1_000_000
    symbols: int = 500
    seed: int = 1
    first_day: date = date(2026, 3, 2)
    days: int = 1
    fmv_rows: int | None = None
    surges: int | None = None
    opening_surges: int | None = None
    trends: int | None = None
    deviations: int | None = None
    halts: int | None = None
    bad_prints: int = 20
    resolution: Resolution = Resolution.NS
    fractional: bool = False
    drift_bps: int = 0
    drift_seconds: int = 300
    pure_noise: bool = False

    def __post_init__(self) -> None:
        for name, low, high in (
            ("rows", 1, MAX_ROWS),
            ("symbols", 1, MAX_SYMBOLS),
            ("seed", 0, 2**64 - 1),
            ("days", 1, MAX_DAYS),
            ("fmv_rows", 0, MAX_ROWS),
            *((name, 0, MAX_INJECTED) for name in INJECTED),
            ("bad_prints", 0, 100_000),
            ("drift_bps", -MAX_DRIFT_BPS, MAX_DRIFT_BPS),
            ("drift_seconds", 1, MAX_DRIFT_SECONDS),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise UsageError(f"--{name.replace('_', '-')} is {value}, but {low} to {high} is allowed")
        if not FIRST_YEAR <= self.first_day.year <= LAST_YEAR:
            raise UsageError(f"--date is {self.first_day}, but {FIRST_YEAR} to {LAST_YEAR} is allowed")
        asked = next((name for name in (*INJECTED, "drift_bps") if self.pure_noise and getattr(self, name)), None)
        if asked is not None:
            raise UsageError(f"--pure-noise leaves no room for --{asked.replace('_', '-')}; give one of the two")

"""Section 3, guard: bad prints must not ruin a day."""

from __future__ import annotations

from enum import Enum, auto

from tests.oracle.settings import Settings
from tests.oracle.tick_state import NO_EXTREME, NOT_LAST_PRICE, Level


class Verdict(Enum):
    """What the guard says of a row. RESTART: the level moved, and the one it left rested on a single row."""

    FINE = auto()
    SUSPECT = auto()
    RESTART = auto()


def judge(level: Level, price: float, flags: int, settings: Settings) -> Verdict:
    """Return whether the guard suspects a row, and note the row in ``level``."""
    percent = settings["guard.outlier_percent"]
    not_last = bool(flags & NOT_LAST_PRICE)
    exempt = not_last and bool(flags & NO_EXTREME)
    if exempt or percent == 0 or level.price is None or abs(price - level.price) <= level.price * percent / 100:
        if not not_last:
            level.price = price
            level.rows += 1
            level.stray = None
            level.run = 0
        return Verdict.FINE

    if not_last:
        return Verdict.SUSPECT
    if level.stray is not None and abs(price - level.stray) <= level.stray * percent / 100:
        level.run += 1
    else:
        level.run = 1
    level.stray = price
    if level.run < settings["guard.confirm_rows"]:
        return Verdict.SUSPECT

    left_rows = level.rows
    level.price = price
    level.rows = settings["guard.confirm_rows"]
    level.stray = None
    level.run = 0
    return Verdict.RESTART if left_rows == 1 else Verdict.FINE

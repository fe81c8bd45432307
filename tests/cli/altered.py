"""The command with one detector replaced, as ``python -m tests.cli.altered highlow=module:Class replay …``."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.cli.main import run
from tickstock_cli.core.events import EventRows
from tickstock_cli.detectors import PARTS
from tickstock_cli.detectors.highlow import HighLow

SLUGGISH = "highlow=tests.cli.altered:Sluggish"
STUCK = "highlow=tests.cli.altered:Stuck"
STUMBLING = "highlow=tests.cli.altered:Stumbling"

SCANS = Path("scans")
"""A file in the command's folder, which has one byte for each scan that the detectors have begun."""


def touches_second_ticker(rows: Any) -> bool:
    """Return whether there are rows of the ticker with code 1: what kernels are warmed up with has but one ticker."""
    return bool((rows.groups.code[np.diff(rows.groups.start) > 0] == 1).any())


def count_scan(rows: Any) -> bool:
    """Add a byte to `SCANS`, and return whether rows of the recording are scanned, not those of the warm-up."""
    if counted := touches_second_ticker(rows):
        with SCANS.open("ab") as file:
            file.write(b".")
    return counted


class Sluggish(HighLow):
    """Finds what it should, a tenth of a second late."""

    compiled = False

    def scan(self, rows: Any, out: EventRows, counts: NDArray[np.int64]) -> int:
        """Sleep first."""
        count_scan(rows)
        sleep(0.1)
        return super().scan(rows, out, counts)


class Stuck(HighLow):
    """Never comes back."""

    compiled = False

    def scan(self, rows: Any, out: EventRows, counts: NDArray[np.int64]) -> int:
        """Wait for nothing."""
        if count_scan(rows):
            Event().wait()
        return super().scan(rows, out, counts)


class Stumbling(HighLow):
    """Raises on the second ticker that it has met, after it has spoiled some state."""

    compiled = False

    def scan(self, rows: Any, out: EventRows, counts: NDArray[np.int64]) -> int:
        """Scan, and then find that one of the tickers was one it cannot bear."""
        found = super().scan(rows, out, counts)
        if touches_second_ticker(rows):
            raise ValueError("cannot bear this ticker")
        return found


if __name__ == "__main__":
    name, _, part = sys.argv.pop(1).partition("=")
    PARTS[name] = part
    run()

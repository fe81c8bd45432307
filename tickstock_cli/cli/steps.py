"""Reports the steps of long work on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

WIPE = "\r\x1b[2K"


@contextmanager
def steps() -> Iterator[Callable[[str, str], None]]:
    """Return a function that reports a step and its detail.

    On a terminal both are in one line that is overwritten, and removed at the end. A log gets one line for every step,
    with the minutes and seconds since the first one.
    """
    begun, latest = time.monotonic(), ""

    def tell(step: str, detail: str) -> None:
        nonlocal latest
        if sys.stderr.isatty():
            sys.stderr.write(f"{WIPE}{step}{f': {detail}' if detail else ''}")
        elif step != latest:
            minutes, seconds = divmod(round(time.monotonic() - begun), 60)
            sys.stderr.write(f"{minutes:02}:{seconds:02} {step}\n")
        latest = step
        sys.stderr.flush()

    try:
        yield tell
    finally:
        if sys.stderr.isatty():
            sys.stderr.write(WIPE)
            sys.stderr.flush()

"""The steps of work that takes minutes, told on standard error while it goes on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

WIPE = "\r\x1b[2K"


@contextmanager
def steps() -> Iterator[Callable[[str, str], None]]:
    """Return what is told of every step, and of what is going on in it.

    On a terminal both stand in one line that is written over, and at last is gone. A log gets a line for every step,
    with the minutes and seconds since the first one, so that nobody takes silence for a standstill.
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

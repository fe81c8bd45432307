"""The interval at which Python switches between threads that compute."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_SECONDS = 0.000_5


@contextmanager
def quick_switches() -> Iterator[None]:
    """Shorten the switch interval of threads to a tenth of Python's default, within the context.

    An event passes through five threads, and each may wait for the global interpreter lock. A thread that computes can
    keep the lock for Python's 5 ms, and twenty such waits are all the time that an event may take. The interval is that
    of the process, so only commands that run a system set it; a program that embeds a system decides for itself.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, SWITCH_SECONDS))
    try:
        yield
    finally:
        sys.setswitchinterval(before)

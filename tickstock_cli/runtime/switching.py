"""How long a thread waits for Python's lock while another one computes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_SECONDS = 0.000_5


@contextmanager
def quick_switches() -> Iterator[None]:
    """Let threads take turns ten times as often as Python does by itself, within the context.

    An event goes through five threads on its way, and a kernel gives the lock back and takes it again. Each time, any
    thread that happens to compute could keep it for Python's 5 ms, and twenty such waits are what an event may take.
    The interval is the process's, so this is for whoever runs a system as the process's purpose; a program that
    embeds a system decides itself.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, SWITCH_SECONDS))
    try:
        yield
    finally:
        sys.setswitchinterval(before)

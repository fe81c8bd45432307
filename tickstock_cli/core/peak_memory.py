"""The peak memory of this process alone."""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_rss_bytes(status: Path = STATUS) -> int:
    """Return the greatest resident memory of this process so far.

    ``getrusage`` keeps the peak of the process before ``exec``: a command that a big process starts would report the
    memory of its parent. Linux counts the peak of the program itself (``VmHWM``); other systems have only the former.
    """
    with suppress(OSError, ValueError, StopIteration):
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

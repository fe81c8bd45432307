"""What a measurement was made on: without it, no figure can be compared with another."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from benchmarks.fresh import ROOT

PACKAGES = ("tickstock", "numba", "numpy", "polars", "pyarrow")


def describe() -> dict[str, str]:
    """Give machine, system, versions and commit, by name."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} CPUs",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / (1 << 30):.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "load before": load(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        **{name: version(name) for name in PACKAGES},
        "commit": commit(),
    }


def load() -> str:
    """Give how many processes wanted a CPU during the last minute: well above 0 means that others were at work."""
    return f"{os.getloadavg()[0]:.1f}"


def commit() -> str:
    """Give the short name of the commit that is measured, with -dirty if the files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    """Give the processor's name, where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())

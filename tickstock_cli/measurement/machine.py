"""Facts of the machine and the software, which figures need to be comparable."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

import psutil

from tickstock_cli import __version__
from tickstock_cli.measurement.documents import DOCUMENT

PACKAGES = ("numba", "numpy", "polars", "pyarrow", "uvicorn", "websockets")
"""Packages besides our own whose version can change a figure."""

MEMORY_TOLERANCE = 0.02
"""Machines whose memory differs by less are alike: operating systems reserve different amounts."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine and its software."""

    __pydantic_config__: ClassVar = DOCUMENT

    processor: str
    cpus: int
    """CPUs that this process may use."""
    memory_bytes: int
    system: str
    python: str
    packages: Mapping[str, str]
    """Versions by package name, our own first."""
    commit: str | None
    """Commit of the checkout, with -dirty if files differ from it; None without a checkout."""
    load_1m: float
    """Load average of the minute before; near the number of CPUs, other processes were busy."""


def identity(root: Path | None = None) -> Machine:
    """Return the facts of this machine.

    Parameters
    ----------
    root
        The checkout whose commit is recorded; None for the one that this package runs from.
    """
    return Machine(
        processor=_processor(),
        cpus=_cpus(),
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages={"tickstock": __version__, **{name: version(name) for name in PACKAGES}},
        commit=_commit(Path(__file__).parents[2] if root is None else root),
        load_1m=round(os.getloadavg()[0], 2),
    )


def alike(a: Machine, b: Machine) -> list[str]:
    """Return the differences of two machines that make their figures incomparable; empty if they are alike.

    Versions of packages do not count, because comparisons are often about them. See `changed_packages`.
    """
    differences = [
        f"{name} {of_a} and {of_b}"
        for name, of_a, of_b in (
            ("processor", a.processor, b.processor),
            ("CPUs", a.cpus, b.cpus),
            ("system", a.system, b.system),
            ("python", a.python, b.python),
        )
        if of_a != of_b
    ]
    if abs(a.memory_bytes - b.memory_bytes) > MEMORY_TOLERANCE * max(a.memory_bytes, b.memory_bytes):
        differences.append(f"memory {gibibytes(a.memory_bytes)} and {gibibytes(b.memory_bytes)}")
    return differences


def changed_packages(a: Machine, b: Machine) -> list[str]:
    """Return the packages whose version differs between two machines, with both versions."""
    return [
        f"{name} {a.packages.get(name, 'none')} and {b.packages.get(name, 'none')}"
        for name in dict.fromkeys((*a.packages, *b.packages))
        if a.packages.get(name) != b.packages.get(name)
    ]


def facts(machine: Machine) -> dict[str, str]:
    """Return the facts that a report shows, by name."""
    return {
        "processor": f"{machine.processor}, {machine.cpus} CPU{'s'[: machine.cpus != 1]}",
        "memory": gibibytes(machine.memory_bytes),
        "system": machine.system,
        "load before": f"{machine.load_1m:.1f}",
        "python": machine.python,
        **machine.packages,
        "commit": machine.commit or "unknown",
    }


def gibibytes(count: int) -> str:
    """Return a number of bytes in GiB, as text."""
    return f"{count / 2**30:,.1f} GiB"


def busy_cpu_seconds() -> float | None:
    """Return the CPU time that all processes of this machine have used since it started.

    None where the system counts more CPUs than this process may use: a container would count the host's other work.
    """
    if psutil.cpu_count() != _cpus():
        return None
    times = psutil.cpu_times()._asdict()
    within = ("guest", "guest_nice")  # included in user time
    idle = ("idle", "iowait")
    return float(sum(seconds for name, seconds in times.items() if name not in (*within, *idle)))


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _commit(root: Path) -> str | None:
    if not (root / ".git").exists():
        return None  # an installed package: a repository above it is not ours
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None


def _processor() -> str:
    """Return the processor's name from Linux; elsewhere its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())

"""What a measurement was made on: without it, no figure can be compared with another."""

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
"""Packages whose version can change a figure, besides our own."""

MEMORY_TOLERANCE = 0.02
"""Machines whose memory differs by less are alike: kernels keep more or less of it for themselves."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine, and what was installed on it."""

    __pydantic_config__: ClassVar = DOCUMENT

    processor: str
    cpus: int
    """CPUs that this process may use, not those that the machine has."""
    memory_bytes: int
    system: str
    python: str
    packages: Mapping[str, str]
    """Versions by name, ours first."""
    commit: str | None
    """Of the checkout that was measured, with -dirty if its files differ from it; None without a checkout."""
    load_1m: float
    """How many processes wanted a CPU during the minute before: near the number of CPUs, others were at work."""


def identity(root: Path | None = None) -> Machine:
    """Describe this machine now.

    Parameters
    ----------
    root
        The checkout whose commit to tell; None for the one that this package runs from.
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
    """Say in which ways two machines differ that make their figures no match; nothing if they are alike.

    Versions of packages are no part of it: they are what a comparison is often about. See `changed_packages`.
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
    """Say which packages have another version, or none, on one of two machines."""
    return [
        f"{name} {a.packages.get(name, 'none')} and {b.packages.get(name, 'none')}"
        for name in dict.fromkeys((*a.packages, *b.packages))
        if a.packages.get(name) != b.packages.get(name)
    ]


def facts(machine: Machine) -> dict[str, str]:
    """Return what a report shows, by name."""
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
    """Write a number of bytes in GiB."""
    return f"{count / 2**30:,.1f} GiB"


def busy_cpu_seconds() -> float | None:
    """Return the CPU time that everything on this machine has used since it started, other guests of its host included.

    None where more CPUs are counted than this process may use: in a container, the host's other work is none of ours.
    """
    if psutil.cpu_count() != _cpus():
        return None
    times = psutil.cpu_times()._asdict()
    within = ("guest", "guest_nice")  # counted as user time already
    idle = ("idle", "iowait")
    return float(sum(seconds for name, seconds in times.items() if name not in (*within, *idle)))


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _commit(root: Path) -> str | None:
    if not (root / ".git").exists():
        return None  # installed from a package: a repository further up would be somebody else's
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None


def _processor() -> str:
    """Return the processor's name, where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())

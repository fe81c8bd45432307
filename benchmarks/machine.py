"""What a measurement was made on: without it, no figure can be compared with another."""

from __future__ import annotations

import os

from benchmarks.fresh import ROOT, Sample, call


def describe() -> dict[str, str]:
    """Return machine, system, versions and commit, by name."""
    described: dict[str, str] = call(_describe)["facts"]
    return described


def load() -> str:
    """Return how many processes wanted a CPU during the last minute: well above 0 means that others were at work."""
    return f"{os.getloadavg()[0]:.1f}"


def _describe() -> Sample:
    """Describe the machine, in a process that may import what it takes."""
    from tickstock_cli.measurement.machine import facts, identity

    return {"facts": facts(identity(ROOT))}

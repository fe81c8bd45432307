"""Figures as `tickstock perf run` writes them, made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.unit.loadtest.observed import MACHINE
from tickstock_cli.perf.figures import FORMAT, Figures

ROUNDS = (1.00, 1.02, 0.99, 1.01, 1.00, 0.98, 1.01)
"""What a quiet machine's rounds differ by."""


def figures(*, seconds: float = 1.0, digest: str = "aa", cpus: int = MACHINE.cpus, **other: Any) -> Figures:
    """Return seven rounds of a replay that takes so many CPU seconds, and of its counted work."""
    sample = {"rows": 7, "events": 3, "digest": digest}
    samples = {
        "replay": [{**sample, "cpu_seconds": seconds * share, "peak_rss_bytes": 2**28} for share in ROUNDS],
        "count": [{"batches": 4, "kernel_calls": 280, "python_calls": 9_000, "arrow_allocations": 50}] * len(ROUNDS),
    }
    whole: dict[str, Any] = {
        "format": FORMAT,
        "label": "tickstock 1.0",
        "created": "2026-03-02T14:30:00Z",
        "machine": replace(MACHINE, cpus=cpus),
        "size": {"rows": 20_000.0},
        "data_hash": "f00d",
        "rounds": len(ROUNDS),
        "samples": samples,
    }
    return Figures(**{**whole, **other})

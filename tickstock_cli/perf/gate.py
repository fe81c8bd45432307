"""The gate: measures base and head in turns, the base twice for its noise, and doubtful metrics in more rounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tickstock_cli.perf.judging import Comparison, compare
from tickstock_cli.perf.measuring import Announce, Plan, Samples, measure
from tickstock_cli.perf.sides import Side

BASE, AGAIN, HEAD = "base", "base again", "head"


def run_gate(base: Side, head: Side, plan: Plan, announce: Announce) -> tuple[Comparison, Samples]:
    """Measure and judge; metrics that look worse are measured as often again.

    Raises
    ------
    BenchmarkError
        A side cannot be measured.
    """
    sides: Mapping[str, Side] = {BASE: base, AGAIN: base, HEAD: head}
    samples = measure(sides, plan, announce)
    comparison = judged(samples)
    doubtful = comparison.doubtful()
    if doubtful:
        announce(f"looks worse: {', '.join(doubtful)}; measuring as often again", "")
        more = replace(plan, benchmarks=doubtful, seed=plan.seed + 1)
        samples = measure(sides, more, announce, samples)
        comparison = judged(samples)
    return comparison, samples


def judged(samples: Samples) -> Comparison:
    """Judge the samples so far."""
    return compare(samples[BASE], samples[HEAD], samples[AGAIN])

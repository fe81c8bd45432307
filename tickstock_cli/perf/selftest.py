"""The self-test of the gate: it must find planted faults, and pass a version compared with itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tickstock_cli.measurement.verdict import TargetVerdict
from tickstock_cli.perf.gate import run_gate
from tickstock_cli.perf.judging import Change, Comparison
from tickstock_cli.perf.measuring import Announce, Plan
from tickstock_cli.perf.sides import Side

BENCHMARKS = ("replay", "micro", "memory", "count")
"""Benchmarks of identical code; others would only take time."""


@dataclass(frozen=True, slots=True)
class Plant:
    """A fault that is planted in the head.

    Parameters
    ----------
    benchmarks
        Benchmarks that must find it.
    shows_in
        Metrics of which one must show it; empty: the results must.
    """

    name: str
    title: str
    benchmarks: tuple[str, ...]
    shows_in: tuple[str, ...]


PLANTS = (
    Plant("slowdown", "the core takes half as long again", ("replay", "micro"), ("replay_seconds", "kernels_seconds")),
    Plant("leak", "every step of the core keeps 4 MiB", ("memory",), ("growth_bytes",)),
    Plant("correctness", "prices of events are a cent off", ("replay",), ()),
)


def self_test(side: Side, plan: Plan, passes: int, announce: Announce) -> list[TargetVerdict]:
    """Run the gate, and return the expected and the actual verdicts.

    Parameters
    ----------
    passes
        Number of comparisons of the side with itself.
    """

    def gate(what: str, head: Side, plan: Plan) -> Comparison:
        def say(step: str, detail: str) -> None:
            announce(f"{what}: {step}", detail)

        return run_gate(side, head, plan, say)[0]

    verdicts = []
    for plant in PLANTS:
        worse = replace(side, label="head", plant=plant.name)
        comparison = gate(plant.name, worse, replace(plan, benchmarks=plant.benchmarks))
        caught = _shown(comparison, plant)
        verdicts.append(
            TargetVerdict(
                plant.name,
                f"planted: {plant.title}",
                "caught",
                None,
                None,
                "",
                caught,
                _told(comparison) or "it passed",
            )
        )
    alarms: list[str] = []
    for number in range(passes):
        itself = replace(side, label="head")
        again = replace(plan, benchmarks=BENCHMARKS, seed=plan.seed + number)
        comparison = gate(f"itself, {number + 1} of {passes}", itself, again)
        if comparison.failed:
            alarms.append(_told(comparison))
    quiet = passes - len(alarms)
    verdicts.append(
        TargetVerdict(
            "itself",
            "identical code",
            f"{passes} of {passes} pass",
            passes,
            quiet,
            "",
            not alarms,
            "; ".join(alarms),
            asked=bool(passes),
        )
    )
    return verdicts


def _shown(comparison: Comparison, plant: Plant) -> bool:
    worse = {judged.metric.name for judged in comparison.judgements if judged.verdict is Change.WORSE}
    return bool(worse & set(plant.shows_in)) if plant.shows_in else bool(comparison.results)


def _told(comparison: Comparison) -> str:
    worse: Sequence[str] = [
        f"{judged.metric.title} {judged.change.median:.2f}x"
        if judged.metric.tolerance
        else f"{judged.metric.title} +{judged.change.median / 2**20:.1f} MiB"
        for judged in comparison.judgements
        if judged.verdict is Change.WORSE and judged.change is not None
    ]
    return "; ".join([*comparison.results, *worse])

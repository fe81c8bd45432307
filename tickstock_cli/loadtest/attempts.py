"""Another attempt at a load test whose times were missed: what else a machine does meanwhile can make them longer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tickstock_cli.loadtest.observation import Observation
from tickstock_cli.loadtest.result import Result, judged
from tickstock_cli.measurement.verdict import number

TIMES = frozenset(
    {
        "tick_p99_ms",
        "tick_mean_ms",
        "router_mean_ms",
        "end_to_end_p99_ms",
        "surge_p95_ms",
        "recovery_seconds",
        "offered_percent",
    }
)
"""Figures that a neighbour can spoil. Rows, events and memory are the system's own, however busy the machine is."""


def attempt(run: Callable[[], Observation], attempts: int, tell: Callable[[str], None]) -> Observation:
    """Run a load test until its targets are met, or something is missed that another attempt cannot excuse.

    Parameters
    ----------
    attempts
        At most; the last one counts, and its notes tell of those before it.
    tell
        Told of every attempt that is not the last.
    """
    notes: tuple[str, ...] = ()
    for place in range(1, attempts + 1):
        seen = run()
        seen = replace(seen, notes=(*notes, *seen.notes))
        if place < attempts:
            result = judged(seen)
            if not _may_be_the_machine(result):
                return seen
            note = f"Attempt {place} of {attempts} missed {_missed(result)}."
            tell(f"{note} Trying again.")
            notes = (*notes, note)
    return seen


def _may_be_the_machine(result: Result) -> bool:
    failures = result.failures
    return (
        bool(failures)
        and result.observation.aborted is None
        and all(verdict.name in TIMES and verdict.ok is False for verdict in failures)
    )


def _missed(result: Result) -> str:
    return "; ".join(
        f"{verdict.title}, {number(verdict.measured, verdict.unit)} ({verdict.target})"
        for verdict in result.failures
        if verdict.measured is not None
    )

"""Another attempt at a load test whose times were missed: what else a machine does meanwhile can make them longer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tickstock_cli.errors import InterruptedRunError
from tickstock_cli.loadtest.observation import Observation
from tickstock_cli.loadtest.result import Result, judged
from tickstock_cli.loadtest.verdicts import OFFERED
from tickstock_cli.measurement.verdict import TargetVerdict, number

TIME_UNITS = ("ms", "s")
"""Figures that a neighbour can spoil. Rows, events and memory are the system's own, however busy the machine is."""


def attempt(run: Callable[[], Observation], attempts: int, tell: Callable[[str], None]) -> Observation:
    """Run a load test until its targets are met, or something is missed that another attempt cannot excuse.

    Parameters
    ----------
    attempts
        At most; the last one that began counts, and its notes tell of those before it.
    tell
        Told of every attempt that is not the last.
    """
    notes: tuple[str, ...] = ()
    before: Observation | None = None
    for place in range(1, attempts + 1):
        try:
            seen = run()
        except InterruptedRunError:
            if before is None:
                raise
            return replace(before, notes=(*before.notes, f"Attempt {place} was interrupted before it began."))
        before = seen = replace(seen, notes=(*notes, *seen.notes))
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
        and all(verdict.ok is False and _is_of_time(verdict) for verdict in failures)
    )


def _is_of_time(verdict: TargetVerdict) -> bool:
    """Return whether only time was missed: a generator that was late made its rows all the same."""
    return verdict.unit in TIME_UNITS or (verdict.name == OFFERED and verdict.measured == verdict.limit)


def _missed(result: Result) -> str:
    return "; ".join(
        f"{verdict.title}, {number(verdict.measured, verdict.unit)} ({verdict.target})"
        for verdict in result.failures
        if verdict.measured is not None
    )

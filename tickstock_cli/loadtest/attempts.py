"""Repeats a load test that missed nothing but times: other processes of the machine may have caused that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tickstock_cli.errors import InterruptedRunError
from tickstock_cli.loadtest.observation import Observation
from tickstock_cli.loadtest.result import Result, judged
from tickstock_cli.loadtest.verdicts import OFFERED
from tickstock_cli.measurement.verdict import TargetVerdict, number

TIME_UNITS = ("ms", "s")
"""Units of figures that other processes can make worse. Counts and memory do not depend on them."""


def attempt(run: Callable[[], Observation], attempts: int, tell: Callable[[str], None]) -> Observation:
    """Run a load test until it meets its targets or misses something other than times.

    Parameters
    ----------
    attempts
        Limit of attempts. The last one that began counts; its notes name the attempts before it.
    tell
        Called with a line on every attempt that is followed by another.
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
            if not _missed_only_times(result):
                return seen
            note = f"Attempt {place} of {attempts} missed {_missed(result)}."
            tell(f"{note} Trying again.")
            notes = (*notes, note)
    return seen


def _missed_only_times(result: Result) -> bool:
    failures = result.failures
    return (
        bool(failures)
        and result.observation.aborted is None
        and all(verdict.ok is False and _is_a_time(verdict) for verdict in failures)
    )


def _is_a_time(verdict: TargetVerdict) -> bool:
    """Return whether a verdict is on a time; a generator that was late and sent all rows counts as one."""
    return verdict.unit in TIME_UNITS or (verdict.name == OFFERED and verdict.measured == verdict.limit)


def _missed(result: Result) -> str:
    return "; ".join(
        f"{verdict.title}, {number(verdict.measured, verdict.unit)} ({verdict.target})"
        for verdict in result.failures
        if verdict.measured is not None
    )

"""States of a run's outputs: one that fails is dropped, and the run goes on for the others.

An output is a sink of events, the rejected rows, the output of a tap, or the folder of checkpoints. When none is left,
the run ends at once. Otherwise it ends after its last row, with the error of the outputs that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tickstock_cli.core.counted import counted
from tickstock_cli.core.memory_errors import error_words
from tickstock_cli.errors import FailedOutputsError, LedgerError, OutputError
from tickstock_cli.storage.names import is_object

PARTIAL_SUFFIX = ".partial"
"""Added to the name of an output of a stopped run that must not take its own name."""

Failed = Callable[[str, str], None]
"""Called with the name of an output and the reason why it failed; from the thread that writes it."""


class OutputEnd(StrEnum):
    """The end of an output."""

    WRITTEN = "written"
    """It is complete, under its name."""
    PARTIAL = "partial"
    """It holds the rows up to the stop of the run."""
    FAILED = "failed"
    """It is dropped: what stood under its name before is untouched."""


@dataclass(frozen=True, slots=True)
class OutputReport:
    """The end of an output.

    Parameters
    ----------
    output
        Its name: the target that the user gave.
    rows, missing
        Rows that it took, and rows that it did not take because it had failed; together all rows of the run.
    unit
        What the rows are: events, rejected rows, steps, checkpoints.
    stands_as
        The name under which it is; None if it failed.
    reason
        Why it failed.
    """

    output: str
    state: OutputEnd
    rows: int
    missing: int
    unit: str
    stands_as: str | None = None
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the entry of ``--json``."""
        return asdict(self)

    def words(self) -> str:
        """Return the state as words, such as ``written, 12 events``."""
        if self.state is OutputEnd.FAILED:
            return f"failed after {self.rows:,} of {self._counted(self.rows + self.missing)}"
        place = "" if self.stands_as in (None, self.output) else f" in {self.stands_as}"
        return f"{self.state.value}, {self._counted(self.rows)}{place}"

    def _counted(self, rows: int) -> str:
        return counted(rows, self.unit.removesuffix("s"))


@dataclass(slots=True, eq=False)
class OutputState:
    """The state of an output during a run.

    Parameters
    ----------
    is_result
        Whether the run goes on for it alone. Checkpoints are of no use without the outputs that they are for.
    """

    name: str
    unit: str = "events"
    is_result: bool = True
    rows: int = 0
    missing: int = 0
    error: Exception | None = None
    stands_as: str | None = None

    def count(self, rows: int) -> None:
        """Count rows of the run: taken, or missing once the output has failed."""
        if self.error is None:
            self.rows += rows
        else:
            self.missing += rows

    def report(self, end: OutputEnd) -> OutputReport:
        """Return the report at the end of a run."""
        if self.error is None:
            return OutputReport(self.name, end, self.rows, 0, self.unit, self.stands_as or self.name)
        return OutputReport(
            self.name, OutputEnd.FAILED, self.rows, self.missing, self.unit, None, error_words(self.error)
        )


class OutputStates:
    """The states of all outputs of a run, in the order in which they were added."""

    def __init__(self, failed: Failed = lambda name, reason: None) -> None:  # noqa: ARG005
        self._failed = failed
        self._states: list[OutputState] = []

    def __iter__(self) -> Iterator[OutputState]:
        return iter(self._states)

    def add(self, name: str, unit: str = "events", *, is_result: bool = True) -> OutputState:
        """Return the state of a further output."""
        state = OutputState(name, unit, is_result)
        self._states.append(state)
        return state

    def fail(self, state: OutputState, error: Exception) -> None:
        """Record that an output failed; report it, unless no output is left and the run ends with the error."""
        if state.error is not None:
            return
        state.error = error
        if any(other.error is None for other in self._states if other.is_result):
            self._failed(state.name, error_words(error))

    def check(self) -> None:
        """Raise the error of the outputs if all of them have failed.

        Raises
        ------
        OutputError
            No output is left; of a single one, its own error.
        """
        results = [state for state in self._states if state.is_result] or self._states
        errors = [state.error for state in results if state.error is not None]
        if not errors or len(errors) < len(results):
            return
        if len(errors) == 1:
            raise errors[0]
        raise OutputError(f"every output failed: {'; '.join(map(error_words, errors))}") from errors[0]

    def check_counts(self, unit: str, total: int) -> None:
        """Raise LedgerError unless each output of ``unit`` has taken or missed all ``total`` rows of the run."""
        for state in self._states:
            if state.unit == unit and state.rows + state.missing != total:
                raise LedgerError(
                    f"ledger does not balance: {total} {unit} are not {state.rows} written to {state.name} + "
                    f"{state.missing} missing"
                )


def failed_outputs_error(reports: Sequence[OutputReport], result: object) -> FailedOutputsError | None:
    """Return the error of a run some of whose outputs failed; None if none did."""
    failed = [report for report in reports if report.state is OutputEnd.FAILED]
    if not failed:
        return None
    kept = [report.stands_as for report in reports if report.stands_as is not None]
    told = "; ".join(report.reason or report.output for report in failed)
    count = f"{len(failed)} of {len(reports)} outputs failed: " if reports[1:] else ""
    return FailedOutputsError(f"{count}{told}" + (f"; written: {', '.join(kept)}" if kept else ""), result)


def needs_other_name(path: Path | None, keep_partial: bool) -> bool:
    """Return whether the output of a stopped run gets the suffix ``.partial``.

    A stopped run never replaces the file of an earlier one, and no object: whether one is there is not asked.
    ``keep_partial`` keeps the name free even if nothing stands there.
    """
    return path is not None and (keep_partial or is_object(path) or path.exists())

"""Slots: outputs of a run that fail one by one. An error of one drops it and leaves the others alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from tickstock_cli.engine.output_states import OutputState, OutputStates, needs_other_name
from tickstock_cli.errors import OutputError


class Committable(Protocol):
    """A part with an output: a sink of events or of rejected rows, or a tap."""

    def finish(self) -> None:
        """Make the output complete and durable under a temporary name."""

    def commit(self) -> None:
        """Move the output to its final name."""

    def abort(self) -> None:
        """Drop the output. Idempotent; never raises."""


T = TypeVar("T", bound=Committable)


class OutputSlot(Generic[T]):
    """An output and its state.

    Parameters
    ----------
    path
        The file that it writes; None if it writes none.
    caught
        Errors that drop the output; others pass through.
    """

    def __init__(
        self,
        output: T,
        state: OutputState,
        states: OutputStates,
        path: Path | None = None,
        caught: type[Exception] = Exception,
    ) -> None:
        self.output = output
        self.state = state
        self._states = states
        self._path = path
        self._caught = caught

    @property
    def is_open(self) -> bool:
        """Whether it has not failed."""
        return self.state.error is None

    def attempt(self, action: Callable[[T], None]) -> None:
        """Do something with the output if it is open; an error drops it, which makes room on a full disk."""
        if not self.is_open:
            return
        try:
            action(self.output)
        except self._caught as error:
            self._states.fail(self.state, error)
            self.output.abort()

    def finish(self) -> None:
        """Finish the output."""
        self.attempt(lambda output: output.finish())

    def commit(self, *, stopped: bool = False, keep_partial: bool = False) -> None:
        """Commit the output: under its name or, that of a stopped run, under another one if `needs_other_name`."""
        other = stopped and needs_other_name(self._path, keep_partial)
        self.attempt(self._commit_partial if other else lambda output: output.commit())

    def abort(self) -> None:
        """Drop the output, unless it has failed."""
        if self.is_open:
            self.output.abort()

    def _commit_partial(self, output: T) -> None:
        commit = getattr(output, "commit_partial", None)
        if commit is not None:
            self.state.stands_as = commit()
        elif self._path is not None and self._path.exists():
            raise OutputError(
                f"cannot write {self.state.name}: the run was stopped, an earlier file has this name, and this kind "
                "of output writes no .partial; name another file"
            )
        else:
            output.commit()

"""Taps: parts that see a run's rows as judged and its released events, step by step.

A tap is called on the run's thread, in every pipeline; ``tap_thread`` moves one to a thread of its own. Over all
steps, rows and events are the same sequences at any batch size, speed and pipeline; only the cut into steps differs:

- rows come in merge order, each once;
- events come in output order, each once, in the first step whose watermark is above their ``emitted_at``, or in the
  last step of the run;
- so at the end of a step every event emitted before its watermark, and every row available before it, has come.

The state of a tap is part of the run's checkpoints and snapshots. Its output is bound to the run: ``finish`` and
``commit`` follow a run that succeeded, ``abort`` one that failed. An ``OutputError`` of a tap drops only this tap: the
run goes on without it. Any other error of a tap ends the run as a failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import methodcaller
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.core.events import EventEncoder, EventRows
from tickstock_cli.core.registry import Family
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.output_slots import OutputSlot
from tickstock_cli.engine.output_states import OutputState, OutputStates
from tickstock_cli.errors import OutputError, UsageError

TAPS = Family("tap", {}, ("abort", "begin", "commit", "finish", "observe", "restore", "settle", "state"))
"""Taps that a user names; all are plugins."""
PREFIX = "tap"
"""Prefix of the names of taps' arrays in a checkpoint."""


@dataclass(frozen=True, slots=True)
class TapContext:
    """The context of a tap's run.

    Parameters
    ----------
    symbols
        The run's symbol table: a row's ``code`` is an index into ``symbols.tickers``. It grows during the run.
    encoder
        Turns events into rows of the event schema.
    """

    symbols: SymbolTable
    encoder: EventEncoder

    def to_arrow(self, events: EventRows) -> pa.RecordBatch:
        """Return events as rows of the event schema, in the same order."""
        return self.encoder.to_arrow(events)


@dataclass(frozen=True, slots=True)
class TapStep:
    """The results of a step of the run.

    Parameters
    ----------
    rows
        The step's rows as the core judged them, in merge order.
    events
        The events released by it, in output order (dtype ``core.events.EVENT``).
    watermark
        int64 ns UTC; no later row is available earlier.
    """

    rows: JudgedRows
    events: EventRows
    watermark: int


class Tap:
    """Base class of taps. ``observe`` is required; a tap without state or output keeps the other methods."""

    needs_whole_run: ClassVar[bool] = True
    """Whether it must see every row of a run; then only a checkpoint that was made with it can be resumed with it."""

    needs_rows: ClassVar[bool] = True
    """Whether it looks at the rows of steps; they can be missing otherwise, because judging them takes time."""

    def begin(self, context: TapContext) -> None:
        """Take the run's context, before the first step or ``restore``."""

    def observe(self, step: TapStep) -> None:
        """Take a step. The arrays of a step are read-only to a tap.

        An ``OutputError`` drops the tap and lets the run go on; another error ends the run as a failure.
        """
        raise NotImplementedError

    def settle(self) -> None:
        """Wait until every step so far is taken in, and raise what ``observe`` would have raised.

        Only a tap that works in a thread of its own needs it.
        """

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Return all state as arrays, by name; the caller copies them before the next step."""
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replace all state by what ``state`` returned after an earlier step; no arrays = before the first step."""

    def finish(self) -> None:
        """Make the output complete and durable under a temporary name. No step follows.

        Raises
        ------
        OutputError
            The output cannot be written.
        """

    def commit(self) -> None:
        """Move the output to its final name, after ``finish``."""

    def abort(self) -> None:
        """Remove the output of a failed run. Idempotent; never raises."""


def tap_name(text: str) -> str:
    """Return the name in ``NAME`` or ``NAME:TARGET``."""
    return text.partition(":")[0]


def open_taps(texts: Sequence[str]) -> dict[str, Tap]:
    """Build the taps that a user named, each as ``Class(target)``; ``NAME:TARGET`` gives the target, else it is empty.

    Raises
    ------
    UsageError
        There is no tap of a name, or one is named twice.
    PluginError
        A tap cannot be loaded.
    OutputError
        Its target cannot be written.
    """
    opened: dict[str, Tap] = {}
    try:
        for text in texts:
            name, _, target = text.partition(":")
            if name in opened:
                raise UsageError(f"--tap {text}: {name} is named twice; name each tap once")
            opened[name] = TAPS.load(name)(target)
    except BaseException:
        for tap in opened.values():
            tap.abort()
        raise
    return opened


class Taps:
    """The taps of one run, by name, as one.

    Parameters
    ----------
    taps
        Names are unique; the order is that of the calls.
    states
        The states of all outputs of the run; None: there are only these. A mere display is no output.
    targets
        The files that taps write, by name.
    """

    def __init__(
        self,
        taps: Mapping[str, Tap] | None = None,
        states: OutputStates | None = None,
        targets: Mapping[str, Path] | None = None,
    ) -> None:
        states = states if states is not None else OutputStates()
        self._slots = {
            name: OutputSlot(tap, _state(name, tap, states), states, (targets or {}).get(name), OutputError)
            for name, tap in (taps or {}).items()
        }
        self._states = states

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def names(self) -> Sequence[str]:
        """Names of the taps."""
        return tuple(self._slots)

    @property
    def need_rows(self) -> bool:
        """Whether a tap looks at the rows of steps."""
        return any(slot.output.needs_rows for slot in self._slots.values())

    @property
    def are_whole(self) -> bool:
        """Whether no tap that must see a whole run has failed: a checkpoint without its state could not be resumed."""
        return all(slot.is_open or not slot.output.needs_whole_run for slot in self._slots.values())

    def begin(self, context: TapContext) -> None:
        """Begin every tap."""
        for slot in self._slots.values():
            slot.attempt(lambda tap: tap.begin(context))
        self._states.check()

    def observe(self, step: TapStep) -> None:
        """Pass a step to every tap.

        Raises
        ------
        OutputError
            A tap has failed, and no other output of the run is left.
        """
        for slot in self._slots.values():
            slot.attempt(lambda tap: tap.observe(step))
            slot.state.count(len(step.events))
        self._states.check()

    def settle(self) -> None:
        """Wait until every tap has taken in all steps so far; raises as ``observe`` does."""
        for slot in self._slots.values():
            slot.attempt(lambda tap: tap.settle())
        self._states.check()

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the state of all taps, by ``tap/NAME/KEY``."""
        return {
            f"{PREFIX}/{name}/{key}": array
            for name, slot in self._slots.items()
            if slot.is_open
            for key, array in slot.output.state().items()
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]], events: int) -> None:
        """Restore every tap from arrays named as ``state`` names them; others are ignored.

        ``events`` is the number of events released before.
        """
        for name, slot in self._slots.items():
            prefix = f"{PREFIX}/{name}/"
            own = {key.removeprefix(prefix): arrays[key] for key in arrays if key.startswith(prefix)}
            slot.attempt(methodcaller("restore", own))
            slot.state.rows = min(slot.state.rows, events) if slot.state.error else events
            slot.state.missing = events - slot.state.rows

    def finish(self) -> None:
        """Finish every tap."""
        for slot in self._slots.values():
            slot.finish()

    def commit(self, *, stopped: bool = False, keep_partial: bool = False) -> None:
        """Commit every tap; that of a stopped run under another name, if its own is taken."""
        for slot in self._slots.values():
            slot.commit(stopped=stopped, keep_partial=keep_partial)

    def abort(self) -> None:
        """Abort every tap."""
        for slot in self._slots.values():
            slot.abort()


def _state(name: str, tap: Tap, states: OutputStates) -> OutputState:
    return states.add(f"tap {name}") if tap.needs_whole_run else OutputState(name)

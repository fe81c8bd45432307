"""Taps: parts that see a run's rows as judged and its released events, step by step.

A tap is called on the run's thread, in every pipeline. Over all steps, rows and events are the same sequences at any
batch size, speed and pipeline; only the cut into steps differs:

- rows come in merge order, each once;
- events come in output order, each once, in the first step whose watermark is above their ``emitted_at``, or in the
  last step of the run;
- so at the end of a step every event emitted before its watermark, and every row available before it, has come.

The state of a tap is part of the run's checkpoints and snapshots. Its output is bound to the run: ``finish`` and
``commit`` follow a run that succeeded, ``abort`` one that failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.core.events import EventEncoder, EventRows
from tickstock_cli.core.registry import Family
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.errors import UsageError

TAPS = Family("tap", {}, ("abort", "begin", "commit", "finish", "observe", "restore", "state"))
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

    def begin(self, context: TapContext) -> None:
        """Take the run's context, before the first step or ``restore``."""

    def observe(self, step: TapStep) -> None:
        """Take a step. An error of it ends the run as a failure. The arrays of a step are read-only to a tap."""
        raise NotImplementedError

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
    """

    def __init__(self, taps: Mapping[str, Tap] | None = None) -> None:
        self._taps = dict(taps or {})

    def __len__(self) -> int:
        return len(self._taps)

    @property
    def names(self) -> Sequence[str]:
        """Names of the taps."""
        return tuple(self._taps)

    def begin(self, context: TapContext) -> None:
        """Begin every tap."""
        for tap in self._taps.values():
            tap.begin(context)

    def observe(self, step: TapStep) -> None:
        """Pass a step to every tap."""
        for tap in self._taps.values():
            tap.observe(step)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the state of all taps, by ``tap/NAME/KEY``."""
        return {
            f"{PREFIX}/{name}/{key}": array for name, tap in self._taps.items() for key, array in tap.state().items()
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Restore every tap from arrays named as ``state`` names them; others are ignored."""
        for name, tap in self._taps.items():
            prefix = f"{PREFIX}/{name}/"
            tap.restore({key.removeprefix(prefix): arrays[key] for key in arrays if key.startswith(prefix)})

    def finish(self) -> None:
        """Finish every tap."""
        for tap in self._taps.values():
            tap.finish()

    def commit(self) -> None:
        """Commit every tap."""
        for tap in self._taps.values():
            tap.commit()

    def abort(self) -> None:
        """Abort every tap."""
        for tap in self._taps.values():
            tap.abort()

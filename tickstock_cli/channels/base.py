"""The base of the three channels: detectors, counts of outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.isolation import Failure, scan_isolated
from tickstock_cli.channels.judged import NO_SEGMENT, Judged, JudgedRows
from tickstock_cli.channels.workspace import Workspace
from tickstock_cli.core.batch import Batch
from tickstock_cli.core.events import EVENT, PROVENANCE, EventRows
from tickstock_cli.core.growth import grown
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.core.stages import Detector
from tickstock_cli.core.whole_rows import copy_rows
from tickstock_cli.kernels.admission import Rejects, Sessions
from tickstock_cli.kernels.reasons import ACCEPTED, REASONS
from tickstock_cli.kernels.rows import BarRows, FmvRows, TickRows


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rejected rows of one batch and type: origin, merge order and reason of each."""

    record: str
    origin: NDArray[np.int64]
    order: NDArray[np.int64]
    reason: NDArray[np.int8]

    def where(self, chosen: NDArray[np.bool_]) -> Rejected:
        """Return some of the rows."""
        return Rejected(self.record, self.origin[chosen], self.order[chosen], self.reason[chosen])


@dataclass(slots=True)
class BatchOutcome:
    """The outcome of one worker's rows of a batch: events in any order, rejected rows, counts.

    ``failures`` are those of detectors, by ticker, if they are isolated; see `channels.isolation`.
    """

    ledger: Ledger = field(default_factory=Ledger)
    events: list[EventRows] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BatchContext:
    """One worker's context at a batch.

    Parameters
    ----------
    rejects_unnamed
        Whether this worker rejects the rows without a ticker; exactly one worker does.
    isolates
        Whether an error in a detector affects only its ticker; otherwise it ends the run.
    judged
        Gets the judgement of the worker's rows if a tap needs it; else None.
    """

    rejects_unnamed: bool
    sessions: Sessions
    outcome: BatchOutcome
    isolates: bool = False
    judged: JudgedRows | None = None


class Channel:
    """The base of a channel: admission state and detectors, both by ticker code.

    Parameters
    ----------
    detectors
        By name, in the order of their calls.
    kind_names
        Names of event kinds by code, for the ledger.
    blank
        Admission state of a new ticker: an array of one entry.
    """

    name: ClassVar[str]

    def __init__(self, detectors: Mapping[str, Detector], kind_names: Sequence[str], blank: NDArray[Any]) -> None:
        self._detectors = dict(detectors)
        self._kind_names = tuple(kind_names)
        self._blank = blank
        self._states = np.empty(0, dtype=blank.dtype)

    @property
    def detectors(self) -> Mapping[str, Detector]:
        """The detectors, by name."""
        return self._detectors

    def grow(self, tickers: int) -> None:
        """Make room for codes below ``tickers``. No worker processes rows at the same time."""
        self._states = grown(self._states, tickers, self._blank)
        for detector in self._detectors.values():
            detector.grow(tickers)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name; writing into them changes the channel."""
        arrays = {"admission": self._states}
        for name, detector in self._detectors.items():
            arrays |= {f"{name}.{key}": array for key, array in detector.state().items()}
        return arrays

    def _count(self, name: str, count: int | np.int64, context: BatchContext) -> None:
        context.outcome.ledger.add(f"{self.name}.{name}", int(count))

    def _reject(
        self, batch: Batch, rejects: Rejects, count: int, context: BatchContext
    ) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Count and keep the rejected rows; those without a ticker are rejected by one of the workers.

        Returns
        -------
        tuple
            Row numbers and reason codes.
        """
        rows = rejects.row[:count].astype(np.int64)
        reasons = rejects.reason[:count].copy()
        if context.rejects_unnamed and len(batch) and batch.code.min() < 0:
            unnamed = np.flatnonzero(batch.code < 0)
            rows = np.concatenate([unnamed, rows])
            reasons = np.concatenate([np.full(len(unnamed), REASONS.index("ticker"), np.int8), reasons])
        if len(rows):
            for reason, number in enumerate(np.bincount(reasons)):
                self._count(f"rejected.{REASONS[reason]}", number, context)
            context.outcome.rejected.append(Rejected(self.name, batch.origin[rows], batch.order[rows], reasons))
        return rows, reasons

    def _judge(
        self,
        judged: Judged[Any],
        rows: NDArray[np.int32],
        admitted: NDArray[np.int32],
        rejected: tuple[NDArray[np.int64], NDArray[np.int8]],
        sessions: Sessions,
    ) -> None:
        """Set the judgement of this worker's rows of a batch.

        Parameters
        ----------
        rows
            All of the worker's rows that have a ticker.
        admitted
            Those that detectors see.
        rejected
            The result of ``_reject``.
        """
        # All rows of the batch are written in their order, which takes a tenth of the time.
        own = slice(None) if len(rows) == len(judged) else rows
        if len(rows):
            stamps = judged.rows.timestamp
            bounds = np.searchsorted(sessions.starts, (stamps.min(), stamps.max()), side="right") - 1
            if bounds[0] == bounds[1]:  # nearly always
                judged.segment[own] = sessions.segments[max(bounds[0], 0)]
            else:
                places = np.searchsorted(sessions.starts, stamps[own], side="right") - 1
                judged.segment[own] = sessions.segments[np.maximum(places, 0)]
        judged.reason[own] = ACCEPTED
        judged.in_session[own if len(admitted) == len(rows) else admitted] = True
        numbers, reasons = rejected
        judged.reason[numbers] = reasons
        judged.segment[numbers] = NO_SEGMENT

    def _detect(
        self, batch: Batch, rows: TickRows | BarRows | FmvRows, workspace: Workspace, context: BatchContext
    ) -> None:
        """Run each detector over the admitted rows, and add its counts."""
        count = int(rows.groups.start[-1])
        for label, detector in self._detectors.items():
            out = workspace.array("events", count * detector.events_per_row, EVENT)
            counts = np.zeros(len(detector.counters), dtype=np.int64)
            if context.isolates and not detector.compiled:
                found, failures = scan_isolated(label, detector, rows, out, counts)
                context.outcome.failures.extend(failures)
                self._count(f"failed.{label}", sum(failure.rows for failure in failures), context)
            else:
                found = detector.scan(rows, out, counts)
            for name, number in zip(detector.counters, counts, strict=True):
                self._count(name, number, context)
            if found:
                events = copy_rows(out[:found])
                events["order"] = batch.order[events["row"]]
                events["available_at"] = batch.available_at[events["row"]]
                for name in PROVENANCE:
                    events[name] = 0
                context.outcome.events.append(events)
                for kind, number in enumerate(np.bincount(events["kind"])):
                    self._count(f"detected.{self._kind_names[kind]}", number, context)

"""What the three channels share: grouping rows by ticker, running detectors, counting where rows ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Batch
from tickstock_cli.core.events import EVENT, EventRows, Kind
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.kernels.admission import REASONS, Rejects
from tickstock_cli.kernels.grouping import group_rows, list_groups
from tickstock_cli.kernels.rows import ROW_DTYPES, BarRows, FmvRows, Groups, TickRows

RowsT = TypeVar("RowsT", TickRows, BarRows, FmvRows)


class ChannelDetector(Protocol):
    """What a channel asks of a detector; see `detectors.base.Detector` for the whole contract."""

    @property
    def kinds(self) -> tuple[Kind, ...]: ...
    @property
    def counters(self) -> tuple[str, ...]: ...
    @property
    def events_per_row(self) -> int: ...
    def grow(self, tickers: int) -> None: ...
    def state(self) -> dict[str, NDArray[Any]]: ...
    def scan(self, rows: Any, out: EventRows, counts: NDArray[np.int64]) -> int: ...


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rejected rows of one batch and type: where they came from, their merge order, and why."""

    record: str
    origin: NDArray[np.int64]
    order: NDArray[np.int64]
    reason: NDArray[np.int8]


@dataclass(slots=True)
class Outcome:
    """Where one worker's rows of a batch ended: events, rejects, counts. Events are in no particular order."""

    ledger: Ledger = field(default_factory=Ledger)
    events: list[EventRows] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


class Scratch:
    """A worker's arrays of one channel, reused from batch to batch because touching fresh memory costs more
    than the rules do."""

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[Any]] = {}

    def array(self, name: str, length: int, dtype: Any) -> NDArray[Any]:
        """Give ``length`` entries of an array that stays the same from call to call; contents are leftovers."""
        held = self._arrays.get(name)
        if held is None or len(held) < length:
            held = np.empty(max(length, 2 * len(held) if held is not None else 64), dtype=dtype)
            self._arrays[name] = held
        return held[:length]

    def rows(self, kind: type[RowsT], groups: Groups, length: int, **given: NDArray[Any]) -> RowsT:
        """Give room for ``length`` admitted rows in as many groups as ``groups`` has; ``given`` columns as they are."""
        names = kind._fields[1:]
        kept = Groups(
            self.array("kept_code", len(groups.code), np.int32),
            self.array("kept_start", len(groups.start), np.int64),
            self.array("kept_probe_start", len(groups.probe_start), np.int64),
        )
        return kind(kept, *(given[name] if name in given else self.array(name, length, ROW_DTYPES[name]) for name in names))

    def rejects(self, length: int) -> Rejects:
        """Give room for the rejects of ``length`` rows."""
        return Rejects(self.array("reject_row", length, np.int32), self.array("reject_reason", length, np.int8))


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Give a read-only view: batches are immutable, and kernels are compiled for just one kind of array."""
    view = array.view()
    view.flags.writeable = False
    return view


def group(
    code: NDArray[np.int32], probe_code: NDArray[np.int32], mine: NDArray[np.bool_], scratch: Scratch
) -> tuple[Groups, NDArray[np.int32], NDArray[np.int32]]:
    """Group a batch's rows, and the probes that ask about its tickers.

    Returns
    -------
    tuple
        Groups by ticker, and the row numbers of batch and probes in group order.
    """
    tickers = len(mine)
    counts = scratch.array("counts", tickers, np.int64)
    probe_counts = scratch.array("probe_counts", tickers, np.int64)
    rows = scratch.array("rows", len(code), np.int32)
    probe_rows = scratch.array("probe_rows", len(probe_code), np.int32)
    kept = group_rows(frozen(code), mine, counts, rows)
    probes_kept = group_rows(frozen(probe_code), mine, probe_counts, probe_rows)
    most = min(tickers, kept + probes_kept)
    codes = scratch.array("group_code", most, np.int32)
    starts = scratch.array("group_start", most + 1, np.int64)
    probe_starts = scratch.array("group_probe_start", most + 1, np.int64)
    groups = list_groups(counts, probe_counts, codes, starts, probe_starts)
    grouped = Groups(codes[:groups], starts[: groups + 1], probe_starts[: groups + 1])
    return grouped, rows[:kept], probe_rows[:probes_kept]


def record_rejects(
    record: str, batch: Batch, rejects: Rejects, count: int, rejects_unnamed: bool, outcome: Outcome
) -> None:
    """Note what admission rejected and, if this worker is to, the rows that have no ticker at all."""
    rows = rejects.row[:count].astype(np.int64)
    reasons = rejects.reason[:count].copy()
    if rejects_unnamed and len(batch.code) and batch.code.min() < 0:
        unnamed = np.flatnonzero(batch.code < 0)
        rows = np.concatenate([unnamed, rows])
        reasons = np.concatenate([np.full(len(unnamed), REASONS.index("ticker"), np.int8), reasons])
    if not len(rows):
        return
    for reason, number in enumerate(np.bincount(reasons, minlength=len(REASONS))):
        outcome.ledger.add(f"{record}.rejected.{REASONS[reason]}", int(number))
    outcome.rejected.append(Rejected(record, batch.origin[rows], batch.order[rows], reasons))


def run_detectors(
    channel: str,
    batch: Batch,
    detectors: Sequence[ChannelDetector],
    kind_names: Sequence[str],
    rows: Any,
    count: int,
    scratch: Scratch,
    outcome: Outcome,
) -> None:
    """Let each detector read the admitted rows, and count what it did."""
    for detector in detectors:
        out = scratch.array("events", count * detector.events_per_row, EVENT)
        counts = np.zeros(len(detector.counters), dtype=np.int64)
        found = detector.scan(rows, out, counts)
        for name, number in zip(detector.counters, counts, strict=True):
            outcome.ledger.add(f"{channel}.{name}", int(number))
        if found:
            events = out[:found].copy()
            events["order"] = batch.order[events["row"]]
            events["available_at"] = batch.available_at[events["row"]]
            outcome.events.append(events)
            for kind, number in enumerate(np.bincount(events["kind"])):
                outcome.ledger.add(f"{channel}.detected.{kind_names[kind]}", int(number))


def detector_state(detectors: Mapping[str, ChannelDetector]) -> dict[str, NDArray[Any]]:
    """Give the state of named detectors as one flat mapping: ``surge.rings`` and so on."""
    return {f"{name}.{key}": array for name, part in detectors.items() for key, array in part.state().items()}

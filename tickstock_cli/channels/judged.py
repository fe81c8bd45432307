"""Rows as the core judged them: accepted or rejected with a reason, phase and segment, and the allowed uses of a tick.

A step makes these arrays only if a tap asks for them. The arrays have one entry for each row of the step's batch, in
merge order:

============== ==========================================================================================
``reason``     int8: ``ACCEPTED``, ``NOT_PROCESSED``, or the code of the reason to reject the row
``segment``    int64: session segment of an accepted row (``core.calendar``); ``NO_SEGMENT`` elsewhere
``in_session`` bool: the row is accepted and touches state. False for ticks and fair values of a phase that
               ``session.phases`` leaves out; bars are filtered by their detector, so theirs is ``accepted``
``flags``      uint8, ticks only: the recorded flags, with 1 and 4 added where the guard suspects the price
============== ==========================================================================================

``reason`` counts from ``kernels.reasons.REASONS``. A running system that was stopped leaves rows unprocessed; they
are ``NOT_PROCESSED``, and the ledger counts them as ``dropped_on_stop``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Generic, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import BarBatch, Batch, FmvBatch, Int64s, MergedBatch, TickBatch, UInt8s
from tickstock_cli.core.calendar import PHASE_MASK
from tickstock_cli.kernels.admission import HIDES_EXTREMES, HIDES_LAST, HIDES_VOLUME
from tickstock_cli.kernels.reasons import ACCEPTED

Bools = NDArray[np.bool_]
Int8s = NDArray[np.int8]

NOT_PROCESSED = -1
NO_SEGMENT = -1
NO_PHASE = -1

BatchT = TypeVar("BatchT", bound=Batch)


@dataclass(frozen=True, slots=True)
class Judged(Generic[BatchT]):
    """Rows of one record type of a step, and the core's judgement of each."""

    rows: BatchT
    reason: Int8s
    segment: Int64s
    in_session: Bools

    @classmethod
    def of(cls, rows: BatchT) -> Self:
        """Return rows that are not judged yet."""
        return cls(
            rows,
            np.full(len(rows), NOT_PROCESSED, dtype=np.int8),
            np.full(len(rows), NO_SEGMENT, dtype=np.int64),
            np.zeros(len(rows), dtype=np.bool_),
        )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def accepted(self) -> Bools:
        """Whether each row was accepted."""
        accepted: Bools = self.reason == ACCEPTED
        return accepted

    @property
    def phase(self) -> Int8s:
        """Phase code of each accepted row, an index into ``core.events.PHASES``; ``NO_PHASE`` elsewhere."""
        phases = np.where(self.segment == NO_SEGMENT, NO_PHASE, self.segment & PHASE_MASK)
        return phases.astype(np.int8)

    def adopt(self, part: Self) -> None:
        """Copy the judgement of some of these rows, identified by ``order``."""
        own = np.searchsorted(self.rows.order, part.rows.order)
        for name in self._judgement():
            getattr(self, name)[own] = getattr(part, name)

    def among(self, order: Int64s) -> Self:
        """Return the rows of these merge orders; all must exist."""
        places = np.searchsorted(self.rows.order, order)
        return type(self)(self.rows.take(places), *(getattr(self, name)[places] for name in self._judgement()))

    def take(self, chosen: slice) -> Self:
        """Return a slice of the rows, as views."""
        return type(self)(self.rows.take(chosen), *(getattr(self, name)[chosen] for name in self._judgement()))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of consecutive steps, at least one, as one."""
        if len(parts) == 1:
            return parts[0]
        kind = type(parts[0].rows)
        columns = [np.concatenate([getattr(part.rows, field.name) for part in parts]) for field in fields(kind)]
        judgement = (np.concatenate([getattr(part, name) for part in parts]) for name in cls._judgement())
        return cls(cast(Any, kind(*columns)), *judgement)

    @classmethod
    def _judgement(cls) -> list[str]:
        return [field.name for field in fields(cls)][1:]


@dataclass(frozen=True, slots=True)
class JudgedTicks(Judged[TickBatch]):
    """Ticks, and their allowed uses by guard and flags."""

    flags: UInt8s

    @classmethod
    def of(cls, rows: TickBatch) -> Self:
        """Return ticks that are not judged yet."""
        plain = Judged.of(rows)
        return cls(rows, plain.reason, plain.segment, plain.in_session, rows.flags.copy())

    @property
    def suspect(self) -> Bools:
        """Whether the guard suspects the price."""
        changed: Bools = self.flags != self.rows.flags
        return changed

    @property
    def is_price(self) -> Bools:
        """Whether the price may be used: accepted, neither flagged 1 nor suspect, in any phase."""
        return self._allows(HIDES_LAST)

    @property
    def is_extreme(self) -> Bools:
        """Whether the price may be a high or a low: accepted, neither flagged 4 nor suspect."""
        return self._allows(HIDES_EXTREMES)

    @property
    def has_volume(self) -> Bools:
        """Whether the size counts as volume: accepted, not flagged 2."""
        return self._allows(HIDES_VOLUME)

    def _allows(self, hidden: int) -> Bools:
        allowed: Bools = self.accepted & (self.flags & hidden == 0)
        return allowed


JudgedBars = Judged[BarBatch]
JudgedFmvs = Judged[FmvBatch]


@dataclass(frozen=True, slots=True)
class JudgedRows:
    """All rows of a step, by type; the ``order`` of the rows puts the types into one merge order."""

    ticks: JudgedTicks
    bars: JudgedBars
    fmvs: JudgedFmvs

    @classmethod
    def of(cls, batch: MergedBatch) -> JudgedRows:
        """Return the rows of a batch, not judged yet."""
        return cls(JudgedTicks.of(batch.ticks), Judged.of(batch.bars), Judged.of(batch.fmvs))

    @classmethod
    def none(cls) -> JudgedRows:
        """Return no rows."""
        return cls(JudgedTicks.of(TickBatch.empty()), Judged.of(BarBatch.empty()), Judged.of(FmvBatch.empty()))

    @classmethod
    def only(cls, rows: Batch) -> JudgedRows:
        """Return rows of one type, not judged yet."""
        parts = cls.none()
        if isinstance(rows, TickBatch):
            return replace(parts, ticks=JudgedTicks.of(rows))
        if isinstance(rows, BarBatch):
            return replace(parts, bars=Judged.of(rows))
        assert isinstance(rows, FmvBatch)
        return replace(parts, fmvs=Judged.of(rows))

    @classmethod
    def joined(cls, parts: Sequence[JudgedRows]) -> JudgedRows:
        """Return the rows of consecutive steps as one; without parts, no rows."""
        if not parts:
            return cls.none()
        return cls(
            JudgedTicks.joined([part.ticks for part in parts]),
            Judged.joined([part.bars for part in parts]),
            Judged.joined([part.fmvs for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.ticks) + len(self.bars) + len(self.fmvs)

    def between(self, first: int, end: int) -> JudgedRows:
        """Return the rows whose merge order is at least ``first`` and below ``end``, as views."""
        chosen = (
            part.take(slice(*np.searchsorted(part.rows.order, (first, end)).tolist()))
            for part in (self.ticks, self.bars, self.fmvs)
        )
        return JudgedRows(*cast(Any, chosen))

    def by_record(self) -> dict[str, Judged[Any]]:
        """Return the rows by record type."""
        return {"tick": self.ticks, "ohlcv": self.bars, "fmv": self.fmvs}

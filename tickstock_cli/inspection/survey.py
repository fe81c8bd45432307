"""Reads a recording once, in merge order, and collects statistics per file. Rows are judged as in a replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import ORIGIN_ROW_BITS, BarBatch, Batch, FmvBatch, MergedBatch, TickBatch
from tickstock_cli.core.calendar import CLOSED, Calendar, SessionTable
from tickstock_cli.core.events import PHASES
from tickstock_cli.core.growth import grown
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.inspection.quality.aspects import Aspect, JudgedBatch
from tickstock_cli.kernels import survey as kernels
from tickstock_cli.kernels.reasons import REASONS
from tickstock_cli.sources.checks.facts import Oddity
from tickstock_cli.sources.recordings import Recordings

BATCH_ROWS = 1 << 18
SOME_NAMES = 5
_NEVER = 2**63 - 1
_NO_SESSIONS = SessionTable(np.array([_NEVER]), np.array([-1]))


class _TickColumns(NamedTuple):
    code: NDArray[np.int32]
    timestamp: NDArray[np.int64]
    available_at: NDArray[np.int64]
    origin: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.int64]
    flags: NDArray[np.uint8]


class _BarColumns(NamedTuple):
    code: NDArray[np.int32]
    timestamp: NDArray[np.int64]
    available_at: NDArray[np.int64]
    origin: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.int64]


class _FmvColumns(NamedTuple):
    code: NDArray[np.int32]
    timestamp: NDArray[np.int64]
    available_at: NDArray[np.int64]
    origin: NDArray[np.int64]
    fmv: NDArray[np.float64]
    market_price: NDArray[np.float64]
    confidence: NDArray[np.float64]


_ROWS: dict[type[Batch], type[Any]] = {TickBatch: _TickColumns, BarBatch: _BarColumns, FmvBatch: _FmvColumns}


@dataclass(frozen=True, slots=True)
class RowGap:
    """A time within a session without a row of a file; times in ns."""

    phase: str
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class FileStatistics:
    """Statistics of the rows of one file. Times of accepted rows in ns; None without accepted rows.

    ``rejected`` has rows by reason, ``phases`` the accepted ones by phase.
    """

    rejected: dict[str, int]
    phases: dict[str, int]
    first: int | None
    last: int | None
    tickers: int
    some_tickers: tuple[str, ...]
    gaps: tuple[RowGap, ...]
    spacings: NDArray[np.int64]


class Survey:
    """Statistics of the files of one recording, collected step by step.

    Parameters
    ----------
    files
        Number of files.
    symbols
        The recording's symbol table.
    calendar
        Calendar of the sessions in which gaps are searched.
    aspects
        Aspects of quality that look at the judged rows.
    """

    def __init__(
        self, files: int, symbols: SymbolTable, calendar: Calendar, aspects: Mapping[str, Aspect] = MappingProxyType({})
    ) -> None:
        self._symbols = symbols
        self._calendar = calendar
        self._aspects = aspects
        self.oddities: list[list[Oddity]] = [[] for _ in range(files)]
        """What the checks found in each file."""
        none = np.zeros(0, dtype=np.int64)
        self._tickers = {kind: kernels.TickerState(none, none) for kind in _ROWS}
        phases = len(PHASES)
        self._tallies = kernels.FileTallies(
            rejected=np.zeros((files, len(REASONS)), dtype=np.int64),
            first=np.full(files, _NEVER, dtype=np.int64),
            last=np.zeros(files, dtype=np.int64),
            latest_segment=np.full(files, -1, dtype=np.int64),
            phases=np.zeros((files, phases), dtype=np.int64),
            seen=np.zeros((0, files), dtype=np.bool_),
            gap_length=np.zeros((files, phases, kernels.GAPS), dtype=np.int64),
            gap_start=np.zeros((files, phases, kernels.GAPS), dtype=np.int64),
            spacing=np.zeros((files, kernels.SPACINGS), dtype=np.int64),
            spacings=np.zeros(files, dtype=np.int64),
        )

    def add(self, step: MergedBatch) -> None:
        """Add the rows of a step."""
        self._grow(len(self._symbols))
        for batch in (step.ticks, step.bars, step.fmvs):
            if len(batch):
                self._add(batch)

    def warm_up(self) -> None:
        """Compile or load the kernels, so that the time of a survey depends only on the recording."""
        for kind in _ROWS:
            self._add(kind.empty())

    def _add(self, batch: Batch) -> None:
        kind = _ROWS[type(batch)]
        rows = kind(*(getattr(batch, name) for name in kind._fields))
        reasons = np.empty(len(batch), dtype=np.int8)
        tickers = self._tickers[type(batch)]
        if isinstance(batch, TickBatch):
            kernels.judge_ticks(rows, tickers, reasons)
        elif isinstance(batch, BarBatch):
            kernels.judge_bars(rows, ORIGIN_ROW_BITS, tickers, reasons, self._tallies)
        else:
            kernels.judge_fmvs(rows, tickers, reasons)
        sessions = self._sessions(batch)
        kernels.tally(rows, ORIGIN_ROW_BITS, reasons, sessions, CLOSED, self._tallies)
        judged = JudgedBatch(batch, reasons, sessions)
        for aspect in self._aspects.values():
            aspect.add(judged)

    def _sessions(self, batch: Batch) -> SessionTable:
        times = batch.timestamp[batch.timestamp > 0]
        if not len(times):
            return _NO_SESSIONS
        return self._calendar.table(int(times.min()), int(times.max()))

    def _grow(self, tickers: int) -> None:
        """Make room for codes below ``tickers``."""
        for kind, state in self._tickers.items():
            self._tickers[kind] = kernels.TickerState(*(grown(array, tickers, 0) for array in state))
        self._tallies = self._tallies._replace(seen=grown(self._tallies.seen, tickers, None))

    def statistics(self, file: int) -> FileStatistics:
        """Return the statistics of a file."""
        tallies = self._tallies
        codes = np.flatnonzero(tallies.seen[:, file])
        any_rows = bool(len(codes))
        return FileStatistics(
            {reason: int(count) for reason, count in zip(REASONS, tallies.rejected[file], strict=True) if count},
            {phase: int(count) for phase, count in zip(PHASES, tallies.phases[file], strict=True) if count},
            int(tallies.first[file]) if any_rows else None,
            int(tallies.last[file]) if any_rows else None,
            len(codes),
            tuple(self._symbols.tickers[code] for code in codes[:SOME_NAMES]),
            self._gaps(file),
            tallies.spacing[file, : tallies.spacings[file]],
        )

    def _gaps(self, file: int) -> tuple[RowGap, ...]:
        return tuple(
            RowGap(
                phase, int(self._tallies.gap_start[file, code, rank]), int(self._tallies.gap_length[file, code, rank])
            )
            for code, phase in enumerate(PHASES)
            for rank in range(kernels.GAPS)
            if self._tallies.gap_length[file, code, rank]
        )

    @property
    def tickers(self) -> int:
        """Number of different tickers over all files."""
        return int(self._tallies.seen.any(axis=1).sum())


def survey(
    recordings: Recordings,
    calendar: Calendar,
    progress: Callable[[int], object],
    aspects: Mapping[str, Aspect] = MappingProxyType({}),
) -> Survey:
    """Read a recording and return the survey; ``progress`` is called with numbers of rows read."""
    found = Survey(len(recordings.files), recordings.symbols, calendar, aspects)
    for step in recordings.batches(BATCH_ROWS):
        found.add(step)
        progress(len(step))
    for aspect in aspects.values():
        aspect.finish()
    found.oddities = [recordings.oddities(file.index) for file in recordings.files]
    return found

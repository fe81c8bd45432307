"""What a channel instance did in the last minutes, bounded in memory, for whoever looks for a cause.

Recording a batch costs some microseconds: counts by ticker are summed over many batches at once, and only a batch that
is among the slowest of its minute is looked at row by row.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import fields
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.isolation import Failure
from tickstock_cli.core.batch import Batch
from tickstock_cli.core.channel_debug import BatchRecord, ChannelChange, Depth, RowError, SlowTicker, TickerShare
from tickstock_cli.core.clock import Clock
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.runtime.chunks import ShardChunk

BATCHES_KEPT = 64
ERRORS_KEPT = 32
CHANGES_KEPT = 64
MINUTES_KEPT = 5
SLOWEST_KEPT = 10
"""Tickers, of each minute and altogether."""
SHARES_KEPT = 20
SUM_ROWS, SUM_BATCHES = 4_096, 256
"""Rows or batches after which the counts by ticker are summed."""
FEW_ROWS = 64
"""Up to so many rows, plain Python is quicker than numpy."""
MINUTE_NS = 60 * NS_PER_SECOND
HIDDEN = {"code", "order", "origin"}
"""Columns of a row that mean nothing outside the process."""


class _Minute:
    """Sums and extremes of one minute."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.service_ns: NDArray[np.float64] = np.zeros(0)
        self.rows: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._unsummed: list[tuple[NDArray[np.int32], int]] = []
        self._unsummed_rows = 0
        self.slowest: dict[int, tuple[int, int, int]] = {}
        """By ticker code: latency, service and time of its slowest row."""
        self.floor_ns = -1
        """Latency that a row must exceed to be among the slowest."""

    def add(self, codes: NDArray[np.int32], service_ns: int) -> None:
        """Add the rows of a batch, and its processing time in equal shares."""
        self._unsummed.append((codes, service_ns))
        self._unsummed_rows += len(codes)
        if self._unsummed_rows >= SUM_ROWS or len(self._unsummed) >= SUM_BATCHES:
            self.sum_up()

    def sum_up(self) -> None:
        """Sum what batches have added by ticker, all at once: sums over arrays cost by the call."""
        if not self._unsummed:
            return
        codes = np.concatenate([codes for codes, _ in self._unsummed])
        each = np.concatenate([np.full(len(codes), ns / max(1, len(codes))) for codes, ns in self._unsummed])
        self._unsummed, self._unsummed_rows = [], 0
        named = codes >= 0
        rows = np.bincount(codes[named], minlength=len(self.rows))
        service = np.bincount(codes[named], each[named], minlength=len(self.rows))
        grown = len(rows) - len(self.rows)
        self.rows = rows + np.concatenate([self.rows, np.zeros(grown, dtype=np.int64)])
        self.service_ns = service + np.concatenate([self.service_ns, np.zeros(grown)])

    def note_slow(self, codes: NDArray[np.int32], latency_ns: int, service_ns: int, at: int) -> None:
        """Keep the tickers of rows that are among the slowest."""
        if latency_ns <= self.floor_ns:
            return
        for code in _distinct(codes):
            if code >= 0 and latency_ns > self.slowest.get(code, (-1, 0, 0))[0]:
                self.slowest[code] = latency_ns, service_ns, at
        ranked = sorted(self.slowest.items(), key=lambda item: -item[1][0])[:SLOWEST_KEPT]
        self.slowest = dict(ranked)
        self.floor_ns = ranked[-1][1][0] if len(ranked) == SLOWEST_KEPT else -1


class ChannelHistory:
    """Records on the system's loop; any thread may read.

    Parameters
    ----------
    symbols
        Names of the tickers.
    """

    def __init__(self, symbols: SymbolTable, clock: Clock) -> None:
        self._symbols = symbols
        self._clock = clock
        self._lock = Lock()
        self._batches: deque[BatchRecord] = deque(maxlen=BATCHES_KEPT)
        self._errors: deque[RowError] = deque(maxlen=ERRORS_KEPT)
        self._changes: deque[ChannelChange] = deque(maxlen=CHANGES_KEPT)
        self._minutes: deque[_Minute] = deque(maxlen=MINUTES_KEPT)
        self._depths: deque[list[int]] = deque(maxlen=MINUTES_KEPT * 60)
        self.unhealthy: str | None = None
        """Why the router keeps shards away from the instance; None if it is healthy."""

    def batch(
        self,
        taken: Sequence[tuple[int, ShardChunk]],
        started: int,
        ended: int,
        *,
        events: int,
        failed: int,
        failures: Sequence[Failure],
    ) -> None:
        """Record a processed batch.

        Parameters
        ----------
        taken
            Its parts, each with when it was queued.
        started, ended
            When its processing began and ended, by the clock.
        """
        codes = [part.rows.code for _, part in taken]
        joined = codes[0] if len(codes) == 1 else np.concatenate(codes)
        if not len(joined) and not failures:
            return
        service = ended - started
        with self._lock:
            minute = self._minute(ended)
            self._batches.append(BatchRecord(ended, len(joined), started - taken[0][0], service, events, failed))
            minute.add(joined, service)
            for since, part in taken:
                minute.note_slow(part.rows.code, ended - since, service, ended)
            for failure in failures:
                self._errors.append(self._error(failure, [part.rows for _, part in taken], ended))

    def depth(self, rows: int) -> None:
        """Record the depth of the queue after a change."""
        second = self._clock.now() // NS_PER_SECOND
        if not self._depths or self._depths[-1][0] != second:
            with self._lock:
                self._depths.append([second, rows])
        elif rows > self._depths[-1][1]:
            self._depths[-1][1] = rows

    def change(self, what: str, text: str) -> None:
        """Record a change of status or of shards."""
        with self._lock:
            self._changes.append(ChannelChange(self._clock.now(), what, text))

    def health(self, unhealthy: str | None) -> None:
        """Record what the router thinks of the instance's health, if that has changed."""
        if (unhealthy is None) != (self.unhealthy is None):
            self.change("health", "healthy again" if unhealthy is None else f"unhealthy: {unhealthy}")
        self.unhealthy = unhealthy

    def batches(self) -> tuple[BatchRecord, ...]:
        """Return the last batches."""
        with self._lock:
            return tuple(self._batches)

    def errors(self) -> tuple[RowError, ...]:
        """Return the last errors."""
        with self._lock:
            return tuple(self._errors)

    def changes(self) -> tuple[ChannelChange, ...]:
        """Return the last changes."""
        with self._lock:
            return tuple(self._changes)

    def depths(self) -> tuple[Depth, ...]:
        """Return the greatest depth of the queue in each of the last seconds in which it changed."""
        with self._lock:
            return tuple(Depth(second * NS_PER_SECOND, rows) for second, rows in self._depths)

    def slowest(self) -> tuple[SlowTicker, ...]:
        """Return the slowest row of each of the slowest tickers of the last minutes, slowest first."""
        found: dict[int, tuple[int, int, int]] = {}
        with self._lock:
            for minute in self._recent():
                for code, entry in minute.slowest.items():
                    found[code] = max(entry, found.get(code, entry))
        ranked = sorted(found.items(), key=lambda item: -item[1][0])[:SLOWEST_KEPT]
        return tuple(SlowTicker(self._name(code), at, latency, service) for code, (latency, service, at) in ranked)

    def shares(self) -> tuple[TickerShare, ...]:
        """Return the tickers that took most of the processing time of the last minutes, greatest first."""
        with self._lock:
            minutes = list(self._recent())
            for minute in minutes:
                minute.sum_up()
            size = max((len(minute.rows) for minute in minutes), default=0)
            service, rows = np.zeros(size), np.zeros(size, dtype=np.int64)
            for minute in minutes:
                service[: len(minute.service_ns)] += minute.service_ns
                rows[: len(minute.rows)] += minute.rows
        total = service.sum()
        if not total:
            return ()
        first = np.argsort(-service, kind="stable")[:SHARES_KEPT]
        return tuple(
            TickerShare(self._name(code), int(rows[code]), float(service[code] / total))
            for code in first.tolist()
            if service[code] > 0
        )

    def _minute(self, now: int) -> _Minute:
        number = now // MINUTE_NS
        if not self._minutes or self._minutes[-1].number != number:
            self._minutes.append(_Minute(number))
        return self._minutes[-1]

    def _recent(self) -> list[_Minute]:
        oldest = self._clock.now() // MINUTE_NS - MINUTES_KEPT
        return [minute for minute in self._minutes if minute.number > oldest]

    def _error(self, failure: Failure, batches: Sequence[Batch], at: int) -> RowError:
        row: dict[str, Any] = {}
        for rows in batches:
            places = np.flatnonzero(rows.code == failure.code)
            if len(places):
                row = _shown(rows, int(places[0]))
                break
        return RowError(at, self._name(failure.code), failure.detector, failure.reason, failure.rows, row)

    def _name(self, code: int) -> str:
        return self._symbols.tickers[code] if 0 <= code < len(self._symbols) else ""


def _distinct(codes: NDArray[np.int32]) -> list[int]:
    """Return as many different tickers as can be among the slowest, and one more for rows without a ticker."""
    if len(codes) <= FEW_ROWS:
        return list(set(codes.tolist()))[: SLOWEST_KEPT + 1]
    distinct: list[int] = np.unique(codes)[: SLOWEST_KEPT + 1].tolist()
    return distinct


def _shown(rows: Batch, place: int) -> dict[str, Any]:
    """Return a row's values by column, as JSON holds them; sizes and volumes in shares."""
    row = {field.name: getattr(rows, field.name)[place].item() for field in fields(rows) if field.name not in HIDDEN}
    for name in ("size", "volume"):
        if name in row:
            row[name] /= 1e6
    return {name: None if value != value else value for name, value in row.items()}

"""Gradual rollout: which tickers take the multi-channel path, and which the linear one.

The share of tickers is one of shards: the shards below a number take the multi-channel path. A ticker whose channel
fails *falls back*: it takes the linear path until the share is set again.

Both paths use the same rules and the same state, so that a ticker changes sides with nothing but its queued rows. That
needs idle instances: the side that is wanted for a ticker and the one that has its rows differ until then.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.metrics import RolloutMetrics, SideMetrics
from tickstock_cli.core.symbols import SHARDS, SymbolTable
from tickstock_cli.runtime.assignment import TickerShards
from tickstock_cli.runtime.instance import Finished, ProcessingChannel
from tickstock_cli.runtime.metrics import Durations

Bools = NDArray[np.bool_]


def shards_of(percent: float) -> int:
    """Return the number of shards of a share: none at 0 %, all at 100 %, and at least one of each side in between.

    Examples
    --------
    >>> [shards_of(percent) for percent in (0, 0.1, 1, 50, 99.9, 100)]
    [0, 1, 1, 32, 63, 64]
    """
    if percent in (0, 100):
        return SHARDS if percent else 0
    return min(SHARDS - 1, max(1, round(percent * SHARDS / 100)))


class Rollout:
    """The side of every ticker, and the figures of both sides. On one asyncio loop.

    Parameters
    ----------
    percent
        Share of the tickers that take the multi-channel path, 0 to 100.
    linear
        The instance that processes the rows of the linear path, of all record types.
    """

    def __init__(self, percent: float, symbols: SymbolTable, linear: ProcessingChannel) -> None:
        self.linear = linear
        self.percent = percent
        self._symbols = symbols
        self._shards = TickerShards(symbols)
        self._on_linear: dict[str, Bools] = {}
        self._seen: dict[str, Bools] = {}
        self._fallen: dict[int, str] = {}
        self._fallbacks = 0
        self._sides = {"multi": _Side(), "linear": _Side()}

    @property
    def shards(self) -> int:
        """The number of shards on the multi-channel path."""
        return shards_of(self.percent)

    def set_percent(self, percent: float) -> None:
        """Set the share; tickers that fell back may take the multi-channel path again."""
        self.percent = percent
        self._fallen.clear()

    def wanted(self) -> Bools:
        """Return by ticker code whether the linear path is wanted; the last entry is for rows without a ticker."""
        wanted = self._shards.by_code() >= self.shards
        if self._fallen:
            wanted[list(self._fallen)] = True
        return wanted

    def on_linear(self, record: str) -> Bools:
        """Return whether the linear path has the rows of a type, by code as in ``wanted``; new tickers as wanted."""
        held = self._on_linear.get(record)
        if held is None or len(held) != len(self._shards.by_code()):
            held = self._on_linear[record] = _grown(held, self.wanted())
        return held

    def sides(self, record: str) -> tuple[Bools, Bools]:
        """Return ``wanted`` and ``on_linear`` of the same tickers: the source's thread may add others meanwhile."""
        wanted = self.wanted()
        self._on_linear[record] = _grown(self._on_linear.get(record), wanted)
        return wanted, self._on_linear[record]

    def moved(self, record: str, linear: Bools) -> None:
        """Set which tickers' rows of a type the linear path has."""
        self._on_linear[record] = linear

    def note_multi(self, record: str, codes: NDArray[np.int32]) -> None:
        """Note that the multi-channel path gets rows of these tickers."""
        if len(codes):
            self._seen_by_code(record)[codes] = True

    def fall_back(self, record: str, codes: Sequence[int], reason: str) -> Bools:
        """Have tickers fall back, with their rows of a type at once; return them by code as in ``wanted``."""
        on_linear = self.on_linear(record)
        moving = np.zeros_like(on_linear)
        moving[list(codes)] = True
        self._on_linear[record] = on_linear | moving
        self._note_fallen(codes, reason)
        return moving

    def channel_failed(self, record: str, reason: str) -> int:
        """Have every ticker fall back that takes the multi-channel path and has had rows for a failed channel.

        Returns
        -------
        int
            Number of tickers.
        """
        wanted = self.wanted()[:-1]
        seen = self._seen_by_code(record)[: len(wanted)]  # the source's thread may have added tickers since
        codes = np.flatnonzero(seen & ~wanted).tolist()
        self._note_fallen(codes, reason)
        return len(codes)

    def processed(self, done: Finished, handed_over: int) -> None:
        """Count a processed batch; ``handed_over`` are the rows that failed and went to the linear path."""
        self._sides["linear" if done.instance is self.linear else "multi"].add(done, handed_over)

    def metrics(self) -> RolloutMetrics:
        """Return the metrics as of now."""
        linear = self.wanted()[:-1]
        on_linear = int(linear.sum())
        fallen = {self._symbols.tickers[code]: reason for code, reason in self._fallen.items()}
        return RolloutMetrics(
            self.percent,
            self.shards,
            self._sides["multi"].metrics(len(linear) - on_linear),
            self._sides["linear"].metrics(on_linear),
            self._fallbacks,
            fallen,
        )

    def _seen_by_code(self, record: str) -> Bools:
        """Return whether the multi-channel path has had rows of a type, by code as in ``wanted``."""
        held, tickers = self._seen.get(record), len(self._shards.by_code())
        if held is None or len(held) != tickers:
            held = self._seen[record] = _grown(held, np.zeros(tickers, dtype=np.bool_))
        return held

    def _note_fallen(self, codes: Sequence[int], reason: str) -> None:
        new = {code: reason for code in codes if code not in self._fallen}
        self._fallbacks += len(new)
        self._fallen |= new


class _Side:
    """Counts and row latency of one side."""

    def __init__(self) -> None:
        self._processed = 0
        self._failed = 0
        self._events = 0
        self._latency = Durations()

    def add(self, done: Finished, handed_over: int) -> None:
        rows = sum(len(part) for part in done.parts)
        failed = 0 if handed_over else min(rows, sum(failure.rows for failure in done.outcome.failures))
        self._processed += rows - failed
        self._failed += failed + handed_over
        self._events += sum(map(len, done.outcome.events))
        for part in done.parts:
            if len(part):
                # The rows of a part are due within milliseconds of each other; all count from the first. Those that a
                # seek feeds come before they are due.
                due = int(part.chunk.due(part.rows.available_at[:1])[0])
                self._latency.record(done.ended - min(due, part.chunk.received), len(part))

    def metrics(self, tickers: int) -> SideMetrics:
        return SideMetrics(tickers, self._processed, self._failed, self._events, self._latency.metrics())


def _grown(held: Bools | None, new: Bools) -> Bools:
    """Return ``held`` with the entries of ``new`` for tickers that it does not know; the last entry stays the last."""
    if held is None:
        return new
    if len(held) == len(new):
        return held
    grown = new.copy()
    grown[: len(held) - 1] = held[:-1]
    grown[-1] = held[-1]
    return grown

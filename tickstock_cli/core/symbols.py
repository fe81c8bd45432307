"""The run-wide symbol table: ticker <-> int32 code, and the shard each ticker belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

SHARDS = 64
"""Shards of a run, by ticker hash; workers and channel instances own whole shards."""


def ticker_hash(ticker: str) -> int:
    """Return the stable 64-bit hash of a ticker: the same on every machine and in every release."""
    return int.from_bytes(blake2b(ticker.encode(), digest_size=8).digest(), "little")


class SymbolTable:
    """Tickers in the order of their first appearance; a code is the place in that order.

    Codes are valid within one run. Outputs do not depend on them: they sort and hash by ticker. One thread can add
    tickers while others read ``tickers``, ``hashes`` and ``ranks`` of existing codes.
    """

    def __init__(self, tickers: Iterable[str] = ()) -> None:
        self._codes: dict[str, int] = {}
        self._tickers: list[str] = []
        self._hashes: list[int] = []
        self._hash_array: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)
        self._ranks: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.add(list(tickers))

    def __len__(self) -> int:
        return len(self._tickers)

    @property
    def tickers(self) -> Sequence[str]:
        """Tickers by code."""
        return self._tickers

    def code(self, ticker: str) -> int | None:
        """Return a ticker's code; None for an unknown ticker."""
        return self._codes.get(ticker)

    def add(self, tickers: Sequence[str | None]) -> NDArray[np.int32]:
        """Return the codes of tickers, and add new ones; -1 for None and the empty string."""
        codes = np.empty(len(tickers), dtype=np.int32)
        for place, ticker in enumerate(tickers):
            if not ticker:
                codes[place] = -1
                continue
            code = self._codes.get(ticker)
            if code is None:
                code = len(self._tickers)
                self._hashes.append(ticker_hash(ticker))
                self._tickers.append(ticker)
                self._codes[ticker] = code
            codes[place] = code
        return codes

    def ranks(self) -> NDArray[np.int64]:
        """Return, by code, the rank of each ticker among all tickers so far, sorted as text."""
        tickers = self._tickers[: len(self._tickers)]
        ranks = self._ranks
        if len(ranks) != len(tickers):
            ordered = np.empty(len(ranks), dtype=np.int64)
            ordered[ranks] = np.arange(len(ranks))
            # The sort merges what is in order already, in one pass: tickers come by and by.
            known = sorted([*ordered.tolist(), *range(len(ranks), len(tickers))], key=tickers.__getitem__)
            ranks = np.empty(len(tickers), dtype=np.int64)
            ranks[known] = np.arange(len(tickers))
            self._ranks = ranks
        return ranks

    def hashes(self, start: int = 0) -> NDArray[np.uint64]:
        """Return the ticker hashes of the codes from ``start`` on; read-only."""
        hashes = self._hash_array
        if len(hashes) != len(self._hashes):
            hashes = self._hash_array = np.array(self._hashes, dtype=np.uint64)
        return hashes[start:]

    def shards(self, start: int = 0) -> NDArray[np.uint8]:
        """Return the shards (0 to SHARDS - 1) of the codes from ``start`` on."""
        return (self.hashes(start) % np.uint64(SHARDS)).astype(np.uint8)

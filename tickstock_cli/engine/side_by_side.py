"""RunSide by side: which events two configurations told alike, and which only one of them.

Two events are the same if ticker, kind and timestamp are. Each event counts once: of two events of one side and one of
the other, with equal keys, one is told by both and one by one side alone.
"""

from __future__ import annotations

from collections import Counter
from enum import IntEnum
from threading import Lock
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

KEY = np.dtype([("timestamp", np.int64), ("kind", np.int32), ("ticker", np.int32)])
Keys = NDArray[np.void]
"""Array of dtype ``KEY``."""
COMPARED_AT_ONCE = 65_536
"""Events are collected up to this number, or to as many as wait for their counterpart, before they are compared."""


class RunSide(IntEnum):
    """The sides."""

    MAIN = 0
    SHADOW = 1


class SideBySide:
    """Compares the events of two configurations as they come. Safe in any thread.

    Memory is 16 bytes for each event that one side has told alone.
    """

    def __init__(self) -> None:
        self._codes: dict[str, dict[str, int]] = {"kind": {}, "ticker": {}}
        self._waiting: dict[RunSide, list[Keys]] = {RunSide.MAIN: [], RunSide.SHADOW: []}
        self._new, self._limit = 0, COMPARED_AT_ONCE
        self._both: Counter[int] = Counter()
        self._lock = Lock()

    def add(self, side: RunSide, events: pa.RecordBatch) -> None:
        """Take the next events of a side, rows of the event schema."""
        with self._lock:
            keys = np.empty(len(events), dtype=KEY)
            keys["kind"] = self._coded("kind", events)
            keys["ticker"] = self._coded("ticker", events)
            keys["timestamp"] = events["timestamp"].to_numpy()
            self._waiting[side].append(keys)
            self._new += len(keys)
            if self._new >= self._limit:
                self._compare()

    def by_kind(self) -> dict[str, dict[str, int]]:
        """Return per kind, by name, how many events ``main`` and ``shadow`` told alone, and how many ``both`` told."""
        with self._lock:
            self._compare()
            alone = {side: Counter(_joined(self._waiting[side])["kind"].tolist()) for side in RunSide}
            return {
                kind: {
                    "main": alone[RunSide.MAIN][code],
                    "shadow": alone[RunSide.SHADOW][code],
                    "both": self._both[code],
                }
                for kind, code in sorted(self._codes["kind"].items())
            }

    def _coded(self, column: str, events: pa.RecordBatch) -> NDArray[np.int64]:
        """Return a column of texts as codes that hold for both sides."""
        coded = cast(Any, events[column]).dictionary_encode()
        codes = self._codes[column]
        ours = [codes.setdefault(text, len(codes)) for text in coded.dictionary.to_pylist()]
        places: NDArray[np.int32] = coded.indices.to_numpy()
        return np.array(ours, dtype=np.int64)[places]

    def _compare(self) -> None:
        """Count what both sides have told, and keep what waits for its counterpart."""
        main, shadow = (_joined(self._waiting[side]) for side in RunSide)
        keys, counts, others = _counted(main, shadow)
        both = np.minimum(counts, others)
        for code, count in enumerate(np.bincount(keys["kind"], both).tolist()):
            self._both[code] += int(count)
        alone = {RunSide.MAIN: np.repeat(keys, counts - both), RunSide.SHADOW: np.repeat(keys, others - both)}
        self._waiting = {side: [rows] for side, rows in alone.items()}
        self._new, self._limit = 0, max(COMPARED_AT_ONCE, *map(len, alone.values()))


def _joined(parts: list[Keys]) -> Keys:
    return np.concatenate([np.empty(0, dtype=KEY), *parts])


def _counted(main: Keys, shadow: Keys) -> tuple[Keys, NDArray[np.int64], NDArray[np.int64]]:
    """Return the keys without repetition, and how many times each side has them."""
    keys = np.concatenate([main, shadow])
    order = np.lexsort((keys["timestamp"], keys["ticker"], keys["kind"]))
    keys = keys[order]
    first = np.ones(len(keys), dtype=np.bool_)
    first[1:] = keys[1:] != keys[:-1]
    group = np.cumsum(first) - 1
    is_main = order < len(main)
    groups = int(first.sum())
    return (
        keys[first],
        np.bincount(group[is_main], minlength=groups),
        np.bincount(group[~is_main], minlength=groups),
    )

"""The transport dictionary: the format of events for clients of the older system."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from tickstock_cli.core.kinds import Kind

SPECIFIC = ("source", "phase", "priority", "confidence", "previous", "score", "strength", "trigger", "merged")
"""Columns that the dictionary holds under ``event_specific_data``."""

DIRECTIONS = {1: "up", -1: "down"}


class LegacyTranslator:
    """Turns events into transport dictionaries. It counts events, so it must get every event of a run, in order.

    The counts are those of a ticker since the log's first event: ``count`` of the event's kind; ``count_up`` and
    ``count_down`` by direction, of the kind's family. ``reversal`` is true if the previous event of the same family had
    the other direction.

    Parameters
    ----------
    kinds
        Declarations, for families and labels; a kind without one is a family of its own.
    """

    def __init__(self, kinds: Iterable[Kind] = ()) -> None:
        self._declared = {kind.name: kind for kind in kinds}
        self._kinds: Counter[tuple[str, str]] = Counter()
        self._directions: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        self._last: dict[tuple[str, str], int] = {}

    def count(self, ticker: str, kind: str, direction: int) -> bool:
        """Count an event, and return whether it is a reversal."""
        family = (ticker, self._family(kind))
        self._kinds[ticker, kind] += 1
        self._directions[family][direction] += 1
        before = self._last.get(family, 0)
        self._last[family] = direction
        return before * direction < 0

    def translate(self, sequence: int, event: Mapping[str, Any]) -> dict[str, Any]:
        """Count an event, and return its dictionary. Numbers that JSON cannot hold become null."""
        ticker, kind, direction = event["ticker"], event["kind"], event["direction"]
        reversal = self.count(ticker, kind, direction)
        directions = self._directions[ticker, self._family(kind)]
        return {
            "ticker": ticker,
            "type": kind,
            "price": or_null(event["price"]),
            "time": event["timestamp"] / 1e9,
            "event_id": str(event["event_id"]),
            "direction": DIRECTIONS.get(direction),
            "reversal": reversal,
            "count": self._kinds[ticker, kind],
            "count_up": directions[1],
            "count_down": directions[-1],
            "percent_change": or_null(event["percent_change"]),
            "vwap": None,
            "vwap_divergence": None,
            "volume": or_null(event["volume"]),
            "rel_volume": or_null(event["rel_volume"]),
            "label": self._label(kind, direction),
            "event_specific_data": {
                "sequence": sequence,
                **{name: or_null(event[name]) for name in self._specific(kind)},
            },
        }

    def _specific(self, kind: str) -> tuple[str, ...]:
        declared = self._declared.get(kind)
        return (*SPECIFIC, *(column.name for column in declared.columns)) if declared is not None else SPECIFIC

    def _family(self, kind: str) -> str:
        declared = self._declared.get(kind)
        return kind if declared is None or declared.family is None else declared.family

    def _label(self, kind: str, direction: int) -> str:
        declared = self._declared.get(kind)
        if declared is not None and direction in declared.labels:
            return declared.labels[direction]
        return f"{kind} {DIRECTIONS.get(direction, '')}".strip()


def or_null(value: Any) -> Any:
    """Return the value, or None for an infinite number or NaN, which JSON cannot hold."""
    return None if isinstance(value, float) and not math.isfinite(value) else value

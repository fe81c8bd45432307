"""Which events a reader wants."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Filter:
    """What an event must be to pass; None lets everything pass, an empty set nothing."""

    kinds: frozenset[str] | None = None
    tickers: frozenset[str] | None = None
    sources: frozenset[str] | None = None
    max_priority: int | None = None
    """Inclusive; 1 is delivered first, so 2 lets the priorities 1 and 2 pass."""

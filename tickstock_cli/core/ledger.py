"""The ledger: counts of rows and events by outcome.

Names are flat and dotted, as in ``tick.rejected.price`` or ``coordinator.emitted``. Two identities hold at
the end of every run::

    <type>.read    = <type>.processed + Σ <type>.rejected.* + <type>.dropped_on_stop    for tick, ohlcv and fmv
    Σ *.detected.* = coordinator.emitted + .superseded + .redundant + .pending

``coordinator.pending`` counts events whose window was still open when a run was interrupted. ``dropped_on_stop`` counts
rows that a running system had queued when it was stopped, and did not process before the end of the drain time. A run
that reaches the end of its input has neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tickstock_cli.errors import LedgerError

RECORD_TYPES = ("tick", "ohlcv", "fmv")
EVENT_ENDS = ("emitted", "superseded", "redundant", "pending")


class Ledger:
    """Counters by name; an unknown name is zero."""

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        self._counts: dict[str, int] = {}
        self.merge(counts or {})

    def add(self, name: str, count: int) -> None:
        """Add ``count`` rows or events to ``name``; zero adds no entry."""
        if count:
            self._counts[name] = self._counts.get(name, 0) + int(count)

    def merge(self, counts: Mapping[str, int]) -> None:
        """Add the counts of another ledger."""
        for name, count in counts.items():
            self.add(name, count)

    def set(self, name: str, count: int) -> None:
        """Replace a counter, for values that are a level and not a sum."""
        self._counts.pop(name, None)
        self.add(name, count)

    def __getitem__(self, name: str) -> int:
        return self._counts.get(name, 0)

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def total(self, prefix: str) -> int:
        """Sum the counters whose name begins with ``prefix``."""
        return sum(count for name, count in self._counts.items() if name.startswith(prefix))

    def as_dict(self) -> dict[str, int]:
        """Return the counters, sorted by name, without zeros."""
        return dict(sorted(self._counts.items()))

    def check(self) -> None:
        """Raise LedgerError unless both identities hold."""
        for record in RECORD_TYPES:
            read = self[f"{record}.read"]
            processed = self[f"{record}.processed"]
            rejected = self.total(f"{record}.rejected.")
            dropped = self[f"{record}.dropped_on_stop"]
            if read != processed + rejected + dropped:
                raise LedgerError(
                    f"ledger does not balance: {record}.read {read} is not processed {processed} + rejected {rejected}"
                    + (f" + dropped on stop {dropped}" if dropped else "")
                )
        detected = sum(self.total(f"{record}.detected.") for record in RECORD_TYPES)
        ends = {end: self[f"coordinator.{end}"] for end in EVENT_ENDS}
        if detected != sum(ends.values()):
            parts = " + ".join(f"{end} {count}" for end, count in ends.items())
            raise LedgerError(f"ledger does not balance: detected {detected} is not {parts}")

"""What a load holds, counted while it is made: what a system that got it must have read, and must have rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tickstock_cli.loadtest.scenario import RECORDS


class PlantedCounts:
    """Counts of the slots added so far.

    Their names are dotted, as the ledger's: ``tick.asked`` (rows of the schedule), ``tick.dropped`` (of them, never
    sent), ``tick.duplicated`` (sent again, besides), ``tick.sent`` (in all: asked - dropped + duplicated),
    ``tick.reordered``, ``tick.skewed`` and ``tick.held`` (rows that were sent late, with a wrong time, after a
    silence), and ``tick.rejected.late``, ``.duplicate`` and ``.future``: what the rules reject of it, exactly.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, counts: Mapping[str, int]) -> None:
        """Add the counts of a slot."""
        self._counts.update(counts)

    def as_dict(self) -> dict[str, int]:
        """Return all counts that are not 0, by name, sorted."""
        return {name: count for name, count in sorted(self._counts.items()) if count}

    def count(self, name: str) -> int:
        """Return the count of that name."""
        return self._counts[name]

    def sent(self) -> dict[str, int]:
        """Return the rows sent, by type."""
        return {record: self._counts[f"{record}.sent"] for record in RECORDS}

    def duplicated(self) -> dict[str, int]:
        """Return the rows sent a second time, by type: every one of them must be rejected."""
        return {record: self._counts[f"{record}.duplicated"] for record in RECORDS}

    def rejected(self) -> dict[str, int]:
        """Return what the ledger must say of rejected rows: ``tick.rejected.late`` and so on."""
        return {name: count for name, count in self.as_dict().items() if ".rejected." in name}

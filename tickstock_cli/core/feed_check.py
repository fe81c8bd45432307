"""What a short look at a live feed finds: who lets us in, what is granted, how far behind it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FeedCheck:
    """One connection of a feed, looked at for a moment.

    Parameters
    ----------
    url
        Where it was opened.
    channels
        Acknowledged and wanted items, by channel.
    missing
        Items that were not acknowledged.
    refusals
        What the vendor said about refused items, in its words.
    rows
        Rows that came meanwhile.
    lag_ms
        From the time of the latest row to when it was received; None without rows.
    clock_offset_ms
        The machine's date minus that of the vendor's answer, to about a second; None if it has none.
    problem
        Why it cannot be used; None: it can.
    """

    url: str
    authenticated: bool
    channels: Mapping[str, tuple[int, int]]
    missing: tuple[str, ...]
    refusals: tuple[str, ...]
    rows: int
    lag_ms: float | None
    clock_offset_ms: float | None
    problem: str | None = None

    @property
    def acknowledged(self) -> int:
        """The number of acknowledged items."""
        return sum(acknowledged for acknowledged, _ in self.channels.values())

    @property
    def wanted(self) -> int:
        """The number of wanted items."""
        return sum(wanted for _, wanted in self.channels.values())

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "url": self.url,
            "authenticated": self.authenticated,
            "wanted": self.wanted,
            "acknowledged": self.acknowledged,
            "channels": {
                name: {"acknowledged": acknowledged, "wanted": wanted}
                for name, (acknowledged, wanted) in self.channels.items()
            },
            "missing": list(self.missing),
            "refusals": list(self.refusals),
            "rows": self.rows,
            "lag_ms": self.lag_ms,
            "clock_offset_ms": self.clock_offset_ms,
            "problem": self.problem,
        }

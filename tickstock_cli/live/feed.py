"""What a live run asks of a vendor's feed, besides rows: a source that stamps, listens and counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from tickstock_cli.core.feed import FeedListener, FeedRelay
from tickstock_cli.core.metrics import SourceHealth
from tickstock_cli.core.stages import LiveSource
from tickstock_cli.core.stamps import Stamps
from tickstock_cli.errors import TickstockError


class VendorFeed(LiveSource, Protocol):
    """A live source of a vendor."""

    stamps: Stamps
    """The clock that stamps its frames; set another one before reading begins, to go on behind an earlier run."""

    @property
    def failure(self) -> TickstockError | None:
        """Why the feed ended for good; None if it goes on, or was ended."""

    @property
    def clock_offset_ns(self) -> int | None:
        """The machine's date minus the vendor's, to about a second; None before a connection, or if it is unknown."""

    def listen(self, listener: FeedListener) -> None:
        """Pass what is received to ``listener``, too; call it before reading begins."""

    def relay(self, host: str, port: int, key: str | None, report: Callable[[str | None], None]) -> FeedRelay:
        """Return a relay of this feed for local clients."""

    def wire_ledger(self) -> Mapping[str, int]:
        """Return the counts of what came, by the names of the ledger: ``wire.frames`` and so on."""

    def health(self) -> SourceHealth:
        """Return the state of the connection; from any thread."""

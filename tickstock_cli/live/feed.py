"""What a live run asks of a vendor's feed, besides rows: a source that stamps, listens and counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tickstock_cli.core.feed import FeedListener
from tickstock_cli.core.metrics import SourceHealth
from tickstock_cli.core.stages import LiveSource
from tickstock_cli.core.stamps import Stamps
from tickstock_cli.errors import TickstockError


class Feed(LiveSource, Protocol):
    """A live source of a vendor."""

    @property
    def stamps(self) -> Stamps:
        """The clock that stamps its frames."""

    @property
    def failure(self) -> TickstockError | None:
        """Why the feed ended for good; None if it goes on, or was ended."""

    def listen(self, listener: FeedListener) -> None:
        """Tell ``listener`` what is received, before reading begins."""

    def wire_ledger(self) -> Mapping[str, int]:
        """Return the counts of what came, by the names of the ledger: ``wire.frames`` and so on."""

    def health(self) -> SourceHealth:
        """Return the state of the connection; from any thread."""

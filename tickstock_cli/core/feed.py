"""What a live feed tells besides its rows: rows as they came, gaps, messages that cannot be read, notices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from tickstock_cli.core.metrics import RelayHealth

WIRE_ERROR_CHARACTERS = 1_000
"""Limit of the text of a wire error."""


@dataclass(frozen=True, slots=True)
class Gap:
    """An interruption of a feed: rows of this time were not received.

    Parameters
    ----------
    begin
        ``received_at`` of the last row before it, ns UTC; the start of the feed if there was none.
    end
        ``received_at`` of the first row after it, ns UTC; None while it lasts.
    channels
        The channels that were interrupted, as the vendor names them.
    reason
        What ended the connection, in words.
    """

    begin: int
    end: int | None
    channels: tuple[str, ...]
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"begin": self.begin, "end": self.end, "channels": list(self.channels), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class WireError:
    """A message of a feed that is no row.

    Parameters
    ----------
    received_at
        ns UTC.
    counter
        Name in the ledger: ``wire.bad_frame`` or ``wire.bad_event``.
    reason
        What is wrong with it, in words.
    text
        Its text, cut at ``WIRE_ERROR_CHARACTERS``.
    """

    received_at: int
    counter: str
    reason: str
    text: str


class FeedListener:
    """Is told what a live feed receives; every method does nothing. Derive from it.

    Rows and wire errors come from the reader's thread, before the rows enter the arrival queue. Gaps and notices can
    come from another thread. An error that a method raises ends the feed.
    """

    def rows(self, batches: Sequence[pa.RecordBatch]) -> None:
        """Take rows that came together: one batch per record type, in the order of their stamps."""

    def gap(self, gap: Gap) -> None:
        """Take a gap: when it begins, with ``end`` None, and again when it has ended."""

    def wire_error(self, error: WireError) -> None:
        """Take a message that is no row."""

    def notice(self, text: str) -> None:
        """Take a line for the user."""


class FeedRelay(FeedListener):
    """Serves the rows of a feed to local clients, in its vendor's format. A context: within it, the relay listens."""

    @property
    def url(self) -> str:
        """The address for clients on this machine."""
        raise NotImplementedError

    def health(self) -> RelayHealth:
        """Return clients, rows, what waits, and what was dropped, as of now; from any thread."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        """Listen. Raises ServingError if the address is taken or none of this machine."""
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        raise NotImplementedError


class FeedListeners(FeedListener):
    """Tells several listeners, in the order in which they were added."""

    def __init__(self) -> None:
        self._listeners: list[FeedListener] = []

    def add(self, listener: FeedListener) -> None:
        """Add a listener."""
        self._listeners.append(listener)

    def rows(self, batches: Sequence[pa.RecordBatch]) -> None:
        for listener in self._listeners:
            listener.rows(batches)

    def gap(self, gap: Gap) -> None:
        for listener in self._listeners:
            listener.gap(gap)

    def wire_error(self, error: WireError) -> None:
        for listener in self._listeners:
            listener.wire_error(error)

    def notice(self, text: str) -> None:
        for listener in self._listeners:
            listener.notice(text)

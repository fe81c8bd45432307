"""The protocol of all transports.

A transport is a connection between two processes of one machine, and a format for rows. The generator listens, the
system connects. Frames are numbered without gaps. On every connection, and as frames arrive, the system sends the
number of the next frame it expects, so that a broken connection loses and repeats no frame (`sender`, `receiver`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from tickstock_cli.errors import TickstockError

Data = bytes | memoryview
"""An encoded message."""


class BrokenLinkError(TickstockError):
    """The connection is broken, or a message is invalid."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The generator's first message on every connection.

    Parameters
    ----------
    tickers
        All tickers of the workload.
    schemas
        Schemas by record type, with our column names; ``ticker`` is a dictionary over ``tickers``.
    """

    tickers: tuple[str, ...]
    schemas: Mapping[str, pa.Schema]


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows that become available together; a frame without rows only advances market time.

    Parameters
    ----------
    number
        Counts frames from 0, without gaps.
    until
        Market time (int64 ns UTC); no row of a later frame is available before it.
    parts
        Rows by record type; types without rows are absent.
    """

    number: int
    until: int
    parts: Mapping[str, pa.RecordBatch]

    def counts(self) -> dict[str, int]:
        """Return the number of rows by record type."""
        return {record: rows.num_rows for record, rows in self.parts.items()}


@dataclass(frozen=True, slots=True)
class Closing:
    """The last message: no frame follows."""


class Link(Protocol):
    """One connection for messages in both directions. One thread sends, one receives."""

    def send(self, messages: Sequence[Data]) -> None:
        """Send messages; block while the other side accepts none.

        Raises
        ------
        BrokenLinkError
            The connection is broken.
        """

    def receive(self, seconds: float | None) -> Data | None:
        """Return the next message; None if none arrives within ``seconds`` (None: no limit).

        Raises
        ------
        BrokenLinkError
            The connection is broken, between messages or within one.
        """

    def cut(self) -> None:
        """Break the connection without a closing message. Any thread may call it."""


class TransportListener(Protocol):
    """Accepts connections of the system."""

    @property
    def address(self) -> str:
        """Address for ``Transport.connect``."""

    def accept(self, seconds: float) -> Link | None:
        """Return the next connection; None if none arrives within ``seconds``."""

    def close(self) -> None:
        """Accept no more connections. Idempotent."""


class Transport(Protocol):
    """A transport, built without arguments. Reading is stateful: an opening applies to the frames after it."""

    def listen(self, folder: Path) -> TransportListener:
        """Return a listener on this machine; ``folder`` holds its files."""

    def connect(self, address: str) -> Link:
        """Connect to a listener.

        Raises
        ------
        BrokenLinkError
            Nothing listens at the address.
        """

    def write(self, message: Opening | Frame | Closing) -> Data:
        """Return a message, encoded."""

    def read(self, message: Data) -> Opening | Frame | Closing:
        """Return the message that ``write`` encoded.

        Raises
        ------
        BrokenLinkError
            The data is no message, or a frame before any opening.
        """

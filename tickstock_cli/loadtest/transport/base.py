"""What every transport promises.

A transport is a link between two processes of one machine, and a form for rows on it. The generator listens, the system
connects. Frames are numbered without holes; the system asks for the number that it wants next whenever it connects, and
tells it again as frames arrive, so that a break loses nothing and repeats nothing (`sender`, `receiver`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from tickstock_cli.errors import TickstockError

Data = bytes | memoryview
"""A message on the wire."""


class BrokenLinkError(TickstockError):
    """The other side is gone, or what it sent is no whole message."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What the generator says first on every connection.

    Parameters
    ----------
    tickers
        Every ticker that may come.
    schemas
        Columns by record type: our names, ``ticker`` as a dictionary over ``tickers``.
    """

    tickers: tuple[str, ...]
    schemas: Mapping[str, pa.Schema]


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows that became available at one moment, or none: then market time passed.

    Parameters
    ----------
    number
        Counts frames from 0, without holes.
    until
        Market time (int64 ns UTC): no row of a later frame is available before it.
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
    """No frame follows."""


class Link(Protocol):
    """One connection, for whole messages in both directions. One thread sends, one receives."""

    def send(self, messages: Sequence[Data]) -> None:
        """Send messages; waits while the other side takes none.

        Raises
        ------
        BrokenLinkError
            The other side is gone.
        """

    def receive(self, seconds: float | None) -> Data | None:
        """Return the next message; None if none came within ``seconds`` (None: wait for ever).

        Raises
        ------
        BrokenLinkError
            The other side is gone, perhaps in the middle of a message.
        """

    def cut(self) -> None:
        """Break the connection without a word, as a network does; both sides find it broken. From any thread."""


class TransportListener(Protocol):
    """Where the other side connects."""

    @property
    def address(self) -> str:
        """What to connect to."""

    def accept(self, seconds: float) -> Link | None:
        """Return the next connection; None if there was none within ``seconds``."""

    def close(self) -> None:
        """Take no more connections. Idempotent."""


class Transport(Protocol):
    """Built without arguments. Reading is stateful: what an opening said holds for the frames behind it."""

    def listen(self, folder: Path) -> TransportListener:
        """Listen somewhere on this machine; files that it takes go into ``folder``."""

    def connect(self, address: str) -> Link:
        """Connect to a listener.

        Raises
        ------
        BrokenLinkError
            Nobody listens there.
        """

    def write(self, message: Opening | Frame | Closing) -> Data:
        """Return a message as bytes."""

    def read(self, message: Data) -> Opening | Frame | Closing:
        """Return what ``write`` wrote.

        Raises
        ------
        BrokenLinkError
            It is nothing that ``write`` gives, or a frame before any opening.
        """

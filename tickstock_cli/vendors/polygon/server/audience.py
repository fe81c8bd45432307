"""Clients with the same subscriptions share a selection of each release, and its frames."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

import numpy as np

from tickstock_cli.vendors.polygon.server.chunks import EncodedChunk, ItemTable
from tickstock_cli.vendors.polygon.server.commands import everything_of
from tickstock_cli.vendors.polygon.server.connection import text_frame
from tickstock_cli.vendors.polygon.server.send_buffer import Frame


def frames_of(events: Sequence[bytes], per_frame: int) -> list[Frame]:
    """Return events in frames of at most ``per_frame``: each an array of JSON, even of one event."""
    parts = (events[start : start + per_frame] for start in range(0, len(events), per_frame))
    return [(text_frame(b"[" + b",".join(part) + b"]"), len(part)) for part in parts]


class WantedEvents:
    """The events of a release that an audience wants, in order; framed once, when the first client needs it."""

    def __init__(self, events: Sequence[bytes], per_frame: int) -> None:
        self.events = events
        self._per_frame = per_frame
        self._frames: list[Frame] | None = None

    @property
    def frames(self) -> list[Frame]:
        """All events in frames."""
        if self._frames is None:
            self._frames = frames_of(self.events, self._per_frame)
        return self._frames


class Audience:
    """What clients with equal subscriptions want. An event is wanted once, however many items cover it.

    Parameters
    ----------
    items
        The subscriptions, such as ``T.AAPL`` and ``AM.*``.
    table
        Items of the events that have been encoded so far.
    """

    def __init__(self, items: frozenset[str], table: ItemTable) -> None:
        self._items = items
        self._table = table
        self._wanted = np.zeros(0, dtype=np.bool_)

    def select(self, chunk: EncodedChunk, per_frame: int) -> WantedEvents:
        """Return the events of a release that are wanted."""
        if len(self._wanted) < len(self._table):
            self._wanted = np.concatenate([self._wanted, self._of_new_items()])
        wanted = self._wanted[chunk.items]
        if wanted.all():
            return WantedEvents(chunk.events, per_frame)
        return WantedEvents(list(compress(chunk.events, wanted.tolist())), per_frame)

    def _of_new_items(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        new = self._table.names[len(self._wanted) :]
        return np.array([item in self._items or everything_of(item) in self._items for item in new], dtype=np.bool_)

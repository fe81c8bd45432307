"""Clients with the same subscriptions share a selection of each release, and its frames."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress, pairwise

import numpy as np

from tickstock_cli.vendors.polygon.server.chunks import EncodedChunk, ItemTable
from tickstock_cli.vendors.polygon.server.commands import everything_of
from tickstock_cli.vendors.polygon.server.connection import text_frame
from tickstock_cli.vendors.polygon.server.send_buffer import Frame

_PREFIX_PLACE = len('{"ev":"')
_RANKS = bytes({ord("A"): 1, ord("F"): 2}.get(letter, 0) for letter in range(256))
"""Place in the merge order of rows, by the first letter of an event's prefix: trades, bars, fair market values."""


def frames_of(events: Sequence[bytes], per_frame: int) -> list[Frame]:
    """Return events in frames of at most ``per_frame``: each an array of JSON, even of one event.

    Within a frame, events are in the merge order of rows with the same available time, so that a client whose rows have
    the time of their frame merges them in the order in which they were played. Elsewhere another frame begins.
    """
    bounds = [0]
    for stop in [*_descents(events), len(events)]:
        bounds += range(bounds[-1] + per_frame, stop, per_frame)
        bounds.append(stop)
    parts = [events[start:stop] for start, stop in pairwise(bounds)] if events else []
    return [frame_of(part) for part in parts]


def frame_of(events: Sequence[bytes]) -> Frame:
    """Return events as one frame."""
    return text_frame(b"[" + b",".join(events) + b"]"), len(events)


def _descents(events: Sequence[bytes]) -> list[int]:
    """Return the places of events that stand before the one ahead of them in the merge order."""
    letters = bytes([event[_PREFIX_PLACE] for event in events])
    ranks = np.frombuffer(letters.translate(_RANKS), dtype=np.uint8)
    return (np.flatnonzero(ranks[1:] < ranks[:-1]) + 1).tolist()


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

"""The latest events as transport dictionaries, translated once for all users of the older system."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice
from typing import Any

from tickstock_cli.errors import ExpiredError
from tickstock_cli.serving.ports import EventLog
from tickstock_cli.serving.tide import Tide
from tickstock_cli.serving.transport import Transporter

RING_EVENTS = 10_000
"""Kept; 2 kB each. A reader further behind than this has missed events."""
READ_EVENTS = 2_048


class OvertakenError(Exception):
    """A reader is so far behind that the events it needs are no longer kept."""


class Retelling:
    """Follows a log in one event loop. What was in it before is counted and not kept: old clients begin at now."""

    def __init__(self, log: EventLog, tide: Tide) -> None:
        self._log = log
        self._tide = tide
        self._transporter = Transporter()
        self._ring: deque[dict[str, Any]] = deque(maxlen=RING_EVENTS)
        self.next = log.next_sequence
        """The sequence number behind the last event translated; before any was, the first that will be."""
        self._begin = self.next

    def since(self, sequence: int, limit: int) -> list[dict[str, Any]]:
        """Give at most ``limit`` events from ``sequence`` on.

        Raises
        ------
        OvertakenError
            They are no longer kept.
        """
        place = len(self._ring) - (self.next - sequence)
        if place < 0:
            raise OvertakenError
        return list(islice(self._ring, place, place + limit))

    async def follow(self) -> None:
        """Translate what the log has and gets, until cancelled."""
        wake = asyncio.Event()
        self._tide.add(wake)
        place = self._log.first_sequence
        try:
            while True:
                wake.clear()
                while place < self._log.next_sequence:
                    place = await self._take(place)
                await wake.wait()
        finally:
            self._tide.remove(wake)

    async def _take(self, place: int) -> int:
        """Take the next events, those before the beginning apart from those after it; gives what follows them."""
        end = self._begin if place < self._begin else self._log.next_sequence
        try:
            part = await asyncio.to_thread(self._log.read, place, min(READ_EVENTS, end - place))
        except ExpiredError as expired:
            return expired.first_sequence
        if place < self._begin:
            columns = part.events.select(["ticker", "kind", "direction"])
            for row in columns.to_pylist():
                self._transporter.note(row["ticker"], row["kind"], row["direction"])
            return place + part.events.num_rows
        for sequence, event in enumerate(part.events.to_pylist(), place):
            self._ring.append(self._transporter.translate(sequence, event))
        self.next = place + part.events.num_rows
        self._tide.rise()
        return self.next

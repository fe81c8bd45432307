"""Events as JSON, encoded once for all clients, in a bounded cache of pages.

A page holds ``PAGE_EVENTS`` events and begins at a multiple of that number, so clients at different places share pages.
The newest page grows: only its new events are read and encoded.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from typing import Any, NamedTuple

import pyarrow as pa

from tickstock_cli.serving.payload import or_null
from tickstock_cli.serving.ports import EventLogPort

PAGE_EVENTS = 256
CACHED_PAGES = 64
"""Measured on events of all kinds: 0.45 kB of JSON and 0.3 kB of Python around it each; 64 pages take 12 MB."""

TEXT_COLUMNS = ("event_id",)
"""Integers above 2**53 that must stay exact in a client whose numbers are doubles. Times may lose 256 ns."""

_encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


class Row(NamedTuple):
    """One event: the columns that filters use, and its JSON object."""

    kind: str
    ticker: str
    source: str
    priority: int
    text: str


class EventPage:
    """Consecutive rows from sequence number ``first`` to ``last`` at most."""

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        self.last = last
        self.rows: list[Row] = []

    @property
    def next(self) -> int:
        """The sequence number behind the last row."""
        return self.first + len(self.rows)


def encode(first: int, events: pa.RecordBatch) -> list[Row]:
    """Return events as rows; ``first`` is the sequence number of the first event.

    A number that JSON cannot hold (infinite, NaN) becomes null. Each event is encoded by itself in plain Python: events
    come a few at a time, and the fixed cost of a data frame equals that of fifty events.
    """
    return [_row(number, event) for number, event in enumerate(events.to_pylist(), first)]


def _row(number: int, event: dict[str, Any]) -> Row:
    kind, ticker, source, priority = event["kind"], event["ticker"], event["source"], event["priority"]
    document = {"sequence": number, **event}
    for name in TEXT_COLUMNS:
        document[name] = str(document[name])
    try:
        text = _encoder.encode(document)
    except ValueError:  # a number is infinite or NaN
        text = _encoder.encode({name: or_null(value) for name, value in document.items()})
    return Row(kind, ticker, source, priority, text)


class EncodedLog:
    """The log as pages of JSON. All methods run in one event loop; the log is read in threads.

    Parameters
    ----------
    log
        The log to read.
    cached_pages
        Most pages kept; the least recently used one is dropped first.
    """

    def __init__(self, log: EventLogPort, cached_pages: int = CACHED_PAGES) -> None:
        self.log = log
        self._cached_pages = cached_pages
        self._pages: OrderedDict[int, EventPage] = OrderedDict()
        self._read_over = asyncio.Event()
        self._read_over.set()

    async def page(self, sequence: int) -> EventPage:
        """Return the page that holds ``sequence``, as it was when it was last read.

        The page holds the row ``sequence``, if the log has it, and may lack earlier ones.

        Raises
        ------
        ExpiredError
            The log no longer keeps ``sequence``.
        """
        number = (sequence - 1) // PAGE_EVENTS
        lacks = self._lacks(number, sequence)
        while lacks:
            if self._read_over.is_set():
                await self._read(number, sequence)
                break
            # One task reads at a time. An event instead of a lock: hundreds of clients continue at once, not in turn.
            # A page that has grown again meanwhile is good enough: the clients ask again.
            await self._read_over.wait()
            lacks = not self._holds(number, sequence)
        self._pages.move_to_end(number)
        return self._pages[number]

    def _lacks(self, number: int, sequence: int) -> bool:
        """Return whether the page is missing, begins behind ``sequence``, or lacks events that the log has."""
        page = self._pages.get(number)
        return page is None or sequence < page.first or page.next < min(page.last + 1, self.log.next_sequence)

    def _holds(self, number: int, sequence: int) -> bool:
        page = self._pages.get(number)
        return page is not None and page.first <= sequence < page.next

    async def _read(self, number: int, sequence: int) -> None:
        self._read_over.clear()
        try:
            await self._read_on(number, sequence)
        finally:
            self._read_over.set()

    async def _read_on(self, number: int, sequence: int) -> None:
        page = self._pages.get(number)
        if page is None or sequence < page.first:
            # Not from the first event of the page: retention may have deleted it.
            page = EventPage(sequence, (number + 1) * PAGE_EVENTS)
        rows = await asyncio.to_thread(self._encode, page.next, page.last)
        page.rows.extend(rows)
        self._pages[number] = page
        if len(self._pages) > self._cached_pages:
            self._pages.popitem(last=False)

    def _encode(self, first: int, last: int) -> list[Row]:
        rows: list[Row] = []
        end = min(last + 1, self.log.next_sequence)
        while (following := first + len(rows)) < end:
            part = self.log.read(following, end - following)
            rows.extend(encode(part.first, part.events))
        return rows

"""Events as JSON, encoded once for all clients: pages of the log, as many as fit into a bounded cache.

A page holds ``PAGE_EVENTS`` events from a multiple of it on, so that clients that read at different places still
share pages. The newest page grows: only what is new is read and encoded.
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
"""Integers above 2**53 that must stay what they are in a client whose numbers are doubles. Times may lose 256 ns."""


_encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


class Row(NamedTuple):
    """One event: what filters look at, and its JSON object."""

    kind: str
    ticker: str
    source: str
    priority: int
    text: str


class EventPage:
    """Rows that follow one another, from sequence number ``first`` on, none of them behind ``last``."""

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        self.last = last
        self.rows: list[Row] = []

    @property
    def next(self) -> int:
        """The sequence number behind the last row."""
        return self.first + len(self.rows)


def encode(first: int, events: pa.RecordBatch) -> list[Row]:
    """Return events, the first of which has sequence number ``first``, as rows.

    A number that JSON cannot hold (infinite) becomes null. One event after the other, in plain Python: they come a few
    at a time, and a data frame costs as much as fifty of them before it has seen the first, in threads that have to
    wait for a processor.
    """
    return [_row(number, event) for number, event in enumerate(events.to_pylist(), first)]


def _row(number: int, event: dict[str, Any]) -> Row:
    kind, ticker, source, priority = event["kind"], event["ticker"], event["source"], event["priority"]
    told = {"sequence": number, **event}
    for name in TEXT_COLUMNS:
        told[name] = str(told[name])
    try:
        text = _encoder.encode(told)
    except ValueError:  # of a number that is none
        text = _encoder.encode({name: or_null(value) for name, value in told.items()})
    return Row(kind, ticker, source, priority, text)


class EncodedLog:
    """The log as pages of JSON. All methods run in one event loop; the log is read in threads.

    Parameters
    ----------
    log
        Where the events are.
    cached_pages
        Pages kept; the page that was not asked for the longest goes first.
    """

    def __init__(self, log: EventLogPort, cached_pages: int = CACHED_PAGES) -> None:
        self.log = log
        self._cached_pages = cached_pages
        self._pages: OrderedDict[int, EventPage] = OrderedDict()
        self._read_over = asyncio.Event()
        self._read_over.set()

    async def page(self, sequence: int) -> EventPage:
        """Return the page in which ``sequence`` lies, with all there was of it when it was last read.

        Only the row ``sequence``, if the log has it, and those behind it are sure to be there.

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
            # One reader at a time, and all who wait for it go on at once: not by a lock, which hundreds of clients
            # would take in turn. What it has read will do, even if there is more by now: they will come again.
            await self._read_over.wait()
            lacks = not self._holds(number, sequence)
        self._pages.move_to_end(number)
        return self._pages[number]

    def _lacks(self, number: int, sequence: int) -> bool:
        """Return whether the page is not there, begins behind ``sequence``, or ends before the log does."""
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
            # Not from the page's own beginning: retention may have taken it, and nobody has asked for it yet.
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

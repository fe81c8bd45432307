"""Events as JSON, encoded once for all clients, in a bounded cache of blocks.

A block holds ``BLOCK_EVENTS`` events and begins at a multiple of that number, so clients at different places share it.
The newest block grows: only its new events are read and encoded.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from typing import Any, NamedTuple

import pyarrow as pa

from tickstock_cli.errors import DamagedError
from tickstock_cli.serving.payload import or_null
from tickstock_cli.serving.ports import EventLogPort

BLOCK_EVENTS = 256
CACHED_BLOCKS = 64
"""Measured on events of all kinds: 0.45 kB of JSON and 0.3 kB of Python around it each; 64 blocks take 12 MB."""

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


class EncodedBlock:
    """Consecutive rows from sequence number ``first`` to ``last`` at most; damage of the log ends a block earlier."""

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
    """The log as blocks of JSON. All methods run in one event loop; the log is read in threads.

    Parameters
    ----------
    log
        The log to read.
    cached_blocks
        Most blocks kept; the least recently used one is dropped first.
    """

    def __init__(self, log: EventLogPort, cached_blocks: int = CACHED_BLOCKS) -> None:
        self.log = log
        self._cached_blocks = cached_blocks
        self._blocks: OrderedDict[int, EncodedBlock] = OrderedDict()
        self._read_over = asyncio.Event()
        self._read_over.set()

    async def block(self, sequence: int) -> EncodedBlock:
        """Return the block that holds ``sequence``, as it was when it was last read.

        The block holds the row ``sequence``, if the log has it, and may lack earlier ones.

        Raises
        ------
        ExpiredError
            The log no longer keeps ``sequence``.
        DamagedError
            The file that holds ``sequence`` cannot be read; events before and behind it can.
        """
        number = (sequence - 1) // BLOCK_EVENTS
        lacks = self._lacks(number, sequence)
        while lacks:
            if self._read_over.is_set():
                await self._read(number, sequence)
                break
            # One task reads at a time. An event instead of a lock: hundreds of clients continue at once, not in turn.
            # A block that has grown again meanwhile is good enough: the clients ask again.
            await self._read_over.wait()
            lacks = not self._holds(number, sequence)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _lacks(self, number: int, sequence: int) -> bool:
        """Return whether the block is missing, does not reach ``sequence``, or lacks events that the log has."""
        block = self._blocks.get(number)
        if block is None or not block.first <= sequence <= block.last:
            return True
        return block.next < min(block.last + 1, self.log.next_sequence)

    def _holds(self, number: int, sequence: int) -> bool:
        block = self._blocks.get(number)
        return block is not None and block.first <= sequence < block.next

    async def _read(self, number: int, sequence: int) -> None:
        self._read_over.clear()
        try:
            await self._read_on(number, sequence)
        finally:
            self._read_over.set()

    async def _read_on(self, number: int, sequence: int) -> None:
        block = self._blocks.get(number)
        if block is None or not block.first <= sequence <= block.last:
            # Not from the first event of the block: retention may have deleted it, or it cannot be read.
            block = EncodedBlock(sequence, (number + 1) * BLOCK_EVENTS)
        end = min(block.last + 1, self.log.next_sequence)
        try:
            block.rows.extend(await asyncio.to_thread(self._encode, block.next, end))
        except DamagedError:
            if sequence >= block.next:
                raise
        if block.next < end:
            block.last = block.next - 1
        self._blocks[number] = block
        if len(self._blocks) > self._cached_blocks:
            self._blocks.popitem(last=False)

    def _encode(self, first: int, end: int) -> list[Row]:
        """Return the events before ``end`` as rows, or those before the first one that cannot be read."""
        rows: list[Row] = []
        while (following := first + len(rows)) < end:
            try:
                part = self.log.read(following, end - following)
            except DamagedError:
                if rows:
                    break
                raise
            rows.extend(encode(part.first, part.events))
        return rows

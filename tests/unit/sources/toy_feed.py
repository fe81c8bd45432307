"""A small live source, as a vendor's would be: one file and one registry line. JSON lines over TCP.

The client sends ``{"key": …, "symbols": […]}``. The server answers ``{"status": "auth_success"}`` and one
``{"ack": SYMBOL}`` a symbol, then sends trades without any time of their own: ``{"ticker", "price", "size"}``.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
from pydantic import Field

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.metrics import SourceHealth, SourceState
from tickstock_cli.core.stages import ArrivalOptions
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.errors import DataError
from tickstock_cli.loadtest.transport_source import NoOriginals
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.params import SourceParams
from tickstock_cli.sources.rows import RowIngest


class ToyParams(SourceParams):
    """Where the feed is and what is wanted of it."""

    key: str = Field(default="", description="key of the feed")
    symbols: tuple[str, ...] = Field(default=("IBM",), description="symbols to subscribe to")
    queue_rows: int = Field(default=1_000, ge=1, description="rows that may wait in memory")


class ToyFeed:
    """Trades of one feed; rows are stamped as they come."""

    Params = ToyParams
    repeatable = False
    is_live = True
    rows = whole_span = span = None

    def __init__(self, address: tuple[str, int], options: ReadOptions) -> None:
        self.symbols = SymbolTable()
        self.paths: list[Path] = []
        self.notes: list[str] = []
        self.bounds = (options.start, options.end)
        self._params: ToyParams = options.params
        self._options = options
        self._health = SourceHealth(SourceState.CONNECTING, wanted=len(self._params.symbols), acknowledged=0)
        self._socket = socket.create_connection(address)

    @classmethod
    def open(cls, targets: Sequence[str | Path], options: ReadOptions) -> Self:
        host, _, port = str(targets[0]).rpartition(":")
        return cls((host, int(port)), options)

    @property
    def arrival(self) -> ArrivalOptions:
        return ArrivalOptions(self._params.queue_rows, stamps=True)

    def health(self) -> SourceHealth:
        return self._health

    def batches(self, batch_rows: int, positions: tuple[int, ...] = ()) -> Iterator[MergedBatch]:  # noqa: ARG002
        ingest = RowIngest(self.symbols, 60)
        with self._socket.makefile("rw") as lines:
            lines.write(json.dumps({"key": self._params.key, "symbols": self._params.symbols}) + "\n")
            lines.flush()
            for line in lines:
                message = json.loads(line)
                if "status" in message:
                    self._authenticated(message["status"])
                elif "ack" in message:
                    acknowledged = (self._health.acknowledged or 0) + 1
                    self._health = replace(self._health, acknowledged=acknowledged)
                else:
                    yield ingest.merged(_row(message))

    def _authenticated(self, status: str) -> None:
        if status != "auth_success":
            raise DataError(f"the feed refuses the key: {status}")
        self._health = replace(self._health, state=SourceState.CONNECTED, since_wall=time.time_ns(), authenticated=True)

    def origins(self) -> NoOriginals:
        return NoOriginals()

    def interrupt(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the other end was quicker

    def close(self) -> None:
        self._socket.close()


def _row(trade: dict[str, Any]) -> pa.RecordBatch:
    now = time.time_ns()
    return pa.RecordBatch.from_pylist([{"timestamp": now, **trade}])

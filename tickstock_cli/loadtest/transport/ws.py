"""Rows as JSON over a loopback WebSocket: the generator is the server, like a vendor.

A message is one object with a ``type``. A ``frame`` has its rows by record type, one object a row, with our column
names and times in ns. A fault of kind ``disconnect`` breaks the TCP connection.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import Empty, Queue
from socket import SHUT_RDWR
from threading import Event, Thread
from typing import Any

import pyarrow as pa
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection
from websockets.sync.server import ServerConnection, serve

from tickstock_cli.core.memory_errors import raise_if_short
from tickstock_cli.loadtest.transport.base import BrokenLinkError, Closing, Data, Frame, Opening

LONGEST_MESSAGE = 1 << 28
OPEN_SECONDS = 10.0


class LoopbackWebSocket:
    """A transport of JSON messages over a WebSocket on the loopback interface."""

    def __init__(self) -> None:
        self._tickers: pa.Array[Any] = pa.array([], pa.string())
        self._places: dict[str, int] = {}
        self._schemas: dict[str, pa.Schema] = {}

    def listen(self, folder: Path) -> WebSocketListener:  # noqa: ARG002 - the protocol's
        return WebSocketListener()

    def connect(self, address: str) -> WebSocketLink:
        stack = ExitStack()
        try:
            opened = connect(
                address,
                compression=None,
                max_size=LONGEST_MESSAGE,
                open_timeout=OPEN_SECONDS,
                ping_interval=None,
                proxy=None,
            )
            return WebSocketLink(stack.enter_context(opened), stack)
        except (OSError, WebSocketException) as error:
            raise BrokenLinkError(f"nothing listens on {address}: {error}") from error

    def write(self, message: Opening | Frame | Closing) -> bytes:
        if isinstance(message, Closing):
            return _text({"type": "closing"})
        if isinstance(message, Opening):
            schemas = {record: _words(schema) for record, schema in message.schemas.items()}
            return _text({"type": "opening", "tickers": message.tickers, "schemas": schemas})
        rows = {record: _objects(part) for record, part in message.parts.items()}
        return _text({"type": "frame", "number": message.number, "until": message.until, "rows": rows})

    def read(self, message: Data) -> Opening | Frame | Closing:
        try:
            said = json.loads(bytes(message))
            match said["type"]:
                case "frame":
                    parts = {record: self._rows(record, rows) for record, rows in said["rows"].items()}
                    return Frame(said["number"], said["until"], parts)
                case "opening":
                    return self._opening(said)
                case "closing":
                    return Closing()
        except (KeyError, TypeError, ValueError, AttributeError, pa.ArrowException) as error:
            raise_if_short(error)
            raise BrokenLinkError(f"a message cannot be read: {error!r}") from error
        raise BrokenLinkError(f"a message of unknown type {said['type']}")

    def _opening(self, said: dict[str, Any]) -> Opening:
        self._schemas = {
            record: pa.schema([pa.field(name, _TYPES[word]) for name, word in columns.items()])
            for record, columns in said["schemas"].items()
        }
        self._tickers = pa.array(said["tickers"], pa.string())
        self._places = {ticker: place for place, ticker in enumerate(said["tickers"])}
        return Opening(tuple(said["tickers"]), dict(self._schemas))

    def _rows(self, record: str, rows: list[dict[str, Any]]) -> pa.RecordBatch:
        schema = self._schemas[record]
        columns = [self._column(field, [row[field.name] for row in rows]) for field in schema]
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _column(self, field: pa.Field[Any], values: list[Any]) -> pa.Array[Any]:
        if field.name == "ticker":
            places = pa.array([self._places[ticker] for ticker in values], pa.int32())
            return pa.DictionaryArray.from_arrays(places, self._tickers)
        column: pa.Array[Any] = pa.array(values, field.type)
        return column


class WebSocketListener:
    """Accepts WebSocket connections on a free loopback port."""

    def __init__(self) -> None:
        self._waiting: Queue[WebSocketLink] = Queue()
        self._server = serve(
            self._serve, "127.0.0.1", 0, compression=None, max_size=LONGEST_MESSAGE, ping_interval=None
        )
        host, port = self._server.socket.getsockname()
        self._address = f"ws://{host}:{port}"
        self._thread = Thread(target=self._server.serve_forever, name="tickstock-load-server", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return self._address

    def accept(self, seconds: float) -> WebSocketLink | None:
        try:
            return self._waiting.get(timeout=seconds)
        except Empty:
            return None

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()

    def _serve(self, connection: ServerConnection) -> None:
        # The library closes a connection when its handler returns.
        link = WebSocketLink(connection)
        self._waiting.put(link)
        link.ended.wait()


class WebSocketLink:
    """One WebSocket connection."""

    def __init__(self, connection: Connection, stack: ExitStack | None = None) -> None:
        self._connection = connection
        self._stack = stack or ExitStack()
        self.ended = Event()

    def send(self, messages: Sequence[Data]) -> None:
        try:
            for message in messages:
                self._connection.send(message, text=True)
        except (ConnectionClosed, OSError) as error:
            raise BrokenLinkError("the other side closed the WebSocket") from error

    def receive(self, seconds: float | None) -> bytes | None:
        try:
            return self._connection.recv(seconds, decode=False)
        except TimeoutError:
            return None
        except (ConnectionClosed, OSError) as error:
            raise BrokenLinkError("the other side closed the WebSocket") from error

    def cut(self) -> None:
        with suppress(OSError):
            self._connection.socket.shutdown(SHUT_RDWR)
        self.ended.set()
        self._stack.close()


_TYPES: dict[str, pa.DataType] = {
    "ticker": pa.dictionary(pa.int32(), pa.string()),
    "time": pa.timestamp("ns", "UTC"),
    "int": pa.int64(),
    "float": pa.float64(),
}
"""Types of columns by their names in an opening."""


def _words(schema: pa.Schema) -> dict[str, str]:
    return {field.name: next(word for word, type_ in _TYPES.items() if type_ == field.type) for field in schema}


def _text(said: dict[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":"), allow_nan=False).encode()


def _objects(rows: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return rows as JSON objects, times in ns."""
    columns = [
        (column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
        for column in rows.columns
    ]
    names = rows.schema.names
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

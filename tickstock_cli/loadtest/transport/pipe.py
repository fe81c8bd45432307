"""Columnar rows over a local stream socket: Arrow record batches, each message with its length before it.

A message begins with a header of three little-endian int64: its kind and two numbers. Each part follows with its record
type (index in `RECORDS`), its length, two int64, and an encapsulated Arrow message. All lengths are multiples of 8, so
that columns need no copy. The opening holds all tickers; rows hold indices into them.
"""

from __future__ import annotations

import json
import select
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tickstock_cli.core.memory_errors import raise_if_short
from tickstock_cli.loadtest.scenario import RECORDS
from tickstock_cli.loadtest.transport.base import BrokenLinkError, Closing, Data, Frame, Opening

SOCKET = "rows"
BUFFER_BYTES = 1 << 20
LONGEST_MESSAGE = 1 << 30
LENGTH = struct.Struct("<q")
HEADER = struct.Struct("<qqq")
PART = struct.Struct("<qq")

OPENING, FRAME, CLOSING = range(3)


class Pipe:
    """A transport of Arrow record batches over a local stream socket."""

    def __init__(self) -> None:
        self._tickers: pa.Array[Any] = pa.array([], pa.string())
        self._schemas: dict[str, pa.Schema] = {}

    def listen(self, folder: Path) -> PipeListener:
        return PipeListener(folder / SOCKET)

    def connect(self, address: str) -> PipeLink:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(address)
        except OSError as error:
            connection.close()
            raise BrokenLinkError(f"nothing listens on {address}: {error.strerror}") from error
        return PipeLink(connection)

    def write(self, message: Opening | Frame | Closing) -> bytes:
        if isinstance(message, Opening):
            tickers = json.dumps(message.tickers).encode()
            schemas = [(record, schema.serialize()) for record, schema in message.schemas.items()]
            parts = [PART.pack(RECORDS.index(record), len(data)) + bytes(data) for record, data in schemas]
            return HEADER.pack(OPENING, len(parts), len(tickers)) + b"".join(parts) + tickers
        if isinstance(message, Closing):
            return HEADER.pack(CLOSING, 0, 0)
        chunks: list[bytes | pa.Buffer] = [HEADER.pack(FRAME, message.number, message.until)]
        for record, rows in message.parts.items():
            data = _with_codes(rows).serialize()
            chunks += [PART.pack(RECORDS.index(record), len(data)), data]
        return b"".join(chunks)

    def read(self, message: Data) -> Opening | Frame | Closing:
        try:
            kind, first, second = HEADER.unpack_from(message)
            if kind == FRAME:
                return Frame(first, second, self._parts(message))
            if kind == OPENING:
                return self._opening(message, first)
        except (struct.error, IndexError, KeyError, ValueError, pa.ArrowException, OSError) as error:
            raise_if_short(error)
            raise BrokenLinkError(f"a message cannot be read: {error}") from error
        if kind != CLOSING:
            raise BrokenLinkError(f"a message of unknown kind {kind}")
        return Closing()

    def _opening(self, message: Data, schemas: int) -> Opening:
        place = HEADER.size
        for _ in range(schemas):
            record, length = PART.unpack_from(message, place)
            place += PART.size
            self._schemas[RECORDS[record]] = pa.ipc.read_schema(pa.py_buffer(message).slice(place, length))
            place += length
        tickers = tuple(json.loads(bytes(message[place:])))
        self._tickers = pa.array(tickers, pa.string())
        return Opening(tickers, dict(self._schemas))

    def _parts(self, message: Data) -> dict[str, pa.RecordBatch]:
        buffer, place, parts = pa.py_buffer(message), HEADER.size, {}
        while place < len(message):
            record, length = PART.unpack_from(message, place)
            place += PART.size
            schema = self._schemas[RECORDS[record]]
            plain = pa.schema([field if field.name != "ticker" else pa.field("ticker", pa.int32()) for field in schema])
            rows = pa.ipc.read_record_batch(buffer.slice(place, length), plain)
            tickers = pa.DictionaryArray.from_arrays(rows.column("ticker"), self._tickers)
            columns = [
                column if name != "ticker" else tickers for name, column in zip(plain.names, rows.columns, strict=True)
            ]
            parts[RECORDS[record]] = pa.RecordBatch.from_arrays(columns, schema=schema)
            place += length
        return parts


class PipeListener:
    """Accepts connections on a Unix socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(str(path))
        except OSError as error:
            self._socket.close()
            raise BrokenLinkError(f"cannot listen on {path}: {error}; TMPDIR names another folder") from error
        self._socket.listen(1)

    @property
    def address(self) -> str:
        return str(self._path)

    def accept(self, seconds: float) -> PipeLink | None:
        self._socket.settimeout(seconds)
        try:
            connection, _ = self._socket.accept()
        except TimeoutError:
            return None
        connection.setblocking(True)
        return PipeLink(connection)

    def close(self) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)


class PipeLink:
    """One connection of a local stream socket."""

    def __init__(self, connection: socket.socket) -> None:
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            connection.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        self._socket = connection

    def send(self, messages: Sequence[Data]) -> None:
        chunks = [chunk for message in messages for chunk in (LENGTH.pack(len(message)), message)]
        try:
            self._socket.sendall(b"".join(chunks))
        except OSError as error:
            raise BrokenLinkError(f"the other side closed the pipe: {error.strerror}") from error

    def receive(self, seconds: float | None) -> Data | None:
        try:
            if not select.select([self._socket], [], [], seconds)[0]:
                return None
        except (OSError, ValueError) as error:
            raise BrokenLinkError("the pipe is closed") from error
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size))
        if not 0 <= length <= LONGEST_MESSAGE:
            raise BrokenLinkError(f"a message has an invalid length of {length} bytes")
        return self._exactly(length)

    def cut(self) -> None:
        with suppress(OSError):  # the connection is broken already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _exactly(self, length: int) -> memoryview:
        # numpy aligns its memory, which columns used in place need; bytes may be unaligned.
        buffer = np.empty(length, np.uint8)
        view, done = buffer.data, 0
        while done < length:
            try:
                count = self._socket.recv_into(view[done:])
            except OSError as error:
                raise BrokenLinkError("the other side closed the pipe") from error
            if not count:
                where = f"after {done} of {length} bytes of a message" if done else "between two messages"
                raise BrokenLinkError(f"the other side closed the pipe {where}")
            done += count
        return view


def _with_codes(rows: pa.RecordBatch) -> pa.RecordBatch:
    place = rows.schema.get_field_index("ticker")
    tickers: Any = rows.column(place)
    return rows.set_column(place, "ticker", tickers.indices)

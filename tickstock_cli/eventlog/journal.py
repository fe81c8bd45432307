"""The journal: events that no segment holds yet, written at each append, so that a killed process loses none.

The file holds frames. A frame is a head (magic, first sequence number, length of the body, crc32 of both and of the
body) and a record batch in Arrow's IPC form. A frame that is cut off or damaged ends the journal: the bytes from there
on are *torn*.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from struct import Struct
from zlib import crc32

import pyarrow as pa

from tickstock_cli.eventlog.blocks import Block

JOURNAL = "journal"

_MAGIC = b"TEV1"
_HEAD = Struct("<4sQQI")
_SUMMED = Struct("<QQ")


class Journal:
    """The journal of a log that is being written; the lock on the file marks it as such. Its methods raise OSError."""

    def __init__(self, folder: Path) -> None:
        # O_EXCL: if two processes begin a log in one folder, one of them fails.
        self._file = os.open(folder / JOURNAL, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        self._end = 0
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, first: int, events: pa.RecordBatch) -> None:
        """Append a frame. After a failed write the next call overwrites the unfinished frame."""
        body = events.serialize()
        head = _HEAD.pack(_MAGIC, first, body.size, _sum(first, body))
        frame = memoryview(b"".join((head, body)))
        written = 0
        while written < len(frame):
            written += os.pwrite(self._file, frame[written:], self._end + written)
        self._end += len(frame)

    def clear(self) -> None:
        """Empty the file: segments hold the events now."""
        os.ftruncate(self._file, 0)
        self._end = 0

    def close(self) -> None:
        """Close and unlock the file. Idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def read_journal(folder: Path) -> bytes:
    """Return the bytes of a run's journal; none without a file.

    Raises
    ------
    BlockingIOError
        The run has not ended.
    OSError
        The file cannot be read.
    """
    try:
        with (folder / JOURNAL).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return file.read()
    except FileNotFoundError:
        return b""


def whole_blocks(journal: bytes, sequence: int, schema: pa.Schema) -> tuple[list[Block], int]:
    """Return a journal's events from ``sequence`` on, without a gap, and the number of unusable bytes at its end.

    Segments hold the events of earlier frames, too, if the process died or the disk failed before the journal was
    emptied.
    """
    data = memoryview(journal)
    blocks: list[Block] = []
    end = 0
    while (frame := _frame(data[end:])) is not None:
        first, body = frame
        if first > sequence:
            break
        if first == sequence:
            blocks.append(Block(first, pa.ipc.read_record_batch(pa.py_buffer(body), schema)))
            sequence = blocks[-1].next
        end += _HEAD.size + len(body)
    return blocks, len(data) - end


def _frame(data: memoryview) -> tuple[int, memoryview] | None:
    if len(data) < _HEAD.size:
        return None
    magic, first, length, checksum = _HEAD.unpack_from(data)
    body = data[_HEAD.size : _HEAD.size + length]
    if magic != _MAGIC or len(body) != length or checksum != _sum(first, body):
        return None
    return first, body


def _sum(first: int, body: memoryview | pa.Buffer) -> int:
    return crc32(body, crc32(_SUMMED.pack(first, len(body))))

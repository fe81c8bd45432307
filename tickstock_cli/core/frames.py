"""Frames: checksummed bodies in a file that only grows, so that a killed process loses none that was written.

A frame is a head (magic, a number, length of the body, crc32 of both and of the body) and a body, for example a record
batch in Arrow's IPC form. A frame that is cut off or damaged ends the file: the bytes from there on are *torn*.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import BinaryIO, NamedTuple
from zlib import crc32

import pyarrow as pa

_MAGIC = b"TEV1"
_HEAD = Struct("<4sQQI")
_SUMMED = Struct("<QQ")


class StoredFrame(NamedTuple):
    """One frame of a file; ``end`` is the position behind it."""

    number: int
    body: bytes
    end: int


class FrameWriter:
    """Appends frames to a file. Its methods raise OSError.

    Parameters
    ----------
    path
        The file. It is created.
    end
        Size of the whole frames of a file that is there already: what follows them is cut off. None: no file may be
        there, so that one of two processes that begin it fails.
    """

    def __init__(self, path: Path, end: int | None = None) -> None:
        how = os.O_EXCL if end is None else 0
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | how, 0o666)
        """The descriptor; below 0 once closed."""
        self.end = 0
        """Size of the whole frames."""
        if end is not None:
            self.cut(end)

    def write(self, number: int, body: pa.Buffer) -> None:
        """Append a frame. After a failed write the next call overwrites the unfinished frame."""
        head = _HEAD.pack(_MAGIC, number, body.size, _sum(number, body))
        frame = memoryview(b"".join((head, body)))
        written = 0
        while written < len(frame):
            written += os.pwrite(self.file, frame[written:], self.end + written)
        self.end += len(frame)

    def cut(self, end: int) -> None:
        """Cut off everything from position ``end`` on, which is that of a frame."""
        os.ftruncate(self.file, end)
        self.end = end

    def sync(self) -> None:
        """Make all frames durable."""
        os.fsync(self.file)

    def close(self) -> None:
        """Close the file, and release a lock on it. Idempotent."""
        if self.file >= 0:
            os.close(self.file)
            self.file = -1


def whole_frames(file: BinaryIO) -> Iterator[StoredFrame]:
    """Yield the frames of a file from its beginning, up to the first one that is cut off or damaged.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    end = 0
    while size - end >= _HEAD.size:
        magic, number, length, checksum = _HEAD.unpack(file.read(_HEAD.size))
        end += _HEAD.size + length
        if magic != _MAGIC or end > size:
            return
        body = file.read(length)
        if len(body) != length or checksum != _sum(number, body):
            return
        yield StoredFrame(number, body, end)


def _sum(number: int, body: bytes | pa.Buffer) -> int:
    return crc32(body, crc32(_SUMMED.pack(number, len(body))))

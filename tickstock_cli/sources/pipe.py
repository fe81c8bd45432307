"""Bytes of a pipe or a file as they come; a read that waits can be ended from another thread."""

from __future__ import annotations

import io
import os
import select
import sys
from threading import Lock
from typing import Any

TAIL_BYTES = 8
_BUFFER_BYTES = 1 << 18


class Interrupted(Exception):  # noqa: N818 - nothing went wrong
    """A read was ended by ``PipeBytes.interrupt``."""


class _Raw(io.RawIOBase):
    """Reads a file descriptor when it has something, unless a byte in the pipe ``wake`` comes first."""

    def __init__(self, descriptor: int, wake: int) -> None:
        self._descriptor = descriptor
        self._wake = wake
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        ready, _, _ = select.select([self._descriptor, self._wake], [], [])
        if self._wake in ready:
            raise Interrupted
        count = os.readv(self._descriptor, [buffer])
        self.count += count
        return count


class PipeBytes:
    """What pyarrow reads a stream from.

    Parameters
    ----------
    path
        A pipe or a file; None is standard input, which stays open.

    Raises
    ------
    OSError
        It cannot be opened.
    """

    closed = False
    """For pyarrow, which must not close it between two streams."""

    def __init__(self, path: str | None) -> None:
        # A pipe without a writer opens at once this way, and is silent until one comes.
        self._descriptor = sys.stdin.fileno() if path is None else os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._is_ours = path is not None
        if path is not None:
            os.set_blocking(self._descriptor, True)
        self._wake, self._waker = os.pipe()
        self._raw = _Raw(self._descriptor, self._wake)
        self._buffered = io.BufferedReader(self._raw, _BUFFER_BYTES)
        self._released = False
        self._lock = Lock()
        self._given = 0
        self._tail = b""

    @property
    def tail(self) -> bytes:
        """The last bytes that were given, at most ``TAIL_BYTES``."""
        return self._tail

    @property
    def ready(self) -> bool:
        """Whether a read would give something, or the end, at once."""
        if self._raw.count > self._given:
            return True
        return bool(select.select([self._descriptor], [], [], 0)[0])

    def read(self, size: int = -1) -> bytes:
        """Return ``size`` bytes, or fewer at the end.

        Raises
        ------
        Interrupted
            ``interrupt`` was called.
        """
        given = self._buffered.read(size)
        self._given += len(given)
        self._tail = (self._tail + given[-TAIL_BYTES:])[-TAIL_BYTES:]
        return given

    def peek(self) -> bytes:
        """Return the next bytes, and leave them; none at the end. Raises as ``read`` does."""
        return self._buffered.peek(1)

    def interrupt(self) -> None:
        """End the read under way and all to come. From any thread."""
        with self._lock:
            if not self._released:  # else the number may be that of another file by now
                os.write(self._waker, b"!")

    def close(self) -> None:
        """Do nothing: pyarrow closes what it has read."""

    def release(self) -> None:
        """Close what is open. Idempotent."""
        with self._lock:
            if not self._released:
                self._released = True
                for descriptor in (self._wake, self._waker, *([self._descriptor] if self._is_ours else [])):
                    os.close(descriptor)

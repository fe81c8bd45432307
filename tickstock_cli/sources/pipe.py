"""Reads bytes of a pipe or a file as they arrive; another thread can end a waiting read."""

from __future__ import annotations

import io
import os
import select
import sys
from threading import Lock
from typing import Any

TAIL_BYTES = 8
_BUFFER_BYTES = 1 << 18


class Interrupted(Exception):  # noqa: N818 - not an error
    """``PipeBytes.interrupt`` ended a read."""


class _Raw(io.RawIOBase):
    """Reads a file descriptor once it has data; a byte in the pipe ``wake`` ends the wait."""

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
    """The file object that pyarrow reads a stream from.

    Parameters
    ----------
    path
        A pipe or a file; None is standard input, which stays open.

    Raises
    ------
    OSError
        The path cannot be opened.
    """

    closed = False
    """An attribute that pyarrow reads; constant, because the input stays open between two streams."""

    def __init__(self, path: str | None) -> None:
        # Non-blocking: a pipe without a writer opens at once, and has no data until a writer opens it.
        self._descriptor = sys.stdin.fileno() if path is None else os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._is_ours = path is not None
        if path is not None:
            os.set_blocking(self._descriptor, True)
        self._wake, self._waker = os.pipe()
        self._raw = _Raw(self._descriptor, self._wake)
        self._buffered = io.BufferedReader(self._raw, _BUFFER_BYTES)
        self._released = False
        self._lock = Lock()
        self._consumed = 0
        self._tail = b""

    @property
    def tail(self) -> bytes:
        """The last bytes read, at most ``TAIL_BYTES``."""
        return self._tail

    @property
    def ready(self) -> bool:
        """Whether a read would return data, or the end, at once."""
        if self._raw.count > self._consumed:
            return True
        return bool(select.select([self._descriptor], [], [], 0)[0])

    def read(self, size: int = -1) -> bytes:
        """Return ``size`` bytes, or fewer at the end.

        Raises
        ------
        Interrupted
            ``interrupt`` was called.
        """
        content = self._buffered.read(size)
        self._consumed += len(content)
        self._tail = (self._tail + content[-TAIL_BYTES:])[-TAIL_BYTES:]
        return content

    def peek(self) -> bytes:
        """Return the next bytes without consuming them; none at the end. Raises as ``read`` does."""
        return self._buffered.peek(1)

    def interrupt(self) -> None:
        """End the current read and all later ones. Safe in any thread."""
        with self._lock:
            if not self._released:  # otherwise the descriptor can belong to another file by now
                os.write(self._waker, b"!")

    def close(self) -> None:
        """Do nothing: pyarrow closes its file object after each stream."""

    def release(self) -> None:
        """Close the descriptors. Idempotent."""
        with self._lock:
            if not self._released:
                self._released = True
                for descriptor in (self._wake, self._waker, *([self._descriptor] if self._is_ours else [])):
                    os.close(descriptor)

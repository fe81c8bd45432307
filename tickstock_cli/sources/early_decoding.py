"""Decodes small files from the moment that they are open, while the next ones are being opened.

Opening a file is Python's work, and fills one processor; decoding is Arrow's, beside it. The content of a file is read
once for both.
"""

from __future__ import annotations

from collections.abc import Callable

from tickstock_cli.core.times import MAX_NS, MIN_NS
from tickstock_cli.sources.decoding import TOGETHER, Decoding, in_memory
from tickstock_cli.sources.footer import SMALL_BYTES, TINY_BYTES, OpenParquet
from tickstock_cli.sources.plan import MOST_READERS
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.together import MOST_ROWS

EARLY_ROWS = 5 << 20
"""Most rows that are decoded early; a tick has some 30 bytes."""


class EarlyDecoding:
    """Begins to decode small files once it is certain that they are read together.

    That is so when more files overlap in time than are read side by side (``plan``).

    Parameters
    ----------
    room
        Most rows that are decoded before any is asked for.
    """

    def __init__(self, decoding: Decoding, room: int = EARLY_ROWS) -> None:
        self._decoding = decoding
        self._room = room
        self._count = 0
        self._latest_start, self._earliest_end = MIN_NS, MAX_NS
        self._files: list[RecordingFile] = []
        self._opened: list[Callable[[], OpenParquet]] = []

    @property
    def most_bytes(self) -> int:
        """Most bytes of the next file with which it is worth while to read all of it when it is opened."""
        return SMALL_BYTES if self._room > 0 and self._is_certain() else TINY_BYTES

    def _is_certain(self) -> bool:
        return self._count > MOST_READERS and self._latest_start <= self._earliest_end

    def add(self, file: RecordingFile, opened: OpenParquet) -> None:
        """Take a file that was opened; it can be closed then."""
        self._count += 1
        self._latest_start = max(self._latest_start, file.first_available)
        self._earliest_end = min(self._earliest_end, MAX_NS if file.latest is None else file.latest)
        if opened.content is None or not self._is_certain() or not 0 < file.rows <= min(MOST_ROWS // 2, self._room):
            return
        self._room -= file.rows
        self._files.append(file)
        self._opened.append(in_memory(file, opened.content, opened.metadata))
        if len(self._files) == TOGETHER:
            self.begin()

    def begin(self) -> None:
        """Begin with the files that wait for others."""
        if self._files:
            self._decoding.begin(self._files, self._opened)
        self._files, self._opened = [], []

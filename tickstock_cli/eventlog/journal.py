"""The journal: events that no segment holds yet, written at each append, so that a killed process loses none.

The file holds frames (`core.frames`): the number of a frame is its first sequence number, its body a record batch.
"""

from __future__ import annotations

import fcntl
from io import BytesIO
from pathlib import Path

import pyarrow as pa

from tickstock_cli.core.frames import FrameWriter, whole_frames
from tickstock_cli.eventlog.blocks import Block

JOURNAL = "journal"


class Journal:
    """The journal of a log that is being written; the lock on the file marks it as such. Its methods raise OSError."""

    def __init__(self, folder: Path) -> None:
        self._frames = FrameWriter(folder / JOURNAL)
        fcntl.flock(self._frames.file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, first: int, events: pa.RecordBatch) -> None:
        """Append a frame. After a failed write the next call overwrites the unfinished frame."""
        self._frames.write(first, events.serialize())

    def clear(self) -> None:
        """Empty the file: segments hold the events now."""
        self._frames.cut(0)

    def close(self) -> None:
        """Close and unlock the file. Idempotent."""
        self._frames.close()


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
    blocks: list[Block] = []
    end = 0
    for frame in whole_frames(BytesIO(journal)):
        if frame.number > sequence:
            break
        if frame.number == sequence:
            blocks.append(Block(frame.number, pa.ipc.read_record_batch(pa.py_buffer(frame.body), schema)))
            sequence = blocks[-1].next
        end = frame.end
    return blocks, len(journal) - end

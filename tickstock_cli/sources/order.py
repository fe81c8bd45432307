"""Walks through a file's times alone: is it in order, and how late is it at some row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tickstock_cli.kernels import normalise
from tickstock_cli.sources.columns import Times, frozen
from tickstock_cli.sources.reading import Allowance, RowReader
from tickstock_cli.sources.recording_file import RecordingFile

SCAN_ROWS = 1 << 16


@dataclass(frozen=True, slots=True)
class Disorder:
    """The first row that is earlier than one before it; times in ns."""

    row: int
    time: int
    before: int


def first_disorder(file: RecordingFile) -> Disorder | None:
    """Find the first row whose available time is before that of a row above it, if there is one."""
    latest = file.lead
    for first, times in _times(file, 0):
        known = _known(times)
        lifted = np.empty(len(known), dtype=np.int64)
        row = int(normalise.lift(times.available, known, latest, False, lifted))
        if row >= 0:
            return Disorder(first + row, int(times.available[row]), int(lifted[row - 1]) if row else latest)
        latest = int(lifted[-1])
    return None


def latest_before(file: RecordingFile, row: int) -> int:
    """Give the latest available time (int64 ns) of the rows before ``row``; the file's lead if there is none.

    Costs the decoding of the time columns where the footer does not tell.
    """
    latest = file.lead
    for group in file.groups:
        end = group.first + group.rows
        if group.first >= row:
            break
        if end <= row and group.latest is not None:
            latest = max(latest, group.latest)
            continue
        for first, times in _times(file, group.first):
            if first >= min(end, row):
                break
            kept = times.cut(0, min(end, row) - first)
            lifted = np.empty(len(kept.available), dtype=np.int64)
            normalise.lift(kept.available, _known(kept), latest, True, lifted)
            latest = int(lifted[-1])
    return latest


def _known(times: Times) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return times.known if times.known is not None else frozen(np.ones(len(times.available), dtype=np.bool_))


def _times(file: RecordingFile, row: int) -> Iterator[tuple[int, Times]]:
    """Give the times of rows from ``row`` on, and the number of the first of each lot."""
    starts = [*(group.first for group in file.groups), file.rows]
    reader = RowReader(file.path, starts, file.time_columns, (), SCAN_ROWS, Allowance(), file.open_bytes, row)
    try:
        first = row
        while (rows := reader.read()) is not None:
            yield first, file.reader.times(rows, first)
            first = reader.row
    finally:
        reader.close()

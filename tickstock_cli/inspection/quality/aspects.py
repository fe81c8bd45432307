"""What an aspect of quality is: it watches the rows of a recording as they are judged, and says what it found.

An aspect is a file of this folder and a line in ``quality.ASPECTS``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.batch import ORIGIN_ROW_BITS, Batch
from tickstock_cli.core.calendar import XNYS, SessionTable
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.kernels.reasons import ACCEPTED
from tickstock_cli.sources.recording_file import RecordingFile


@dataclass(frozen=True, slots=True)
class QualityFinding:
    """Something that a user of a file should know.

    Parameters
    ----------
    aspect
        What was looked at, one word.
    text
        What was found, with its figures.
    points
        What the score loses, of 100; 0 = nothing is wrong with it.
    advice
        What to do about it; None = nothing.
    since
        When it began, ns UTC; None = no single moment.
    """

    aspect: str
    text: str
    points: float = 0.0
    advice: str | None = None
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """An aspect of one file: its figures for ``--json``, and what they mean."""

    figures: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[QualityFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class JudgedBatch:
    """Rows of one type in merge order, and why each is rejected (``kernels.admission``; 0 = accepted)."""

    batch: Batch
    reasons: NDArray[np.int8]
    sessions: SessionTable

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """Where a row is accepted."""
        accepted: NDArray[np.bool_] = self.reasons == ACCEPTED
        return accepted

    @property
    def files(self) -> NDArray[np.int64]:
        """Index of each row's file."""
        files: NDArray[np.int64] = self.batch.origin >> ORIGIN_ROW_BITS
        return files


class Aspect:
    """One aspect of the quality of files. What a subclass does not need, it leaves out.

    Parameters
    ----------
    files
        The files of the recording, by index.
    symbols
        The recording's symbol table; it grows while rows are read.
    calendar
        That of the run: some rules are those of US equities.
    """

    def __init__(self, files: Sequence[RecordingFile], symbols: SymbolTable, calendar: MarketCalendar = XNYS) -> None:
        self.recordings = files
        self.symbols = symbols
        self.calendar = calendar

    def add(self, judged: JudgedBatch) -> None:
        """Look at judged rows of any file; called in merge order."""

    def columns(self, file: RecordingFile) -> Sequence[str]:  # noqa: ARG002 - most need none of any file
        """Return the columns of a file that ``add_original`` needs."""
        return ()

    def add_original(self, file: RecordingFile, rows: pa.RecordBatch) -> None:
        """Look at rows of a file as they are in it; called file by file."""

    def finish(self) -> None:
        """End the look at judged rows."""

    def measured(self, file: RecordingFile) -> Measured:
        """Return what was found in a file, after all of its rows."""
        raise NotImplementedError

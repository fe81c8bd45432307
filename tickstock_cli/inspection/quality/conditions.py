"""Conditions of trades: ids that nobody knows, and conditions that no column of flags was made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.core.calendar import XNYS
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.inspection.quality.aspects import Aspect, Measured, QualityFinding
from tickstock_cli.sources.checks.conditions import CONDITIONS
from tickstock_cli.sources.layouts.known import token
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.vendors.polygon.conditions import unknown_ids

COLUMN = "conditions"
SHOWN = 5


class Conditions(Aspect):
    """Counts the unknown condition ids of ticks, where a file has a column of them."""

    def __init__(self, files: Sequence[RecordingFile], symbols: SymbolTable, calendar: MarketCalendar = XNYS) -> None:
        super().__init__(files, symbols, calendar)
        self._unknown: dict[int, Counter[int]] = {}
        self._trades: Counter[int] = Counter()

    def columns(self, file: RecordingFile) -> Sequence[str]:
        """Return the column of ids, if the file has one."""
        return (COLUMN,) if _has_ids(file) else ()

    def add_original(self, file: RecordingFile, rows: pa.RecordBatch) -> None:
        """Count the ids that are unknown."""
        if not _has_ids(file):
            return
        column: Any = rows.column(rows.schema.get_field_index(COLUMN))
        ids = column.flatten().cast(pa.int64(), safe=False).fill_null(-1).to_numpy(zero_copy_only=False)
        found, counts = np.unique(unknown_ids(ids), return_counts=True)
        self._unknown.setdefault(file.index, Counter()).update(dict(zip(found.tolist(), counts.tolist(), strict=True)))
        self._trades[file.index] += len(rows)

    def measured(self, file: RecordingFile) -> Measured:
        """Return the unknown ids, and how often each occurs."""
        unknown = self._unknown.get(file.index, Counter())
        figures = {"unknown": {str(id_): count for id_, count in sorted(unknown.items())}} if _has_ids(file) else {}
        return Measured(figures, tuple(self._findings(file, unknown)))

    def _findings(self, file: RecordingFile, unknown: Counter[int]) -> Iterator[QualityFinding]:
        if unknown:
            most = ", ".join(f"{id_} ({count:,})" for id_, count in unknown.most_common(SHOWN))
            more = f" and {len(unknown) - SHOWN:,} more" if len(unknown) > SHOWN else ""
            yield QualityFinding(
                COLUMN,
                f"ids that are in no table: {most}{more}",
                points=min(20.0, max(1.0, 100 * unknown.total() / self._trades[file.index])),
                advice="an unknown condition hides a trade from last price, high and low",
            )
        has_conditions = any(token(name) in CONDITIONS for name in file.layout.ignored)
        if file.record == "tick" and has_conditions and not file.reader.has("flags"):
            yield QualityFinding(
                COLUMN,
                "there are conditions, but no flags: trades that may set no high, low or last price count like others",
                points=5,
                advice="add a column flags (docs/recordings.md), or import the vendor's files with tickstock import",
            )


def _has_ids(file: RecordingFile) -> bool:
    """Return whether a file has lists of condition ids."""
    if file.record != "tick" or file.schema.names.count(COLUMN) != 1:
        return False
    type_ = file.schema.field(COLUMN).type
    return (pt.is_list(type_) or pt.is_large_list(type_)) and pt.is_integer(type_.value_type)

"""Quality of recordings: what is wrong with the rows of a file although each can be used.

::

    judged rows (survey) ─▶ aspects ─┐
    original rows (copies) ─▶  …     ├─ findings ─▶ verdict: a score and a word
    counts of a file ─ row_findings ─┘
"""

from __future__ import annotations

from collections.abc import Sequence

from tickstock_cli.core.calendar import XNYS
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.inspection.quality.aspects import Aspect
from tickstock_cli.inspection.quality.checksums import Checksums
from tickstock_cli.inspection.quality.conditions import Conditions
from tickstock_cli.inspection.quality.delays import Delays
from tickstock_cli.inspection.quality.rhythm import Rhythm
from tickstock_cli.inspection.quality.sizes import Sizes
from tickstock_cli.sources.recording_file import RecordingFile

ASPECTS: tuple[tuple[str, type[Aspect]], ...] = (
    ("rhythm", Rhythm),
    ("sizes", Sizes),
    ("delays", Delays),
    ("conditions", Conditions),
    ("checksums", Checksums),
)
"""Every aspect, by its name in ``--json``."""


def aspects_of(
    files: Sequence[RecordingFile], symbols: SymbolTable, calendar: MarketCalendar = XNYS
) -> dict[str, Aspect]:
    """Return all aspects of files, before their first row."""
    return {name: aspect(files, symbols, calendar) for name, aspect in ASPECTS}

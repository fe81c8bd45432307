"""The oracle: a second reading of what the pipeline computes, as plain and slow as can be.

It takes one row after the other, keeps lists and dicts, and looks everything up in what it kept; no line of
it was made for speed. It shares nothing with the package under test. Where the two differ, one of them, or
the specification, is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from tests.oracle.admission import Admission, merge
from tests.oracle.bars import Bars
from tests.oracle.coordination import coordinate, is_redundant
from tests.oracle.fmv import FairValues
from tests.oracle.records import Event, Result, Row
from tests.oracle.settings import DEFAULTS, Settings, complete
from tests.oracle.ticks import Ticks

__all__ = ["DEFAULTS", "Result", "Row", "run"]


def run(rows_by_file: Sequence[Sequence[Row]], settings: Settings | None = None, late_reject: bool = False) -> Result:
    """Return everything the pipeline should give for a recording.

    Parameters
    ----------
    rows_by_file
        Rows of each file, in recording order; a file holds one record type, sorted by available time.
    settings
        Flat and dotted, e.g. ``{"highlow.cooldown_seconds": 0}``; what is absent has its default.
    late_reject
        What ``--late reject`` does with files that are not sorted.

    Raises
    ------
    KeyError
        A setting is unknown.
    ValueError
        A file is not sorted by available time.
    """
    options = complete(settings)
    ledger: Counter[str] = Counter()
    result = Result()
    admission = Admission()
    ticks = Ticks(options, ledger)
    process: dict[str, Callable[[Row, int], list[Event]]] = {
        "tick": ticks.process,
        "ohlcv": Bars(options, ledger).process,
        "fmv": FairValues(options, ledger, ticks.trades).process,
    }

    detected: list[Event] = []
    for arrival in merge(rows_by_file, options, late_reject):
        row = arrival.row
        ledger[f"{row.record}.read"] += 1
        reason = admission.judge(row)
        if reason is not None:
            ledger[f"{row.record}.rejected.{reason}"] += 1
            result.rejects.append((row.file, row.row, reason))
            continue
        ledger[f"{row.record}.processed"] += 1
        for event in process[row.record](row, arrival.available_at):
            ledger[f"{row.record}.detected.{event.kind}"] += 1
            state = ticks.states.get(event.ticker)
            if row.record == "ohlcv" and is_redundant(event, row.values["timestamp"], state, options):
                ledger["coordinator.redundant"] += 1
            else:
                detected.append(event)

    result.events = coordinate(detected, options, ledger)
    result.ledger = {name: count for name, count in sorted(ledger.items()) if count}
    return result

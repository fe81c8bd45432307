"""Trades that are twice in one file, as of a day that was appended again: told by their numbers."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.layouts.known import token

_NAMES = (
    *(
        "tradeid",
        "id",
        "tid",
        "matchid",
        "aggtradeid",
        "executionid",
        "dealid",
        "uuid",
        "trid",
        "execid",
        "matchnumber",
    ),
    *("sequence", "sequencenumber", "seq", "seqno", "seqnum", "tradeseq", "trseqnum", "msgseqnum", "tradesequence"),
)
"""Tokens of columns with the number of a trade, or of its message."""
_SHARE = 0.05
_FEWEST = 3


def _look(facts: Facts) -> Iterator[Oddity]:
    if facts.options.copies == "all":
        return
    names = [name for name in facts.layout.ignored if token(name) in _NAMES and facts.schema.names.count(name) == 1]
    names = [name for name in names if not pt.is_nested(facts.schema.field(name).type)]
    if not names or facts.first.is_empty:
        return
    extremes = facts.extremes(names[0])
    if extremes is not None and extremes.low == extremes.high:
        return
    read = dict.fromkeys([names[0], *facts.layout.theirs("ticker", "timestamp", "price", "size")])
    rows = pa.Table.from_batches([facts.first_rows(list(read))])
    rows = rows.filter(rows.column(0).is_valid())
    different = rows.group_by(list(read)).aggregate([]).num_rows
    again = rows.num_rows - different
    if again >= _FEWEST and again >= _SHARE * rows.num_rows:
        yield Oddity(
            f"trades are there twice, by {names[0]}, {{}} of the first {{}}, and count twice: keep each in one row "
            "(--set recordings.copies=all confirms them)",
            (again, rows.num_rows),
        )


CHECK = RecordingCheck("repeated_ids", ("tick",), _look)

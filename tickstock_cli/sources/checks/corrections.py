"""Trades that were corrected or cancelled later, by a column of their own: read like all others, they are prices."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow.types as pt

from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.layouts.known import token

_NAMES = (
    *("correction", "corrections", "corrected", "trcorr", "correctionindicator", "tradecorrectionindicator"),
    *("canceled", "cancelled", "iscanceled", "iscorrected", "busted", "isbusted", "isdeleted", "deleted"),
)
"""Tokens of such columns. `is_cancelled` is known as one of kinds of rows."""


def _look(facts: Facts) -> Iterator[Oddity]:
    chosen = {facts.layout.columns.get(name, name) for name in facts.options.where}
    for name in facts.layout.ignored:
        if token(name) not in _NAMES or name in chosen or facts.schema.names.count(name) > 1:
            continue
        extremes = facts.extremes(name)
        if extremes is None or extremes.low == extremes.high:
            continue
        fine = str(extremes.low).lower() if pt.is_boolean(facts.schema.field(name).type) else str(extremes.low).strip()
        yield Oddity(
            f"column {name} has several values ({extremes.low} to {extremes.high}), and trades that were corrected or "
            f"cancelled are read like the others: --where {name}={fine} leaves them out, if that is the value of others"
        )


CHECK = RecordingCheck("corrections", ("tick",), _look)

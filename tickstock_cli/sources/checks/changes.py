"""Changes of a table instead of its rows: a column `_change_type`, as Delta's change data feed has it."""

from __future__ import annotations

from collections.abc import Iterable

from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.plain_values import known_values
from tickstock_cli.sources.records import TEXT

_COLUMN = "_change_type"
_KEPT = ("insert", "update_postimage")
"""Changes that leave a row."""


def _look(facts: Facts) -> Iterable[Oddity]:
    if facts.schema.names.count(_COLUMN) != 1 or _COLUMN in facts.options.where:
        return ()
    if not TEXT.accepts(facts.schema.field(_COLUMN).type):
        return ()
    extremes = facts.extremes(_COLUMN)
    bounds = [] if extremes is None else [extremes.low, extremes.high]
    if set(known_values(facts.first_rows([_COLUMN]).column(0))) | set(bounds) <= set(_KEPT):
        return ()
    raise facts.stop(
        f"column {_COLUMN} says that rows are changes of a table, and some were removed: read the rows that are left "
        f"with --where {_COLUMN}={','.join(_KEPT)}"
    )


CHECK = RecordingCheck("changes", ("tick", "ohlcv", "fmv"), _look)

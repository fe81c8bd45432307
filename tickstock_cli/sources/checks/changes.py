"""Changes of a table instead of its rows: a column `_change_type`, as Delta's change data feed has it, or `__op`."""

from __future__ import annotations

from collections.abc import Iterable

from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.checks.several_values import assigned
from tickstock_cli.sources.layouts.known import token
from tickstock_cli.sources.plain_values import known_values
from tickstock_cli.sources.records import TEXT

_COLUMN = "_change_type"
_KEPT = ("insert", "update_postimage")
"""Changes that leave a row."""
_NAMES = ("op", "cdcop", "operation", "rowkind", "optype", "dmltype", "changetype")
"""Tokens of such columns of other programs, which say it by words or letters of their own."""
_LEFT = frozenset(("i", "insert", "c", "create", "r", "read", "u", "update", "+i", "+u", "upsert"))
_REMOVED = frozenset(("d", "delete", "-d", "-u", "remove", "delete_preimage", "update_preimage"))


def _look(facts: Facts) -> Iterable[Oddity]:
    for name in facts.layout.ignored:
        if name in facts.options.where or facts.schema.names.count(name) > 1:
            continue
        if (name == _COLUMN or token(name) in _NAMES) and TEXT.accepts(facts.schema.field(name).type):
            _stop_at_removals(facts, name)
    return ()


def _stop_at_removals(facts: Facts, name: str) -> None:
    extremes = facts.extremes(name)
    bounds = [] if extremes is None else [extremes.low, extremes.high]
    values = sorted({*known_values(facts.first_rows([name]).column(0)), *bounds})
    if name == _COLUMN:
        is_changed, kept = not set(values) <= set(_KEPT), list(_KEPT)
    else:
        words = {value.strip().lower() for value in values}
        is_changed = bool(words & _REMOVED) and words <= _LEFT | _REMOVED
        kept = [value for value in values if value.strip().lower() in _LEFT]
    if is_changed and kept:
        raise facts.stop(
            f"column {name} says that rows are changes of a table, and some were removed: read the rows that are left "
            f"with --where {assigned(name, kept)}"
        )


CHECK = RecordingCheck("changes", ("tick", "ohlcv", "fmv"), _look)

"""Trades that were corrected or cancelled later, by a column of their own: read like all others, they are prices."""

from __future__ import annotations

from collections.abc import Iterator

from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.checks.several_values import assigned, several_values, told, unread
from tickstock_cli.sources.layouts.known import token
from tickstock_cli.sources.records import TEXT

_NAMES = frozenset(
    (
        *("correction", "corrections", "corrected", "corr", "trcorr", "tradecorr", "tradecorrection", "iscorrected"),
        *("correctionindicator", "tradecorrectionindicator", "correctioncode", "iscorrection", "correctionid"),
        *("cancel", "iscancel", "canceled", "cancelled", "iscanceled", "cancelflag", "cancelindicator", "cxl"),
        *("bust", "busted", "isbusted", "void", "voided", "isvoid", "deleted", "isdeleted", "deletedat"),
        *("tradestatus", "tradereporttranstype", "transtype"),
    )
)
"""Tokens of such columns. `is_cancelled` is known as one of kinds of rows."""
_WORDS = frozenset(
    ("cancel", "canceled", "cancelled", "corrected", "incorrect", "bust", "busted", "void", "voided", "erroneous")
)
"""Values of a column of any name that say the same."""


def _look(facts: Facts) -> Iterator[Oddity]:
    told_by_words = [name for name in facts.layout.ignored if token(name) not in _NAMES and _has_words(facts, name)]
    for name in unread(facts, {*_NAMES, *map(token, told_by_words)}):
        if token(name) not in _NAMES and name not in told_by_words:
            continue
        values = several_values(facts, name)
        if values:
            yield Oddity(
                f"column {name} has several values ({told(values)}), and trades that were corrected or cancelled are "
                f"read like the others: --where {assigned(name, values[:1])} leaves them out, if that is the value of "
                "others"
            )


def _has_words(facts: Facts, name: str) -> bool:
    """Return whether the first or the last text of a column, in alphabetical order, is one of a cancelled trade.

    The footer states them: a column of each file would be dear to read.
    """
    if facts.schema.names.count(name) > 1 or not TEXT.accepts(facts.schema.field(name).type):
        return False
    extremes = facts.extremes(name)
    bounds = () if extremes is None else (extremes.low, extremes.high)
    return any(isinstance(bound, str) and bound.strip().lower() in _WORDS for bound in bounds)


CHECK = RecordingCheck("corrections", ("tick",), _look)

"""Conditions of trades that are not read: without flags, late prints and average prices are highs and lows."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow.types as pt

from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.checks.several_values import several_values, unread
from tickstock_cli.sources.plain_values import plain_values
from tickstock_cli.sources.records import TEXT

CONDITIONS = frozenset(
    (
        *("condition", "conditions", "cond", "conds", "salecondition", "saleconditions", "salecond", "trscond"),
        *("tradecondition", "tradeconditions", "tradecond", "tradeconds", "conditioncode", "conditioncodes"),
        *("saleconditioncode", "saleconditioncodes", "trsalecond", "qualifier", "qualifiers", "tradequalifiers"),
    )
)
"""Tokens of such columns."""


def _look(facts: Facts) -> Iterator[Oddity]:
    """Note a column with several values, unless the layout's own note says it."""
    known = facts.layout.understood
    if facts.has("flags") or (known is not None and known.reading.note is not None):
        return
    for name in unread(facts, {*CONDITIONS, "c"}):
        if not (_is_list(facts, name) or TEXT.accepts(facts.schema.field(name).type) or len(name) > 1):
            continue
        if several_values(facts, name) or (_is_list(facts, name) and _lists_differ(facts, name)):
            yield Oddity(
                f"conditions of trades in column {name} are not judged, so late and odd-lot prints can make highs and "
                "lows: add a column flags (docs/recordings.md), import the vendor's files with tickstock import, or "
                "read the rows of some conditions with --where",
                is_in_verdict=True,
            )


def _is_list(facts: Facts, name: str) -> bool:
    type_ = facts.schema.field(name).type
    return bool(pt.is_list(type_) or pt.is_large_list(type_) or pt.is_fixed_size_list(type_) or pt.is_list_view(type_))


def _lists_differ(facts: Facts, name: str) -> bool:
    return len({str(value or None) for value in plain_values(facts.first_rows([name]).column(0))}) > 1


CHECK = RecordingCheck("conditions", ("tick",), _look)

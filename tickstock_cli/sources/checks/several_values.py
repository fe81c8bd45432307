"""Values of a column that is not read, for checks of what it says about rows."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow.types as pt

from tickstock_cli.sources.checks.facts import Facts
from tickstock_cli.sources.layouts.known import token
from tickstock_cli.sources.plain_values import plain_values


def unread(facts: Facts, tokens: Iterable[str]) -> list[str]:
    """Return the columns of these tokens that are not read and by which no rows are selected."""
    chosen = {facts.layout.columns.get(name, name) for name in facts.options.where}
    return [
        name
        for name in facts.layout.ignored
        if token(name) in tokens and name not in chosen and facts.schema.names.count(name) == 1
    ]


def several_values(facts: Facts, name: str) -> list[Any]:
    """Return the values of a column, the most frequent of the first rows first; [] if it has one value alone.

    Those are the values of the first rows, where None is null, and the extremes of all rows.
    """
    if pt.is_nested(facts.schema.field(name).type) or pt.is_null(facts.schema.field(name).type):
        return []
    counts = Counter(plain_values(facts.first_rows([name]).column(0)))
    extremes = facts.extremes(name)
    bounds = [] if extremes is None else [extremes.low, extremes.high]
    values = [value for value, _ in counts.most_common()]
    values += [bound for bound in dict.fromkeys(bounds) if bound not in counts]
    return values if len(values) > 1 else []


def assigned(name: str, values: Sequence[Any]) -> str:
    """Return what `--where` takes to read the rows with these values of a column.

    Examples
    --------
    >>> assigned("ok", [True]), assigned("sale condition", ["@", None])
    ('ok=true', "'sale condition=@,'")
    """
    return shlex.quote(f"{name}={','.join(map(_text, values))}")


def told(values: Sequence[Any], most: int = 6) -> str:
    """Return values for a message."""
    shown = ", ".join(_text(value) or "null" for value in values[:most])
    return shown + (", …" if len(values) > most else "")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value).lower() if isinstance(value, bool) else str(value)

"""Rows that their own recording marks as bad or unfinished: read like all others, they are prices."""

from __future__ import annotations

from collections.abc import Iterator

from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.checks.several_values import assigned, several_values, unread
from tickstock_cli.sources.layouts.known import token

_BAD = frozenset(
    (
        *("error", "iserror", "invalid", "isinvalid", "outlier", "isoutlier", "bad", "isbad", "badprint", "badtick"),
        *("suspicious", "issuspicious", "suspect", "issuspect", "exclude", "excluded", "isexcluded", "filtered"),
        *("stale", "isstale", "synthetic", "issynthetic", "ffill", "ffilled", "isfilled", "forwardfilled", "imputed"),
        *("interpolated", "late", "islate", "latetrade", "outofsequence", "isoutofsequence", "oddlot", "isoddlot"),
        *("derivativelypriced", "irregular", "isirregular", "partial", "ispartial"),
    )
)
"""Tokens of columns that are true in rows that are no usual ones."""
_GOOD = frozenset(
    (
        *("valid", "isvalid", "isgood", "eligible", "iseligible", "lasteligible", "lastsaleeligible", "regular"),
        *("isregular", "updatelast", "updateslast", "complete", "iscomplete", "final", "isfinal", "closed", "isclosed"),
    )
)
"""Tokens of columns that are true in usual rows."""
_TRUE = (True, 1, "true", "t", "yes", "y", "1")
_FALSE = (False, 0, "false", "f", "no", "n", "0", "", None)


def _look(facts: Facts) -> Iterator[Oddity]:
    for name in unread(facts, _BAD | _GOOD):
        values = several_values(facts, name)
        plain = [value.strip().lower() if isinstance(value, str) else value for value in values]
        if not values or not all(value in (*_TRUE, *_FALSE) for value in plain):
            continue
        usual = _TRUE if token(name) in _GOOD else _FALSE
        kept = [value for value, text in zip(values, plain, strict=True) if text in usual]
        if kept and len(kept) < len(values):
            yield Oddity(
                f"column {name} says that some rows are not like others, and all are read: "
                f"--where {assigned(name, kept)} leaves those out"
            )


CHECK = RecordingCheck("marked_rows", ("tick", "ohlcv", "fmv"), _look)

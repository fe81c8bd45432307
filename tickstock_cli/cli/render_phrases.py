"""The phrases that show what an event holds beyond its price, as its kind declares them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from math import floor, log10
from typing import Any

from tickstock_cli.core.events import EVENT_SCHEMA, PROVENANCE_COLUMNS, UNITS
from tickstock_cli.core.kinds import COMMON_DETAILS, Kind, own_columns

PENNY_DIGITS = 4
"""Decimals of prices below 1 as US markets quote them, and the least number of significant ones."""
LARGE = 1_000
"""Numbers without a unit are written to three digits below this, and whole from it on."""

_COLUMN = re.compile(r"{(\w+)}")
_OTHERS = {*EVENT_SCHEMA.names, *PROVENANCE_COLUMNS, "sequence"}


class KindPhrases:
    """Writes the phrases of events.

    Parameters
    ----------
    kinds
        Declarations. An event of another kind has ``COMMON_DETAILS`` and every column that is not a common one.
    units
        Units of columns, beside those of the common columns and those that ``kinds`` declare.
    """

    def __init__(self, kinds: Iterable[Kind], units: Mapping[str, str] | None = None) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        own = {column.name: column.unit for column in own_columns(self._kinds.values())}
        self._units = {**UNITS, **own, **(units or {})}

    @classmethod
    def of_hello(cls, hello: Mapping[str, Any]) -> KindPhrases:
        """Return the phrases of the kinds that a server declares."""
        kinds = [
            Kind(kind["name"], 1, details=tuple(kind["details"]), words=kind["words"])
            for kind in hello.get("declared_kinds", [])
        ]
        return cls(kinds, hello.get("units", {}))

    @property
    def longest_name(self) -> int:
        """The number of characters of the longest name of a kind; 0 if none is declared."""
        return max(map(len, self._kinds), default=0)

    def of(self, event: Mapping[str, Any]) -> list[str]:
        """Return the phrases of an event; one whose column is null, or not shown, is left out."""
        kind = self._kinds.get(event["kind"])
        if kind is not None:
            phrases = kind.phrases
        else:
            phrases = (*COMMON_DETAILS, *(f"{name} {{{name}}}" for name in event if name not in _OTHERS))
        return [text for phrase in phrases if (text := self._written(phrase, event, kind)) is not None]

    def _written(self, phrase: str, event: Mapping[str, Any], kind: Kind | None) -> str | None:
        values = {name: self._value(name, event.get(name), kind) for name in _COLUMN.findall(phrase)}
        return None if "" in values.values() else _COLUMN.sub(lambda found: values[found[1]], phrase)

    def _value(self, name: str, value: Any, kind: Kind | None) -> str:
        """Return a value as a reader is shown it; empty for none."""
        if value is None:
            return ""
        if isinstance(value, str):
            return value if kind is None else kind.words.get(value, value)
        return format_value(value, self._units.get(name, ""))


@cache
def own_phrases() -> KindPhrases:
    """Return the phrases of the project's own kinds."""
    from tickstock_cli.build import event_kinds

    return KindPhrases(event_kinds())


def format_value(value: float, unit: str) -> str:
    """Write a number as its unit wants it; a multiple of zero is not shown.

    Examples
    --------
    >>> [format_value(*pair) for pair in ((101.5, "$"), (-0.25, "%"), (3.14, "x"), (50.0, ""), (12_345, "shares"))]
    ['101.50', '-0.25%', '3.1x', '50', '12,345 shares']
    """
    if unit == "$":
        return format_price(value)
    if unit == "%":
        return f"{value:+.2f}%"
    if unit == "x":
        return f"{value:.1f}x" if value else ""
    number = f"{value:,.0f}" if float(value).is_integer() or abs(value) >= LARGE else f"{value:.3g}"
    return f"{number} {unit}".rstrip()


def format_price(price: float) -> str:
    """Write a price: cents, and below 1 as many digits as it takes to tell it from others.

    Examples
    --------
    >>> [format_price(price) for price in (12345.678, 0.5, 0.0042, 0.000012345)]
    ['12,345.68', '0.5000', '0.0042', '0.00001234']
    """
    size = abs(price)
    if size >= 1 or size == 0:
        return f"{price:,.2f}"
    digits = PENNY_DIGITS - 1 - floor(log10(size))
    text = f"{price:.{digits}f}"
    shortest = text.index(".") + 1 + PENNY_DIGITS
    return text[:shortest] + text[shortest:].rstrip("0")

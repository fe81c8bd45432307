"""Values as cells of the report's tables; one that cannot be had has a footnote that says why."""

from __future__ import annotations

from html import escape
from math import isnan

from tickstock_cli.backtest.words import direction_word, interval, probability, signed
from tickstock_cli.measurement.page import NUMBER, Cell
from tickstock_cli.study.cells import StudyCell, Value


class Footnotes:
    """Reasons why values of a table are unknown, each once."""

    def __init__(self) -> None:
        self._reasons: dict[str, int] = {}

    def unknown(self, reason: str, kind: str = NUMBER) -> Cell:
        """Return a cell without a value, and the number of its reason."""
        number = self._reasons.setdefault(reason or "not computed", len(self._reasons) + 1)
        return Cell(kind=kind, markup=f'<span class="unknown">unknown<sup>{number}</sup></span>')

    def html(self) -> str:
        """Return the reasons below their table."""
        told = "; ".join(f"<sup>{number}</sup> {escape(reason)}" for reason, number in self._reasons.items())
        return f'<p class="about">Unknown: {told}.</p>' if told else ""


class CellValues:
    """The values of a study's cell as cells of a table."""

    def __init__(self, cell: StudyCell, notes: Footnotes) -> None:
        self._cell = cell
        self._notes = notes

    def bps(self, key: str, kind: str = NUMBER) -> Cell:
        """Return a return in basis points."""
        value = self._cell.values[key]
        return Cell(bps(value), kind) if isinstance(value, float) else self._unknown(key, kind)

    def interval(self, prefix: str = "", kind: str = NUMBER) -> Cell:
        """Return a 95 % interval."""
        low, high = self._cell.values[f"{prefix}lo"], self._cell.values[f"{prefix}hi"]
        if not isinstance(low, float) or not isinstance(high, float):
            return self._unknown(f"{prefix}lo", kind)
        return Cell(interval(low, high, digits_of(max(abs(low), abs(high)))), kind)

    def probability(self, key: str, kind: str = NUMBER) -> Cell:
        """Return a p or q."""
        value = self._cell.values[key]
        return Cell(probability(value), kind) if isinstance(value, float) else self._unknown(key, kind)

    def share(self, key: str) -> Cell:
        """Return a share in percent."""
        value = self._cell.values[key]
        return Cell(f"{value:.1%}", NUMBER) if isinstance(value, float | int) else self._unknown(key, NUMBER)

    def count(self, key: str, kind: str = NUMBER) -> Cell:
        """Return a number of events."""
        return Cell(f"{self._cell.values[key]:,}", kind)

    def _unknown(self, key: str, kind: str) -> Cell:
        return self._notes.unknown(self._cell.unknown.get(key, ""), kind)


def digits_of(value: float) -> int:
    """Return the digits behind the point of a return: none from 100 bp on."""
    return 0 if abs(value) >= 99.95 else 1


def bps(value: float) -> str:
    """Return a return in basis points with its sign."""
    return signed(value, digits_of(value))


def known_bps(value: float | None) -> str:
    """Return a return in basis points with its sign; ``unknown`` for None and NaN."""
    return "unknown" if value is None or isnan(value) else bps(value)


def group_name(kind: str, direction: Value, source: Value) -> str:
    """Return the name of a cell without its horizon, as in ``surge up, tick``."""
    first = " ".join(filter(None, (kind, direction_word(direction))))
    return first if source is None else f"{first}, {source}"

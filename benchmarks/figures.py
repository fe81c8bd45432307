"""What a benchmark tells: sections of figures, each with all values it was measured at."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity.

    Parameters
    ----------
    values
        One a round, in ``unit``.
    bar
        The most that the median may be; None = there is no bar.
    note
        What else to say of it.
    """

    name: str
    unit: str
    values: tuple[float, ...]
    bar: float | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The middle value, or the mean of the two in the middle."""
        return median(self.values)

    @property
    def within(self) -> bool | None:
        """Whether the median is within the bar; None without a bar."""
        return None if self.bar is None else self.median <= self.bar

    def as_dict(self) -> dict[str, Any]:
        """Return everything as what JSON can hold."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "min": min(self.values),
            "max": max(self.values),
            "values": list(self.values),
            "bar": self.bar,
            "within": self.within,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that belong together, and in one line what they protect."""

    title: str
    protects: str
    figures: list[Figure] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as what JSON can hold."""
        return {
            "title": self.title,
            "protects": self.protects,
            "figures": [figure.as_dict() for figure in self.figures],
        }

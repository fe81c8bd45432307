"""What a figure should be, what it was, and whether that will do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from tickstock_cli.measurement.documents import DOCUMENT


@dataclass(frozen=True, slots=True)
class TargetVerdict:
    """A figure held against its limit.

    What could not be measured is never met: ``ok`` is None and ``note`` says why.
    """

    __pydantic_config__: ClassVar = DOCUMENT

    name: str
    """For programs: snake_case, with the unit."""
    title: str
    """For people."""
    target: str
    """The limit in words, as in ``< 50 ms``."""
    limit: float | None
    measured: float | None
    """None if it could not be measured."""
    unit: str
    """Of limit and measured; empty for plain counts."""
    ok: bool | None
    """Whether the target was met; None if that could not be told."""
    note: str = ""
    """Why it failed or could not be told, or what to know about the figure; one line."""
    asked: bool = True
    """False: the measurement did not set out to tell this (no surge in the scenario, say), so it decides nothing."""

    @property
    def failed(self) -> bool:
        """Return whether it decides against the run: asked for, and not met or not measured."""
        return self.asked and self.ok is not True

    @property
    def word(self) -> str:
        """Return the verdict in a word or two."""
        if self.ok is None:
            return "not measured" if self.asked else "not asked"
        return "ok" if self.ok else "failed"


def failures(verdicts: Iterable[TargetVerdict]) -> list[TargetVerdict]:
    """Return the verdicts that decide against the run."""
    return [verdict for verdict in verdicts if verdict.failed]


def number(value: float | None, unit: str = "") -> str:
    """Write a figure for people, with no more digits than it is worth: 28.5 ms, 1,150, 99.99 %.

    Examples
    --------
    >>> number(28.4632, "ms"), number(1150.2), number(0.0421, "ms"), number(0), number(None), number(99.9963, "%")
    ('28.5 ms', '1,150', '0.042 ms', '0', 'not measured', '99.99 %')
    """
    if value is None:
        return "not measured"
    if unit == "%":
        words = f"{int(value * 100) / 100:.2f}".rstrip("0").rstrip(".")  # never rounded up to a whole that it is not
    elif float(value).is_integer() or abs(value) >= 100:
        words = f"{value:,.0f}"
    else:
        words = f"{value:.{1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3}f}"
    return f"{words} {unit}".rstrip()

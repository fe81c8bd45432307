"""Verdicts: a target, the measured value, and whether it meets the target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from tickstock_cli.measurement.documents import DOCUMENT


@dataclass(frozen=True, slots=True)
class TargetVerdict:
    """The verdict on one target.

    Without a measured value, ``ok`` is None and ``note`` has the reason; the target is not met.
    """

    __pydantic_config__: ClassVar = DOCUMENT

    name: str
    """Name for programs: snake_case, with the unit."""
    title: str
    """Title for people."""
    target: str
    """The limit in words, as in ``< 50 ms``."""
    limit: float | None
    measured: float | None
    """Measured value; None if it could not be measured."""
    unit: str
    """Unit of limit and measured; empty for counts."""
    ok: bool | None
    """Whether the target was met; None if it could not be judged."""
    note: str = ""
    """Why the target was not met or not judged, or a fact about the value; one line."""
    asked: bool = True
    """False if the target does not apply, such as recovery in a scenario without a surge."""

    @property
    def failed(self) -> bool:
        """Return whether it fails the run: it applies, and was not met or not measured."""
        return self.asked and self.ok is not True

    @property
    def word(self) -> str:
        """Return the verdict in one or two words."""
        if self.ok is None:
            return "not measured" if self.asked else "not asked" if self.measured is None else "not judged"
        return "ok" if self.ok else "failed"


def failures(verdicts: Iterable[TargetVerdict]) -> list[TargetVerdict]:
    """Return the verdicts that fail the run."""
    return [verdict for verdict in verdicts if verdict.failed]


def number(value: float | None, unit: str = "") -> str:
    """Return a figure as text with three significant digits and its unit: 28.5 ms, 1,150, 99.99 %.

    Examples
    --------
    >>> number(28.4632, "ms"), number(1150.2), number(0.0421, "ms"), number(0), number(None), number(99.9963, "%")
    ('28.5 ms', '1,150', '0.042 ms', '0', 'not measured', '99.99 %')
    """
    if value is None:
        return "not measured"
    if unit == "%":
        words = f"{int(value * 100) / 100:.2f}".rstrip("0").rstrip(".")  # rounded down: 99.996 % is not 100 %
    elif float(value).is_integer() or abs(value) >= 100:
        words = f"{value:,.0f}"
    else:
        words = f"{value:.{1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3}f}"
    return f"{words} {unit}".rstrip()

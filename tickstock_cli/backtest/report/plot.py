"""Charts of the report as HTML: an SVG that stretches to any width, with labels beside it that do not.

Coordinates are drawn into a square of ``SIDE``, which the style sheet stretches; lines keep their width. So a chart
needs no script, is sharp on paper and fits a phone. Colours are classes of the style sheet.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

SIDE = 1000
Point = tuple[float, float | None]
"""A place in the units of the axes; None interrupts a line."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The range of an axis, and its labels by value."""

    low: float
    high: float
    labels: Sequence[tuple[float, str]] = ()

    def share(self, value: float) -> float:
        """Return where a value lies, 0 at the low end and 1 at the high one; outside stays at the end."""
        return min(1.0, max(0.0, self.free_share(value)))

    def free_share(self, value: float) -> float:
        """Return the same, below 0 or above 1 outside; on an axis of one value it lies in the middle."""
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5


@dataclass(slots=True)
class Plot:
    """A chart under construction; what comes later lies above.

    Parameters
    ----------
    about
        What it shows, for those who cannot see it.
    height
        CSS pixels.
    """

    x: Axis
    y: Axis
    about: str
    height: int = 200
    kind: str = ""
    _shapes: list[str] = field(default_factory=list)
    _labels: list[str] = field(default_factory=list)
    _hover: str = ""

    def line(self, points: Iterable[Point], kind: str) -> None:
        """Draw a line; two points at one place make a dot."""
        self._shapes.append(f'<path class="{kind}" d="{self._path(points)}"/>')

    def area(self, points: Sequence[tuple[float, float]], base: float, kind: str) -> None:
        """Fill what lies between points and a base."""
        closed = [(points[0][0], base), *points, (points[-1][0], base)] if points else []
        self._shapes.append(f'<path class="{kind}" d="{self._path(closed)}Z"/>')

    def bars(self, bars: Iterable[tuple[float, float, float]], kind: str) -> None:
        """Fill bars (left, right, value) from 0."""
        zero = self._y(0.0)
        drawn = (
            f"M{self._x(left)} {zero}V{self._y(value)}H{self._x(right)}V{zero}Z" for left, right, value in bars if value
        )
        self._shapes.append(f'<path class="{kind}" d="{"".join(drawn)}"/>')

    def dots(self, points: Iterable[tuple[float, float]], kind: str) -> None:
        """Draw dots."""
        drawn = "".join(f"M{self._x(x)} {self._y(y)}h0" for x, y in points)
        self._shapes.append(f'<path class="{kind}" d="{drawn}"/>')

    def spans(self, spans: Iterable[tuple[float, float, float]], kind: str) -> None:
        """Draw vertical lines (x, low, high)."""
        drawn = "".join(f"M{self._x(x)} {self._y(low)}V{self._y(high)}" for x, low, high in spans)
        self._shapes.append(f'<path class="{kind}" d="{drawn}"/>')

    def level(self, value: float, kind: str, label: str = "") -> None:
        """Draw a line across at a value, with a label at its right end."""
        self._shapes.append(f'<path class="{kind}" d="M0 {self._y(value)}H{SIDE}"/>')
        if label:
            top = _percent(1 - self.y.share(value))
            self._labels.append(f'<span class="level {kind}" style="top:{top}">{escape(label)}</span>')

    def upright(self, value: float, kind: str) -> None:
        """Draw a line from top to bottom at a value."""
        self._shapes.append(f'<path class="{kind}" d="M{self._x(value)} 0V{SIDE}"/>')

    def hover(self, texts: Iterable[tuple[float, str]]) -> None:
        """Set what the pointer shows at the place nearest to it, by x."""
        places = [[round(self.x.share(x), 4), text] for x, text in texts]
        document = json.dumps(places, separators=(",", ":"), ensure_ascii=False)
        self._hover = f' data-hover="{escape(document)}"'

    def html(self) -> str:
        """Return the chart."""
        for value, label in self.x.labels:
            self._labels.append(f'<span class="x" style="left:{_percent(self.x.share(value))}">{escape(label)}</span>')
        grid = ""
        for value, label in self.y.labels:
            grid += f"M0 {self._y(value)}H{SIDE}"
            self._labels.append(
                f'<span class="y" style="top:{_percent(1 - self.y.share(value))}">{escape(label)}</span>'
            )
        kind = f"plot {self.kind}".strip()
        return (
            f'<div class="{kind}" role="img" aria-label="{escape(self.about)}"'
            f' style="height:{self.height}px"{self._hover}>'
            f'<svg viewBox="0 0 {SIDE} {SIDE}" preserveAspectRatio="none" aria-hidden="true">'
            f'<path class="grid" d="{grid}"/>{"".join(self._shapes)}</svg>{"".join(self._labels)}</div>'
        )

    def _x(self, value: float) -> str:
        return _short(SIDE * self.x.share(value))

    def _y(self, value: float) -> str:
        return _short(SIDE * (1 - self.y.share(value)))

    def _path(self, points: Iterable[Point]) -> str:
        drawn, pen = [], "M"
        for x, y in points:
            if y is None:
                pen = "M"
            else:
                height = _short(SIDE * (1 - self.y.free_share(y)))  # a line may leave the chart; kind "cut" hides that
                drawn.append(f"{pen}{self._x(x)} {height}")
                pen = "L"
        return "".join(drawn)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round values from ``low`` to ``high``, at most about ``most``."""
    span = high - low
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= most or factor == 10)
    return [place * step for place in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def value_axis(values: Iterable[float], *, with_zero: bool = True, most: int = 5) -> Axis:
    """Return an axis in basis points that holds all values, a little room and round labels."""
    found = [*values, *([0.0] if with_zero else [])]
    low, high = min(found, default=0.0), max(found, default=0.0)
    room = (high - low) * 0.06 or max(1.0, abs(high) * 0.01)
    low, high = low - (room if low < 0 or not with_zero else 0), high + (room if high > 0 or not with_zero else 0)
    if high == low:
        high = low + 1
    return Axis(low, high, [(value, plain(value)) for value in ticks(low, high, most)])


def plain(value: float) -> str:
    """Return a round value as a label, as in −1,500 or 0.25."""
    text = f"{value + 0.0:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return text.replace("-", "\N{MINUS SIGN}")


def key(entries: Sequence[tuple[str, str]]) -> str:
    """Return a legend: classes of lines, and their names."""
    drawn = "".join(f'<span class="key {kind}">{escape(name)}</span>' for kind, name in entries)
    return f'<p class="keys">{drawn}</p>'


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%".replace(".00%", "%")

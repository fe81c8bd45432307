"""A page of tables and charts in one file: it needs no network, follows the colour scheme and fits a phone.

Callers supply texts, tables and charts. This module assembles the page and escapes all text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from importlib.resources import files
from typing import Any

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
"""Content security policy: the page loads nothing from a network."""

NUMBER = "number"
"""CSS class of cells with figures."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A plotly.js chart; a colour ``var(--name)`` is a variable of the style sheet."""

    name: str
    """Unique in the page."""
    title: str
    about: str
    """Caption, one sentence."""
    traces: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    height: int = 320
    choices: Sequence[str] = ()
    """Buttons; each shows the traces whose ``meta`` equals it, and the traces without ``meta``."""
    chosen: str | None = None
    """The button selected at first."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: ``markup`` is HTML, ``text`` is escaped."""

    text: str = ""
    kind: str = ""
    """CSS class."""
    markup: str | None = None

    def html(self, tag: str) -> str:
        """Return the cell as HTML."""
        kind = f' class="{escape(self.kind)}"' if self.kind else ""
        return f"<{tag}{kind}>{escape(self.text) if self.markup is None else self.markup}</{tag}>"


@dataclass(slots=True)
class Page:
    """A page under construction, from the top down.

    Parameters
    ----------
    style, script
        Style sheet and script of the caller, behind those of all pages.
    """

    title: str
    style: str = ""
    script: str = ""
    _parts: list[str] = field(default_factory=list)
    _charts: list[Chart] = field(default_factory=list)

    def header(self, *parts: str, state: str) -> None:
        """Add the header; ``state`` is ``ok`` or ``failed``."""
        self._parts.append(
            f'<header data-state="{escape(state)}"><h1>{escape(self.title)}</h1>{"".join(parts)}</header>'
        )

    def section(self, title: str, *parts: str, name: str = "") -> None:
        """Add a section of HTML."""
        place = f' id="{escape(name)}"' if name else ""
        self._parts.append(f"<section{place}><h2>{escape(title)}</h2>{''.join(parts)}</section>")

    def chart(self, chart: Chart) -> None:
        """Add a section with one chart; leave out a chart without traces."""
        if not chart.traces:
            return
        self._charts.append(chart)
        place = f'<div class="chart" id="{escape(chart.name)}" style="min-height: {chart.height}px"></div>'
        caption = f"<figcaption>{escape(chart.about)}</figcaption>"
        self.section(chart.title, f"<figure>{caption}{_buttons(chart)}{place}</figure>")

    def html(self) -> str:
        """Return the page as HTML."""
        return "\n".join(
            (
                '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                f"<title>{escape(self.title)}</title>\n<style>\n{_static('page.css')}{self.style}</style>\n</head>\n<body>",
                *self._parts,
                *self._scripts(),
                "</body>\n</html>\n",
            )
        )

    def _scripts(self) -> Iterator[str]:
        if self._charts:
            from plotly.offline import get_plotlyjs

            yield "<noscript><p>Charts need JavaScript; the tables hold the same figures.</p></noscript>"
            yield f'<script type="application/json" id="charts">{_embedded([asdict(c) for c in self._charts])}</script>'
            yield f"<script>{get_plotlyjs()}</script>\n<script>\n{_static('page.js')}</script>"
        if self.script:
            yield f"<script>\n{self.script}</script>"


def _buttons(chart: Chart) -> str:
    buttons = "".join(
        f'<button type="button" data-chart="{escape(chart.name)}" data-choice="{escape(choice)}" '
        f'aria-pressed="{"true" if choice == chart.chosen else "false"}">{escape(choice)}</button>'
        for choice in chart.choices
    )
    group = f'<div class="choices" id="{escape(chart.name)}-choices" role="group" aria-label="Selection">'
    return f"{group}{buttons}</div>" if buttons else ""


def table(headings: Sequence[Cell], rows: Sequence[Sequence[Cell]], kind: str = "") -> str:
    """Return a table whose first column is a heading; a wide table scrolls."""
    head = "".join(cell.html("th") for cell in headings)
    body = "".join(
        f"<tr>{row[0].html('th')}{''.join(cell.html('td') for cell in row[1:])}</tr>" for row in rows
    )  # fmt: skip
    kinds = f' class="{escape(kind)}"' if kind else ""
    return f'<div class="wide"><table{kinds}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def pill(word: str, state: str | None = None) -> str:
    """Return a word as a coloured label."""
    return f'<span class="pill" data-state="{escape(state or word)}">{escape(word)}</span>'


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph."""
    return f'<p class="{escape(kind)}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def bullets(lines: Sequence[str], kind: str = "remarks") -> str:
    """Return a list; empty without lines."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="{escape(kind)}">{items}</ul>' if lines else ""


def facts_list(facts: Mapping[str, str]) -> str:
    """Return a definition list of facts."""
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in facts.items())}</dl>"


def folded(title: str, *parts: str) -> str:
    """Return a block that the reader can unfold."""
    return f"<details><summary>{escape(title)}</summary>{''.join(parts)}</details>"


def preformatted(text: str) -> str:
    """Return preformatted text."""
    return f"<pre>{escape(text)}</pre>"


def _static(name: str) -> str:
    return (files("tickstock_cli.measurement") / "static" / name).read_text(encoding="utf-8")


def _embedded(document: Any) -> str:
    """Return JSON that is safe inside a script element."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c")

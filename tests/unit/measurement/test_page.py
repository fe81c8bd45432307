"""A page in one file: only what was made as markup is markup, and nothing is fetched."""

from __future__ import annotations

import json
import re

from tickstock_cli.measurement.page import Cell, Chart, Page, table

EVIL = '</script><script>alert("x")</script>'


def test_text_never_becomes_markup() -> None:
    """A scenario's title, a note, the name of a line: whatever stands in them."""
    page = Page(EVIL)
    page.header(state="ok")
    page.section(EVIL, table([Cell(EVIL)], [[Cell(EVIL), Cell(EVIL, kind=EVIL)]], EVIL))
    page.chart(Chart("c", EVIL, EVIL, [{"type": "scatter", "name": EVIL}], {}))
    html = page.html()

    assert EVIL not in html
    charts = re.search(r'<script type="application/json" id="charts">(.*)</script>', html)
    assert charts is not None
    assert json.loads(charts[1])[0]["traces"][0]["name"] == EVIL


def test_a_chart_without_traces_is_left_out() -> None:
    """No empty axes that look as if something had been measured."""
    page = Page("x")
    page.chart(Chart("nothing", "Nothing", "", [], {}))

    assert 'id="nothing"' not in page.html()


def test_the_page_names_no_other_place_to_load_from() -> None:
    """Beside the library, whose text names its own home in comments, there is no address in it."""
    page = Page("x")
    page.chart(Chart("c", "C", "", [{"type": "scatter", "x": [1], "y": [1]}], {}))
    html = page.html()

    assert "default-src 'none'" in html
    assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=", html.partition("<script>")[0]) == []

"""The report's page: numbers of the results, words first, and nothing that a name could break."""

from __future__ import annotations

import re
from html import escape

from tests.unit.backtest.reported import HOSTILE, contents
from tickstock_cli.backtest import words
from tickstock_cli.backtest.report.page import report
from tickstock_cli.backtest.report.values import bps


def test_the_page_begins_with_the_words_of_the_results_and_its_calibration() -> None:
    """What a reader takes away stands before any chart."""
    page = report(contents())
    study = contents().study
    places = [page.index('<p class="headline">')]
    for cell in words.telling_cells(study):
        told = words.cell_words(cell, 4.0, study.table.calibration, words.tests_of(study))
        places.append(page.index(escape(told)))
    places.append(page.index(escape(words.calibration_words(study.table.calibration))))
    places += [page.index(f'id="{name}"') for name in ("excess", "paths", "half-hours", "tickers", "distribution")]
    assert places == sorted(places)


def test_every_cell_stands_in_the_forest_with_the_excess_of_the_results() -> None:
    """The page computes no figure of its own."""
    page = report(contents())
    drawn = re.findall(r'<tr class="row.*?</tr>', page)
    assert len(drawn) == len(words.family(contents().study))
    for row, cell in zip(drawn, words.family(contents().study), strict=True):
        excess = cell.values["excess_mean"]
        assert isinstance(excess, float)
        assert f">{bps(excess)}</td>" in row
        assert f">{cell.values['placebo_events']:,}</td>" in row


def test_no_name_of_a_kind_ticker_or_file_becomes_markup() -> None:
    """Recordings and events come from anywhere."""
    page = report(contents())
    assert HOSTILE not in page
    assert page.count(escape(HOSTILE)) > 5
    assert "C&amp;D" in page


def test_what_cannot_be_had_is_unknown_for_a_reason_that_is_given() -> None:
    """Without placebo days there is no excess: neither 0 nor NaN stands in its place."""
    page = report(contents(placebo=False))
    assert "Return by kind and horizon" in page
    assert "this is no excess" in page
    assert re.search(r"Unknown: <sup>1</sup> no observation has a placebo", page)
    shown = page[page.index("<header") : page.index("<script>")]
    assert not re.search(r"\b(nan|NaN|None|inf)\b", shown)


def test_a_study_without_any_observation_says_so() -> None:
    """Also an empty page is a page."""
    page = report(contents(events=0))
    assert "Nothing was observed" in page
    assert 'id="excess"' not in page


def test_a_page_needs_no_network_and_is_the_same_each_time() -> None:
    """One file of less than plotly's size; its own policy forbids requests."""
    page = report(contents())
    assert page == report(contents())
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="(?!#)', page)
    assert len(page) < 200_000

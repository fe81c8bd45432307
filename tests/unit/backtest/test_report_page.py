"""The report's page: numbers of the results, words first, and nothing that a name could break."""

from __future__ import annotations

import re
from html import escape

import numpy as np
import pytest

from tests.unit.backtest.reported import HOSTILE, contents, traded
from tickstock_cli.backtest import words
from tickstock_cli.backtest.report.page import report
from tickstock_cli.backtest.report.strategy_records import (
    EQUITY_POINTS,
    EXTREMES,
    SHOWN_TRADES,
    chosen_trades,
    equity_points,
)
from tickstock_cli.backtest.report.values import bps
from tickstock_cli.trading.records import EQUITY


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


def test_a_strategy_shows_its_words_its_money_and_why_signals_were_ignored() -> None:
    """Annual figures of one day are unknown, and the page says why."""
    page = report(traded())
    (strategy,) = traded().strategies
    assert page.count(escape(words.strategy_words(strategy.result))) == 2  # above all charts, and in its section
    section = page[page.index('id="strategy-1"') :]
    assert "+$38.00 = gross +$40.00 \N{MINUS SIGN} fees $2.00" in section
    assert "unknown: fewer than 20 daily returns" in section
    assert re.search(r"ignored: held</th><td[^>]*>3</td><td[^>]*>60.0%</td>", section)


def test_each_trade_has_its_prices_fills_and_levels_or_says_that_none_were_kept() -> None:
    """A stop of half a percent below an entry at 50 dollars lies at 49.75; the second trade has no prices."""
    page = report(traded())
    table = page[page.index('<table class="trades') :]
    first, second = re.findall(r"<tbody><tr>.*?</tbody>", table)[:2]
    assert all(f'class="{kind}"' in first for kind in ("bought", "sold", "range", "events", "entry", "leaving"))
    assert '<span class="level stop"' in first
    assert "No prices were kept" in second
    assert "<svg" not in second
    assert HOSTILE not in page


def test_of_many_trades_the_best_the_worst_and_some_others_are_shown() -> None:
    """A page of a million trades could not be opened."""
    net = np.random.default_rng(5).permutation(30_000)
    chosen = chosen_trades(net)
    assert len(chosen) == len(set(chosen.tolist())) == SHOWN_TRADES
    assert (np.diff(chosen) > 0).all()
    ranked = net[:20_000].argsort()
    assert {*ranked[:EXTREMES].tolist(), *ranked[-EXTREMES:].tolist()} <= set(chosen.tolist())
    assert chosen_trades(net[:150]).tolist() == list(range(150))


def test_equity_in_few_points_keeps_the_deepest_fall_and_the_last_value() -> None:
    """A fall of one minute is seen in years of them."""
    records = np.zeros(98_765, dtype=EQUITY)
    records["equity"], records["gross"] = 100_000_000, 25_000_000
    records["equity"][54_321] = 60_000_000
    records["equity"][-1] = 101_000_000
    points = equity_points(records, 100_000_000)
    assert len(points.equity) <= EQUITY_POINTS
    assert points.drawdown.min() == pytest.approx(-0.4)
    assert points.equity[-1] == 101.0
    assert points.gross.max() == pytest.approx(25 / 60)

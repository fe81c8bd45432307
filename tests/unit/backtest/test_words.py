"""The sentences of a backtest: what a careful analyst would sign."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tickstock_cli.backtest.price_source import PriceSource
from tickstock_cli.backtest.strategy_result import StrategyResult
from tickstock_cli.backtest.study_result import StudyResult
from tickstock_cli.backtest.words import (
    calibration_words,
    cell_words,
    headline,
    round_trip_bps,
    signed,
    strategy_warnings,
    strategy_words,
    telling_cells,
    unknown_words,
    warnings,
)
from tickstock_cli.build import settings_from
from tickstock_cli.config.strategy import FillRules, StrategyHead, StrategySettings
from tickstock_cli.study.calibration import Calibration
from tickstock_cli.study.cells import CELL_KEYS, StudyCell
from tickstock_cli.study.tables import StudyTable
from tickstock_cli.trading.figures import StrategyFigures

HONEST, WOLF, UNTRIED = Calibration(116, 4), Calibration(100, 24), Calibration()
TICKS = PriceSource(is_bars=False)


def cell(**values: Any) -> StudyCell:
    """Return the cell of the issue's example, with other values."""
    known: dict[str, Any] = {
        "kind": "surge",
        "direction": 1,
        "source": "tick",
        "horizon": "5m",
        "n": 412,
        "mean": 1.8,
        "lo": -0.9,
        "hi": 4.4,
        "placebo_events": 412,
        "matched_mean": 1.8,
        "placebo_mean": 1.1,
        "excess_mean": 0.7,
        "excess_lo": -1.9,
        "excess_hi": 3.3,
        "excess_p": 0.41,
        "excess_q": 0.6,
        **dict.fromkeys(("thin", "few", "excess_thin", "excess_few"), False),
    }
    return StudyCell({**dict.fromkeys(CELL_KEYS), **known, **values})


def alone(one: StudyCell) -> StudyCell:
    """Return a cell without a placebo."""
    names = [key for key in CELL_KEYS if key.startswith(("excess", "placebo", "matched"))]
    one.values.update(dict.fromkeys(names), placebo_events=0, excess_thin=True, excess_few=True)
    one.unknown.update(dict.fromkeys(names, "no observation has a placebo"))
    return one


def study(*cells: StudyCell, calibration: Calibration = HONEST, **counts: int) -> StudyResult:
    """Return a study of these cells."""
    known = {"events": 500, "observed": 412, "no_direction": 0, "outside": 0, "no_entry": 0, "cut": 0}
    return StudyResult(("5m", "close"), {**known, **counts}, StudyTable(cells, calibration))


def test_a_cell_that_says_nothing_is_said_to_say_nothing() -> None:
    """The sentence of the issue, word for word."""
    assert cell_words(cell(), 3, HONEST, 24) == (
        "surge up, tick, 5m: n = 412, +1.8 bp [−0.9, 4.4]; the same stocks at the same time of the next days +1.1; "
        "excess +0.7 (p 0.41): no evidence; after 3 bp of costs, −2.3"
    )


@pytest.mark.parametrize(
    ("values", "calibration", "told"),
    [
        (
            {"excess_mean": 9.0, "excess_lo": 5.0, "excess_hi": 13.0, "excess_p": 0.00001, "excess_q": 0.001},
            HONEST,
            "excess +9.0 (p < 0.0001): evidence; after 4 bp of costs, +5.0 [1.0, 9.0]",
        ),
        (
            {"excess_mean": -9.0, "excess_lo": -13.0, "excess_hi": -5.0, "excess_p": 0.001, "excess_q": 0.01},
            HONEST,
            "excess −9.0 (p 0.001): evidence of the opposite; faded, after 4 bp of costs, +5.0 [1.0, 9.0]",
        ),
        (
            {"excess_p": 0.03, "excess_q": 0.2},
            HONEST,
            "excess +0.7 (p 0.03): no evidence among 24 tests (q 0.2); after 4 bp of costs, −3.3",
        ),
        (
            {"excess_p": 0.001, "excess_q": 0.004, "excess_few": True},
            HONEST,
            "evidence, from few days or stocks; after 4 bp of costs, −3.3 [−5.9, −0.7]",
        ),
        (
            {"n": 12, "placebo_events": 12, "excess_thin": True, "excess_q": None},
            HONEST,
            "excess +0.7 (p 0.41): too few to say; after 4 bp of costs, −3.3",
        ),
        (
            {"excess_p": 0.001, "excess_q": 0.004},
            WOLF,
            "no verdict, as p are too small on this recording; after 4 bp of costs, −3.3",
        ),
    ],
)
def test_a_verdict_follows_from_q_and_from_the_calibration(
    values: dict[str, Any], calibration: Calibration, told: str
) -> None:
    """Evidence is a q below 0.05 in a table that does not cry wolf; its interval tells what is left after costs."""
    assert cell_words(cell(**values), 4, calibration, 24).endswith(told)


def test_without_a_placebo_no_event_is_said_to_matter() -> None:
    """The reason is named; nothing is called an excess."""
    assert cell_words(alone(cell()), 4, UNTRIED, 0).endswith(
        "excess unknown (no observation has a placebo); after 4 bp of costs, −2.2"
    )


def test_the_most_telling_cell_of_each_kind_is_not_thin() -> None:
    """A thin cell with a tiny p comes behind all others."""
    cells = [
        cell(horizon="1m", excess_p=0.3),
        cell(horizon="5m", excess_p=0.2),
        cell(horizon="30m", excess_p=0.0001, excess_thin=True),
        cell(kind="trend", excess_p=0.9),
        cell(kind="trend", direction=None, excess_p=0.1),
    ]

    assert telling_cells(study(*cells)) == [cells[1], cells[3]]


def test_the_first_line_counts_the_tests_that_say_something() -> None:
    """Or says why none can."""
    assert headline(study(cell(), cell(excess_q=0.01))) == "Evidence: q < 0.05 in 1 of 2 tests of excess."
    assert headline(study(cell())) == "No evidence: q < 0.05 in none of 1 test of excess."
    assert headline(study(cell(excess_q=0.01), calibration=WOLF)).startswith("No verdict: ")
    assert headline(study(alone(cell()))).startswith("No cell can be tested against a placebo")
    assert headline(study(observed=0)).startswith("Nothing was observed")


def test_the_calibration_says_whether_the_table_cries_wolf() -> None:
    """Shares of tests in which nothing can have happened."""
    honest = "3.4% of 116 tests have p < 0.05 (about 5% is right): this table does not cry wolf."
    assert calibration_words(HONEST).endswith(honest)
    assert calibration_words(WOLF).endswith("the p of this table are too small here. Take none of them at its word.")
    assert calibration_words(UNTRIED).startswith("Calibration: unknown; ")


def test_warnings_name_what_a_reader_must_know() -> None:
    """One day, few clusters, thin cells, lost observations: each with its number."""
    settings = settings_from({"study": {"horizons": ("5m", "close")}})
    many = study(
        cell(placebo_events=206),
        cell(horizon="close", excess_few=True),
        cell(thin=True, n=3, placebo_events=3),
        cut=100,
    )
    told = warnings(many, settings, TICKS)

    assert told[0].startswith("25% of the observations have no placebo: ")
    assert told[1].startswith("1 of 2 cells rest on fewer than 10 clusters (few), at close: ")
    assert told[2].startswith("1 of 3 cells are thin (fewer than 30 observations)")
    assert told[3].startswith("10% of the observations end after the day or after the recording")
    assert warnings(study(alone(cell())), settings, TICKS)[0].startswith("There is no placebo: ")
    assert warnings(study(cell()), settings, TICKS) == []


def test_costs_are_a_spread_and_slippage_twice() -> None:
    """Of the defaults: 1 bp each, in and out. A rounded zero has no sign."""
    assert round_trip_bps(FillRules()) == 4
    assert [signed(value) for value in (1.84, -0.96, -0.04, 0.0)] == ["+1.8", "−1.0", "0.0", "0.0"]


def traded(**figures: Any) -> StrategyResult:
    """Return the results of a strategy that made 84 trades, with other figures."""
    known: dict[str, Any] = {
        "trades": 84,
        "net_micros": -1_234_505_000,
        "fees_micros": 61_000_000,
        "expectancy_bps": -4.2,
        "expectancy_lo_bps": -9.1,
        "expectancy_hi_bps": 0.7,
        **figures,
    }
    return StrategyResult(
        StrategySettings(strategy=StrategyHead(name="follow")),
        {"signals": 120, "taken": 84, "ignored.held": 30, "ignored.no_price": 6},
        {"orders": 168, "filled": 160, "partial": 4, "unfilled": 4, "cancelled_shares": 90, "early_fills": 0},
        0,
        100_000_000_000,
        98_765_495_000,
        StrategyFigures(known, {"sharpe_ratio": "fewer than 20 daily returns", "calmar_ratio": "equity never fell"}),
    )


def test_a_strategy_is_one_sentence_with_what_became_of_its_signals() -> None:
    """Money to the cent, and whether the mean trade may be chance."""
    assert strategy_words(traded()) == (
        "follow: 84 trades, net −$1,234.51 of $100,000.00 after $61.00 of fees; −4.2 bp a trade [−9.1, 0.7]: it may be "
        "chance; 84 of 120 signals taken, ignored: held 30, no price 6"
    )


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (1.0, 9.0, "[1.0, 9.0]: more than chance; "),
        (-9.0, -1.0, "[−9.0, −1.0]: it loses, and not by chance; "),
        (None, None, "−4.2 bp a trade: no interval, so it may be chance; "),
    ],
)
def test_a_trade_s_mean_is_chance_unless_its_interval_says_otherwise(
    low: float | None, high: float | None, told: str
) -> None:
    """One trade, or one day, has no interval."""
    assert told in strategy_words(traded(expectancy_lo_bps=low, expectancy_hi_bps=high))


def test_figures_that_cannot_be_had_say_why() -> None:
    """One line for each reason; without a trade there is nothing else to say."""
    assert unknown_words(traded()) == [
        "unknown (fewer than 20 daily returns): sharpe ratio",
        "unknown (equity never fell): calmar ratio",
    ]
    assert strategy_words(traded(trades=0)).startswith("follow: no trade; 84 of 120 signals taken")


def test_fills_that_a_reader_must_know_of_are_warnings() -> None:
    """At an open before the decision, at the end of a day, and of any size."""
    result = traded()
    fill = FillRules(participation=0)
    special = replace(
        result,
        settings=result.settings.model_copy(update={"fill": fill}),
        orders={**result.orders, "early_fills": 8},
        forced_shares=99,
    )

    assert strategy_warnings(result) == []
    assert [words[:34] for words in strategy_warnings(special)] == [
        "follow fills whole orders at one p",
        "8 fills of follow took the open of",
        "follow closed 99 shares at the end",
    ]

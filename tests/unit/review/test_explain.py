"""One moment of one ticker: its rows, what each detector made of them, and what became of the events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.differential.against import on_disk
from tests.oracle.random_cases import random_case
from tests.unit.review.conftest import SECOND, Write, at, climb, dotted
from tickstock_cli.core.rule_verdict import Ending
from tickstock_cli.errors import DataError, UsageError
from tickstock_cli.replaying import Request
from tickstock_cli.review.admission import AdmissionStatus
from tickstock_cli.review.explain import Explanation, RowExplanation, explain
from tickstock_cli.review.outcome import EventOutcome, Outcome
from tickstock_cli.testing import MILLISECOND, MINUTE, Bar, FairValue, Record

START = at("10:00:00")


def explained(recording: Path, time: int, ticker: str = "ABC", **settings: Any) -> Explanation:
    """Explain a moment (ns) under some settings."""
    return explain(Request([recording], settings=dotted(settings)), ticker, time)


def the_row(explanation: Explanation) -> RowExplanation:
    """Return the only row of a moment."""
    (row,) = explanation.rows
    return row


def the_fate(row: RowExplanation) -> EventOutcome:
    """Return what became of the only event of a row."""
    (event_outcome,) = row.event_outcomes
    return event_outcome


def ending(row: RowExplanation, detector: str, kind: str) -> Ending:
    """Return how a rule ended at a row."""
    return next(verdict.ending for verdict in row.verdicts[detector] if verdict.kind == kind)


def test_a_bar_without_an_average_says_how_many_bars_it_lacks(write: Write) -> None:
    """A bar's own average needs none before it."""
    own = Bar("DEF", START, 1.0, 2.0, 1.0, 2.0, 5.0, avg_volume=4.0)
    recording = write([own, *(Bar("ABC", START + n * MINUTE, 1.0, 2.0, 1.0, 2.0, 5.0) for n in range(2))])

    verdict = the_row(explained(recording, START + 2 * MINUTE)).verdicts["ohlcv"][0]
    assert verdict.decisive is not None
    assert (verdict.decisive.name, verdict.decisive.value, verdict.decisive.threshold) == (
        "earlier bars of the phase", 1, 5,
    )  # fmt: skip
    assert "average volume, of 1 bar" in [check.name for check in verdict.checks]
    checks = the_row(explained(recording, START + 2 * MINUTE, "DEF")).verdicts["ohlcv"][0].checks
    assert "earlier bars of the phase" not in [check.name for check in checks]


def test_the_moment_is_the_last_row_of_each_type_that_was_there(write: Write) -> None:
    """A bar counts from its end; the order is that of the merge; where the row stands is told."""
    rows: list[Record] = [*climb(START, [100.0, 101.0, 102.0], step=30 * SECOND)]
    rows += [Bar("ABC", START, 1.0, 2.0, 1.0, 2.0, 5.0), FairValue("ABC", START + 3, 99.0)]
    recording = write(rows)
    explanation = explained(recording, START + 59 * SECOND)

    assert [(row.record, row.row, row.age) for row in explanation.rows] == [
        ("fmv", 0, 59 * SECOND - 3),
        ("tick", 1, 29 * SECOND),
    ]
    assert (explanation.absent, explanation.disabled) == (["ohlcv"], [])
    assert explanation.rows[1].path == str(recording / "tick.parquet")
    assert explanation.rows[1].values["price"] == 101.0
    assert [row.record for row in explained(recording, START + MINUTE).rows] == ["fmv", "tick", "ohlcv"]


def test_of_rows_of_one_time_those_with_events_are_shown(write: Write) -> None:
    """Trades of one millisecond are common; the last of them is shown in any case."""
    prices = [100.0, 100.0, 101.0, 101.0, 101.0]
    rows = explained(write(climb(START, prices, step=0)), START + SECOND).rows

    assert [(row.row, row.place, row.of, len(row.event_outcomes)) for row in rows] == [(2, 3, 5, 1), (4, 5, 5, 0)]


def test_an_event_that_was_emitted(write: Write) -> None:
    """Its rule fired, and what the coordinator emitted is the event itself."""
    row = the_row(explained(write(climb(START, [100.0, 101.0])), START + 2 * SECOND))
    event_outcome = the_fate(row)

    assert ending(row, "highlow", "high") is Ending.FIRED
    assert ending(row, "highlow", "low") is Ending.NOTHING_NEW
    assert (event_outcome.outcome, event_outcome.winner) == (Outcome.EMITTED, None)
    assert (event_outcome.event["price"], event_outcome.event["previous"], event_outcome.event["merged"]) == (
        101.0,
        100.0,
        1,
    )
    assert event_outcome.event["emitted_at"] == START + 2 * SECOND


def test_an_event_that_lost_its_window(write: Write) -> None:
    """The first tick won at once; the second one's event names it."""
    recording = write(climb(START, [100.0, 101.0, 102.0], step=200 * MILLISECOND))
    event_outcome = the_fate(the_row(explained(recording, START + 400 * MILLISECOND, highlow__cooldown_seconds=0)))

    assert event_outcome.outcome is Outcome.SUPERSEDED
    assert event_outcome.event["price"] == 102.0
    assert event_outcome.winner is not None
    assert (event_outcome.winner["price"], event_outcome.winner["timestamp"]) == (101.0, START + 200 * MILLISECOND)


def test_an_event_may_lose_to_one_that_comes_later(write: Write) -> None:
    """Its event_outcome is known only at the window's end, and nothing behind that matters."""
    ticks = climb(START, [100.0, 101.0, 102.0], step=200 * MILLISECOND)
    settings: dict[str, Any] = {"highlow__cooldown_seconds": 0, "coordinator__hold_top_source": True}
    event_outcomes = [
        the_fate(the_row(explained(write([*ticks, *behind], name), START + 200 * MILLISECOND, **settings)))
        for name, behind in (("alone", []), ("followed", climb(START + SECOND, [103.0, 104.0])))
    ]

    assert event_outcomes[0].outcome is Outcome.SUPERSEDED
    assert event_outcomes[0].winner is not None
    assert event_outcomes[0].winner["price"] == 102.0
    assert event_outcomes[0] == event_outcomes[1]


def test_a_bar_high_that_ticks_had_reported(write: Write) -> None:
    """The bar's rule fired, but it is no news; the price that was told is named."""
    rows: list[Record] = [*climb(START, [100.0, 103.0])]
    rows += [Bar("ABC", START - MINUTE, 99.0, 99.5, 99.0, 99.5, 100, avg_volume=10)]
    rows += [Bar("ABC", START, 100.0, 103.0, 100.0, 103.0, 100, avg_volume=10)]
    row = explained(write(rows), START + MINUTE).rows[-1]
    event_outcomes = {event_outcome.event["kind"]: event_outcome for event_outcome in row.event_outcomes}

    assert ending(row, "ohlcv", "high") is Ending.FIRED
    assert (event_outcomes["high"].outcome, event_outcomes["high"].tick_extreme) == (Outcome.REDUNDANT, 103.0)
    assert event_outcomes["surge"].outcome is Outcome.EMITTED


def test_an_event_that_its_cooldown_holds_back(write: Write) -> None:
    """Everything reached, but too soon: the verdict tells how long is left."""
    row = the_row(explained(write(climb(START, [100.0, 101.0, 102.0], step=400 * MILLISECOND)), START + SECOND))
    high = next(verdict for verdict in row.verdicts["highlow"] if verdict.kind == "high")

    assert (high.ending, row.event_outcomes) == (Ending.COOLDOWN, [])
    assert high.cooldown is not None
    assert (high.cooldown.last, high.cooldown.left) == (START + 400 * MILLISECOND, 600 * MILLISECOND)


ODD_ROWS: dict[str, tuple[Sequence[float | None], AdmissionStatus, str]] = {
    "no price": ([100.0, None], AdmissionStatus.REJECTED, "price"),
    "a price of nothing": ([100.0, float("nan")], AdmissionStatus.REJECTED, "price"),
    "a price far off": ([100.0, 150.0], AdmissionStatus.SUSPECT, "suspect"),
}


@pytest.mark.parametrize("case", ODD_ROWS)
def test_a_row_that_was_rejected_or_changed(write: Write, case: str) -> None:
    """Rejected rows reach no detector; suspect ones are hidden from all."""
    prices, status, reason = ODD_ROWS[case]
    row = the_row(explained(write(climb(START, prices)), START + 5 * SECOND))  # type: ignore[arg-type]  # garbage is the point

    assert (row.admission.status, row.admission.reason) == (status, reason)
    assert bool(row.verdicts) is (status is AdmissionStatus.SUSPECT)
    assert {verdict.ending for told in row.verdicts.values() for verdict in told} <= {Ending.HIDDEN, Ending.WAITING}


def test_a_phase_that_does_not_count(write: Write) -> None:
    """The row is there, and filtered."""
    row = the_row(explained(write(climb(at("21:00:00"), [100.0])), at("21:00:00")))

    assert (row.admission.status, row.admission.phase, row.verdicts) == (AdmissionStatus.FILTERED, "overnight", {})


def test_detectors_that_are_off_are_named_and_not_asked(write: Write) -> None:
    """Why nothing fired may be that simple."""
    explanation = explained(write(climb(START, [100.0])), START, detectors__enabled=("surge", "fmv"))

    assert explanation.disabled == ["highlow", "trend", "ohlcv"]
    assert set(the_row(explanation).verdicts) == {"surge"}


def test_other_tickers_do_not_matter(write: Write) -> None:
    """One ticker's moment is the same alone and in a crowd."""
    mine = climb(START, [100.0, 101.0], step=4 * SECOND)
    crowd = sorted([*mine, *climb(START + 1, [50.0, 60.0, 70.0], "XYZ")], key=lambda row: row.timestamp or 0)
    alone, among = (the_row(explained(write(rows, name), START + MINUTE)) for name, rows in (("a", mine), ("b", crowd)))

    assert (alone.verdicts, alone.event_outcomes) == (among.verdicts, among.event_outcomes)


def test_start_says_where_state_begins(write: Write) -> None:
    """As for a replay from there: what came before was never seen."""
    recording = write(climb(START, [100.0, 101.0, 102.0], step=10 * SECOND))
    request = Request([recording], start=START + 15 * SECOND)
    row = the_row(explain(request, "ABC", START + 20 * SECOND))

    assert ending(row, "highlow", "high") is Ending.WAITING


def test_a_time_before_the_start_is_an_error(write: Write) -> None:
    """Nothing is known by then, and to replay on from the start would be another question."""
    request = Request([write(climb(START, [100.0, 101.0]))], start=START + 1)
    with pytest.raises(UsageError, match=r"--start 2024-06-12T14:00:00.000000001Z is after --at 2024-06-12T14:00:00Z"):
        explain(request, "ABC", START)


def test_a_baseline_without_rows_has_length_zero(write: Write) -> None:
    """In the first seconds of a segment the window alone is longer than what there is."""
    recording = write(climb(START, [100.0 + place for place in range(8)], step=SECOND))
    (surge,) = the_row(explained(recording, START + 7 * SECOND)).verdicts["surge"]
    (baseline,) = [check for check in surge.checks if check.name == "baseline"]

    assert (baseline.value, baseline.passes) == (0, False)


@pytest.mark.parametrize(
    ("trigger", "decisive"),
    [("both", "size of the move"), ("price", "size of the move"), ("volume", "baseline"), ("any", "trigger any")],
)
def test_a_surge_that_is_none_names_what_its_trigger_lacks(write: Write, trigger: str, decisive: str) -> None:
    """Prices that stand still, and volume without a baseline: the first of what the trigger asks for decides."""
    recording = write(climb(START, [100.0] * 8, step=SECOND))
    (surge,) = the_row(explained(recording, START + 7 * SECOND, surge__trigger=trigger)).verdicts["surge"]

    assert surge.ending is Ending.BELOW
    assert surge.decisive is not None
    assert surge.decisive.name == decisive
    assert (surge.checks[-1].name, surge.checks[-1].value) == (f"trigger {trigger}", "not met")


def test_a_score_of_zero_is_no_new_direction(write: Write) -> None:
    """Prices that stand still have no direction, so none that is new."""
    recording = write(climb(START, [100.0] * 400, step=2 * SECOND))
    (trend,) = the_row(explained(recording, START + 700 * SECOND)).verdicts["trend"]
    (news,) = [check for check in trend.checks if check.name == "direction and strength"]

    assert (news.value, news.threshold, news.passes) == ("neutral", "neutral", False)


def test_a_ticker_whose_rows_come_later(write: Write) -> None:
    """When it will be is told."""
    with pytest.raises(
        DataError, match=r"no row at or before 2024-06-12T13:00:00Z; its first is available at .*14:00:0"
    ):
        explained(write(climb(START, [100.0])), START - 60 * MINUTE)


@pytest.mark.parametrize(("ticker", "hint"), [("abc", "did you mean ABC"), ("Q", "see tickstock inspect")])
def test_a_ticker_without_rows(write: Write, ticker: str, hint: str) -> None:
    """Something like it may be."""
    with pytest.raises(DataError, match=f"the recording has no ticker {ticker}; {hint}"):
        explained(write(climb(START, [100.0])), START, ticker)


def test_an_explanation_is_plain_values(write: Write) -> None:
    """For JSON, which has no word for NaN."""
    explanation = explained(write(climb(START, [100.0, float("nan")])), START + MINUTE)
    plain = json.loads(json.dumps(explanation.as_dict(), allow_nan=False))

    assert plain["at_utc"] == "2024-06-12T14:01:00Z"
    assert plain["rows"][0]["values"]["price"] == "nan"
    assert plain["rows"][0]["admission"] == {
        "status": "rejected",
        "reason": "price",
        "words": plain["rows"][0]["admission"]["words"],
        "phase": None,
        "checks": [],
    }


@pytest.mark.parametrize("seed", [0, 1, 4, 5])
def test_every_event_of_a_replay_is_explained_as_emitted(seed: int) -> None:
    """Hostile rows of all types: what a replay wrote is what the moment's explanation says was emitted."""
    with on_disk(*random_case(seed, 300)) as recording:
        recording.replay()
        events = pl.read_parquet(recording.folder / "events.parquet")
        assert len(events) > 3
        for event in events.gather_every(max(1, len(events) // 8)).to_dicts():
            request = Request(recording.paths, settings=recording.settings)
            explanation = explain(request, event["ticker"], event["available_at"])
            told = [
                event_outcome.event
                for row in explanation.rows
                for event_outcome in row.event_outcomes
                if event_outcome.outcome is Outcome.EMITTED
            ]
            assert [
                (event_outcome["price"], event_outcome["emitted_at"], event_outcome["merged"])
                for event_outcome in told
                if (event_outcome["kind"], event_outcome["source"]) == (event["kind"], event["source"])
            ] == [(event["price"], event["emitted_at"], event["merged"])]

"""Precision, recall and delay, counted by hand."""

from __future__ import annotations

import polars as pl
import pytest

from tickstock_cli.scoring.scoring import KindScore, score

SECOND = 1_000_000_000


def events(*rows: tuple[str, str, int, float]) -> pl.DataFrame:
    """Return events (kind, ticker, direction, second), each emitted half a second later."""
    return pl.DataFrame(
        [
            {
                "kind": kind,
                "ticker": ticker,
                "direction": direction,
                "timestamp": int(at * SECOND),
                "emitted_at": int((at + 0.5) * SECOND),
            }
            for kind, ticker, direction, at in rows
        ],
        schema={"kind": str, "ticker": str, "direction": int, "timestamp": int, "emitted_at": int},
    )


def truth(*rows: tuple[str, str, int, int, int]) -> pl.DataFrame:
    """Return moves (kind, ticker, direction, first second, last second)."""
    columns = ["kind", "ticker", "direction", "start", "end"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(pl.col("start", "end") * SECOND)


def only(kinds: tuple[KindScore, ...]) -> KindScore:
    """Return the one kind there is."""
    (one,) = kinds
    return one


def test_a_reported_move_is_found_with_its_delay() -> None:
    """From its start to the emission of the event."""
    one = only(score(events(("surge", "A", 1, 104)), truth(("surge", "A", 1, 100, 110))).kinds)

    assert (one.injected, one.found, one.events, one.matched) == (1, 1, 1, 1)
    assert one.delay_median == one.delay_p95 == 4.5
    assert one.recall == one.precision == 1


@pytest.mark.parametrize(
    "event",
    [
        ("trend", "A", 1, 104),
        ("surge", "B", 1, 104),
        ("surge", "A", -1, 104),
        ("surge", "A", 1, 99.9),
        ("surge", "A", 1, 170.1),
    ],
    ids=["kind", "ticker", "direction", "too early", "too late"],
)
def test_an_event_that_differs_in_anything_does_not_match(event: tuple[str, str, int, float]) -> None:
    """The move is missed, whatever else was told."""
    told = events(event, ("high", "A", 1, 104))
    one = next(one for one in score(told, truth(("surge", "A", 1, 100, 110))).kinds if one.kind == "surge")

    assert (one.found, one.matched, one.delay_median, one.recall) == (0, 0, None, 0)


def test_an_event_within_the_grace_still_matches() -> None:
    """The border belongs to it; the grace can be set by kind."""
    told, happened = events(("surge", "A", 1, 170)), truth(("surge", "A", 1, 100, 110))

    assert only(score(told, happened).kinds).found == 1
    assert only(score(told, happened, {"surge": 59}).kinds).found == 0
    assert only(score(told, happened, {"halt": 60, "surge": 59.5}).kinds).found == 0


def test_a_move_reported_twice_is_found_once() -> None:
    """Both events match, the first one tells the delay; a stray third lowers precision, not recall."""
    told = events(("surge", "A", 1, 130), ("surge", "A", 1, 103), ("surge", "A", 1, 500))

    one = only(score(told, truth(("surge", "A", 1, 100, 110), ("surge", "B", 1, 100, 110))).kinds)

    assert (one.found, one.matched, one.unmatched) == (1, 2, 1)
    assert one.delay_median == 3.5
    assert one.recall == 0.5
    assert one.precision == pytest.approx(2 / 3)


def test_of_two_moves_an_event_matches_the_one_that_began_first() -> None:
    """Never both."""
    one = only(score(events(("fmv", "A", 1, 150)), truth(("fmv", "A", 1, 100, 110), ("fmv", "A", 1, 140, 160))).kinds)

    assert (one.found, one.matched, one.delay_median) == (1, 1, 50.5)


def test_events_after_a_halt_are_told_apart() -> None:
    """The gap was injected too, but no event tells of a halt by name."""
    told = events(("surge", "H", -1, 402), ("surge", "A", 1, 900), ("high", "A", 1, 5))
    happened = truth(("halt", "H", -1, 100, 400), ("surge", "A", 1, 700, 710))

    result = score(told, happened)

    one = only(result.kinds)
    assert (one.kind, one.events, one.unmatched, one.after_halt) == ("surge", 2, 2, 1)
    assert result.unscored == {"high": 1}


def test_without_events_there_is_no_precision() -> None:
    """Not a precision of zero."""
    one = only(score(events(), truth(("trend", "A", 1, 100, 110))).kinds)

    assert (one.precision, one.recall, one.delay_p95) == (None, 0, None)

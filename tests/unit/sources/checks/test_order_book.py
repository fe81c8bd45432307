"""Rows of order books and quotes among trades."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import NOON, SECOND, Write
from tickstock_cli.errors import SchemaError


@pytest.mark.parametrize(
    ("name", "values", "remedy"),
    [
        ("action", ["A", "T"], "--where action=T"),
        ("action", ["A", "C"], "--where action=T"),
        ("action", [b"A", b"T"], "--where action=T"),
        ("Action", pa.array(["T", "M"]).dictionary_encode(), "--where Action=T"),
        ("type", ["trade", "quote"], "--where type=trade"),
        ("event_type", ["T", "Q"], "--where event_type=T"),
        ("side", ["bid", "trade"], "--where side=trade"),
        ("EventType", ["QUOTE BID", "TRADE NB"], "--where 'EventType=TRADE NB'"),
        ("what", ["ADD", "MATCH"], "--where what=MATCH"),
        ("message_type", ["add", "execute"], "--where message_type=execute"),
        ("message_type", ["book_update", "trade-tick"], "--where message_type=trade-tick"),
        ("stream", ["trade", "bookTicker"], "--where stream=trade"),
        ("exec_type", ["trade", "canceled"], "--where exec_type=trade"),
        ("T", ["t", "q"], "--where T=t"),
        ("field", ["LAST", "BID"], "--where field=LAST"),
        ("whatToShow", ["TRADE", "MIDPOINT"], "--where whatToShow=TRADE"),
        ("status", ["filled", "open"], "--where status=filled"),
        ("msg", [b"T", b"Q"], "--where msg=T"),
    ],
)
def test_rows_that_are_no_trades_stop_with_the_filter(write: Write, name: str, values: Any, remedy: str) -> None:
    """Orders and quotes have prices and sizes, too."""
    path = write(**{name: values})
    with pytest.raises(SchemaError, match=f"column {name} says that not all rows are trades .*{remedy}"):
        noted(path)
    trades = ("T", "t", "trade", "TRADE", "TRADE NB", "MATCH", "trade-tick", "execute", "LAST", "filled")
    assert "leaves out" in noted(path, where={name: trades})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("action", ["T", "T"]),
        ("action", [None, "T"]),
        ("side", ["bid", "ask"]),
        ("side", ["A", "B"]),
        ("type", ["buy", "sell"]),
        ("action", ["buy", "sell"]),
        ("exchange", ["A", "T"]),
        ("venue", ["Q", "T"]),
        ("type", ["limit", "market"]),
        ("buyer", [True, False]),
        ("is_trade", [True, True]),
        ("note", ["ask the desk", "buy"]),
        ("is_trade", [1, 1]),
        ("T", [1, 2]),
        ("level", ["low", "high"]),
        ("state", ["NY", "T"]),
    ],
)
def test_trades_alone_are_read_without_a_word(write: Write, name: str, values: list[str | None]) -> None:
    """The side of a trade is no action, and codes of exchanges are none."""
    assert noted(write(**{name: values})) == ""


@pytest.mark.parametrize(
    ("name", "values", "remedy"),
    [
        ("msg_type", ["A", "P"], "(A, P): if not all rows are trades, read those that are with --where msg_type=VALUE"),
        ("rtype", [0, 160], "(0, …, 160)"),
        ("is_trade", [True, False], "--where is_trade=true"),
        ("is_quote", [True, False], "--where is_quote=false"),
        ("is_trade", [1, 0], "--where is_trade=1"),
        ("MDEntryType", ["0", "2"], "(0, 2)"),
        ("level", [0, 3], "(0, …, 3)"),
        ("side", ["BID", "BUY"], "(BID, BUY)"),
    ],
)
def test_kinds_of_rows_without_names_are_told(write: Write, name: str, values: list[Any], remedy: str) -> None:
    """Codes of a vendor's own may be trades alone, so the run goes on."""
    assert f"column {name} has several values" in noted(write(**{name: values}))
    assert remedy in noted(write(**{name: values}))


def test_an_action_far_behind_the_first_rows_is_found(write: Write) -> None:
    """The footer has the extremes of a column."""
    rows = 5_000
    path = write(
        ticker=["IBM"] * rows,
        timestamp=[NOON + SECOND * place for place in range(rows)],
        price=[180.0] * rows,
        size=[1] * rows,
        action=["T"] * (rows - 1) + ["A"],
    )
    with pytest.raises(SchemaError, match="it has A"):
        noted(path)


def test_numbers_of_message_types_are_told(write: Write) -> None:
    """What they mean is unknown."""
    assert "column type has several values" in noted(write(type=[1, 4]))
    assert noted(write(type=[4, 4])) == ""


@pytest.mark.parametrize("values", [["price_level_update"] * 2, ["quote", "QUOTE BID"], ["add"] * 2])
def test_a_file_without_any_trade_is_told(write: Write, values: list[str]) -> None:
    """Its levels have a price and a size, too."""
    assert "column event says that no row is a trade" in noted(write(event=values))
    assert "no row is a trade" not in noted(write(event=values), where={"event": tuple(values)})


@pytest.mark.parametrize("values", [["trade"] * 2, ["buy", "sell"], ["limit", "market"], ["trade_update", "trade"]])
def test_words_that_trades_have_are_none(write: Write, values: list[str]) -> None:
    """The kind of the order behind a trade is no kind of row."""
    assert noted(write(event=values)) == ""

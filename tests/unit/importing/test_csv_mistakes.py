"""CSV files of any tool: what cannot be recognised is asked for by one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.importing.csv_texts import NEW_YORK, TICKS, rows_of, zip_of
from tickstock_cli.errors import TickstockError

MISTAKES: dict[str, tuple[str | bytes, dict[str, Any], str]] = {
    "no zone": (
        "ticker,timestamp,price,size\nA,2024-01-03 09:30:00,1,1\n", {}, "have no zone; name it, as in --timezone"
    ),
    "month or day": (
        "ticker,timestamp,price,size\nA,01/02/2024 09:30,1,1\n", NEW_YORK, "can have the month or the day first"
    ),
    "1970": ("ticker,timestamp,price,size\nA,93000,1,1\n", {}, "no known form fits times such as 93000"),
    "no time": ("ticker,timestamp,price,size\nA,soon,1,1\n", {}, "no known form fits times such as soon"),
    "a late bad time": (
        "ticker,timestamp,price,size\n" + "A,1704292200,1,1\n" * 2_000 + "A,soon,1,1\n",
        {},
        "line 2,002: timestamp is 'soon', which is no time of the form since 1970, in s",
    ),
    "a number with more behind it": (
        "ticker,timestamp,price,size\n" + "A,1704292200.25,1,1\n" * 1_500 + "A,1704292200.5x,1,1\n",
        {},
        "line 1,502: timestamp is '1704292200.5x'",
    ),
    "an hour that does not exist": (
        "ticker,timestamp,price,size\n" + "A,2024-03-10 01:30:00,1,1\n" * 1_500 + "A,2024-03-10 02:30:00,1,1\n",
        NEW_YORK,
        "line 1,502: timestamp is '2024-03-10 02:30:00'",
    ),
    "no close": (
        "Date,Shut,Volume,Open,High,Low\n2024-01-03,1,1,1,1,1\n",
        {"ticker": "A"},
        "lack close for ohlcv; name them, as in --map close=COLUMN",
    ),
    "no price": (
        "ticker,timestamp,cost,size\nA,1704292200,1,1\n", {}, "lack price for tick; name them, as in --map price=COLUMN"
    ),
    "two types": (
        "ticker,timestamp,price,size,fmv\nA,1704292200,1,1,1\n", {}, "are those of tick and fmv; choose one with --type"
    ),
    "a wrong mapping": (
        "ticker,timestamp,price,size\nA,1704292200,1,1\n", {"map": ("price=lats",)}, "has no column lats"
    ),
    "bits of others": (
        "ticker,timestamp,price,size,flags\nA,1704292200,1,1,64\n", {}, "flags is 64 behind line 2, but bits beyond"
    ),
    "one bar": (
        "ticker,timestamp,open,high,low,close,volume\nA,1704292200,1,1,1,1,1\n", {}, "the length of the bars is unclear"
    ),
    "a comma of two meanings": (
        'ticker,timestamp,price,size\nA,1704292200,"1,234",1\n', {}, "1,234 can be a decimal number or one of thousands"
    ),
    "a comma behind the first lines": (
        "ticker,timestamp,price,size\n" + "A,1704292200,1.5,1\n" * 1_500 + 'A,1704292200,"1,001.5",1\n',
        {},
        "line 1,502: price is '1,001.5', but a number is wanted",
    ),
    "groups of two digits": (
        'ticker,timestamp,price,size\nA,1704292200,"1,234.5","1,000,000"\nA,1704292201,"12,34.5",1\n',
        {},
        "price is '12,34.5', but a number is wanted",
    ),
    "a point among decimal commas": (
        "ticker;timestamp;price;size\nA;1704292200;1,5;1\nA;1704292200;2,5;1.5\n", {}, "size is '1.5', but a number"
    ),
    "several files in a zip": (
        zip_of({"a.csv": TICKS, "b.csv": TICKS}), {}, "has 2 files (a.csv, b.csv), but one is wanted: put each"
    ),
    "no delimiter": ("prices\n1\n", {}, "no delimiter of"),
    "a wrong encoding": (
        "ticker,timestamp,price,size\nA,1704292200,1,1\n", {"encoding": "utf-16"}, "is not text of encoding"
    ),
    "nothing": ("\n\n", {}, "has no line of text"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_unclear_is_asked_for(mistake: str, tmp_path: Path) -> None:
    """In one line, which names the option; nothing is written."""
    text, options, message = MISTAKES[mistake]

    with pytest.raises(TickstockError) as raised:
        rows_of(text, tmp_path, **options)

    assert message in str(raised.value)
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("symbol,timestamp,bid,ask\nA,2024-01-03T14:30:00Z,1,2\n", "holds quotes"),
        ('[{"ticker": "A", "price": 1}]', "is JSON, not CSV"),
        ('{"ticker": "A"}\n{"ticker": "B"}\n', "is JSON, not CSV"),
        ("Symbol,Date,Open,Hihg,Low,Close,Volume\nA,2024-01-03T14:30:00Z,1,1,1,1,1\n", "as in --map high=Hihg"),
        (TICKS.replace("size\n", "size\nunit,UTC,USD,shares\n"), "such as UTC"),
        (TICKS + "A,timestamp,price,size\n", "such as 2024-01-03T14:30:00Z and timestamp;"),
        (TICKS.replace("100\n", "100,\n").replace("0.000001\n", "0.000001,\n"), "ticker,timestamp,price,size,other"),
    ],
)
def test_advice_that_can_be_followed(text: str, told: str, tmp_path: Path) -> None:
    """The line says what is odd, and an option that works."""
    with pytest.raises(TickstockError) as caught:
        rows_of(text, tmp_path)
    assert told in str(caught.value)

"""Events of a file for a backtest: our own in every format, and anyone's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from tickstock_cli.backtest.given_events import GivenEvents, read_given_events
from tickstock_cli.build import event_kinds
from tickstock_cli.core.events import PHASES, SOURCES
from tickstock_cli.errors import DataError, SchemaError, UsageError
from tickstock_cli.replaying import Request, replay
from tickstock_cli.sources.event_files import SUFFIXES
from tickstock_cli.testing import new_york

SAMPLE = Path(__file__).parents[3] / "sample_data"
KINDS = [kind.name for kind in event_kinds()]
NOON = new_york("2026-03-02", "12:00:00")

Given = Callable[..., GivenEvents]
"""The text of a file, and its name -> its events."""


@pytest.fixture
def given(tmp_path: Path) -> Given:
    """Return a function that writes a file of events and reads it."""

    def read(text: str, name: str = "events.csv", calendar: str = "XNYS") -> GivenEvents:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_given_events(tmp_path / name, calendar, KINDS)

    return read


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the events of the sample session in every format."""
    targets = [tmp_path_factory.mktemp("events") / f"events{suffix}" for suffix in SUFFIXES]
    replay(Request(paths=[SAMPLE], outs=[str(target) for target in targets]))
    return targets


def is_same(one: GivenEvents, other: GivenEvents) -> bool:
    """Return whether events and names are the same; no two NaN differ."""
    columns = one.rows.dtype.names or ()
    return (
        all(np.array_equal(one.rows[name], other.rows[name], equal_nan=True) for name in columns)
        and np.array_equal(one.event_ids, other.event_ids)
        and (one.tickers, one.kinds, one.sources) == (other.tickers, other.kinds, other.sources)
    )


def test_our_own_events_are_read_as_they_were_told(ours: list[Path]) -> None:
    """The same from every format, in the order and with the ids of the file."""
    read, *others = (read_given_events(file, "XNYS", KINDS) for file in ours)
    told = pl.read_parquet(ours[0])

    assert all(is_same(read, other) for other in others)
    assert read.event_ids.tolist() == told["event_id"].to_list()
    assert [read.tickers[code] for code in read.rows["code"]] == told["ticker"].to_list()
    assert [read.kinds[code] for code in read.rows["kind"]] == told["kind"].to_list()
    assert [read.sources[code] for code in read.rows["source"]] == told["source"].to_list()
    assert [PHASES[code] for code in read.rows["phase"]] == told["phase"].to_list()
    for name in ("emitted_at", "timestamp", "direction", "price"):
        assert read.rows[name].tolist() == told[name].to_list()
    assert read.rows["strength"].tolist() == told["strength"].fill_null(0).to_list()
    assert np.array_equal(read.rows["score"], told["score"].to_numpy(), equal_nan=True)


def test_ids_and_phases_that_a_file_lacks_are_those_we_would_have_told(ours: list[Path], tmp_path: Path) -> None:
    """And shuffled rows get their order back."""
    events = pl.read_parquet(ours[0])
    events.drop("event_id", "phase").reverse().write_parquet(tmp_path / "less.parquet")

    less, whole = (read_given_events(file, "XNYS", KINDS) for file in (tmp_path / "less.parquet", ours[0]))
    assert is_same(less, whole)


def test_three_columns_are_enough(given: Given) -> None:
    """The kind is `event`, the source `given`; what the file does not say is nothing."""
    found = given("symbol,time,direction\nXYZ,2026-03-02T12:00:00-05:00,down\nABC,2026-03-02T12:00:00-05:00,Long\n")

    assert found.tickers == ("ABC", "XYZ")
    assert found.kinds[-1] == "event"
    assert found.sources == (*SOURCES, "given")
    assert found.rows["emitted_at"].tolist() == [NOON, NOON]
    assert found.rows["direction"].tolist() == [1, -1]
    assert [PHASES[code] for code in found.rows["phase"]] == ["regular", "regular"]
    assert np.isnan(found.rows["score"]).all()
    assert found.rows["strength"].tolist() == [0, 0]
    assert len(set(found.event_ids.tolist())) == 2


@pytest.mark.parametrize(
    "time",
    [
        NOON,
        NOON // 1_000,
        NOON // 10**6,
        NOON // 10**9,
        datetime(2026, 3, 2, 17),  # noqa: DTZ001  # no zone is the point: it means UTC
        datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("America/New_York")),
        "2026-03-02 17:00",
        "2026-03-02T12:00:00.000-05",
        str(NOON // 10**6),
    ],
)
def test_a_time_may_be_written_in_any_usual_way(time: object, tmp_path: Path) -> None:
    """Noon in New York, in Parquet."""
    pl.DataFrame({"ticker": ["A"], "time": [time], "direction": [1.0]}).write_parquet(tmp_path / "events.parquet")

    assert read_given_events(tmp_path / "events.parquet", "XNYS", KINDS).rows["emitted_at"].tolist() == [NOON]


def test_json_lines_may_mix_texts_of_times_and_leave_columns_out(given: Given) -> None:
    """Arrow alone would take the first text for a time of whole seconds, and refuse the second."""
    found = given(
        '{"ticker": "A", "time": "2026-03-02T17:00:00", "direction": null}\n'
        '{"ticker": "B", "time": "2026-03-02T17:00:00.000000001Z", "direction": "sell", "score": 3, "note": [1]}\n',
        "events.jsonl",
    )

    assert found.rows["emitted_at"].tolist() == [NOON, NOON + 1]
    assert found.rows["direction"].tolist() == [0, -1]
    assert found.rows["score"].tolist()[1] == 3.0


def test_unknown_kinds_and_sources_come_behind_ours_by_name(given: Given) -> None:
    """In the order of outputs: time, kind, ticker, source; equal ones in the order of the file, each of them kept."""
    moment = "2026-03-02T17:00:00Z"
    lines = [
        f"A,{moment},1,{kind},{source},7" for kind, source in (("zz", "me"), ("aa", ""), ("low", "fmv"), ("zz", "me"))
    ]
    found = given("\n".join(["ticker,time,direction,kind,source,event_id", *lines]))

    assert found.kinds == ("high", "low", "surge", "trend", "fmv", "aa", "zz")
    assert found.sources == (*SOURCES, "given", "me")
    assert [found.kinds[code] for code in found.rows["kind"]] == ["low", "aa", "zz", "zz"]
    assert found.event_ids.tolist() == [7, 7, 7, 7]
    assert found.rows["order"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("text", "name"), [("ticker,time,direction\n", "events.csv"), ("", "events.jsonl"), ("\n", "events.jsonl")]
)
def test_a_file_without_a_row_holds_no_events(given: Given, text: str, name: str) -> None:
    """A quiet day is no error."""
    found = given(text, name)

    assert len(found.rows) == len(found.event_ids) == len(found.tickers) == 0
    assert found.event_ids.dtype == np.uint64


def test_a_day_that_never_closes_is_always_regular(given: Given) -> None:
    """A Sunday, on which New York is closed."""
    text = "ticker,time,direction\nBTC,2026-03-01T09:00Z,1"

    phases = [int(given(text, calendar=calendar).rows["phase"][0]) for calendar in ("24/7", "XNYS")]

    assert [PHASES[phase] for phase in phases] == ["regular", "closed"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("A,noon,1", "row 1: time is 'noon', but cannot read 'noon' as a time; write 2013-10-08"),
        ("A,,1", "row 1: time is empty, but a time from 1970 to 2261 is wanted"),
        ("A,2262-01-01,1", "row 1: time is '2262-01-01', but a time from 1970 to 2261 is wanted"),
        ("A,20260302,1", "row 1: time is '20260302', but time '20260302' may be a date or seconds since 1970"),
        ("A,2026-03-02T25:00Z,1", "row 1: time is '2026-03-02T25:00Z', but .*hour is 25, but 0 to 23 is allowed"),
        ("A,2400-03-02,1", "row 1: time is '2400-03-02', but .* is out of range"),
        (",2026-03-02,1", "row 1: ticker is empty, but a name is wanted"),
        (
            "A,2026-03-02,2",
            "row 1: direction is '2', but 1, -1, 0, up, long, buy, down, short, sell, none, null is wanted",
        ),
        ("A,2026-03-02,upward", "row 1: direction is 'upward', but 1, -1, 0, up"),
        ("A,2026-03-02,1,-1", "row 1: event_id is '-1', but a whole number from 0 to 2\\*\\*64 - 1 is wanted"),
        ("A,2026-03-02,1,,noon", "row 1: phase is 'noon', but pre, regular, post, closed, overnight is wanted"),
        ("A,2026-03-02,1,,,high", "row 1: score is 'high', but a number, or nothing, is wanted"),
        ("A,2026-03-02,1,,,inf", "row 1: score is 'inf', but a number, or nothing, is wanted"),
        ("A,2026-03-02,1,,,,2.5", "row 1: strength is '2.5', but a whole number from 0 to 127 is wanted"),
    ],
)
def test_a_value_that_cannot_be_read_is_named(given: Given, row: str, message: str) -> None:
    """File, row, column, value, and what is wanted, in one line."""
    header = "ticker,time,direction,event_id,phase,score,strength"
    good = "A,2026-03-02T17:00Z,1,18446744073709551615,pre,2.5,3"

    with pytest.raises(DataError, match=rf"events.csv: {message}") as caught:
        given(f"{header}\n{good}\n{row}{',' * (6 - row.count(','))}\n")

    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_meant_is_refused(given: Given, tmp_path: Path) -> None:
    """A missing column, a type that is none, a format that is none, too many kinds."""
    with pytest.raises(SchemaError, match=r"has no column ticker or symbol; it has time, side: name the instrument"):
        given("time,side\n")
    pl.DataFrame({"ticker": ["A"], "time": [1.5e9], "direction": [True]}).write_parquet(tmp_path / "odd.parquet")
    with pytest.raises(SchemaError, match=r"odd.parquet: column time has the type Float64; write 2013-10-08"):
        read_given_events(tmp_path / "odd.parquet", "XNYS", KINDS)
    with pytest.raises(UsageError, match="unknown format"):
        given("", "events.txt")
    with pytest.raises(DataError, match="has 123 kinds beside our 5, but 127 in all is the most"):
        given("\n".join(["ticker,time,direction,kind", *(f"A,2026-03-02,1,kind{n}" for n in range(123))]))

"""The unit of a column `interval`, held against the distance of bars."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import NOON, SECOND, Write
from tickstock_cli.errors import DataError, SchemaError
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings

FIVE_MINUTES = 300 * SECOND


def every(write_bars: Write, step: int, interval: Any, count: int = 8, name: str = "bars.parquet") -> Path:
    """Write bars of one ticker, ``step`` ns apart."""
    prices = {price: [180.0] * count for price in ("open", "high", "low", "close")}
    times = [NOON + place * step for place in range(count)]
    columns = {"interval": interval} if interval is not None else {}
    return write_bars(name, ticker=["IBM"] * count, timestamp=times, **prices, volume=[100] * count, **columns)


def ends(path: Path, **options: Any) -> int:
    """Return the time from the start of the first bar to the moment at which it is known."""
    with Recordings.open([path], ReadOptions(**options)) as recordings:
        step = next(iter(recordings.batches(10)))
        return int(step.bars.available_at[0] - step.bars.timestamp[0])


@pytest.mark.parametrize(
    ("value", "unit"), [(5, "min"), (300_000, "ms"), (300_000_000, "us"), (5.0, "min"), ("5", "min"), ("300000", "ms")]
)
def test_a_number_in_another_unit_stops_with_the_setting(write_bars: Write, value: float | str, unit: str) -> None:
    """Read as seconds, a bar of five minutes would be known after five seconds: a look ahead."""
    path = every(write_bars, FIVE_MINUTES, [value] * 8)
    with pytest.raises(SchemaError, match=rf"bars\.parquet: .*5 min 0 s apart.*recordings\.interval_unit={unit} "):
        ends(path)
    assert ends(path, interval_unit=unit) == FIVE_MINUTES
    assert noted(path, interval_unit=unit) == ""


@pytest.mark.parametrize(
    "interval",
    [
        [300] * 8,
        ["5m"] * 8,
        ["5min"] * 8,
        pa.array(["5T"] * 8).dictionary_encode(),
        pa.array([timedelta(minutes=5)] * 8, pa.duration("us")),
        None,
    ],
)
def test_lengths_that_fit_are_read_without_a_word(write_bars: Write, interval: Any) -> None:
    """As numbers of seconds, texts or durations."""
    path = every(write_bars, FIVE_MINUTES, interval)
    assert ends(path, interval_seconds=300) == FIVE_MINUTES
    assert noted(path, interval_seconds=300) == ""


def test_nanoseconds_are_longer_than_any_bar_of_seconds(write_bars: Write) -> None:
    """The message names the setting."""
    path = every(write_bars, FIVE_MINUTES, [FIVE_MINUTES] * 8)
    with pytest.raises(DataError, match=r"row 0: interval is 300000000000 s, longer than any bar: .*interval_unit=ns"):
        ends(path)
    assert ends(path, interval_unit="ns") == FIVE_MINUTES


def test_gaps_between_bars_prove_nothing(write_bars: Write) -> None:
    """A ticker that seldom trades has bars of a minute with others missing."""
    assert noted(every(write_bars, 60 * SECOND, [60] * 8)) == ""
    times = [NOON + minutes * 60 * SECOND for minutes in (0, 3, 4, 60, 67, 90, 100, 111)]
    prices = {price: [180.0] * 8 for price in ("open", "high", "low", "close")}
    path = write_bars(ticker=["IBM"] * 8, timestamp=times, **prices, volume=[1] * 8, interval=[60] * 8)
    assert noted(path) == ""


def test_a_distance_that_no_unit_explains_is_told(write_bars: Write) -> None:
    """Bars of one minute, five minutes apart in every case; and bars of five minutes that overlap."""
    assert "1 min 0 s long, but they are 5 min 0 s apart" in noted(every(write_bars, FIVE_MINUTES, [60] * 8))
    assert "5 min 0 s long, but they are 1 min 0 s apart" in noted(every(write_bars, 60 * SECOND, ["5m"] * 8))


def test_bars_without_a_neighbour_are_told(write_bars: Write) -> None:
    """One bar a ticker cannot show the unit."""
    assert "are read as seconds" in noted(write_bars(ticker=["IBM", "BAC"], interval=[5, 5]))


def test_many_tickers_before_the_second_bar_hide_nothing(write_bars: Write) -> None:
    """The first rows of a file that is sorted by time have one bar of each ticker."""
    tickers = [f"T{number}" for number in range(1_500)]
    prices = {price: [180.0] * 4_500 for price in ("open", "high", "low", "close")}
    times = [NOON + minutes * 60 * SECOND for minutes in range(3) for _ in tickers]
    path = write_bars(ticker=tickers * 3, timestamp=times, **prices, volume=[1] * 4_500, interval=[1] * 4_500)
    with pytest.raises(SchemaError, match="interval_unit=min"):
        ends(path)


@pytest.mark.parametrize(("name", "seconds"), [("1m", 60), ("5min", 300), ("1h", 3_600), ("1d", 86_400), ("60", 60)])
def test_a_folder_can_name_the_length(write_bars: Write, tmp_path: Path, name: str, seconds: int) -> None:
    """As the trees of data lakes do."""
    (tmp_path / f"interval={name}").mkdir()
    path = every(write_bars, seconds * SECOND, None, name=f"interval={name}/bars.parquet")
    assert ends(path) == seconds * SECOND
    assert noted(path) == ""


def test_a_folder_that_names_minutes_stops(write_bars: Write, tmp_path: Path) -> None:
    """A number alone is seconds there, too."""
    (tmp_path / "interval=5").mkdir()
    path = every(write_bars, FIVE_MINUTES, None, name="interval=5/bars.parquet")
    with pytest.raises(SchemaError, match="interval_unit=min"):
        ends(path)


def test_a_text_that_is_no_length_names_its_row(write_bars: Write, tmp_path: Path) -> None:
    """A month has none."""
    with pytest.raises(DataError, match=r"row 1: interval is '1M', but must be seconds, or a text such as"):
        ends(write_bars(interval=["1m", "1M"]))
    (tmp_path / "interval=1M").mkdir()
    with pytest.raises(SchemaError, match="partition interval=1M cannot be read as seconds"):
        ends(every(write_bars, FIVE_MINUTES, None, name="interval=1M/bars.parquet"))


def test_a_column_without_values_is_answered_by_the_length(write_bars: Write) -> None:
    """A unit would change nothing."""
    path = every(write_bars, FIVE_MINUTES, pa.nulls(8, pa.int64()))
    assert noted(path).endswith("set the length of bars, as in --set recordings.interval_seconds=300")
    assert noted(path, interval_seconds=300) == ""


def test_a_word_that_is_too_short_a_length_is_answered_by_the_length(write_bars: Write) -> None:
    """`timespan` has the unit of bars, and their number stands elsewhere."""
    path = every(write_bars, FIVE_MINUTES, ["minute"] * 8)
    assert noted(path).endswith("as in --map interval= --set recordings.interval_seconds=300")
    assert ends(path, columns={"interval": ""}, interval_seconds=300) == FIVE_MINUTES

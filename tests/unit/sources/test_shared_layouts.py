"""Files of equal columns are recognised once: what differs between them all the same stays theirs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.core.marks import OutputMark, marked
from tickstock_cli.sources.recordings import ReadOptions, Recordings, Unsorted
from tickstock_cli.sources.shared_layouts import SharedLayouts

NOON = 1_381_248_000_000_000_000
SECOND = 1_000_000_000
Write = Callable[..., Path]


def ticks(*seconds: int | None) -> pa.Table:
    """Return ticks without tickers, at seconds after noon."""
    times = [None if second is None else NOON + second * SECOND for second in seconds]
    return pa.table(
        {"timestamp": pa.array(times, pa.timestamp("ns", "UTC")), "price": [1.0] * len(times)}
    ).append_column("size", pa.array([1] * len(times)))


def tickers_read(folder: Path, options: ReadOptions | None = None) -> list[str | None]:
    """Return the tickers of all rows, in merge order."""
    with Recordings.open([folder], options) as recordings:
        codes = [code for step in recordings.batches(100) for code in step.ticks.code.tolist()]
        return [None if code < 0 else recordings.symbols.tickers[code] for code in codes]


def test_each_folder_gives_its_own_ticker(tmp_path: Path) -> None:
    """The columns are the same in all; a null partition has none."""
    for second, name in enumerate(("ticker=IBM", "ticker=BRK%2FB", "ticker=__HIVE_DEFAULT_PARTITION__")):
        (tmp_path / name).mkdir()
        pq.write_table(ticks(second), tmp_path / name / "part-0.parquet")
    assert tickers_read(tmp_path) == ["IBM", "BRK/B", None]


def test_many_folders_are_read_together_and_keep_their_tickers(tmp_path: Path) -> None:
    """A hundred files of one row, in turns of their times."""
    for second in range(100):
        (tmp_path / f"ticker=T{second:02}").mkdir()
        pq.write_table(ticks(second, second + 100), tmp_path / f"ticker=T{second:02}" / "part-0.parquet")
    (tmp_path / "ticker=__HIVE_DEFAULT_PARTITION__").mkdir()
    pq.write_table(ticks(300), tmp_path / "ticker=__HIVE_DEFAULT_PARTITION__" / "part-0.parquet")
    names: list[str | None] = [f"T{second:02}" for second in range(100)]
    assert tickers_read(tmp_path) == [*names, *names, None]
    assert tickers_read(tmp_path, ReadOptions(symbols=frozenset(["T07", "T42"]))) == ["T07", "T42"] * 2
    assert tickers_read(tmp_path, ReadOptions(where={"ticker": ("T07", "T42")})) == ["T07", "T42"] * 2


def test_each_folder_gives_its_own_ticker_under_a_mapped_name(tmp_path: Path) -> None:
    """A folder named `ticker` besides is not read then."""
    for second, name in enumerate(("IBM", "GE")):
        (tmp_path / "ticker=X" / f"sym={name}").mkdir(parents=True)
        pq.write_table(ticks(second), tmp_path / "ticker=X" / f"sym={name}" / "part-0.parquet")
    assert tickers_read(tmp_path, ReadOptions(columns={"ticker": "sym"})) == ["IBM", "GE"]


def test_what_the_rows_decide_is_decided_for_each_file(tmp_path: Path) -> None:
    """Days and minutes of yfinance have the same columns."""
    begin = datetime(2024, 1, 2, tzinfo=UTC)
    for name, step in (("AAPL", timedelta(days=1)), ("MSFT", timedelta(minutes=1))):
        prices = {column: [1.0] * 3 for column in ("Open", "High", "Low", "Close")}
        dates = pa.array([begin + place * step for place in range(3)], pa.timestamp("ns", "UTC"))
        table = pa.table({"Date": dates, **prices, "Volume": [1] * 3, "Ticker": [name] * 3})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    with Recordings.open([tmp_path]) as recordings:
        assert [file.interval_ns // SECOND for file in recordings.files] == [86_400, 60]


def test_an_output_is_told_from_a_recording_by_its_mark_alone(tmp_path: Path) -> None:
    """Both have the same columns."""
    rows = ticks(0).append_column("ticker", pa.array(["IBM"]))
    pq.write_table(rows, tmp_path / "a.parquet")
    output = rows.replace_schema_metadata(marked(rows.schema, OutputMark.REJECTS).metadata)
    pq.write_table(output, tmp_path / "b.parquet")
    with Recordings.open([tmp_path]) as recordings:
        assert [path.name for path in recordings.paths] == ["a.parquet"]
        assert [Path(path).name for path in recordings.left_out] == ["b.parquet"]


def test_rows_before_the_first_time_take_it_though_a_later_one_is_earlier(write: Write) -> None:
    """The footer states the smallest time, but not which row has it: with a null it does not suffice."""
    times = pa.array([None, NOON + 5 * SECOND, NOON + 3 * SECOND], pa.timestamp("ns", "UTC"))
    path = write(ticker=["A"] * 3, timestamp=times, price=[1.0] * 3, size=[1] * 3)
    with Recordings.open([path], ReadOptions(unsorted=Unsorted.REJECT)) as recordings:
        (step,) = recordings.batches(10)
    assert ((step.ticks.available_at - NOON) // SECOND).tolist() == [5, 5, 5]


def test_times_of_several_units_are_guessed_from_the_first_rows(write: Write) -> None:
    """One time in ns among those in ms is odd; the median is not."""
    path = write(
        ticker=["A"] * 3, timestamp=[NOON // 1_000_000, NOON // 1_000_000 + 1, NOON], price=[1.0] * 3, size=[1] * 3
    )
    with Recordings.open([path]) as recordings:
        (guess,) = recordings.files[0].guesses
    assert (guess.value, guess.why) == ("ms", f"the median of the first 3 rows is {NOON // 1_000_000 + 1}")


def test_metadata_of_other_writers_do_not_tell_files_apart(tmp_path: Path) -> None:
    """Pandas writes the number of rows into its own, which would be another schema for each file."""
    opened = SharedLayouts(ReadOptions())
    for rows in (1, 2):
        table = ticks(*range(rows)).append_column("ticker", pa.array(["X"] * rows))
        table.to_pandas().to_parquet(tmp_path / f"{rows}.parquet")
    one, two = (pq.ParquetFile(tmp_path / f"{rows}.parquet") for rows in (1, 2))
    assert one.schema_arrow.metadata != two.schema_arrow.metadata
    assert opened.of(one) is opened.of(two)
    marked_rows = pq.read_table(tmp_path / "1.parquet").replace_schema_metadata({"tickstock": "events"})
    pq.write_table(marked_rows, tmp_path / "events.parquet")
    assert opened.of(pq.ParquetFile(tmp_path / "events.parquet")).mark == "events"


def test_files_are_told_apart_by_nesting_and_metadata_even_where_their_columns_are_stored_alike(tmp_path: Path) -> None:
    """A column in a struct and one beside it have the same leaves; notes in the metadata are not types."""
    rows = ticks(0).append_column("ticker", pa.array(["IBM"]))
    notes = pa.array(["x"])
    nested = rows.append_column("more", pa.StructArray.from_arrays([notes], ["note"]))
    for name, table in (("a", rows.append_column("note", notes)), ("b", nested)):
        for place in range(2):
            path = tmp_path / f"{name}{place}.parquet"
            pq.write_table(table.replace_schema_metadata({"note": name}), path, store_schema=False)
    with Recordings.open([tmp_path], ReadOptions(copies="all")) as recordings:
        assert [file.layout.ignored for file in recordings.files] == [("note",), ("note",), ("more",), ("more",)]
        assert sum(len(step.ticks) for step in recordings.batches(10)) == 4

"""Recordings as a whole: what is opened, in which order, and how what is broken is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.errors import DataError, OwnOutputError, SchemaError, UsageError
from tickstock_cli.sinks.opening import open_sink
from tickstock_cli.sinks.rejects import RejectsSink
from tickstock_cli.sources.recordings import ReadOptions, Recordings

NOON = 1_381_248_000_000_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
Write = Callable[..., Path]


def test_files_stand_by_type_and_then_as_given(write: Write, write_bars: Write, write_fmvs: Write) -> None:
    """The order of files decides between rows of the same time."""
    given = [write_fmvs(), write("z.parquet"), write_bars(), write("a.parquet", size=[3, 4])]
    with Recordings.open(given) as recordings:
        assert [file.path.name for file in recordings.files] == [
            "z.parquet",
            "a.parquet",
            "bars.parquet",
            "fmv.parquet",
        ]
        assert [file.index for file in recordings.files] == [0, 1, 2, 3]
        assert recordings.rows == 8


def test_equal_times_merge_by_type_and_a_bar_counts_at_its_end(
    write: Write, write_bars: Write, write_fmvs: Write
) -> None:
    """A tick at the very end of a bar comes before the bar, a fair value after it."""
    at_end = [NOON + MINUTE, NOON + MINUTE]
    with Recordings.open([write_fmvs(timestamp=at_end), write_bars(), write(timestamp=at_end)]) as recordings:
        (step,) = recordings.batches(10)
        assert step.ticks.order.tolist() == [0, 1]
        assert step.bars.order.tolist() == [2, 5]
        assert step.fmvs.order.tolist() == [3, 4]
        assert step.watermark == NOON + 2 * MINUTE
        assert recordings.span == (NOON + MINUTE, NOON + 2 * MINUTE)


def test_a_hive_tree_gives_its_tickers(write: Write) -> None:
    """The folder names the ticker; a folder of another ticker is not even read."""
    write("ticker=IBM/a.parquet", ticker=None)
    tree = write("ticker=BRK%2FB/a.parquet", ticker=None).parent.parent
    with Recordings.open([tree]) as recordings:
        (step,) = recordings.batches(10)
        tickers = recordings.symbols.tickers
        assert [tickers[code] for code in step.ticks.code] == ["BRK/B", "IBM", "BRK/B", "IBM"]
    with Recordings.open([tree], ReadOptions(symbols=frozenset({"IBM"}))) as recordings:
        (step,) = recordings.batches(10)
        assert list(recordings.symbols.tickers) == ["IBM"]
        assert step.positions == (0, 2)


def test_row_groups_outside_the_bounds_are_skipped_unread(write: Write) -> None:
    """Their footers tell; what is damaged in them does not matter."""
    times = [NOON + second * SECOND for second in range(40)]
    columns = {"ticker": ["IBM"] * 40, "price": [float(row + 1) for row in range(40)], "size": [1] * 40}
    path = write(timestamp=times, row_group_size=10, **columns)
    prices = pq.read_metadata(path).row_group(1).column(2)
    damage(path, prices.dictionary_page_offset or prices.data_page_offset, prices.total_compressed_size)
    with Recordings.open([path], ReadOptions(start=times[25])) as recordings:
        (step,) = recordings.batches(100)
        assert step.ticks.timestamp.tolist() == times[25:]
    with Recordings.open([path], ReadOptions(end=times[6])) as recordings:
        (step,) = recordings.batches(100)
        assert step.ticks.timestamp.tolist() == times[:6]
    with Recordings.open([path]) as recordings, pytest.raises(DataError, match=r"cannot read .*ticks\.parquet"):
        list(recordings.batches(100))


def damage(path: Path, offset: int, length: int) -> None:
    """Overwrite a part of a file."""
    content = bytearray(path.read_bytes())
    content[offset : offset + length] = b"\xff" * length
    path.write_bytes(content)


@pytest.mark.parametrize("keep", [0, 3, 100, -1])
def test_a_truncated_file_is_one_clear_line(write: Write, keep: int) -> None:
    """A recorder that was killed leaves files without an end."""
    path = write()
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError) as caught:
        Recordings.open([path])
    assert str(caught.value).startswith(f"cannot read {path}: it is damaged, cut off or not a Parquet file")
    assert "\n" not in str(caught.value)


def test_the_error_of_invalid_utf8_names_the_file(write: Write) -> None:
    """Arrow reads such a column; Python cannot."""
    tickers = pa.array([b"IBM", b"\xff\xfe"], pa.binary()).view(pa.string())
    path = write(ticker=tickers)
    with Recordings.open([path]) as recordings, pytest.raises(DataError, match=r"ticks\.parquet"):
        list(recordings.batches(10))


def test_files_without_rows_are_fine(write: Write) -> None:
    """They are recognised, and return nothing."""
    empty = {"ticker": pa.array([], pa.string()), "timestamp": pa.array([], pa.int64())}
    numbers = {"price": pa.array([], pa.float64()), "size": pa.array([], pa.int64())}
    with Recordings.open([write(**empty, **numbers)]) as recordings:
        assert list(recordings.batches(10)) == []
        assert recordings.span is None


def test_steps_of_no_rows_and_wrong_positions_are_usage_errors(write: Write) -> None:
    """They would hide a mistake of the caller."""
    with Recordings.open([write()]) as recordings:
        with pytest.raises(UsageError, match="rows per batch is 0"):
            recordings.batches(0)
        with pytest.raises(UsageError, match="a recording of 1 file has positions for 2"):
            recordings.batches(10, [1, 2])
    with pytest.raises(UsageError, match="timestamp unit is 'minutes'"):
        Recordings.open([write()], ReadOptions(timestamp_unit="minutes"))


def test_a_recording_can_be_read_again(write: Write) -> None:
    """Every reading begins at the first row, and codes stay the same."""
    with Recordings.open([write(ticker=["IBM", "BAC"])]) as recordings:
        first, second = ([step.ticks.code.tolist() for step in recordings.batches(1)] for _ in range(2))
        assert first == second == [[0], [1]]


def test_a_mapping_to_a_column_that_no_file_has_is_a_usage_error(write: Write, write_fmvs: Write) -> None:
    """A typo would have another column read, in silence. One file that has it is enough."""
    ours = write("a.parquet", last=[1.0, 2.0])
    with pytest.raises(
        UsageError, match=r"cannot map price=lst: no recording has a column lst; did you mean price=last\?"
    ):
        Recordings.open([ours], ReadOptions(columns={"price": "lst"}))
    with pytest.raises(
        UsageError, match="cannot map size=qty: no recording has a column qty; the columns are ticker, "
    ):
        Recordings.open([ours], ReadOptions(columns={"size": "qty"}))

    with Recordings.open([ours, write("b.parquet"), write_fmvs()], ReadOptions(columns={"price": "last"})) as read:
        assert [file.layout.columns.get("price") for file in read.files] == ["last", "price", None]


def test_a_mapping_for_another_record_type_is_no_error(write: Write) -> None:
    """A configuration may tell how fair values are named while only ticks are read. An empty name hides."""
    options = ReadOptions(columns={"fmv": "fair", "market_price": "market", "flags": ""})
    with Recordings.open([write(flags=[1, 1])], options) as recordings:
        assert "flags" not in recordings.files[0].layout.columns


def write_our_outputs(folder: Path) -> None:
    """Write events, none of them, and a rejected row that looks like a tick in every way."""
    open_sink(str(folder / "events.parquet")).commit()
    columns = {"ticker": ["IBM"], "timestamp": [NOON], "price": [0.0], "size": [1], "reason": ["price"]}
    rejected = RejectsSink(str(folder / "rejects.parquet"), pa.table(columns).schema)
    rejected.write(pa.table(columns))
    rejected.commit()


def test_an_output_of_tickstock_is_no_recording(write: Write, tmp_path: Path) -> None:
    """A second run over the folder must read what the first one read."""
    path = write()
    write_our_outputs(tmp_path)

    for paths in ([tmp_path], [tmp_path / "*.parquet"]):
        with Recordings.open(paths) as recordings:
            assert [file.path for file in recordings.files] == [path]
            assert recordings.notes == [
                f"left out, because they are outputs of tickstock: {tmp_path / 'events.parquet'} and 1 more"
            ]
    for name, what in (("events", "events"), ("rejects", "rejects")):
        with pytest.raises(
            OwnOutputError, match=rf"{name}\.parquet holds {what} that tickstock wrote, not a recording"
        ):
            Recordings.open([tmp_path / f"{name}.parquet", path])


def test_a_folder_of_nothing_but_our_outputs_has_no_recordings(tmp_path: Path) -> None:
    """It is no empty market."""
    write_our_outputs(tmp_path)

    with pytest.raises(DataError, match=f"no recordings in {tmp_path}: all files there are outputs of tickstock"):
        Recordings.open([tmp_path])


def test_events_that_somebody_else_wrote_are_not_taken_for_ours(write: Write, tmp_path: Path) -> None:
    """Only the mark counts: a recording may have whatever columns it likes."""
    extra = {name: pa.nulls(2) for name in EVENT_SCHEMA.names if name not in ("ticker", "timestamp", "price")}
    with Recordings.open([write(**extra).parent]) as recordings:
        assert [file.path for file in recordings.files] == [tmp_path / "ticks.parquet"]
        assert recordings.notes == []


LOCAL = pa.array([NOON, NOON + SECOND]).cast(pa.timestamp("ns"))
ZONE_NOTE = "times without a zone are read as UTC; if they have another zone, set it, as in --set "


def test_times_without_a_zone_are_worth_a_note(write: Write, tmp_path: Path) -> None:
    """Four hours decide which phase a row is in. Whoever names the zone, UTC included, is not told."""
    for place, name in enumerate(("a", "b", "c")):
        write(f"{name}.parquet", timestamp=LOCAL, received_at=LOCAL, size=[1, 2 + place])
    with Recordings.open([tmp_path]) as recordings:
        (note,) = recordings.notes
    for zone in ("America/New_York", "Etc/UTC"):
        with Recordings.open([tmp_path], ReadOptions(timezone=zone)) as recordings:
            assert recordings.notes == []

    assert note == f"in {tmp_path / 'a.parquet'} and 2 more, {ZONE_NOTE}recordings.timezone=America/New_York"


@pytest.mark.parametrize(
    ("minutes", "tickers", "told"),
    [
        ([0, 5], ["IBM", "IBM"], True),
        ([0, 0], ["IBM", "BAC"], True),
        ([0, 1], ["IBM", "BAC"], True),
        ([0, 1], ["IBM", "IBM"], False),
        ([0, 1], [None, None], False),
    ],
    ids=["five minutes", "one bar each", "two tickers", "a minute", "no ticker"],
)
def test_an_assumed_length_of_bars_is_worth_a_note_unless_they_stand_so_far_apart(
    write_bars: Write, minutes: list[int], tickers: list[str | None], told: bool
) -> None:
    """A bar is available at its end, so its length decides when anything is known."""
    starts = [NOON + minute * MINUTE for minute in minutes]
    with Recordings.open([write_bars(timestamp=starts, ticker=pa.array(tickers, pa.string()))]) as recordings:
        notes = recordings.notes

    assert len(notes) == told
    assert all("bars without a column interval are read as 60 s long" in note for note in notes)


def test_the_span_of_local_times_is_in_utc(write: Write) -> None:
    """Bounds come from the footer, which holds what the clocks showed."""
    path = write(timestamp=LOCAL)
    with Recordings.open([path], ReadOptions(timezone="America/New_York")) as recordings:
        assert recordings.span == (NOON + 240 * MINUTE, NOON + 240 * MINUTE + SECOND)
    late = ReadOptions(timezone="America/New_York", start=NOON + 240 * MINUTE + 1)
    with Recordings.open([path], late) as recordings:
        (step,) = recordings.batches(10)
        assert step.ticks.timestamp.tolist() == [NOON + 240 * MINUTE + SECOND]
        assert recordings.whole_span == (NOON + 240 * MINUTE, NOON + 240 * MINUTE + SECOND)


def test_a_frame_without_rows_beside_others_is_left_out(tmp_path: Path, write: Write) -> None:
    """Pandas writes an empty one without the columns; alone, it is an error."""
    pq.write_table(pa.table({"__index_level_0__": pa.array([], pa.int64())}), tmp_path / "a.parquet")
    with pytest.raises(SchemaError, match="is not a recording"):
        Recordings.open([tmp_path])
    write("b.parquet")
    with Recordings.open([tmp_path]) as recordings:
        assert (recordings.rows, recordings.notes) == (2, [])
    with pytest.raises(SchemaError, match="is not a recording"):
        Recordings.open([tmp_path / "a.parquet", tmp_path / "b.parquet"])


def test_links_to_a_file_are_told(tmp_path: Path, write: Write) -> None:
    """Its rows are read once."""
    write("a.parquet")
    (tmp_path / "latest.parquet").symlink_to("a.parquet")
    with Recordings.open([tmp_path]) as recordings:
        assert (recordings.rows, len(recordings.files)) == (2, 1)
        assert recordings.notes == [f"in {tmp_path}/a.parquet, a link to it is left out"]

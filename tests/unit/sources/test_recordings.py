"""Recordings as a whole: what is opened, in which order, and how what is broken is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickstock_cli.errors import DataError, UsageError
from tickstock_cli.sources.recordings import ReadOptions, Recordings

NOON = 1_381_248_000_000_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
Write = Callable[..., Path]


def test_files_stand_by_type_and_then_as_given(write: Write, write_bars: Write, write_fmvs: Write) -> None:
    """The order of files decides between rows of the same time."""
    given = [write_fmvs(), write("z.parquet"), write_bars(), write("a.parquet")]
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
    assert str(caught.value).startswith(f"cannot read {path}: it is damaged, cut off or no Parquet file")
    assert "\n" not in str(caught.value)


def test_text_that_is_no_utf8_is_told_with_its_file(write: Write) -> None:
    """Arrow reads such a column; Python cannot."""
    tickers = pa.array([b"IBM", b"\xff\xfe"], pa.binary()).view(pa.string())
    path = write(ticker=tickers)
    with Recordings.open([path]) as recordings, pytest.raises(DataError, match=r"ticks\.parquet"):
        list(recordings.batches(10))


def test_files_without_rows_are_fine(write: Write) -> None:
    """They are recognised, and give nothing."""
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
        with pytest.raises(UsageError, match="there are 1 files, but positions for 2"):
            recordings.batches(10, [1, 2])
    with pytest.raises(UsageError, match="timestamp unit is 'minutes'"):
        Recordings.open([write()], ReadOptions(timestamp_unit="minutes"))


def test_a_recording_can_be_read_again(write: Write) -> None:
    """Every reading begins at the first row, and codes stay the same."""
    with Recordings.open([write(ticker=["IBM", "BAC"])]) as recordings:
        first, second = ([step.ticks.code.tolist() for step in recordings.batches(1)] for _ in range(2))
        assert first == second == [[0], [1]]

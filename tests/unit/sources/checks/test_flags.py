"""A column `flags` of somebody else stops a run, or is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.sources.conftest import NOON, SECOND, Write
from tickstock_cli.errors import DataError, SchemaError
from tickstock_cli.sources import plan
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings


def flags_of(path: object, options: ReadOptions | None = None) -> tuple[list[int], list[str]]:
    """Return the flags that a run gets, and what is noted."""
    with Recordings.open([str(path)], options) as recordings:
        flags = [flag for step in recordings.batches(100) for flag in step.ticks.flags.tolist()]
        return flags, [note for note in recordings.notes if "flags" in note]


def test_bits_of_others_stop_with_file_row_value_and_remedy(write: Write) -> None:
    """60 would hide every price of a file whose flags mean something else."""
    path = write(flags=pa.array([0, 60], pa.uint32()))
    with pytest.raises(DataError, match=r"ticks\.parquet: row 1: flags is 60, .*--map flags=.*databento or mt5"):
        flags_of(path)
    assert flags_of(path, ReadOptions(columns={"flags": ""}))[0] == [0, 0]


@pytest.mark.parametrize("value", [-1, 2**40, 8])
def test_any_bit_beyond_ours_stops(write: Write, value: int) -> None:
    """Whatever a low byte would look like."""
    with pytest.raises(DataError, match=f"row 0: flags is {value},"):
        flags_of(write(flags=pa.array([value, 0], pa.int64())))


def test_bits_of_others_are_found_late_in_a_file_without_statistics(write: Write) -> None:
    """First rows are not enough, nor is a footer always there."""
    rows = 100_000
    flags = np.zeros(rows, dtype=np.uint8)
    flags[99_000] = 128
    path = write(
        ticker=["IBM"] * rows,
        timestamp=NOON + SECOND * np.arange(rows),
        price=np.full(rows, 180.0),
        size=np.ones(rows),
        flags=flags,
        statistics=False,
    )
    with pytest.raises(DataError, match=r"row 99,000: flags is 128"):
        flags_of(path)


def test_rows_that_small_bits_hide_are_counted(write: Write) -> None:
    """The bits could be ours, so the run goes on, and says what they do."""
    flags, notes = flags_of(write(flags=pa.array([4, 7], pa.int16())))
    assert flags == [4, 7]
    assert len(notes) == 1
    assert "flags keep 1 of 2 ticks from the last price, 1 from volumes and 2 from highs and lows" in notes[0]
    assert "--map flags=" in notes[0]


def test_flags_named_as_ours_are_told_without_advice(write: Write) -> None:
    """Who says whose bits they are needs none."""
    _, notes = flags_of(write(flags=pa.array([4, 7], pa.int16())), ReadOptions(flags="tickstock"))
    assert "2 from highs and lows" in notes[0]
    assert "--map" not in notes[0]


def test_flags_that_are_all_zero_are_not_mentioned(write: Write) -> None:
    """A clean recording causes no note."""
    assert flags_of(write(flags=pa.array([0, 0], pa.int16()))) == ([0, 0], [])


def test_databento_bits_forbid_a_trade_nothing(write: Write) -> None:
    """They describe messages of a book: 130 is the last message of an event, from its publisher."""
    flags = pa.array([130, 4], pa.uint8())
    assert flags_of(write(flags=flags), ReadOptions(flags="databento")) == ([0, 0], [])


def test_quotes_of_metatrader_touch_nothing(write: Write) -> None:
    """6 is a new bid and ask, beside a repeated last price; 56 is a purchase."""
    flags = pa.array([6, 56], pa.uint32())
    assert flags_of(write(flags=flags), ReadOptions(flags="mt5")) == ([7, 0], [])


def test_flags_of_another_type_can_be_left_out(write: Write) -> None:
    """The message of the type has the remedy."""
    with pytest.raises(SchemaError, match=r"column flags has type string, expected .*--map flags= \(an empty name\)"):
        flags_of(write(flags=["@ T", ""]))


@pytest.mark.parametrize("together", [1, 2, 256])
def test_flags_of_small_files_are_watched_file_by_file(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    """However many are read together: what is hidden is told of the files that hide it, a foreign bit with its row."""
    monkeypatch.setattr(plan, "MOST_READERS", 0)
    monkeypatch.setattr("tickstock_cli.sources.together.MOST_FILES", together)
    for name, flags in {"a": [0, 4], "b": [0, 0], "c": [7, 1]}.items():
        write(f"{name}.parquet", flags=pa.array(flags, pa.int16()), venue=["N", "N"])
    for options in (ReadOptions(), ReadOptions(where={"venue": ("N",)})):
        flags, notes = flags_of(tmp_path, options)
        assert sorted(flags) == [0, 0, 0, 1, 4, 7]
        (note,) = [note for note in notes if "flags keep" in note]
        assert "a.parquet and 1 more, flags keep 2 of 4 ticks from the last price, 1 from volumes and 2 from" in note
    write("d.parquet", flags=pa.array([1, 128], pa.int16()), venue=["N", "N"], statistics=False)
    with pytest.raises(DataError, match=r"d\.parquet: row 1: flags is 128,"):
        flags_of(tmp_path)

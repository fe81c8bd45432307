"""Reading events and truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.cli.market import morning
from tickstock_cli.errors import DataError, SchemaError, UsageError
from tickstock_cli.replaying import Request, replay
from tickstock_cli.scoring.tables import read_events, read_truth

EVENTS = pl.DataFrame(
    {"kind": ["high"], "ticker": ["A"], "direction": [1], "timestamp": [5], "emitted_at": [6], "price": [1.0]}
)


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv"])
def test_every_format_of_a_replay_can_be_read(tmp_path: Path, suffix: str) -> None:
    """The same table from each."""
    path = tmp_path / f"events.{suffix}"
    writers: dict[str, Callable[[Path], object]] = {
        "parquet": EVENTS.write_parquet,
        "jsonl": EVENTS.write_ndjson,
        "csv": EVENTS.write_csv,
    }
    writers[suffix](path)

    assert read_events(path).equals(EVENTS.drop("price"))


def test_what_a_replay_writes_is_the_same_in_every_format(tmp_path: Path) -> None:
    """Hundreds of events whose later rows have values where the first have none."""
    outs = [str(tmp_path / f"events.{suffix}") for suffix in ("parquet", "jsonl", "csv")]
    replay(Request(paths=[morning(tmp_path / "recorded")], outs=outs))

    parquet, jsonl, csv = map(read_events, outs)
    assert parquet.height > 100
    assert jsonl.equals(parquet)
    assert csv.equals(parquet)


def test_times_may_be_timestamps_or_nanoseconds(tmp_path: Path) -> None:
    """The truth file holds timestamps; a folder stands for the truth in it."""
    truth = pl.DataFrame({"kind": ["fmv"], "ticker": ["A"], "direction": [-1], "start": [5_000], "end": [6_000]})
    times = truth.with_columns(pl.from_epoch("start", "ns"), pl.from_epoch("end", "ns").dt.cast_time_unit("us"))
    times.write_parquet(tmp_path / "_truth.parquet")

    assert read_truth(tmp_path).equals(truth)


def test_a_missing_column_is_named() -> None:
    """With those there are."""
    with pytest.raises(SchemaError, match="the table has no column emitted_at; it has kind, ticker"):
        read_events(EVENTS.drop("emitted_at"))


def test_a_column_of_the_wrong_type_is_a_schema_error() -> None:
    """No polars error leaks."""
    with pytest.raises(SchemaError, match="cannot be read as kind, ticker"):
        read_events(EVENTS.with_columns(direction=pl.lit("up")))


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("none.parquet", None, DataError, "does not exist"),
        ("events.parquet", b"PAR1 and nothing else", DataError, "cannot read .*; is it whole"),
        ("events.jsonl", b'{"kind": "hi', DataError, "cannot read .*; is it whole"),
        ("none", None, DataError, "does not exist"),
        ("events.txt", b"", UsageError, "unknown format of"),
    ],
)
def test_an_unreadable_file_is_an_error_of_one_line(
    tmp_path: Path, name: str, content: bytes | None, error: type[Exception], message: str
) -> None:
    """Missing, truncated, unknown."""
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(error, match=message) as caught:
        read_events(tmp_path / name)

    assert "\n" not in str(caught.value)

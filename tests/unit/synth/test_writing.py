"""The folder of a market."""

from __future__ import annotations

import resource
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.synth.making import make_market
from tickstock_cli.errors import OutputError, UsageError
from tickstock_cli.synth import files
from tickstock_cli.synth.options import MarketOptions
from tickstock_cli.synth.writing import Feed, write_market

SMALL = MarketOptions(rows=3_000, symbols=6, deviations=1, surges=0, trends=0)


def test_files_hold_the_market_in_plain_types(tmp_path: Path) -> None:
    """Strings for tickers, nanoseconds in UTC for times, whole shares; null where a value is missing."""
    made = make_market(SMALL)

    written = write_market(SMALL, tmp_path / "market")

    ticks, bars, fmvs = (pq.read_table(tmp_path / "market" / f"{feed}.parquet") for feed in ("ticks", "bars", "fmv"))
    time = pa.timestamp("ns", "UTC")
    assert [str(type_) for type_ in ticks.schema.types] == ["string", str(time), "double", "int64", "uint8"]
    assert written.rows == {"ticks": 3_000, "bars": made.bars.height, "fmv": made.fmvs.height}
    as_made = pl.DataFrame(ticks).with_columns(pl.col("timestamp").dt.epoch("ns"), pl.col("size").cast(pl.Float64))
    assert as_made.equals(made.ticks.select(as_made.columns))
    assert pl.DataFrame(bars)["timestamp"].dt.epoch("ns").equals(made.bars["timestamp"])
    assert pl.DataFrame(fmvs)["market_price"].null_count() == made.fmvs["market_price"].is_nan().sum()


def test_row_groups_are_full_whatever_the_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So readers can plan, and the bytes depend on the rows alone."""
    monkeypatch.setattr(files, "ROW_GROUP_ROWS", 1_000)

    write_market(MarketOptions(rows=2_500, symbols=6), tmp_path / "market", frozenset({Feed.TICKS}))

    metadata = pq.ParquetFile(tmp_path / "market" / "ticks.parquet").metadata
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [1_000, 1_000, 500]


def test_the_truth_is_in_a_folder_that_no_replay_reads(tmp_path: Path) -> None:
    """Names that begin with an underscore are no recordings."""
    write_market(SMALL, tmp_path / "market", frozenset({Feed.FMV}))

    names = sorted(path.name for path in (tmp_path / "market").iterdir())
    truth = pl.read_parquet(tmp_path / "market" / "_truth.parquet")
    assert names == ["_synth.json", "_truth.parquet", "fmv.parquet"]
    assert truth["kind"].to_list() == ["fmv"]


@pytest.mark.parametrize(
    ("feeds", "kinds"),
    [
        ({Feed.TICKS}, {"surge", "trend", "halt"}),
        ({Feed.BARS}, {"surge", "trend", "halt"}),
        ({Feed.BARS, Feed.FMV}, {"surge", "trend", "halt", "fmv"}),
        ({Feed.FMV}, {"fmv"}),
    ],
)
def test_the_truth_holds_what_the_written_files_show(tmp_path: Path, feeds: set[Feed], kinds: set[str]) -> None:
    """A move of a feed that is left out would count as missed; ticks and bars show the same moves."""
    options = MarketOptions(rows=60_000, symbols=10, surges=2, opening_surges=1, trends=1, deviations=2, halts=1)
    injected = {"surge": 3, "trend": 1, "fmv": 2, "halt": 1}

    written = write_market(options, tmp_path / "market", frozenset(feeds))

    truth = pl.read_parquet(tmp_path / "market" / "_truth.parquet")
    expected = {kind: count if kind in kinds else 0 for kind, count in injected.items()}
    assert written.injected == expected
    assert dict(truth.group_by("kind").len().iter_rows()) == {kind: injected[kind] for kind in kinds}


def test_progress_counts_every_tick(tmp_path: Path) -> None:
    """To the last one."""
    steps: list[int] = []

    write_market(SMALL, tmp_path / "market", progress=steps.append)

    assert sum(steps) == 3_000


def test_a_folder_that_is_not_empty_is_not_overwritten(tmp_path: Path) -> None:
    """Without --force."""
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(UsageError, match="is not empty; add --force"):
        write_market(SMALL, tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_force_replaces_a_market_and_nothing_else(tmp_path: Path) -> None:
    """A feed that is not made again would no longer belong to the truth beside it."""
    (tmp_path / "README.md").write_text("mine")
    write_market(SMALL, tmp_path, force=True)

    write_market(SMALL, tmp_path, frozenset({Feed.TICKS}), force=True)

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.md",
        "_synth.json",
        "_truth.parquet",
        "ticks.parquet",
    ]


def test_a_failed_market_leaves_no_file(tmp_path: Path) -> None:
    """Interrupted half-way: no folder, no temporary one."""

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_market(SMALL, tmp_path / "market", progress=interrupt)

    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    """With the place in the message."""
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match=r"cannot write .*file/market: part of its path is a file"):
        write_market(SMALL, tmp_path / "file" / "market")
    with pytest.raises(OutputError, match=r"cannot write .*file: it is no folder"):
        write_market(SMALL, tmp_path / "file", force=True)


def test_a_write_that_fails_in_the_encoding_thread_is_an_output_error(tmp_path: Path) -> None:
    """Here at a limit of the file's size, as on a full disk; nothing is left behind."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*market: a file would be larger than this system"):
            write_market(SMALL, tmp_path / "market")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    assert list(tmp_path.iterdir()) == []


def test_a_market_without_rows_is_an_error(tmp_path: Path) -> None:
    """Rather than an empty folder."""
    with pytest.raises(UsageError, match="nothing to write"):
        write_market(SMALL, tmp_path / "market", frozenset())

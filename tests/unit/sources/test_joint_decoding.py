"""Many files that are decoded in one call hold the rows that Arrow decodes file by file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tickstock_cli.errors import DataError
from tickstock_cli.sources.decoding import Decoding
from tickstock_cli.sources.joint_decoding import ForArrowError, JointDecoding
from tickstock_cli.sources.joint_files import has_page_checksums
from tickstock_cli.sources.recordings import ReadOptions, RecordingFile, Recordings

NOON = 1_381_248_000_000_000_000
SECOND = 1_000_000_000
TIMES = {"ns": 1, "us": 1_000, "ms": 1_000_000}

codecs = st.sampled_from(["snappy", "zstd", "none", "lz4"])
units = st.sampled_from(["ns", "us", "ms"])
sizes = st.sampled_from([pa.int64(), pa.int32(), pa.int16(), pa.uint8(), pa.uint32(), pa.float64(), pa.float32()])
prices = st.sampled_from([pa.float64(), pa.float32(), pa.int64(), pa.int32()])
tickers = st.sampled_from([pa.string(), pa.dictionary(pa.int32(), pa.string()), pa.dictionary(pa.int8(), pa.string())])
ticker_texts = st.one_of(st.none(), st.sampled_from(["A", "BRK B", "ALPHABET-CLASS-C", "Ä"]))


Row = tuple[str | None, int, int | None, int | None]


def ticks(rows: Sequence[Row], types: tuple[Any, Any, Any], unit: str) -> pa.Table:
    """Return ticks of ticker, seconds after noon, price and size."""
    names, seconds, paid, shares = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [])
    times = pa.array([(NOON + second * SECOND) // TIMES[unit] for second in seconds], pa.int64())
    return pa.table(
        {
            "ticker": pa.array(names, pa.string()).cast(types[0]),
            "timestamp": times.cast(pa.timestamp(unit, "UTC")),
            "price": pa.array(paid, pa.int64()).cast(types[1]),
            "size": pa.array(shares, pa.int64()).cast(types[2]),
            "condition": pa.array([f"{name}!" for name in names], pa.string()),
        }
    )


rows_of_a_file = st.lists(
    st.tuples(
        ticker_texts,
        st.integers(0, 5),
        st.one_of(st.none(), st.integers(1, 120)),
        st.one_of(st.none(), st.integers(0, 200)),
    ),
    max_size=12,
)


def no_values(rows: int, type_: Any) -> Any:
    """Return a column of nulls."""
    return pa.nulls(rows, type_)


def opened(folder: Path) -> tuple[RecordingFile, ...]:
    """Return the files of a folder as a recording has them."""
    with Recordings.open([folder]) as recordings:
        return recordings.files


def plain(rows: pa.RecordBatch) -> dict[str, list[Any]]:
    """Return the values of all columns, whatever holds their texts."""
    return {name: rows.column(name).to_pylist() for name in rows.schema.names}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.lists(rows_of_a_file.filter(bool), min_size=1, max_size=4),
    types=st.tuples(tickers, prices, sizes),
    unit=units,
    codec=codecs,
    row_group=st.integers(1, 12),
    version=st.sampled_from(["1.0", "2.0"]),
    has_dictionaries=st.booleans(),
    by_polars=st.booleans(),
)
def test_both_decode_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[Any],
    types: tuple[Any, Any, Any],
    unit: str,
    codec: Any,
    row_group: int,
    version: Any,
    has_dictionaries: bool,
    by_polars: bool,
) -> None:
    """Drawn types, nulls, codecs, pages and row groups of two writers."""
    folder = tmp_path_factory.mktemp("ticks")
    for number, rows in enumerate(files):
        table = ticks(sorted(rows, key=lambda row: row[1]), types, unit)
        path = folder / f"{number}.parquet"
        if by_polars:
            compression: Any = {"none": "uncompressed", "lz4": "lz4"}.get(codec, codec)
            pl.from_arrow(table).write_parquet(path, compression=compression, row_group_size=row_group)  # type: ignore[union-attr]  # a table is a frame
        else:
            pq.write_table(
                table,
                path,
                compression=codec,
                row_group_size=row_group,
                data_page_version=version,
                use_dictionary=has_dictionaries,
            )
    found = [file for file in opened(folder) if file.decodes_jointly]
    assert found
    joint, one_by_one = JointDecoding(), Decoding()
    mine, theirs = joint.together(found), one_by_one.together(found)
    joint.close()
    one_by_one.close()
    assert mine.counts.tolist() == theirs.counts.tolist() == [file.rows for file in found]
    assert plain(mine.rows) == plain(theirs.rows)
    for name in ("timestamp", "price", "size"):
        assert mine.rows.schema.field(name).type == theirs.rows.schema.field(name).type


def write_files(folder: Path, **options: Any) -> Path:
    """Write three files of a ticker each, at noon and the two seconds after it."""
    folder.mkdir()
    for place, name in enumerate(("A", "B", "C")):
        rows = [(name, second, 10 + place, 100) for second in range(3)]
        table = ticks(rows, (pa.string(), pa.float64(), pa.int64()), "ns")
        pq.write_table(table, folder / f"{name}.parquet", **options)
    return folder


@pytest.mark.parametrize("codec", ["gzip", "brotli"])
def test_files_with_checksums_of_their_codec_are_for_arrow(tmp_path: Path, codec: str) -> None:
    """Those of gzip are not looked at otherwise."""
    assert not any(file.decodes_jointly for file in opened(write_files(tmp_path / "ticks", compression=codec)))


def test_one_column_in_gzip_is_enough(tmp_path: Path) -> None:
    """The others are not."""
    codecs = {"ticker": "snappy", "timestamp": "snappy", "price": "gzip", "size": "snappy", "condition": "snappy"}
    assert not any(file.decodes_jointly for file in opened(write_files(tmp_path / "ticks", compression=codecs)))


@pytest.mark.parametrize("has_dictionaries", [True, False])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_pages_with_checksums_are_for_arrow(tmp_path: Path, version: str, has_dictionaries: bool) -> None:
    """They are seen in the first page, whatever it is of."""
    options = {"data_page_version": version, "use_dictionary": has_dictionaries}
    with_them = write_files(tmp_path / "with", write_page_checksum=True, **options)
    without = write_files(tmp_path / "without", **options)
    assert has_page_checksums((with_them / "A.parquet").read_bytes())
    assert not has_page_checksums((without / "A.parquet").read_bytes())
    files = opened(with_them)
    with pytest.raises(ForArrowError, match="must be decoded by Arrow"):
        JointDecoding().together(files)
    by_either = Decoding(is_joint=True)
    assert by_either.is_joint(files[0])
    assert by_either.together(files[:1], [files[1:]]).counts.tolist() == [3]
    assert not by_either.is_joint(files[0])
    by_either.close()


@pytest.mark.parametrize(
    "type_", [pa.timestamp("us", "+05:30"), pa.list_(pa.timestamp("us", "+05:30")), pa.list_view(pa.int64())], ids=str
)
def test_types_at_which_polars_panics_are_for_arrow(tmp_path: Path, type_: pa.DataType) -> None:
    """Even in a column that is not read."""
    write_files(tmp_path / "ticks")
    for path in (tmp_path / "ticks").iterdir():
        table = pq.read_table(path)
        pq.write_table(table.append_column("other", no_values(len(table), type_)), path)
    assert not any(file.decodes_jointly for file in opened(tmp_path / "ticks"))


@pytest.mark.parametrize(
    "type_",
    [
        *(pa.bool_(), pa.binary(), pa.null(), pa.decimal128(9, 2), pa.decimal256(50, 2), pa.time64("ns"), pa.float16()),
        *(pa.list_(pa.int16()), pa.struct([("a", pa.int64())]), pa.timestamp("ns", "America/New_York"), pa.uuid()),
        *(pa.duration("ns"), pa.binary(4), pa.dictionary(pa.int32(), pa.int64())),
    ],
    ids=str,
)
def test_other_columns_that_are_not_read_do_no_harm(tmp_path: Path, type_: pa.DataType) -> None:
    """Whatever polars makes of them."""
    write_files(tmp_path / "ticks")
    for path in (tmp_path / "ticks").iterdir():
        table = pq.read_table(path)
        pq.write_table(table.append_column("other", no_values(len(table), type_)), path)
    files = opened(tmp_path / "ticks")
    assert all(file.decodes_jointly for file in files)
    joint = JointDecoding()
    assert joint.together(files).counts.tolist() == [3, 3, 3]
    joint.close()


@pytest.mark.parametrize("encoding", ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT", "PLAIN"])
def test_encodings_of_numbers_are_read_alike(tmp_path: Path, encoding: str) -> None:
    """Those of newer writers, too."""
    columns = {"size": encoding, "timestamp": encoding} | ({} if encoding.startswith("DELTA") else {"price": encoding})
    files = opened(write_files(tmp_path / "ticks", use_dictionary=False, column_encoding=columns))
    joint, one_by_one = JointDecoding(), Decoding()
    assert plain(joint.together(files).rows) == plain(one_by_one.together(files).rows)
    joint.close()
    one_by_one.close()


@pytest.mark.parametrize("name", ["^price$", "*"])
def test_names_that_polars_takes_for_others_are_for_arrow(tmp_path: Path, name: str) -> None:
    """A price can be called like that: what they decode is refused."""
    write_files(tmp_path / "ticks")
    for path in (tmp_path / "ticks").iterdir():
        table = pq.read_table(path)
        pq.write_table(table.rename_columns(["ticker", "timestamp", name, "size", "condition"]), path)
    with Recordings.open([tmp_path / "ticks"], ReadOptions(columns={"price": name})) as recordings:
        joint = JointDecoding()
        with pytest.raises(DataError):
            joint.together(recordings.files)
        joint.close()


def test_files_that_follow_spoil_nothing(tmp_path: Path) -> None:
    """What is wrong with them is told when they are asked for."""
    files = opened(write_files(tmp_path / "ticks"))
    table = pq.read_table(files[1].path)
    pq.write_table(table, files[1].path, write_page_checksum=True)
    joint = JointDecoding()
    assert joint.together(files[:1], [files[1:2], files[2:]]).counts.tolist() == [3]
    assert joint.together(files[2:]).counts.tolist() == [3]
    with pytest.raises(ForArrowError):
        joint.together(files[1:2])
    joint.close()


@pytest.mark.parametrize("beginning", [b"", b"PAR1", b"PAR1\x15", b"PAR1\x15\xff", b"PAR1" + b"\x15\x80" * 40])
def test_beginnings_that_are_cut_off_are_for_arrow(beginning: bytes) -> None:
    """It finds out that they are damaged."""
    assert has_page_checksums(beginning)


def test_a_beginning_that_is_no_page_is_taken_for_one_with_checksums() -> None:
    """Arrow finds out what it is."""
    assert has_page_checksums(b"PAR1" + bytes(60))


def test_a_file_that_got_other_rows_meanwhile_is_refused(tmp_path: Path) -> None:
    """Two rows more, when it was opened already."""
    folder = write_files(tmp_path / "ticks")
    files = opened(folder)
    rows = [("B", second, 11, 100) for second in range(5)]
    pq.write_table(ticks(rows, (pa.string(), pa.float64(), pa.int64()), "ns"), folder / "B.parquet")
    joint = JointDecoding()
    with pytest.raises(DataError, match="has other rows than its footer says"):
        joint.together(files)
    joint.close()


def test_a_file_that_lost_its_pages_is_refused(tmp_path: Path) -> None:
    """Its footer is still there."""
    folder = write_files(tmp_path / "ticks", compression="none", use_dictionary=False)
    files = opened(folder)
    content = bytearray((folder / "B.parquet").read_bytes())
    content[40:-700] = bytes(len(content) - 740)
    (folder / "B.parquet").write_bytes(content)
    joint = JointDecoding()
    with pytest.raises(DataError, match=r"damaged|other rows"):
        joint.together(files)
    joint.close()


def test_what_is_decoded_ahead_is_what_is_asked_for_next(tmp_path: Path) -> None:
    """Even if somebody else is asked for in between."""
    files = opened(write_files(tmp_path / "ticks"))
    joint = JointDecoding()
    first = joint.together(files[:1], [files[1:2]])
    third, second = joint.together(files[2:]), joint.together(files[1:2])
    joint.close()
    tickers = [set(found.rows.column("ticker").to_pylist()) for found in (first, second, third)]
    assert tickers == [{"A"}, {"B"}, {"C"}]
    assert np.array_equal(first.counts, [3])

"""Footers of a kind that is known say what Arrow says, or are left to it."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickstock_cli.kernels.footers import UNKNOWN, find_row_groups
from tickstock_cli.sources import known_footers
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.file_opener import FileOpener
from tickstock_cli.sources.known_footers import KnownFooter, KnownFooters, footer_of
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings
from tickstock_cli.sources.row_groups import ArrowFooter, Footer
from tickstock_cli.sources.shared_layouts import SharedLayouts, SharedSchema

NOON = 1_381_248_000_000_000_000
NAMES = ("ticker", "timestamp", "price", "size", "flags", "is_odd", "weight")


@pytest.fixture(autouse=True)
def learns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the first footer of a kind."""
    monkeypatch.setattr(known_footers, "_FIRST_BY_ARROW", 0)


def table(rows: int, seed: int = 1) -> pa.Table:
    """Return ticks with columns of all stored types that are known, some of them with nulls."""
    drawn = random.Random(seed)
    some: list[Any] = [drawn.choice([None, 1, 2]) for _ in range(rows)]
    return pa.table(
        {
            "ticker": [drawn.choice(["A", "BRK B", "Ä"]) for _ in range(rows)],
            "timestamp": pa.array([NOON + drawn.randrange(10**12) for _ in range(rows)], pa.timestamp("ns", "UTC")),
            "price": [drawn.choice([-1.5, 0.01, 1e300, 12.25]) for _ in range(rows)],
            "size": pa.array([drawn.randrange(-(1 << 62), 1 << 62) for _ in range(rows)], pa.int64()),
            "flags": pa.array(some, pa.uint8()),
            "is_odd": pa.array([None if value is None else value == 1 for value in some], pa.bool_()),
            "weight": pa.array(some, pa.float32()),
        }
    )


def written(rows: pa.Table, **options: Any) -> bytes:
    """Return the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, **options)
    return sink.getvalue().to_pybytes()


def by_arrow(content: bytes) -> tuple[SharedSchema, ArrowFooter]:
    """Return what Arrow reads of a file."""
    file = pq.ParquetFile(pa.BufferReader(content))
    schema = SharedLayouts(ReadOptions()).of(file)
    return schema, ArrowFooter(file.metadata, schema.columns)


def learned(content: bytes) -> KnownFooters:
    """Return the footers that are known when one was seen."""
    known = KnownFooters()
    known.learn(footer_of(memoryview(content)), *by_arrow(content))
    return known


def found(known: KnownFooters, content: bytes) -> Footer | None:
    """Return the footer of a file, if it is of a known kind."""
    result = known.find(footer_of(memoryview(content)), lambda: by_arrow(content)[1])
    return None if result is None else result[1]


def all_of(footer: Footer) -> list[Any]:
    """Return all that a footer says."""
    return [
        footer.rows,
        footer.group_rows,
        footer.groups(NAMES),
        [footer.stated(name) for name in NAMES],
        [footer.extremes(name) for name in NAMES],
        [footer.codecs([name]) for name in NAMES],
        [footer.page_bytes([name]) for name in NAMES],
        footer.page_bytes(NAMES),
        footer.plain_dictionaries(NAMES),
    ]


@settings(max_examples=80, deadline=None)
@given(
    rows=st.integers(1, 40),
    seed=st.integers(0, 1_000),
    group=st.integers(1, 40),
    codec=st.sampled_from(["snappy", "none", "zstd", "gzip", "lz4", "brotli"]),
    has_dictionaries=st.sampled_from([True, False, ["ticker"]]),
    delta=st.sampled_from([None, {"ticker": "DELTA_BYTE_ARRAY"}, {"size": "DELTA_BINARY_PACKED"}]),
    has_statistics=st.sampled_from([True, False, ["timestamp", "price"]]),
    has_index=st.booleans(),
)
def test_known_footers_say_what_arrow_says(
    rows: int,
    seed: int,
    group: int,
    codec: str,
    has_dictionaries: Any,
    delta: dict[str, str] | None,
    has_statistics: Any,
    has_index: bool,
) -> None:
    """Whatever is in the file: rows, groups, bounds, nulls, codecs, encodings, sizes, indexes of pages."""
    known = learned(written(table(20)))
    content = written(
        table(rows, seed),
        row_group_size=group,
        compression=codec,
        use_dictionary=False if delta else has_dictionaries,
        column_encoding=delta,
        write_statistics=has_statistics,
        write_page_index=has_index,
    )
    footer = found(known, content)
    assert isinstance(footer, KnownFooter)
    assert all_of(footer) == all_of(by_arrow(content)[1])


def test_a_footer_of_other_columns_metadata_or_writer_is_not_known() -> None:
    """All that Arrow takes from beside the row groups must be the same."""
    known = learned(written(table(20)))
    assert found(known, written(table(5))) is not None
    assert found(known, written(table(5).rename_columns([*NAMES[:-1], "mass"]))) is None
    assert found(known, written(table(5).replace_schema_metadata({"a": "b"}))) is None
    assert (
        found(known, written(table(5), version="2.4", coerce_timestamps="us", allow_truncated_timestamps=True)) is None
    )
    assert found(known, b"PAR1") is None
    assert found(known, b"") is None


def test_bounds_of_doubles_that_are_none_are_those_of_arrow() -> None:
    """NaN is left out by writers, and a column of it alone has no bounds."""
    known = learned(written(table(20)))
    for values in ([float("nan")], [float("nan"), 1.0], [-0.0, 0.0], [float("inf"), float("-inf")]):
        content = written(table(len(values)).set_column(2, "price", pa.array(values)))
        footer = found(known, content)
        assert footer is not None
        assert footer.stated("price") == by_arrow(content)[1].stated("price")


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (Decimal("1.25"), pa.decimal128(9, 2)),
        (Decimal("1.25"), pa.decimal128(20, 2)),
        (np.float16(1), pa.float16()),
        (b"four", pa.binary(4)),
        (b"four", pa.binary()),
    ],
)
def test_columns_whose_bounds_are_not_numbers_or_texts_are_for_arrow(value: Any, type_: pa.DataType) -> None:
    """Arrow alone knows how they are ordered."""
    content = written(table(3).append_column("other", pa.array([value] * 3, type_)))
    assert found(learned(content), content) is None


def test_of_more_row_groups_than_there_is_room_for_arrow_reads() -> None:
    """A file of many is opened once."""
    known = learned(written(table(20)))
    assert found(known, written(table(64), row_group_size=1)) is not None
    assert found(known, written(table(65), row_group_size=1)) is None


def test_damaged_footers_are_left_to_arrow_or_say_what_is_there() -> None:
    """Bytes of the row groups are changed and cut; nothing is read beyond the footer."""
    content = written(table(20), row_group_size=10)
    known = learned(content)
    drawn = random.Random(7)
    length = int.from_bytes(content[-8:-4], "little")
    begin = len(content) - 8 - length
    outcomes = {True: 0, False: 0}
    for _ in range(3_000):
        changed = bytearray(content)
        for _ in range(drawn.choice([1, 1, 2, 5])):
            changed[begin + drawn.randrange(length)] = drawn.choice([0, 0xFF, 0x80, drawn.randrange(256)])
        footer = found(known, bytes(changed))
        outcomes[footer is not None] += 1
        if footer is not None:
            assert sum(footer.group_rows) == 20
            assert all(len(footer.stated(name)) == 2 for name in NAMES)
    assert min(outcomes.values()) > 100


@pytest.mark.parametrize(
    "footer", [b"", b"\x00", b"\x15", b"\xff" * 40, b"\x19\xfc" + b"\xff" * 9 + b"\x01", b"\x1c" * 50]
)
def test_what_is_no_footer_is_not_understood(footer: bytes) -> None:
    """Ends within numbers, lists longer than the footer, structs within structs."""
    assert find_row_groups(np.frombuffer(footer, np.uint8)) == (UNKNOWN, UNKNOWN)


def test_files_of_a_known_kind_are_opened_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the first are not opened by Arrow."""
    for number in range(5):
        rows = {"ticker": ["A"] * 4, "timestamp": pa.array([NOON + number] * 4, pa.timestamp("ns", "UTC"))}
        pq.write_table(
            pa.table({**rows, "price": [10.0 + number] * 4, "size": [100] * 4}), tmp_path / f"{number}.parquet"
        )
    opener = FileOpener(ReadOptions())
    found = [FoundFile(str(path), {}, False) for path in sorted(tmp_path.iterdir())]
    files = [file for _, file in opener.open_each(found)]
    monkeypatch.setattr(known_footers, "_FIRST_BY_ARROW", 1 << 20)
    with Recordings.open([tmp_path]) as recordings:
        assert list(recordings.files) == files

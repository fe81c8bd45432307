"""Files of drawn schemas, types, encodings, codecs, names and values: every command gives the right result or one line.

The values of a file are drawn first. They are written twice: in the plainest types, and in drawn ones that hold them
without loss, among columns that no rule uses, by pyarrow or polars. Both must give the same events and rejections.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from tests.cli.running import run_tickstock
from tickstock_cli.core.times import parse_time
from tickstock_cli.errors import DataError
from tickstock_cli.sources import plan, recordings

OPEN = parse_time("2026-03-02T14:30:00Z") // 1_000_000_000
AT = "2026-03-02T14:30:20Z"
EXAMPLES = max(6, settings.default.max_examples // 4)  # type: ignore[union-attr]  # a profile is loaded

Columns = dict[str, list[Any]]

PRICES = st.integers(64 * 4, 127 * 4).map(lambda quarters: quarters / 4)
"""Prices that float16 holds."""
ODD_PRICES = st.sampled_from([None, -1.0, 0.0])
TICKERS = st.sampled_from(["A", "BRK B", "Ω", "", None, "A.B", "TSLA  240119C00250000"])


def _number_types(wide: int) -> list[pa.DataType]:
    decimals = [pa.decimal128(9, 2), pa.decimal128(38, 10), pa.decimal256(9, 2), pa.decimal256(60, 20)]
    return [pa.float64(), pa.float32(), *([pa.float16()] if wide <= 16 else []), *decimals]


TEXT_TYPES = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.int32(), pa.large_string()),
]
UNITS: list[Any] = ["s", "ms", "us", "ns"]
ZONES = [None, "UTC", "+05:30", "-04:00", "America/New_York", "Asia/Kolkata"]
SHARES = [pa.int64(), pa.int32(), pa.uint16(), pa.uint64(), *_number_types(32)]
EXTRAS: list[tuple[pa.DataType, Any]] = [
    (pa.null(), None),
    (pa.bool_(), True),
    (pa.date32(), 20_000),
    (pa.date64(), 86_400_000),
    (pa.time32("s"), 5),
    (pa.time64("ns"), 5),
    (pa.duration("us"), 7),
    (pa.timestamp("ns", "-11:00"), 1),
    (pa.timestamp("ms"), -1),
    (pa.binary(), b"\xff"),
    (pa.binary(3), b"abc"),
    (pa.large_binary(), b""),
    (pa.binary_view(), b"\x00"),
    (pa.string_view(), "view"),
    (pa.float16(), 1.0),
    (pa.uint64(), 2**64 - 1),
    (pa.decimal256(76, 10), Decimal("1.5")),
    (pa.decimal128(38, 38), Decimal("0.5")),
    (pa.list_(pa.string_view()), ["a"]),
    (pa.large_list(pa.int8()), []),
    (pa.list_(pa.float32(), 2), [1.0, 2.0]),
    (pa.struct([("price", pa.int64()), ("b", pa.list_(pa.string()))]), {"price": 1, "b": ["x"]}),
    (pa.map_(pa.string(), pa.timestamp("ns")), [("k", 1)]),
    (pa.dictionary(pa.int16(), pa.string()), "d"),
    (pa.dictionary(pa.int32(), pa.int64()), 4),
]
NAMES = ["x", "x", "", " ", "a.b", "row", "file", "reason", "file_", "日", "__index_level_0__", "Price", "price.x", "*"]


@st.composite
def values(draw: st.DrawFn) -> tuple[str, Columns]:
    """Draw a record type and rows of it, times in seconds."""
    record = draw(st.sampled_from(["tick", "ohlcv", "fmv"]))
    rows = draw(st.integers(0, 12))
    step = 60 if record == "ohlcv" else 1

    def column(strategy: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(strategy, min_size=rows, max_size=rows))

    price = st.one_of(PRICES, PRICES, PRICES, ODD_PRICES)
    columns: Columns = {
        "ticker": column(TICKERS),
        "timestamp": sorted(OPEN + step * second for second in column(st.integers(0, 30))),
    }
    shares = st.one_of(st.integers(0, 900), st.none())
    if record == "tick":
        return record, {**columns, "price": column(price), "size": column(shares)}
    if record == "fmv":
        return record, {**columns, "fmv": column(price), "market_price": column(price)}
    return record, {
        **columns,
        **{name: column(price) for name in ("open", "high", "low", "close")},
        "volume": column(shares),
    }


@st.composite
def typed(draw: st.DrawFn, columns: Columns) -> list[tuple[str, pa.Array[Any]]]:
    """Draw types for columns, and columns that no rule uses."""
    unit = draw(st.sampled_from(UNITS))
    factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    times = [time * factor for time in columns["timestamp"]]
    zoned = [pa.timestamp(unit, zone) for zone in ZONES]
    time_type = draw(
        st.sampled_from([pa.int64(), pa.uint64(), pa.float64(), pa.decimal128(38, 0), *TEXT_TYPES, *zoned])
    )
    arrays: list[tuple[str, pa.Array[Any]]] = []
    for name, column in columns.items():
        if name == "timestamp":
            arrays.append((name, _times(times, time_type, unit)))
        elif name == "ticker":
            arrays.append((name, _as_type(column, draw(st.sampled_from(TEXT_TYPES)))))
        else:
            shares = name in ("size", "volume")
            type_ = draw(st.sampled_from(SHARES if shares else _number_types(16)))
            arrays.append((name, _numbers(column, type_)))
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=3)):
        type_, value = draw(st.sampled_from(EXTRAS))
        arrays.append((name, _as_type([draw(st.sampled_from([value, None])) for _ in times], type_)))
    return draw(st.permutations(arrays))


def _times(times: list[int], type_: pa.DataType, unit: str) -> pa.Array[Any]:
    if type_ in TEXT_TYPES:
        moments: Any = pa.array(times, pa.int64()).cast(pa.timestamp(unit))
        return _as_type([f"{moment}Z" for moment in moments.cast(pa.string()).to_pylist()], type_)
    if pa.types.is_decimal(type_):
        return pa.array(list(map(Decimal, times)), type_)
    return pa.array(times, pa.int64()).cast(type_, safe=False)


def _as_type(column: list[Any], type_: pa.DataType) -> pa.Array[Any]:
    if isinstance(type_, pa.DictionaryType):
        encoded: pa.Array[Any] = pa.array(column, type_.value_type).dictionary_encode().cast(type_)
        return encoded
    return pa.array(column, type_)


def _numbers(column: list[Any], type_: pa.DataType) -> pa.Array[Any]:
    if pa.types.is_decimal(type_):
        return pa.array([None if value is None else Decimal(value) for value in column], type_)
    return pa.array(column, pa.float64() if pa.types.is_floating(type_) else pa.int64()).cast(type_)


@st.composite
def writers(draw: st.DrawFn) -> Callable[[list[tuple[str, pa.Array[Any]]], Path], None]:
    """Draw a program that writes columns as a Parquet file."""
    codec = draw(st.sampled_from(["NONE", "SNAPPY", "GZIP", "ZSTD", "LZ4", "BROTLI"]))
    group = draw(st.integers(1, 8))
    statistics = draw(st.booleans())
    by_polars = draw(st.booleans())
    options: dict[str, Any] = {
        "compression": codec,
        "row_group_size": group,
        "write_statistics": statistics,
        "data_page_version": draw(st.sampled_from(["1.0", "2.0"])),
        "version": draw(st.sampled_from(["1.0", "2.4", "2.6"])),
        "store_schema": draw(st.booleans()),
        "write_page_checksum": draw(st.booleans()),
        "use_deprecated_int96_timestamps": draw(st.booleans()),
    }
    text = draw(st.sampled_from([None, "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "PLAIN"]))
    # Arrow itself does not read a dictionary that it has written with a DELTA encoding.
    encoded: dict[str, Any] = {} if text is None else {"use_dictionary": False, "column_encoding": {"ticker": text}}

    def write(columns: list[tuple[str, pa.Array[Any]]], path: Path) -> None:
        names = [name for name, _ in columns]
        table = pa.Table.from_arrays([array for _, array in columns], names=names)
        wide = any(pa.types.is_decimal256(type_) for type_ in table.schema.types)  # polars panics at them
        if by_polars and len(set(names)) == len(names) and not wide:
            try:
                frame = pl.DataFrame(table)
                with path.open("wb") as file:
                    frame.write_parquet(
                        file,
                        compression="uncompressed" if codec == "NONE" else codec.lower(),  # type: ignore[arg-type]  # one of them
                        statistics=statistics,
                        row_group_size=group,
                    )
                return
            except BaseException:  # noqa: BLE001 - polars takes fewer types; a panic of it is no Exception
                pass
        encodings: dict[str, Any] = (
            {} if pa.types.is_dictionary(dict(columns).get("ticker", pa.array([])).type) else encoded
        )
        with path.open("wb") as file:
            pq.write_table(table, file, **options, **encodings)

    return write


FILE_NAMES = [
    "a.parquet",
    "NASDAQ:A.parquet",
    "s3:a",
    "Größe €.parquet",
    "a=1/b.parquet",
    "*.parquet",
    "caf\udce9.parquet",
]


@settings(max_examples=EXAMPLES)
@given(values(), writers(), st.sampled_from(FILE_NAMES), st.data())
def test_any_file_is_read_as_its_plain_twin(
    drawn: tuple[str, Columns], write: Callable[..., None], name: str, data: st.DataObject
) -> None:
    """Types, encodings, codecs, names and other columns change no event and no rejection."""
    record, columns = drawn
    arrays = data.draw(typed(columns))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.parent.mkdir(exist_ok=True)
        try:
            write(arrays, path)
        except (pa.ArrowException, OSError):  # no program writes such a file
            return
        plain = Path(folder, "plain.parquet")
        pq.write_table(_plain_table(columns), plain)
        check_commands(Path(folder), name)
        expected, found = (_replayed(Path(folder), file) for file in ("plain.parquet", name))
        assert found == expected, record


@settings(max_examples=EXAMPLES * 3)
@given(values(), writers(), st.data())
def test_many_files_are_read_to_the_same_in_one_call_and_one_by_one(
    drawn: tuple[str, Columns], write: Callable[..., None], data: st.DataObject
) -> None:
    """As if there were thousands of them: the same rows, or the same error."""
    arrays = data.draw(typed(drawn[1]))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        try:
            for number in range(3):
                write(arrays, Path(folder, f"{number}.parquet"))
        except (pa.ArrowException, OSError):  # no program writes such a file
            return
        patch.setattr(plan, "MOST_READERS", 0)
        patch.setattr(recordings, "FEWEST_FILES", 1 << 20)
        expected = _rows_read(folder)
        patch.setattr(recordings, "FEWEST_FILES", 1)
        assert _rows_read(folder) == expected


def _rows_read(folder: str) -> list[str] | str:
    """Return all that reading the files of a folder gives, each value as it prints, or the error."""
    options = recordings.ReadOptions(copies="all", unsorted=recordings.Unsorted.REJECT)
    try:
        with recordings.Recordings.open([folder], options) as opened:
            steps = list(opened.batches(7))
            codes = opened.symbols.tickers
            batches = [batch for step in steps for batch in (step.ticks, step.bars, step.fmvs)]
            values = [getattr(batch, field.name).tolist() for batch in batches for field in fields(batch)]
    except DataError as error:
        return str(error)
    return [repr(codes), *map(repr, values), *opened.notes]


WRONG: list[tuple[pa.DataType, Any]] = [
    *EXTRAS,
    (pa.float64(), float("nan")),
    (pa.float64(), float("inf")),
    (pa.float32(), 1e30),
    (pa.int64(), -(2**63)),
    (pa.uint64(), 2**64 - 1),
    (pa.int64(), 20_240_103),
    (pa.int8(), -1),
    (pa.uint32(), 0xFFFF_FFFF),
    (pa.string(), "1m"),
    (pa.string(), "2026-03-02 14:30"),
    (pa.timestamp("s"), 2**60),
    (pa.timestamp("s", "Nowhere/Land"), OPEN),
    (pa.date32(), -1),
    (pa.decimal256(76, 0), Decimal(10**75)),
]
OTHER_NAMES = [
    *("ticker", "timestamp", "price", "size", "flags", "received_at", "interval", "open", "high", "low", "close"),
    *("volume", "fmv", "market_price", "confidence", "avg_volume", "Volume", "Close", "t", "p", "s", "v", "symbol"),
    *("Date", "date", "time", "ts_event", "action", "side", "bid", "ask", "conditions", "Adj Close", "last", "qty"),
]


@settings(max_examples=EXAMPLES)
@given(values(), writers(), st.data())
def test_any_schema_gets_a_result_or_one_line(
    drawn: tuple[str, Columns], write: Callable[..., None], data: st.DataObject
) -> None:
    """Columns are missing, have other names, types that cannot be read, and values that mean nothing."""
    _, columns = drawn
    arrays = data.draw(typed(columns))
    rows = len(columns["timestamp"])
    kept = data.draw(st.sets(st.sampled_from(range(len(arrays))), max_size=2))
    arrays = [array for place, array in enumerate(arrays) if place not in kept]
    for name in data.draw(st.lists(st.sampled_from(OTHER_NAMES), max_size=4, unique=True)):
        type_, value = data.draw(st.sampled_from(WRONG))
        arrays = [array for array in arrays if array[0] != name]
        arrays.append((name, _as_type([data.draw(st.sampled_from([value, None])) for _ in range(rows)], type_)))
    with tempfile.TemporaryDirectory() as folder:
        try:
            write(arrays, Path(folder, "a.parquet"))
        except (pa.ArrowException, OSError):  # no program writes such a file
            return
        check_commands(Path(folder), "a.parquet")


def _plain_table(columns: Columns) -> pa.Table:
    times = pa.array([time * 10**9 for time in columns["timestamp"]], pa.int64())
    types: dict[str, pa.DataType] = {"ticker": pa.string(), "timestamp": pa.int64()}
    plain = {name: pa.array(column, types.get(name, pa.float64())) for name, column in columns.items()}
    return pa.table({**plain, "timestamp": times})


def _replayed(folder: Path, name: str) -> tuple[str, dict[str, int]]:
    result = run_tickstock("replay", name, "--late", "reject", "--json", folder=folder)
    if "it is sorted by ticker" in result.stderr:
        reject()
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    return told["digest"], told["ledger"]


def check_commands(folder: Path, name: str) -> None:
    """Run every command on a file; fail unless each succeeds, or ends with one line that is no bug."""
    for command in (
        ("inspect", name),
        ("inspect", name, "--json"),
        ("replay", name),
        ("replay", name, "--strict", "--late", "reject"),
        ("replay", name, "--sort", "--rejects", "rejects.parquet", "--out", "events.csv"),
        ("explain", "--ticker", "A", "--at", AT, name),
    ):
        result = run_tickstock(*command, folder=folder)
        errors = [line for line in result.stderr.splitlines() if not re.match(r"note: |$", line)]
        assert result.returncode in (0, 3), (command, result.stderr)
        assert len(errors) == (result.returncode != 0), (command, result.stderr)
        assert "bug in tickstock" not in result.stderr, (command, result.stderr)
        assert "Traceback" not in result.stderr, (command, result.stderr)

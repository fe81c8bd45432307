"""Which record type a file holds, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pyarrow as pa
import pytest

from tickstock_cli.errors import SchemaError, UsageError
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.recognise import Layout, check_mapping, recognise

TYPES: dict[str, pa.DataType] = {
    "ticker": pa.string(),
    "symbol": pa.string(),
    "timestamp": pa.int64(),
    "flags": pa.uint8(),
}
TICK = ["ticker", "timestamp", "price", "size"]


def layout(
    names: Sequence[str],
    mapping: dict[str, str] | None = None,
    partitions: dict[str, str | None] | None = None,
    types: Mapping[str, pa.DataType] = MappingProxyType({}),
) -> Layout:
    """Recognise a file of these columns, of their usual types but for those given."""
    schema = pa.schema([(name, types.get(name, TYPES.get(name, pa.float64()))) for name in names])
    return recognise(FoundFile("x.parquet", partitions or {}), schema, mapping or {})


@pytest.mark.parametrize(
    ("names", "record"),
    [
        (TICK, "tick"),
        ([*TICK, "flags", "received_at"], "tick"),
        (["ticker", "timestamp", "open", "high", "low", "close", "volume"], "ohlcv"),
        (["ticker", "timestamp", "fmv"], "fmv"),
        (["ticker", "timestamp", "fmv", "market_price", "price"], "fmv"),
    ],
)
def test_the_columns_tell_the_record_type(names: list[str], record: str) -> None:
    """Required columns decide; others do not matter."""
    assert layout(names, types={"received_at": pa.int64()}).record.name == record


def test_a_mapped_column_is_not_read_under_its_own_name() -> None:
    """`price=last` reads `last`; the file's own `price`, if there is one, is ignored."""
    found = layout(["symbol", "timestamp", "price", "last", "size"], {"ticker": "symbol", "price": "last"})
    assert found.columns == {"ticker": "symbol", "timestamp": "timestamp", "price": "last", "size": "size"}
    assert found.ignored == ("price",)


def test_a_mapping_to_a_column_the_file_lacks_leaves_our_name() -> None:
    """One mapping serves recordings of which only some need it."""
    assert layout(TICK, {"price": "last"}).columns["price"] == "price"


def test_swapped_column_names_can_be_mapped() -> None:
    """Both sides of a mapping may be names of ours."""
    found = layout(TICK, {"price": "size", "size": "price"})
    assert (found.columns["price"], found.columns["size"]) == ("size", "price")


def test_a_partition_stands_for_a_column_that_the_file_lacks() -> None:
    """A file's own column wins over the folder's."""
    partitioned = layout(["timestamp", "price", "size"], partitions={"ticker": "IBM"})
    assert partitioned.constants == {"ticker": "IBM"}
    assert layout(TICK, partitions={"ticker": "IBM"}).constants == {}
    assert layout(["timestamp", "price", "size"], {"ticker": "sym"}, {"sym": "IBM"}).constants == {"ticker": "IBM"}


def test_the_error_of_an_unrecognised_file_suggests_a_mapping() -> None:
    """The message names the file, its columns, what is missing, and the flags that would help."""
    with pytest.raises(SchemaError) as caught:
        layout(["symbol", "timestamp", "last", "size", "venue"])
    assert str(caught.value) == (
        "x.parquet is not recognised: its columns are symbol, timestamp, last, size, venue; for tick rows it lacks "
        "ticker, price: say which columns hold them with --map ticker=symbol --map price=last"
    )


def test_the_error_of_an_ambiguous_file_tells_how_to_hide_a_column() -> None:
    """Ticks with a fair value beside them could be either; an empty name hides a column."""
    with pytest.raises(SchemaError, match=r"x\.parquet is ambiguous: .*fit tick and fmv; hide one with --map fmv="):
        layout([*TICK, "fmv"])
    assert layout([*TICK, "fmv"], {"fmv": ""}).record.name == "tick"


@pytest.mark.parametrize(
    ("column", "type_", "expected"),
    [
        ("ticker", pa.int64(), "text"),
        ("timestamp", pa.bool_(), "a datetime"),
        ("timestamp", pa.float32(), "a datetime"),
        ("timestamp", pa.time64("ns"), "a datetime"),
        ("price", pa.string(), "a number"),
        ("size", pa.bool_(), "a number"),
        ("flags", pa.string(), "an integer"),
    ],
)
def test_the_error_of_a_wrong_type_names_the_expected_one(column: str, type_: pa.DataType, expected: str) -> None:
    """The message names file, column, type and what would be right."""
    with pytest.raises(SchemaError) as caught:
        layout([*TICK, "flags"], types={column: type_})
    assert f"x.parquet: column {column} has type {type_}, expected {expected}" in str(caught.value)


def test_a_partition_that_is_no_number_cannot_stand_for_one() -> None:
    """Folder names are text."""
    with pytest.raises(SchemaError, match="partition size=big cannot be read as a number"):
        layout(["ticker", "timestamp", "price"], partitions={"size": "big"})
    with pytest.raises(SchemaError, match="partition timestamp=2013 cannot be read as a datetime"):
        layout(["ticker", "price", "size"], partitions={"timestamp": "2013"})


def test_mapping_an_unknown_column_is_a_usage_error() -> None:
    """A typo on our side of the mapping would otherwise do nothing, in silence."""
    with pytest.raises(
        UsageError, match=r"cannot map prize=last: prize is not one of our columns; did you mean price=last\?"
    ):
        check_mapping({"prize": "last"})

"""Which files can be decoded in one call, by polars (`joint_decoding`): those that it reads to the same as Arrow.

It does not look at checksums: neither at those of pages, nor at those of gzip.
"""

from __future__ import annotations

import re
from zoneinfo import available_timezones

import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.sources.row_groups import StoredColumn

_PLACE = re.compile(r"[A-Z]\w+(/\w+)+")
CODECS = frozenset(["UNCOMPRESSED", "SNAPPY", "ZSTD", "LZ4"])
"""By Arrow's names."""
_FIRST_PAGE = 4
"""The first page stands behind the magic number."""
_HEAD_BYTES = 64
_INT32 = b"\x15"
"""Thrift's compact form of the next field, an integer of 32 bits."""
_STRUCT = 0x0C
_GOES_ON = 0x80
"""Bytes of a number from here on are followed by more of it."""
_FIELDS_BEFORE = 3
"""Type and sizes of a page, https://github.com/apache/parquet-format PageHeader: a checksum comes next, if any."""


def has_page_checksums(content: bytes) -> bool:
    """Return whether the first page of a Parquet file has a checksum, or cannot be understood.

    Writers write checksums for every page, or for none.

    Parameters
    ----------
    content
        The file's first bytes.
    """
    head = content[_FIRST_PAGE:_HEAD_BYTES]
    for _ in range(_FIELDS_BEFORE):
        number = head[1:]
        length = next((place + 1 for place, byte in enumerate(number) if byte < _GOES_ON), len(number))
        if head[:1] != _INT32 or length == len(number):
            return True
        head = number[length:]
    return head[0] & 0x0F != _STRUCT


def is_known_schema(schema: pa.Schema) -> bool:
    """Return whether polars knows the types of all columns, read or not: it panics at others, and says so on stderr."""
    return all(_is_known(field.type) for field in schema)


def _is_known(type_: pa.DataType) -> bool:
    if isinstance(type_, pa.TimestampType):
        return type_.tz is None or _is_zone(type_.tz)
    if isinstance(type_, pa.DictionaryType):
        return _is_known(type_.value_type)
    if not pt.is_nested(type_):
        return True
    is_usual = pt.is_list(type_) or pt.is_large_list(type_) or pt.is_struct(type_)
    return is_usual and all(_is_known(type_.field(place).type) for place in range(type_.num_fields))


def _is_zone(name: str) -> bool:
    """Return whether a zone is UTC, or named after a place: other names, such as +05:30, are known to Arrow alone."""
    return name == "UTC" or (_PLACE.fullmatch(name) is not None and name in available_timezones())


def is_read_alike(type_: pa.DataType, stored: StoredColumn) -> bool:
    """Return whether a column is decoded to the same values as by Arrow."""
    if has_texts(type_):
        return True
    if pt.is_timestamp(type_):
        return stored.physical_type == "INT64"
    is_number = pt.is_integer(type_) or pt.is_float32(type_) or pt.is_float64(type_)
    return is_number or pt.is_date32(type_)


def has_texts(type_: pa.DataType) -> bool:
    """Return whether a column is of texts, in whatever form."""
    if isinstance(type_, pa.DictionaryType):
        return has_texts(type_.value_type)
    return pt.is_string(type_) or pt.is_large_string(type_) or pt.is_string_view(type_)

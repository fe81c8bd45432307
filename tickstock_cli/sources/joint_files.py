"""Which files can be decoded in one call, by polars (`joint_decoding`): those that it reads to the same as Arrow.

It does not look at checksums: neither at those of pages, nor at those of gzip.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.sources.row_groups import StoredColumn

CODECS = frozenset(["UNCOMPRESSED", "SNAPPY", "ZSTD", "LZ4"])
"""By Arrow's names."""
_FIRST_PAGE = 4
"""The first page stands behind the magic number."""
_INT32 = 0x15
"""Thrift's compact form of the next field, an integer of 32 bits."""
_STRUCT = 0x0C
_FIELDS_BEFORE = 3
"""Type and sizes of a page, https://github.com/apache/parquet-format PageHeader: a checksum comes next, if any."""


def has_page_checksums(content: bytes) -> bool:
    """Return whether the first page of a Parquet file has a checksum, or cannot be understood.

    Writers write checksums for every page, or for none.

    Parameters
    ----------
    content
        The file's first bytes, at least 64.
    """
    place = _FIRST_PAGE
    for _ in range(_FIELDS_BEFORE):
        if content[place : place + 1] != bytes([_INT32]):
            return True
        place += 1
        while content[place] & 0x80:  # a number continues in the next byte
            place += 1
        place += 1
    return content[place] & 0x0F != _STRUCT


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

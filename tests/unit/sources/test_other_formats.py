"""Files of other formats under the name of a Parquet file: one line says what each is, and what to do."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from tickstock_cli.errors import DataError
from tickstock_cli.sources.other_formats import other_content
from tickstock_cli.sources.recordings import Recordings

TICKS = pa.table({"ticker": ["IBM"], "timestamp": [1_381_248_000_000_000_000], "price": [180.5], "size": [100]})
CSV = b"ticker,timestamp,price,size\n" + b"IBM,2013-10-08T16:00:00Z,180.5,100\n" * 400
IMPORT = "make a recording of it with tickstock import csv"


def parquet() -> bytes:
    """Return the content of a recording."""
    file = io.BytesIO()
    pq.write_table(TICKS, file)
    return file.getvalue()


def arrow(kind: Callable[..., Any]) -> bytes:
    """Return the content of an Arrow file or stream."""
    sink = pa.BufferOutputStream()
    with kind(sink, TICKS.schema) as writer:
        writer.write_table(TICKS)
    return sink.getvalue().to_pybytes()


def zstd(content: bytes) -> bytes:
    """Return compressed content."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def orc_file() -> bytes:
    """Return the content of an ORC file."""
    file = io.BytesIO()
    orc.write_table(TICKS, file)
    return file.getvalue()


def database() -> bytes:
    """Return the content of an SQLite database."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE ticks (ticker TEXT, price REAL)")
        return connection.serialize()


def archive() -> bytes:
    """Return the content of a zip file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as writer:
        writer.writestr("ticks.csv", CSV)
    return file.getvalue()


def error_of(path: Path) -> str:
    """Return the error of opening a recording behind the name of the file."""
    with pytest.raises(DataError) as caught:
        Recordings.open([path])
    begin = f"cannot read {path}: it is "
    assert str(caught.value).startswith(begin)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(begin)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (gzip.compress(parquet()), "a Parquet file that gzip has packed: unpack it with gzip -dc"),
        (bz2.compress(parquet()), "a Parquet file that bzip2 has packed: unpack it with bzip2 -dc"),
        (lzma.compress(parquet()), "a Parquet file that xz has packed: unpack it with xz -dc"),
        (zstd(parquet()), "a Parquet file that zstd has packed: unpack it with zstd -dc"),
        (gzip.compress(CSV), f"text, such as CSV, that gzip has packed: {IMPORT}"),
        (gzip.compress(b"\0" * 99), "a file that gzip has packed: unpack it with gzip -dc, and look at what is in it"),
        (CSV, f"text, such as CSV: {IMPORT}"),
        (CSV[:40].decode().encode("utf-16"), f"text, such as CSV: {IMPORT}"),
        (b"a,b\n" + "é".encode() * 4_000, f"text, such as CSV: {IMPORT}"),
        (b"[Header]\nticker,price\n", f"text, such as CSV: {IMPORT}"),
        (arrow(pa.ipc.new_file), "an Arrow file (Feather, IPC): write its rows to Parquet"),
        (
            arrow(pa.ipc.new_stream),
            "an Arrow stream: read it from the disk with tickstock replay arrow:ticks.parquet",
        ),
        (b"FEA1" + b"\0" * 99, "a Feather file: write its rows to Parquet"),
        (orc_file(), "an ORC file: write its rows to Parquet"),
        (database(), "an SQLite database: write its rows to Parquet, or to CSV for tickstock import csv"),
        (
            b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
            "a page that a server sent, such as an error, with no data: download it again",
        ),
        (
            b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
            "a page that a server sent, such as an error, with no data: download it again",
        ),
        (
            json.dumps([{"ticker": "IBM"}], indent=2).encode(),
            "JSON: write its rows to Parquet, or to CSV for tickstock import csv",
        ),
        (b'{"ticker": "IBM"}\n' * 3, "JSON: write its rows to Parquet, or to CSV for tickstock import csv"),
        (archive(), f"a zip file: unzip the Parquet files in it; of a CSV file in it, {IMPORT}"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "a pointer of Git LFS to a file: fetch that with git lfs pull",
        ),
    ],
)
def test_a_file_of_another_format_is_told_by_its_content(tmp_path: Path, content: bytes, told: str) -> None:
    """Its name says Parquet, and Arrow only that it is not."""
    path = tmp_path / "ticks.parquet"
    path.write_bytes(content)
    assert error_of(path) == f"not a Parquet file, but {told}"


@pytest.mark.parametrize("content", [parquet()[:-9], b"PA", b"", b"\0" * 5_000, b"\x91\x03\xfe" * 90])
def test_a_damaged_file_is_told_as_damaged(tmp_path: Path, content: bytes) -> None:
    """One that begins as Parquet does, or as no format that is known."""
    path = tmp_path / "ticks.parquet"
    path.write_bytes(content)
    assert error_of(path).startswith("damaged, cut off or not a Parquet file")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["ticker,price\nA,1\n", "a\x01b\x1fc\n", "ticker\n\0\0\0\0", "t,Ā,€\n"])
def test_text_of_any_width_is_text(text: str, encoding: str) -> None:
    """Also with odd delimiters, and with zeros behind lines, as a machine that lost its power leaves them."""
    assert other_content(text.encode(encoding)) is None

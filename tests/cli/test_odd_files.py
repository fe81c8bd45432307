"""Valid Parquet files that few programs write, read by every command as plain ones are; and what no replay can read."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from tests.cli.running import error_line, run_tickstock
from tickstock_cli.cli.standard_streams import prepare_streams
from tickstock_cli.core.times import parse_time

OPEN = parse_time("2026-03-02T14:30:00Z")
PRICES = (100.0, -1.0, 100.5, 101.0, 101.5)
"""The second is no price: it is rejected."""
NAMES = pa.array(["X"] * len(PRICES))
TIMES = pa.array([OPEN + second * 1_000_000_000 for second in range(len(PRICES))])

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write ticks of X, a second apart, with some columns replaced or added."""

    def write_ticks(name: str = "ticks.parquet", options: dict[str, Any] | None = None, **columns: Any) -> Path:
        ticks = {"ticker": NAMES, "timestamp": TIMES, "price": PRICES, "size": [100] * len(PRICES)}
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            pq.write_table(pa.table({**ticks, **columns}), file, **(options or {}))
        return path

    return write_ticks


def check_commands(path: Path) -> pa.Table:
    """Run each command on ticks that `write` wrote; return the rejected row."""
    folder, name = path.parent, path.name
    assert "5 rows of 1 ticker in 1 file, 1 to be rejected" in run_tickstock("inspect", name, folder=folder).stdout
    replayed = run_tickstock("replay", name, "--rejects", "rejects.parquet", "--out", "events.jsonl", folder=folder)
    assert replayed.returncode == 0
    events = (folder / "events.jsonl").read_text().splitlines()
    assert [json.loads(event)["price"] for event in events] == [100.5, 101.0, 101.5]
    strict = error_line(run_tickstock("replay", name, "--strict", folder=folder))
    assert "row 1 has a price that is no number above zero" in strict
    explained = run_tickstock("explain", "--ticker", "X", "--at", "2026-03-02T14:30:03Z", name, folder=folder)
    assert explained.returncode == 0
    return pq.read_table(folder / "rejects.parquet")


class TestOddColumns:
    """Columns of types and encodings that Arrow decodes, and few of its functions take."""

    def test_views_of_text(self, write: Write) -> None:
        """DataFusion and polars write tickers and other text as string views."""
        views = NAMES.cast(pa.string_view())
        path = write(ticker=views, note=views, raw=pa.array([b"a"] * 5).cast(pa.binary_view()))
        rejected = check_commands(path)
        assert rejected.select(["ticker", "note", "raw", "row"]).to_pylist() == [
            {"ticker": "X", "note": "X", "raw": b"a", "row": 1}
        ]

    def test_views_within_lists(self, write: Write) -> None:
        """A column that no rule uses may nest them."""
        rejected = check_commands(write(tags=pa.array([["a", "b"]] * 5, pa.list_(pa.string_view()))))
        assert rejected["tags"].to_pylist() == [["a", "b"]]

    @pytest.mark.parametrize("encoding", ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"])
    def test_delta_encoded_text(self, write: Write, encoding: str) -> None:
        """DuckDB and Spark write text so in pages of version 2; Arrow decodes it only without a dictionary."""
        options = {"use_dictionary": False, "column_encoding": {"ticker": encoding}, "data_page_version": "2.0"}
        check_commands(write(options=options))

    @pytest.mark.parametrize("zone", ["+05:30", "-04:00", "America/New_York", "Nowhere/Land", "EST5EDT"])
    def test_zones(self, write: Write, zone: str) -> None:
        """A zone decides how a time is shown, not which time it is; it may have any name."""
        check_commands(
            write(timestamp=TIMES.cast(pa.timestamp("ns", zone)), other=TIMES.cast(pa.timestamp("us", zone)))
        )

    def test_wide_decimals(self, write: Write) -> None:
        """A decimal of 256 bits, used or not, is a number like others."""
        wide = pa.array([Decimal(str(price)) for price in PRICES], pa.decimal256(50, 9))
        assert check_commands(write(price=wide, other=wide))["other"].to_pylist() == [Decimal("-1.000000000")]

    def test_repeated_unused_column(self, tmp_path: Path, write: Write) -> None:
        """A join leaves columns of one name; each is kept, under a name of its own."""
        table = pq.read_table(write())
        table = table.append_column("x", pa.array(range(5))).append_column("x", pa.array(["a", "b", "c", "d", "e"]))
        pq.write_table(table, tmp_path / "ticks.parquet")
        rejected = check_commands(tmp_path / "ticks.parquet")
        assert rejected.select(["x", "x (2)"]).to_pylist() == [{"x": 1, "x (2)": "b"}]

    def test_extension_types(self, write: Write) -> None:
        """A UUID is kept as the bytes that it is stored as."""
        ids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(16)] * 5, pa.binary(16)))
        assert check_commands(write(trade=ids))["trade"].to_pylist() == [bytes(16)]


class TestOddNames:
    """Names of files that other libraries misread."""

    @pytest.mark.parametrize("name", ["NASDAQ:AAPL.parquet", "s3:x.parquet", "a=b;c.parquet", "50%.parquet"])
    def test_names_like_a_uri(self, write: Write, name: str) -> None:
        """A path is a path, whatever it looks like."""
        check_commands(write(name))

    def test_outputs_named_like_a_uri(self, write: Write) -> None:
        """Outputs may have such names, too."""
        folder = write().parent
        run_tickstock("replay", "ticks.parquet", "--out", "NYSE:e.parquet", folder=folder)
        assert run_tickstock("diff", "NYSE:e.parquet", "NYSE:e.parquet", folder=folder).returncode == 0

    def test_names_that_are_no_utf8(self, write: Write) -> None:
        """Old archives have names in Latin-1: they are read, and shown with an escape."""
        name = os.fsdecode(b"caf\xe9.parquet")
        rejected = check_commands(write(name))
        assert rejected["file"].to_pylist() == [r"caf\xe9.parquet"]
        assert r"caf\udce9.parquet" in run_tickstock("inspect", name, folder=write().parent).stdout


class _PlainKeys(pe.KmsClient):
    """Keys that are wrapped in nothing."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> Any:  # noqa: ARG002 - as the base class
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: Any, master_key_identifier: str) -> Any:  # noqa: ARG002 - as the base class
        return base64.b64decode(wrapped_key)


class TestEncryptedFiles:
    """Encrypted columns: reading one ended the process with a signal."""

    @pytest.mark.parametrize("command", ["inspect", "replay"])
    @pytest.mark.parametrize("column", ["price", "note"])
    @pytest.mark.parametrize("plain_footer", [True, False])
    def test_encrypted_column(self, write: Write, command: str, column: str, plain_footer: bool) -> None:
        """One line says so, whether the footer is encrypted, too, or not."""
        path = write(note=NAMES)
        table = pq.read_table(path)
        keys = pe.EncryptionConfiguration("footer", column_keys={"key": [column]}, plaintext_footer=plain_footer)
        properties = pe.CryptoFactory(lambda _: _PlainKeys()).file_encryption_properties(pe.KmsConnectionConfig(), keys)
        with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
            writer.write_table(table)
        told = error_line(run_tickstock(command, path))
        assert told == f"cannot read {path}: its columns are encrypted; decrypt it first, and name the decrypted file"

    def test_names_that_steer_a_terminal(self, write: Write) -> None:
        """Names of columns are data: an escape among them reaches no terminal, and thousands fit into some lines."""
        extra = {f"c{number}": [0.0] * 5 for number in range(1_000)}
        path = write(**{"\x1b[31mred": [0.0] * 5}, **extra)
        shown = run_tickstock("inspect", path).stdout
        assert "\x1b" not in shown
        assert "and 961 others" in " ".join(shown.split())

    def test_an_index_beyond_its_dictionary(self, write: Write) -> None:
        """Arrow decodes it without a look; looking it up would read foreign memory."""
        path = write(ticker=["X", "Y", "X", "Y", "X"], options={"compression": "none"})
        content = path.read_bytes()
        indices = content.index(bytes((1, 3, 0b01010)))  # bit width, a run of eight packed values, the values
        path.write_bytes(content[:indices] + bytes((1, 10, 7)) + content[indices + 3 :])  # five times the eighth
        told = error_line(run_tickstock("replay", path))
        assert told.startswith(f"cannot read {path}: it is damaged")
        assert "an index is not in its dictionary" in told


class TestStandardStreams:
    """What is wrong with a standard stream is no fault of the recording."""

    @pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8", "utf-16"])
    def test_encodings(self, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
        """A stream of any encoding takes every text; what it lacks becomes ASCII, or an escape of JSON."""
        written = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
        prepare_streams()
        print('["… 1–2 × ▇", "Ω", "' + os.fsdecode(b"caf\xe9") + '"]', flush=True)
        shown, name, path = json.loads(written.getvalue().decode(encoding))
        assert (name, path) == ("Ω", os.fsdecode(b"caf\xe9"))
        assert shown in ("… 1–2 × ▇", "... 1-2 x #", "… 1–2 × #", "... 1-2 × #")

    @pytest.mark.parametrize("closed", ["<&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
    def test_closed_streams(self, write: Write, closed: str) -> None:
        """A supervisor may start a command without them; its exit code is that of the command."""
        path = write()
        command = f"'{sys.executable}' -m tickstock_cli inspect nothing.parquet {closed}"
        assert subprocess.run(["sh", "-c", command], cwd=path.parent, check=False).returncode == 3

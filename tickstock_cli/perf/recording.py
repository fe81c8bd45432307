"""The recording that both sides replay: synthetic, made once by this version, kept between runs while it fits."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.core.os_errors import os_error_hint
from tickstock_cli.errors import OutputError
from tickstock_cli.perf.sides import HERE, cache_folder, keep_latest
from tickstock_cli.synth.options import MarketOptions
from tickstock_cli.synth.writing import Feed, write_market

PARTS = 8
MANIFEST = "_perf.json"
DAY = date(2026, 3, 2)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    Parameters
    ----------
    rows, symbols
        Ticks and tickers; bars and fair values come with them.
    batch_rows
        Rows of a step of the core.
    paced_seconds
        Wall seconds of the paced replay, which plays the middle fifth of the ticks.
    """

    rows: int
    symbols: int
    batch_rows: int
    paced_seconds: float


FULL = Size(1_000_000, 8_000, 65_536, 5.0)
QUICK = Size(250_000, 1_000, 32_768, 2.0)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A recording on disk.

    Parameters
    ----------
    folder, parts
        All feeds; and its ticks dealt out by ticker to eight files.
    start, end, speed
        What the paced replay plays, in ns UTC and times recorded time.
    data_hash
        Of all files.
    """

    folder: Path
    parts: Path
    start: int
    end: int
    speed: float
    data_hash: str

    def job(self, size: Size, folder: Path) -> dict[str, Any]:
        """Return what a benchmark is told."""
        return {
            "recording": str(self.folder),
            "parts": str(self.parts),
            "batch_rows": size.batch_rows,
            "start": self.start,
            "end": self.end,
            "speed": self.speed,
            "folder": str(folder),
        }


def prepare(size: Size) -> Prepared:
    """Make the recording, unless an earlier run left it.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    name = sha256(json.dumps([asdict(size), _synth_source()]).encode()).hexdigest()[:12]
    folder = cache_folder() / f"recording-{name}"
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["data_hash"] == _hash_of(folder):
            os.utime(folder)
            return Prepared(folder / "day", folder / "parts", **manifest)
    except (OSError, ValueError, KeyError):
        pass
    try:
        return _make(size, folder)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {os_error_hint(error)}; or set TICKSTOCK_PERF_CACHE") from error


def _make(size: Size, folder: Path) -> Prepared:
    being_made = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(folder, ignore_errors=True)
    being_made.mkdir(parents=True)
    try:
        options = MarketOptions(rows=size.rows, symbols=size.symbols, first_day=DAY)
        written = write_market(options, being_made / "day", frozenset(Feed), force=True)
        start, end = _deal_out(written.folder / "ticks.parquet", being_made / "parts")
        speed = (end - start) / (size.paced_seconds * 1e9)
        data_hash = _hash_of(being_made)
        manifest = {"start": start, "end": end, "speed": speed, "data_hash": data_hash}
        (being_made / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        _rename(being_made, folder)
    finally:
        shutil.rmtree(being_made, ignore_errors=True)
    keep_latest([path for path in folder.parent.glob("recording-*") if not path.suffix])
    return Prepared(folder / "day", folder / "parts", start, end, speed, data_hash)


def _rename(being_made: Path, folder: Path) -> None:
    """Return a whole recording its name, unless another run has made the same meanwhile."""
    try:
        being_made.rename(folder)
    except OSError:
        if not (folder / MANIFEST).is_file():
            raise


def _deal_out(ticks: Path, folder: Path) -> tuple[int, int]:
    """Write a file's rows into several, each ticker's into one, and return when the middle fifth of its rows lies."""
    table = pq.read_table(ticks)
    codes = table["ticker"].combine_chunks().dictionary_encode().indices.to_numpy() % PARTS
    folder.mkdir()
    for part in range(PARTS):
        pq.write_table(table.filter(pa.array(codes == part)), folder / f"part-{part}.parquet")
    times = table["timestamp"].cast(pa.int64()).to_numpy()
    fifth = len(table) // 5
    return int(times[2 * fifth]), int(times[3 * fifth])


def _hash_of(folder: Path) -> str:
    whole = sha256()
    for path in sorted(folder.rglob("*.parquet")):
        with path.open("rb") as stream:
            whole.update(path.name.encode() + file_digest(stream, "sha256").digest())
    return whole.hexdigest()


def _synth_source() -> str:
    """Tell this version's markets from another's."""
    sources = sorted((HERE / "tickstock_cli" / "synth").glob("*.py"))
    return sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()

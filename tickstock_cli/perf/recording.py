"""The recording that both sides replay: synthetic, made once by this version, and kept for later runs."""

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
from tickstock_cli.perf.flat_file_recording import write_flat_file
from tickstock_cli.perf.sides import HERE, cache_folder, keep_latest
from tickstock_cli.perf.soak_recording import write_day
from tickstock_cli.perf.wire_recording import burst_end, with_burst, write_trades
from tickstock_cli.synth.options import MarketOptions
from tickstock_cli.synth.writing import Feed, write_market

PARTS = 8
TICKS = frozenset({Feed.TICKS})
MANIFEST = "_perf.json"
FLAT_FILE = "2026-03-02.csv.gz"
RIVALS_VARIABLE = "TICKSTOCK_PERF_RIVALS"
"""Names a Python that has the tools which benchmarks compare with, and which are no dependencies."""
DAY = date(2026, 3, 2)


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a measurement.

    Parameters
    ----------
    rows, symbols
        Numbers of ticks and tickers; bars and fair values are added.
    batch_rows
        Rows of a step of the core.
    paced_seconds
        Wall seconds of the paced replay, which plays the middle fifth of the ticks; and of the scheduled one.
    busy_rows_per_second
        Ticks a second of the scheduled replay, of another market of ``BUSY_SYMBOLS`` tickers; 0: there is none.
    longer_rows
        Ticks of a longer recording, without other feeds; 0: there is none.
    clients
        Number of clients of a served run.
    wire_rows_per_second
        Trades a second of a live run, for ``paced_seconds``, and of one with a burst; 0: there is none.
    soak_rows_per_second, soak_hours, soak_speed
        Trades a second of a soak, its hours of market time, and the speed at which they are played; 0: there is none.
    flat_rows
        Trades of a vendor's flat file; another one has four times as many; 0: there is none.
    in_parts
        Whether the ticks are also split into several files, which needs memory for all of them.
    days
        Sessions that the rows are spread over.
    daily_files, memory_files
        Daily files of the benchmarks of many files: of the one beside one file, and of the one of memory.
    minute_bars
        Bars of the recording of minute bars alone.
    """

    rows: int
    symbols: int
    batch_rows: int
    paced_seconds: float
    busy_rows_per_second: int = 0
    longer_rows: int = 0
    clients: int = 500
    wire_rows_per_second: int = 0
    soak_rows_per_second: float = 0
    soak_hours: float = 24
    soak_speed: float = 480
    flat_rows: int = 0
    in_parts: bool = True
    days: int = 1
    daily_files: int = 6
    memory_files: int = 8
    minute_bars: int = 1_700_000


FULL = Size(1_000_000, 8_000, 65_536, 5.0)
QUICK = Size(250_000, 1_000, 32_768, 2.0, minute_bars=200_000)
SIZES = {
    "usual": (FULL, QUICK),
    "speed": (
        Size(20_000_000, 8_000, 65_536, 60.0, busy_rows_per_second=100_000, in_parts=False),
        Size(2_000_000, 8_000, 65_536, 10.0, busy_rows_per_second=100_000, in_parts=False),
    ),
    "growth": (
        Size(20_000_000, 8_000, 65_536, 60.0, longer_rows=100_000_000, in_parts=False),
        Size(500_000, 8_000, 65_536, 10.0, longer_rows=2_500_000, in_parts=False),
    ),
    "wire": (
        Size(250_000, 8_000, 65_536, 60.0, wire_rows_per_second=100_000, in_parts=False),
        Size(250_000, 8_000, 65_536, 10.0, wire_rows_per_second=100_000, in_parts=False),
    ),
    "soak": (
        Size(250_000, 1_000, 65_536, 2.0, soak_rows_per_second=6, in_parts=False),
        Size(250_000, 1_000, 65_536, 2.0, soak_rows_per_second=2, soak_speed=1_440, in_parts=False),
    ),
    "import": (
        Size(250_000, 8_000, 65_536, 2.0, flat_rows=5_000_000, in_parts=False),
        Size(250_000, 8_000, 65_536, 2.0, flat_rows=1_000_000, in_parts=False),
    ),
    "files": (
        Size(5_000_000, 2_000, 65_536, 60.0, in_parts=False, daily_files=522, memory_files=2_500),
        Size(500_000, 500, 65_536, 10.0, in_parts=False, daily_files=60, memory_files=240),
    ),
    "backtest": (
        Size(20_000_000, 8_000, 65_536, 60.0, in_parts=False, days=6),
        Size(2_000_000, 8_000, 65_536, 10.0, in_parts=False, days=6),
    ),
}
"""Sizes by name, in full and with --quick."""
BUSY_SYMBOLS = 500
SOAK_SYMBOLS = 300
BUSY_FROM = 0.35
"""Begin of the scheduled replay, as a share of its market's ticks: after the open, where the rate is even."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A recording on disk.

    Parameters
    ----------
    folder, parts
        All feeds; and its ticks dealt out by ticker to eight files.
    busy, longer
        Files of ticks: of few tickers, and of many rows; made if the size calls for them.
    wire, burst
        Files of trades at an even rate, and with a burst, likewise.
    soak
        Folder of the trades and bars of a soak, likewise.
    flat, longer_flat
        Flat files of trades, likewise.
    start, end, speed
        Range and speed of the paced replay, in ns UTC and times recorded time.
    busy_start, busy_end, busy_speed
        Range and speed of the scheduled replay.
    data_hash
        Hash of all files.
    """

    folder: Path
    parts: Path
    busy: Path
    longer: Path
    wire: Path
    burst: Path
    soak: Path
    flat: Path
    longer_flat: Path
    start: int
    end: int
    speed: float
    busy_start: int
    busy_end: int
    busy_speed: float
    data_hash: str

    def job(self, size: Size, folder: Path) -> dict[str, Any]:
        """Return the parameters of a benchmark."""
        return {
            "recording": str(self.folder),
            "parts": str(self.parts),
            "busy": str(self.busy),
            "longer": str(self.longer),
            "wire": str(self.wire),
            "burst": str(self.burst),
            "burst_end": burst_end(size.paced_seconds),
            "soak": str(self.soak),
            "flat": str(self.flat),
            "longer_flat": str(self.longer_flat),
            "soak_speed": size.soak_speed,
            "batch_rows": size.batch_rows,
            "clients": size.clients,
            "start": self.start,
            "end": self.end,
            "speed": self.speed,
            "daily_files": size.daily_files,
            "memory_files": size.memory_files,
            "minute_bars": size.minute_bars,
            "busy_start": self.busy_start,
            "busy_end": self.busy_end,
            "busy_speed": self.busy_speed,
            "folder": str(folder),
            "rivals": os.environ.get(RIVALS_VARIABLE, ""),
        }


def prepare(size: Size) -> Prepared:
    """Make the recording, unless it exists from an earlier run.

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
            return _prepared(folder, manifest)
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
        _write(being_made / "day", size.rows, size.symbols, frozenset(Feed), size.days)
        ticks = being_made / "day" / "ticks.parquet"
        if size.in_parts:
            _deal_out(ticks, being_made / "parts")
        start, end = _stretch(ticks, 0.4, size.rows // 5)
        busy_start, busy_end = 0, 0
        if size.busy_rows_per_second:
            _write(being_made / "busy", size.rows, BUSY_SYMBOLS, TICKS)
            rows = round(size.busy_rows_per_second * size.paced_seconds)
            busy_start, busy_end = _stretch(being_made / "busy" / "ticks.parquet", BUSY_FROM, rows)
        if size.longer_rows:
            _write(being_made / "longer", size.longer_rows, size.symbols, TICKS)
        if rate := size.wire_rows_per_second:
            write_trades(being_made / "wire" / "trades.parquet", [(rate, size.paced_seconds)], size.symbols)
            write_trades(being_made / "burst" / "trades.parquet", with_burst(rate, size.paced_seconds), size.symbols)
        if size.soak_rows_per_second:
            write_day(being_made / "soak", size.soak_rows_per_second, size.soak_hours, min(size.symbols, SOAK_SYMBOLS))
        if size.flat_rows:
            write_flat_file(being_made / "flat" / FLAT_FILE, size.flat_rows, size.symbols)
            write_flat_file(being_made / "longer_flat" / FLAT_FILE, 4 * size.flat_rows, size.symbols)
        manifest = {
            "start": start,
            "end": end,
            "speed": (end - start) / (size.paced_seconds * 1e9),
            "busy_start": busy_start,
            "busy_end": busy_end,
            "busy_speed": (busy_end - busy_start) / (size.paced_seconds * 1e9),
            "data_hash": _hash_of(being_made),
        }
        (being_made / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        _rename(being_made, folder)
    finally:
        shutil.rmtree(being_made, ignore_errors=True)
    keep_latest([path for path in folder.parent.glob("recording-*") if not path.suffix])
    return _prepared(folder, manifest)


def _prepared(folder: Path, manifest: dict[str, Any]) -> Prepared:
    busy, longer = (folder / name / "ticks.parquet" for name in ("busy", "longer"))
    wire, burst = (folder / name / "trades.parquet" for name in ("wire", "burst"))
    flat, longer_flat = (folder / name / FLAT_FILE for name in ("flat", "longer_flat"))
    feeds = busy, longer, wire, burst, folder / "soak", flat, longer_flat
    return Prepared(folder / "day", folder / "parts", *feeds, **manifest)


def _write(folder: Path, rows: int, symbols: int, feeds: frozenset[Feed], days: int = 1) -> None:
    options = MarketOptions(rows=rows, symbols=symbols, first_day=DAY, days=days)
    write_market(options, folder, feeds, force=True)


def _rename(being_made: Path, folder: Path) -> None:
    """Move a complete recording to its name, unless another run has made the same."""
    try:
        being_made.rename(folder)
    except OSError:
        if not (folder / MANIFEST).is_file():
            raise


def _deal_out(ticks: Path, folder: Path) -> None:
    """Split a file into several by ticker."""
    table = pq.read_table(ticks)
    codes = table["ticker"].combine_chunks().dictionary_encode().indices.to_numpy() % PARTS
    folder.mkdir()
    for part in range(PARTS):
        pq.write_table(table.filter(pa.array(codes == part)), folder / f"part-{part}.parquet")


def _stretch(ticks: Path, share: float, rows: int) -> tuple[int, int]:
    """Return the times, in ns UTC, of a number of rows of a file that begin at a share of its rows."""
    times = pq.read_table(ticks, columns=["timestamp"])["timestamp"].cast(pa.int64()).to_numpy()
    first = round(share * len(times))
    return int(times[first]), int(times[min(first + rows, len(times) - 1)])


def _hash_of(folder: Path) -> str:
    whole = sha256()
    for path in sorted([*folder.rglob("*.parquet"), *folder.rglob("*.csv.gz")]):
        with path.open("rb") as stream:
            whole.update(path.name.encode() + file_digest(stream, "sha256").digest())
    return whole.hexdigest()


def _synth_source() -> str:
    """Return the identity of this version's synthetic markets and trades."""
    made_here = [HERE / "tickstock_cli" / "perf" / f"{name}_recording.py" for name in ("wire", "soak", "flat_file")]
    sources = [*sorted((HERE / "tickstock_cli" / "synth").glob("*.py")), *made_here]
    return sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()

"""Seeded inputs, made by `tickstock synth` into a folder outside the repository and used again while they fit.

A market fits if it was made from the same options by the same code, and its files still have the content they had.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import file_digest, sha256
from importlib.metadata import version
from pathlib import Path

from benchmarks.fresh import ROOT, Sample, call, plain_environment

MANIFEST = "_bench.json"
"""In every folder of the cache: what it was made from, and the hashes of its files. Replays skip underscored names."""

ROWS, SYMBOLS = 20_000_000, 8_000
"""The work that bars are set for; with fewer rows, what is there to do once counts for more."""
PARTS = 8
SPLIT_BATCH_ROWS = 1 << 18


def cache_folder() -> Path:
    """Return where inputs are kept: $BENCH_DIR, or a folder of the user's cache."""
    chosen = os.environ.get("BENCH_DIR")
    return Path(chosen) if chosen else Path.home() / ".cache" / "tickstock-bench"


@dataclass(frozen=True, slots=True)
class Market:
    """A synthetic market of one session.

    Parameters
    ----------
    rows
        Ticks.
    all_feeds
        Whether there are bars and fair values, too; the ticks are the same either way.
    """

    rows: int
    symbols: int
    all_feeds: bool = True
    seed: int = 1

    @property
    def folder(self) -> Path:
        """Where it is kept: all feeds, as a recording."""
        return cache_folder() / f"market-{self.rows}x{self.symbols}{'' if self.all_feeds else '-ticks'}"

    @property
    def ticks(self) -> Path:
        """The file of its ticks."""
        return self.folder / "ticks.parquet"

    @property
    def parts(self) -> Path:
        """Folder of the same ticks, dealt out by ticker to several files whose times overlap all day."""
        return self.folder.with_name(f"{self.folder.name}-in-{PARTS}")

    def options(self) -> list[str]:
        """Return the options of `tickstock synth` that make it."""
        feeds = [] if self.all_feeds else ["--no-bars", "--no-fmv"]
        return [f"--rows={self.rows}", f"--symbols={self.symbols}", f"--seed={self.seed}", *feeds]


WARM_UP = Market(rows=20_000, symbols=40)
"""Replayed before anything is timed, so that imports and compilation stay outside."""


def prepare(market: Market, announce: Callable[[str], None]) -> Market:
    """Make a market unless the cache holds it; its files are in the page cache afterwards, since they are hashed."""
    recipe = _hash_of("synth", *market.options(), _synth_source(), version("pyarrow"))
    if not _fits(market.folder, recipe):
        announce(f"making a market of {market.rows:,} ticks and {market.symbols:,} tickers in {market.folder}")
        shutil.rmtree(market.folder, ignore_errors=True)
        command = [sys.executable, "-m", "tickstock_cli", "synth", str(market.folder), *market.options()]
        done = subprocess.run(command, cwd=ROOT, env=plain_environment(), capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"error: the market could not be made:\n{done.stderr}")
        _write_manifest(market.folder, recipe)
    return market


def prepare_parts(market: Market, announce: Callable[[str], None]) -> Path:
    """Deal a prepared market's ticks out to several files unless the cache holds them, and return their folder."""
    recipe = _hash_of("parts", str(PARTS), _content(market.ticks), _synth_source(), version("pyarrow"))
    if not _fits(market.parts, recipe):
        announce(f"dealing its ticks out to {PARTS} files in {market.parts}")
        shutil.rmtree(market.parts, ignore_errors=True)
        market.parts.mkdir(parents=True)
        call(deal_out, ticks=str(market.ticks), folder=str(market.parts), parts=PARTS)
        _write_manifest(market.parts, recipe)
    return market.parts


def deal_out(ticks: str, folder: str, parts: int) -> Sample:
    """Write a file's rows into several files, each ticker's into one of them, encoded as the file itself is."""
    import numpy as np

    from tickstock_cli.sources.recordings import Recordings
    from tickstock_cli.synth.files import tick_file

    with Recordings.open([ticks]) as recordings:
        for _ in recordings.batches(SPLIT_BATCH_ROWS):
            pass  # learns the tickers, which each file names before its first row
        tickers = list(recordings.symbols.tickers)
        files = [
            tick_file(Path(folder, f"part-{number}.parquet"), tickers, fractional=False) for number in range(parts)
        ]
        for batch in recordings.batches(SPLIT_BATCH_ROWS):
            rows = batch.ticks
            for number, file in enumerate(files):
                mine = np.flatnonzero(rows.code % parts == number)
                part = rows.take(mine)
                file.write(part.code, part.timestamp, part.price, part.size, part.flags)
        for file in files:
            file.close()
    return {"rows": sum(file.rows for file in files)}


def _fits(folder: Path, recipe: str) -> bool:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest == _manifest(folder, recipe))
    except (OSError, ValueError):
        return False


def _write_manifest(folder: Path, recipe: str) -> None:
    (folder / MANIFEST).write_text(json.dumps(_manifest(folder, recipe), indent=2) + "\n", encoding="utf-8")


def _manifest(folder: Path, recipe: str) -> dict[str, object]:
    files = sorted(path for path in folder.iterdir() if path.suffix == ".parquet")
    return {"recipe": recipe, "content": {path.name: _content(path) for path in files}}


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _synth_source() -> str:
    sources = sorted((ROOT / "tickstock_cli" / "synth").glob("*.py"))
    return _hash_of(*(path.read_text(encoding="utf-8") for path in sources))


def _hash_of(*texts: str) -> str:
    return sha256("\0".join(texts).encode()).hexdigest()

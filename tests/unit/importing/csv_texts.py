"""CSV files of a few lines, and what an import makes of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pyarrow.parquet as pq

from tickstock_cli.importing.csv_files import CsvFiles
from tickstock_cli.importing.csv_options import CsvOptions
from tickstock_cli.importing.format import FilePreview
from tickstock_cli.importing.results import SourceResult
from tickstock_cli.importing.run import ImportRequest, run_import

OPEN = 1_704_292_200_000_000_000
"""09:30 in New York on 3 January 2024, ns UTC."""

NEW_YORK = {"timezone": "America/New_York"}

TICKS = "ticker,timestamp,price,size\nA,2024-01-03T14:30:00Z,10.5,100\nB,2024-01-03T14:30:00.000000001Z,20,0.000001\n"

TICK_ROWS = [("A", OPEN, 10.5, 100.0), ("B", OPEN + 1, 20.0, 1e-06)]


def imported(paths: Sequence[Path], out: Path, block_bytes: int = 1 << 20, **options: Any) -> list[SourceResult]:
    """Import CSV files, and return what became of each."""
    part = CsvFiles(CsvOptions(**options))
    return list(run_import(part, ImportRequest("csv", part.sources(paths), out, block_bytes=block_bytes)))


def rows_of(text: str | bytes, folder: Path, name: str = "rows.csv", **options: Any) -> list[dict[str, Any]]:
    """Import one file of a text, and return the rows."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    (result,) = imported([folder / name], folder / "out", **options)
    if result.error is not None:
        raise result.error
    return [row for path in sorted((folder / "out").rglob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def preview_of(text: str, folder: Path, name: str = "rows.csv", **options: Any) -> FilePreview:
    """Return how a file of a text would be read."""
    (folder / name).write_text(text, encoding="utf-8")
    part = CsvFiles(CsvOptions(**options))
    (preview,) = part.preview(part.sources([folder / name]))
    return preview


def ticks(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what makes a tick."""
    return [(row["ticker"], row["timestamp"], row["price"], row["size"]) for row in rows]


def zip_of(files: dict[str, str]) -> bytes:
    """Return a zip file of texts."""
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()

"""Benchmarks of imports: a flat file of trades beside bare decoding of it, and one of four times the rows.

Run like those of ``benchmarks.py``.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tickstock_cli.importing.polygon_flatfiles import FlatFileOptions, PolygonFlatFiles
from tickstock_cli.importing.run import ImportRequest, run_import
from tickstock_cli.perf.benchmarks import Sample, Turns, timed

_PIECE_BYTES = 1 << 20


def import_decode(job: Sample) -> Turns:
    """Decompress the flat file and parse it by `pyarrow.csv.open_csv`, all columns, and keep nothing."""
    import pyarrow as pa
    import pyarrow.csv as csv

    def read() -> int:
        stream: Any
        with pa.CompressedInputStream(pa.OSFile(job["flat"], "rb"), "gzip") as stream:
            options = csv.ReadOptions(use_threads=False, block_size=_PIECE_BYTES)
            types = {"conditions": pa.string(), "id": pa.string(), "size": pa.float64(), "price": pa.float64()}
            batches = csv.open_csv(stream, options, convert_options=csv.ConvertOptions(column_types=types))
            return sum(batch.num_rows for batch in batches)

    yield {"rows": read()}
    yield from timed(read)


def import_trades(job: Sample) -> Turns:
    """Import the flat file, from the first byte read to the manifest."""
    return _import(job, job["flat"])


def import_longer(job: Sample) -> Turns:
    """Import a flat file of four times the rows, for its memory."""
    return _import(job, job["longer_flat"])


def _import(job: Sample, path: str) -> Turns:
    out = Path(job["folder"], "imported")
    rows = 0

    def run() -> None:
        nonlocal rows
        shutil.rmtree(out, ignore_errors=True)
        format_ = PolygonFlatFiles(FlatFileOptions())
        request = ImportRequest("polygon-flatfiles", format_.sources([Path(path)]), out)
        rows = sum(result.entry.rows for result in run_import(format_, request) if result.entry is not None)

    yield {}
    for times in timed(run):
        yield {"rows": rows, "rows_per_second": rows / times["seconds"], **times}

"""The message that kernels are compiled comes before all of them: a replay that seems to hang says why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

NOON = 1_381_248_000_000_000_000

PROGRAM = """
import gc, sys
import numba
from tickstock_cli.sources.recordings import Recordings
from tickstock_cli.warmup import warm_up_many_files, warm_up_reading

def loaded():
    kernels = [found for found in gc.get_objects() if isinstance(found, numba.core.dispatcher.Dispatcher)]
    return {(found.py_func.__qualname__, str(signature)) for found in kernels for signature in found.signatures}

warm_up_reading()
warm_up_many_files()
before = loaded()
with Recordings.open([sys.argv[1]]) as recordings:
    rows = sum(len(step) for step in recordings.batches(10_000))
print(rows, len(before) > 10, sorted(loaded() - before))
"""


def test_many_files_need_no_kernel_that_is_not_warm(tmp_path: Path) -> None:
    """A hundred files, with flags, more rows than are sorted at once."""
    for number in range(100):
        times = [NOON + 1_000 * place + number for place in range(500)]
        ticks = {"ticker": [f"T{number}"] * 500, "timestamp": times, "price": [1.0] * 500, "size": [100] * 500}
        pq.write_table(pa.table({**ticks, "flags": [1] * 500}), tmp_path / f"{number:03}.parquet")
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "50000 True []"

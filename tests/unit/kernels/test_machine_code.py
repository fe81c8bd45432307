"""Machine code of kernels: kept for the next process, compiled anew when it must be, and not for ever."""

from __future__ import annotations

import os
from pathlib import Path

from tests.cli.prepared import run_prepared
from tickstock_cli.kernels.machine_code import remove_old

LIMITS = "LIMIT = 5.0\n"
LOOP = """
from house_limits import LIMIT
from tickstock_cli.kernels.jit import kernel
@kernel
def above(value):
    return value > LIMIT
@kernel
def scan(values):
    count = 0
    for value in values:
        count += above(value)
    return count
"""
RUN = """
import sys
from tickstock_cli.kernels import machine_code
machine_code.config.CACHE_DIR = sys.argv[1]
machine_code.cache_folder.cache_clear()
import numpy as np, house_loop
print(house_loop.scan(np.array([4.0, 6.0, 8.0])), sum(house_loop.scan.stats.cache_hits.values()))
"""


def run(folder: Path, kept: str | None = None) -> tuple[int, bool]:
    """Run a kernel of a stranger's module in a process of its own; return its result, and whether it was kept."""
    variables = {**os.environ, "PYTHONPATH": str(folder)}
    ended = run_prepared(kept or folder / "kept", program=RUN, env=variables)
    assert ended.returncode == 0, ended.stderr
    result, hits = ended.stdout.split()
    return int(result), hits == "1"


def test_a_kernel_is_compiled_once_and_again_when_what_it_uses_changed(tmp_path: Path) -> None:
    """It fails, too, when a new numba no longer has the private members that the cache relies on."""
    (tmp_path / "house_loop.py").write_text(LOOP)
    (tmp_path / "house_limits.py").write_text(LIMITS)
    assert [run(tmp_path), run(tmp_path)] == [(2, False), (2, True)]

    (tmp_path / "house_loop.py").write_text(f"# A comment moves every line.\n{LOOP}")
    assert run(tmp_path) == (2, True)

    (tmp_path / "house_limits.py").write_text("LIMIT = 7.00\n")
    assert run(tmp_path) == (1, False)


def test_a_kernel_without_a_writable_folder_is_compiled_each_time(tmp_path: Path) -> None:
    """Not even root can make this folder."""
    (tmp_path / "house_loop.py").write_text(LOOP)
    (tmp_path / "house_limits.py").write_text(LIMITS)

    assert [run(tmp_path, "/dev/null/kernels") for _ in range(2)] == [(2, False)] * 2


def test_the_cache_keeps_recent_kernels_and_drops_older_versions(tmp_path: Path) -> None:
    """Every version of every kernel would fill the disk in the end."""
    for used, name in enumerate(("oldest", "older", "newest")):
        (tmp_path / name).write_bytes(bytes(100))
        os.utime(tmp_path / name, (used, used))
    (tmp_path / "0123456789abcdef" / "kernels").mkdir(parents=True)

    remove_old(tmp_path, max_bytes=250)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["newest", "older"]

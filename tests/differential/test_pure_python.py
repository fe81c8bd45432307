"""Kernels are ordinary Python: compilation makes them fast and changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.differential.digest_of import digest_of

ROOT = Path(__file__).parents[2]


def test_kernels_give_the_same_without_compilation() -> None:
    """One recording of all types, in a process whose kernels the interpreter runs line by line."""
    interpreted = subprocess.run(
        [sys.executable, "-m", "tests.differential.digest_of", "8", "900"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert interpreted.stdout.strip() == digest_of(8, 900)

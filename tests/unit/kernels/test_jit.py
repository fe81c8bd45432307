"""Kernels: kept where that is possible, and compiled all the same where it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.market import write_recording
from tests.cli.running import error_line, run_process
from tests.unit.engine.events import TEN
from tickstock_cli.kernels.machine_code import PACKAGE
from tickstock_cli.testing import Tick

NOWHERE = "/dev/null/kernels"
"""A folder that not even root can make."""


def places_of_a_process(**variables: str) -> list[str]:
    """Ask a process with other variables where it would keep kernels."""
    program = "from tickstock_cli.kernels.machine_code import cache_places; print(*cache_places(), sep='\\n')"
    environment = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "HOME")}
    return subprocess.run(
        [sys.executable, "-c", program], env={**environment, **variables}, capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_kernels_are_cached_in_the_configured_folder_or_a_default() -> None:
    """A configured folder is the only one: kernels must not fill another."""
    assert places_of_a_process(NUMBA_CACHE_DIR="/mine") == ["/mine/tickstock"]
    assert places_of_a_process(HOME="/srv/ann", XDG_CACHE_HOME="") == [
        str(PACKAGE / "__pycache__" / "kernels"),
        "/srv/ann/.cache/tickstock/kernels",
    ]


def test_a_machine_without_a_writable_folder_compiles_for_this_run(tmp_path: Path) -> None:
    """A read-only installation and no home: the run is slow to begin, says why, and is as good as any other."""
    write_recording([Tick("IBM", TEN, 100.0)], tmp_path / "recorded")

    few = ("--rows", "100", "--symbols", "2")
    result = run_process("synth", "market", *few, folder=tmp_path, environment={"NUMBA_CACHE_DIR": NOWHERE}, fresh=True)

    assert result.returncode == 0, result.stderr
    note, compiling, *_ = result.stderr.splitlines()
    assert note == (
        f"note: kernels cannot be kept once compiled: {NOWHERE}/tickstock cannot be written; "
        "NUMBA_CACHE_DIR names a folder"
    )
    assert compiling == "compiling the kernels, for this run alone…"


def test_an_invalid_option_is_an_error_before_kernels_are_compiled(tmp_path: Path) -> None:
    """Compiling takes half a minute, so a wrong name must be reported before it."""
    write_recording([Tick("IBM", TEN, 100.0)], tmp_path / "recorded")
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")}

    for command in (
        ("replay", "nosuch"),
        ("replay", "nosuch", "--pipeline", "compare"),
        ("verify", "nosuch"),
        ("explain", "nosuch", "--ticker", "IBM", "--at", "10:00"),
        ("replay", "recorded", "--start", "2024-06-13", "--end", "2024-06-12"),
    ):
        result = run_process(*command, folder=tmp_path, environment=environment, fresh=True)
        assert result.returncode in (2, 3)
        error_line(result)
